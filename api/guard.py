"""No access control exists yet, so the API answers this machine alone: loopback address, loopback peer, loopback name.

Checked three times, because each can be got around alone: `serve` refuses to listen elsewhere; an application started
by hand on another address refuses peers from elsewhere; and the Host header must be a loopback name, or a page on any
web site could reach the API through the visitor's browser (DNS rebinding).
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import problem_response
from registry.errors import Refusal


class LoopbackOnly(Refusal):
    """The API would be reachable from other machines."""

    code = "loopback_only"
    status = 403
    title = "The API answers this machine only"
    default_hint = (
        "There is no access control yet: whoever reaches the API reads every party's data. "
        "Use 127.0.0.1, ::1 or localhost"
    )


class HostNotAllowed(Refusal):
    """The Host header is not a loopback name."""

    code = "host_not_allowed"
    status = 403
    title = "The API answers under a loopback name only"
    default_hint = "Ask for 127.0.0.1, [::1] or localhost; another name may be a web page in disguise (DNS rebinding)"


class OriginNotAllowed(Refusal):
    """A page of another site sent the request."""

    code = "origin_not_allowed"
    status = 403
    title = "The API takes nothing from the pages of other sites"
    default_hint = "Send it from a program on this machine, or from a page under a loopback name"


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's loopback, without asking any name server."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def require_loopback(host: str) -> None:
    """Raises LoopbackOnly unless the address to listen on is loopback."""
    if not is_loopback(host):
        raise LoopbackOnly(f"{host} can be reached from other machines")


class LoopbackMiddleware:
    """Refuses whatever does not come from, and ask for, this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(refusal)(scope, receive, send)


def _refusal(scope: Scope) -> Refusal | None:
    peer = scope.get("client")
    # Without a peer address it is a Unix socket, which the file system guards.
    if peer is not None and not is_loopback(peer[0]):
        return LoopbackOnly("the request comes from another machine")
    host = Headers(scope=scope).get("host", "")
    if not is_loopback(_host_name(host)):
        return HostNotAllowed(f"the request asks for {host[:100]!r}")
    origin = Headers(scope=scope).get("origin")
    # A browser lets any page send, and only keeps the answer from it.
    if origin is not None and scope["method"] not in ("GET", "HEAD") and not is_loopback(_host_name(origin)):
        return OriginNotAllowed(f"the request comes from {origin[:100]!r}")
    return None


def _host_name(host: str) -> str:
    """Of host:port, or of an origin."""
    try:
        return urlsplit(host if "://" in host else f"//{host}").hostname or ""
    except ValueError:
        return ""
