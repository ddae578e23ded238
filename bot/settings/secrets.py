"""Texts that do not show themselves: they are `***` wherever they are printed, logged or formatted."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, Self, final
from urllib.parse import urlsplit

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Secret:
    """A text that does not show itself: `str`, `repr` and `format` give `***`; `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.read)

    @classmethod
    def read(cls, value: object) -> Self:
        """A text, or one that is a secret already. Raises ValueError, which holds nothing of it."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError("a secret is a text")

    def reveal(self) -> str:
        """The text itself: for the client that sends it, and for nobody else."""
        return self._text

    def __str__(self) -> str:
        return "***"

    @final
    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    @final
    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        # A pickle ends up in Redis, or in a file, for all to read.
        raise TypeError("a Secret is not pickled; read the settings again in the other process")


class Address(Secret):
    """A URL that may hold a password: shown without user, password and query."""

    __slots__ = ()

    def __str__(self) -> str:
        parts = urlsplit(self._text)
        host = parts.netloc.rpartition("@")[2]
        hidden = "***@" if "@" in parts.netloc else ""
        return f"{parts.scheme}://{hidden}{host}{parts.path}{'?***' if parts.query else ''}"
