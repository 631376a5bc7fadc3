"""The root of the error tree: a refusal has a stable code, an HTTP status, a title and a hint."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that the registry declines, by name.

    `code` is API and never changes; `status` is the HTTP status; `title` says what happened in general, the
    exception's text says it in particular, `hint` what to do next: the class's own where none is given, "" for none.
    Anything that is not a Refusal is a bug.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "The request was refused"
    default_hint: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, hint: str | None = None) -> None:
        self.detail = detail or self.title
        self.hint = self.default_hint if hint is None else hint
        super().__init__(self.detail)
