"""Pledges without cash: the holder pledges a certificate, the financier gives the lien up."""

from __future__ import annotations

from registry.chain.operations import Pledge, Release
from registry.commands.certificates import currency_of, named, require_present, typed_amount
from registry.commands.sending import Done, Hand, carry_out
from registry.commands.services import Services
from registry.domain.identifiers import Address, CertificateId
from registry.domain.money import Money


def pledge(
    services: Services, *, signer: Hand, certificate: CertificateId, financier: Address, secured: str
) -> tuple[Done, Money]:
    """Pledge a whole certificate: the financier is paid first of it, up to `secured` (as typed).

    Raises UnknownCertificate, what parse_typed_amount raises, and the contract's refusals of `pledge`.
    """
    require_present(services, certificate)
    amount = typed_amount(secured, currency_of(services, certificate.receivable_id))
    operation = Pledge(**named(certificate), financier=financier, secured=amount.minor)
    return carry_out(services, signer, operation), amount


def release(services: Services, *, signer: Hand, certificate: CertificateId) -> Done:
    """Give up the lien, as its financier. Raises UnknownCertificate and the contract's refusals of `release`."""
    require_present(services, certificate)
    return carry_out(services, signer, Release(**named(certificate)))
