"""What the RQ workers of the tests run."""

from __future__ import annotations

from typing import Any


class PlatformError(Exception):
    """A post was refused."""


def post(*args: Any, **kwargs: Any) -> str:
    return "posted"


def refuse(reason: str = "quota exceeded", *, times: int = 0) -> None:
    raise PlatformError(reason)


def refuse_after_another() -> None:
    try:
        raise ValueError("the first\nof two lines")
    except ValueError as first:
        raise PlatformError("the last\nof two lines") from first


class Opaque:
    """An argument that only this code can read; reading it elsewhere would run this."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (print, ("this must never be run",))
