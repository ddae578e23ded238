"""The words of a sentence: how it is split at white space, and what quotes, dashes and Slack's tokens become."""

from __future__ import annotations

import re

from bot.domain.tokens import literal

_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^<>]*)?>")


_TOKEN = re.compile(r"<([@#!])([^|<>\s]+)(?:\|([^<>]*))?>")


_LINK = re.compile(r"<((?:https?|mailto):[^|<>\s]+)(?:\|[^<>]*)?>")


def clipped(word: str) -> str:
    """What was typed, for a sentence about it: on one line, not all of a long one, and nobody is mentioned."""
    plain = " ".join(literal(word).replace("`", "'").split())
    return plain if len(plain) <= 80 else f"{plain[:79]}…"


_QUOTE = '"“”„«»‟'
"""Whatever a phone puts in the place of a double quote."""


_DASH = "-—–―‒"


_DASHES = re.compile(f"[{_DASH[1:]}][{_DASH}]?(?=\\w)")


_PIECE = re.compile(rf"(?P<gap>\s+)|(?P<escape>\\[{_QUOTE}\\])|(?P<quote>[{_QUOTE}])|(?P<plain>[^\s\\{_QUOTE}]+|\\)")


class Word(str):
    """A word of a sentence that remembers how it was written and what stood before it.

    ``literal``: in quotes from its first character on, so that it is what it is and no option. ``whole``: in one pair
    of quotes from the first to the last.
    """

    raw: str
    gap: str
    literal: bool
    whole: bool

    @classmethod
    def of(cls, text: str, raw: str, gap: str, whole: bool) -> Word:
        literal = raw[0] in _QUOTE
        word = cls(text if literal else _DASHES.sub("--", text, 1) if _DASHES.match(raw) else text)
        word.raw, word.gap, word.literal, word.whole = raw, gap, literal, whole
        return word

    def verbatim(self) -> Word:
        """The same word, but for no option, and its quotes for a part of it."""
        word = Word(self)
        word.raw, word.gap, word.literal, word.whole = self.raw, self.gap, True, False
        return word


def quoted(word: str) -> str:
    """The word, in quotes where it needs them; within them ``\\`` stands before a quote or another ``\\``."""
    if word and word[0] not in _DASH + "#" and not re.search(rf"[\s\\{_QUOTE}]", word):
        return word
    return '"' + re.sub(rf"[{_QUOTE}\\]", r"\\\g<0>", word) + '"'


def words(text: str) -> list[Word]:
    """Split a sentence at white space; double quotes (straight or typographic) keep words together.

    A quote that is never closed is a character like others. Takes time in proportion to the length, whatever is in it.
    """
    pieces = list(_PIECE.finditer(text))
    quotes = [piece.start() for piece in pieces if piece.lastgroup == "quote"]
    alone = quotes[-1] if len(quotes) % 2 else -1
    found: list[Word] = []
    said, raw, gap, inside, pairs = "", "", "", False, 0

    def done() -> None:
        if raw:
            whole = pairs == 1 and raw[0] in _QUOTE and raw[-1] in _QUOTE and len(raw) > 1
            found.append(Word.of(said, raw, gap, whole))

    for piece in pieces:
        part = piece[0]
        if piece.lastgroup == "gap" and not inside:
            done()
            said, raw, gap, pairs = "", "", part, 0
            continue
        raw += part
        if piece.lastgroup == "quote" and piece.start() != alone:
            inside, pairs = not inside, pairs + inside
        elif piece.lastgroup == "escape" and (inside or part[1] != "\\"):
            said += part[1]
        else:
            said += part
    done()
    return found


def unslacked(value: str, *, free: bool = False) -> str:
    """What Slack wrapped is given back as it was typed: links bare, channels as their id, in free text by their name.

    In free text mentions become names too; as a word of its own a mention is kept, for ``User`` to read.
    """
    bare = _TOKEN.sub(_named_token, value) if free else _CHANNEL.sub(r"\1", value)
    return _LINK.sub(lambda m: m[1].removeprefix("mailto:"), bare)


def _named_token(found: re.Match[str]) -> str:
    sign, id, label = found[1], found[2], found[3]
    if sign == "!":
        return f"@{id}" if id in ("here", "channel", "everyone") else label or found[0]
    return f"{sign}{label}" if label else found[0]
