"""How the chain itself describes a certificate: the metadata of ERC-721, and its picture."""

from __future__ import annotations

import base64
import json
from typing import Any

from registry.chain.abi import ContractAbi
from registry.chain.contract import At, ReceivablesView, artifact
from registry.chain.rpc import CallReverted, RpcFailed
from registry.commands.certificates import require_present
from registry.commands.services import Services
from registry.domain.identifiers import CertificateId, format_address
from registry.domain.refusals import Refusal

_JSON = "data:application/json;base64,"
_SVG = "data:image/svg+xml;base64,"


class NotDescribed(Refusal):
    """No contract describes certificates here, or one that keeps its words elsewhere."""

    code = "not_described"
    status = 404
    title = "The chain itself does not describe certificates here"
    default_hint = "`counterfoil registry` names the descriptor; the operator sets another one with `descriptor set`"


def metadata(services: Services, certificate: CertificateId) -> dict[str, Any]:
    """What tokenURI says now: name, description, image (a data URI of SVG), attributes.

    Raises UnknownCertificate, NotDescribed.
    """
    require_present(services, certificate)
    return described(services.view, certificate)


def picture(services: Services, certificate: CertificateId, *, language: str | None) -> str:
    """The picture now as SVG text: the metadata's own, which follows the viewer's language, or in "en" or "zh".

    Raises UnknownCertificate, NotDescribed.
    """
    require_present(services, certificate)
    return drawn(services.view, certificate, language=language)


def described(view: ReceivablesView, certificate: CertificateId, *, block: At = "latest") -> dict[str, Any]:
    """The metadata of a certificate that is there at the block. Raises UnknownCertificate, NotDescribed."""
    uri = view.token_uri(certificate.receivable_id, certificate.start, block=block)
    if not uri:
        raise NotDescribed("no descriptor is set")
    try:
        found = json.loads(_decoded(uri, _JSON))
    except ValueError as error:
        raise NotDescribed(f"the metadata of {certificate} is not in its URI") from error
    if not isinstance(found, dict):
        raise NotDescribed(f"the metadata of {certificate} is no JSON object")
    return found


def drawn(view: ReceivablesView, certificate: CertificateId, *, language: str | None, block: At = "latest") -> str:
    """The picture of a certificate that is there at the block. Raises UnknownCertificate, NotDescribed."""
    if language is None:
        try:
            return _decoded(str(described(view, certificate, block=block).get("image", "")), _SVG)
        except ValueError as error:
            raise NotDescribed(f"the picture of {certificate} is not in its metadata") from error
    descriptor = view.policy(block=block).descriptor
    if not any(descriptor):
        raise NotDescribed("no descriptor is set")
    abi = ContractAbi(artifact("CertificateDescriptor"))
    call = abi.call("svg", view.address, certificate.token_id, language)
    try:
        return str(abi.result("svg", view.node.call(to=descriptor, data=call, block=block)))
    except (CallReverted, RpcFailed) as error:  # another descriptor, which tells only what tokenURI must
        raise NotDescribed(f"{format_address(descriptor)} draws no certificates by language") from error


def _decoded(uri: str, scheme: str) -> str:
    """The text in a data URI. Raises ValueError for any other URI."""
    if not uri.startswith(scheme):
        raise ValueError(uri)
    return base64.b64decode(uri.removeprefix(scheme), validate=True).decode()
