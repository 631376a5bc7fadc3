"""Errors of the machinery around the domain: the same tree, rooted in registry.domain.refusals.Refusal."""

from __future__ import annotations

from registry.domain.refusals import Refusal

__all__ = ["Refusal", "ServiceError"]


class ServiceError(Refusal):
    """Something the registry depends on (node, database, compiler, key store) is missing or failed."""

    code = "service_error"
    status = 503
    title = "A service that the registry depends on is not available"
