"""What may be shown of a node's URL."""

from __future__ import annotations

from urllib.parse import urlsplit


def describe(url: str) -> str:
    """Where the node is, without what its URL may hold besides (a key, a password): scheme://host:port."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the node"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
