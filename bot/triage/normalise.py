"""A failed reason without what differs from job to job, in two fashions: ``normalise`` for people, ``shape`` for speed.

Two hundred thousand failures have perhaps fifty causes, but each reason is a string of its own. What tells causes apart
although it holds digits (``code 190``, ``HTTP 429``, ``mp4``) is kept by both; all that is
decided about a reason is decided by its shape, so that it cannot hang on which reason of a shape was seen first.
"""

from __future__ import annotations

import re

NO_REASON = "no reason given"

READ = 1_000  # characters of a reason that are looked at: Graph API's JSON is the longest seen, at about 600
_SHOWN = 200  # characters of a normalised reason

_STACK = re.compile(r"\n\s+at |\nTraceback |\n\s+File \"")
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s\"'<>)\]}|\\]+")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_EMAIL = re.compile(  # also half masked: a•••@x.org
    r"(?<![\w.%+\-#•])[\w.%+\-#•]{1,64}(?:@|%40)[A-Za-z0-9\-#]{1,63}(?:\.[A-Za-z0-9\-#]{1,63}){1,6}(?![\w\-])"
)
_POSITION = re.compile(
    r"\(?(?<![\w@\-/\\])(?:file:)?[\w@\-/\\]{1,200}(?:\.\w{1,12}){1,3}:\d{1,7}(?::\d{1,7})?\)?|(?<=[\w>]):\d{1,7}:\d{1,7}\)?"
)
_PATH = re.compile(r"(?<![\w<.\-])(?:[A-Za-z]:)?[\w.\-]{0,60}(?:[/\\][\w.@%+~\-#]{1,100}){2,}[/\\]?")
_DAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},?\s)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_CLOCK = (
    r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,9})?(?:\s?[AP]M\b)?(?:\s?(?:Z|UTC|GMT|P[SD]T|E[SD]T|CES?T)\b)?"
    r"(?:\s?[+\-]\d{2}:?\d{2}\b)?"
)
_TIME = re.compile(
    rf"\b{_DAY}(?:\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}|\d{{1,2}}[-\s]{_MONTH}[-\s]\d{{2,4}}|{_MONTH}\s\d{{1,2}},?\s\d{{2,4}})"
    rf"(?:[T\s,]{{1,3}}(?:at\s)?{_CLOCK})?|\b{_CLOCK}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"
)
_QUOTED = re.compile(r"(?<![\w\\])(\\?[\"'`“])([^\"'`“”\\\n]{1,200})(\\?[\"'`”])(?!\w)")
# Before these a quoted word names a part of the program, not of the data, and tells causes apart.
_TELLING = re.compile(
    r"(?:reading|setting|property|module|column|relation|table|field|parameter|argument|option|type|method|function"
    r"|evaluating|[:{\[,])\s?$",
    re.IGNORECASE,
)
_PAIR = re.compile(r"(?<![\d/.])-?\d{1,5}\s?/\s?\d{3,7}(?![\d/])")
_BEFORE_CODE = ("code", "status", "http", "error", "errno", "exception", "signal", "exit")
_PORTS = ("6379", "5432")
# Words that hold digits and mean the same in every job; and codes that are words.
_KEPT = re.compile(
    r"(?:mp[34]|[hx]26[45]|av1|vp[89]|s3|ec2|sha\d{1,3}|md5|utf-?\d{1,2}|base64|oauth[12]?|ipv[46]|http[123]|v[1-9]"
    r"|P[12]\d{3}|2207\d{3})",
    re.IGNORECASE,
)
_RUN = re.compile(r"(?<![A-Za-z0-9_\-])[A-Za-z_\-]*+\d[\w\-]*")
_LONG = re.compile(r"\d[\w\-]{7,}")
_NUMBER = re.compile(r"-?\d+(?:[a-zA-Z%]{1,5}|-\d+)?")
_NUMBERS = re.compile(r"<n>(?:[.,:]<n>)+")
_OPAQUE = re.compile(r"(?<![\w<\-])[A-Za-z_\-]{20,}(?!\w)|(?<!\w)[A-Za-z0-9+/]{40,}={0,2}")
_MIXED = re.compile(r"[a-z][A-Z].*[A-Z]{2}|[A-Z]{2}.*[a-z][A-Z]|[A-Z][a-z][A-Z][a-z][A-Z]")
_HANDLE = re.compile(r"(?<!\w)@[A-Za-z_][\w.]{1,40}")
_HEX = re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{8,})\b")


def normalise(reason: str) -> str:
    """The reason without what differs from job to job: ids, addresses, numbers, times, quoted values, paths, positions.

    ``Job 4711 of ana@x.org: code 190`` → ``Job <n> of <email>: code 190``. Codes of platforms stay. At most 200
    characters on one line; the same again for what it returned.
    """
    text = normalised(reason)
    for _ in range(3):
        text = text if len(text) <= _SHOWN else text[: max(text.rfind(" ", 100, _SHOWN), _SHOWN - 20)].rstrip()
        once = normalised(text)  # what one pass leaves can, rarely, be seen otherwise by the next
        if once == text:
            break
        text = once
    return text


def normalised(reason: str) -> str:
    """One pass of it, in full length: what is told apart by its end stays told apart."""
    text = beginning_of(reason)
    if "://" in text:
        text = _URL.sub("<url>", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("<email>", text)
        text = _HANDLE.sub("<user>", text)
    text = _UUID.sub("<id>", text)
    text = _ADDRESS.sub(_address, text)
    text = _TIME.sub("<time>", text)
    if ":" in text:
        text = _POSITION.sub("<position>", text)
    if "/" in text or "\\" in text:
        text = _PATH.sub(_path, text)
    text = _QUOTED.sub(_quoted, text)
    text = _OPAQUE.sub(_opaque, text)
    text = _HEX.sub(_hex, text)
    text = _RUN.sub(_run, text)
    text = _NUMBERS.sub("<n>", text)
    text = " ".join(text.split())
    return NO_REASON if text.lower() in ("", "null", "undefined", "none") else text


def shape(text: str) -> str:
    """The text with ``#`` for every word that holds digits, but for codes: 4 µs for 100 characters."""
    return _RUN.sub(_shape, text)


def brief(text: str) -> str:
    """The text without what is longest and never a code: a key that is quick to make, and that no two shapes share."""
    return _LONG.sub("#", text)


def beginning_of(reason: str) -> str:
    """The part of a reason that is looked at: its beginning, without the stack."""
    text = reason[:READ]
    stack = _STACK.search(text) if "\n" in text else None
    return (text[: stack.start()] if stack else text).strip()


def _address(found: re.Match[str]) -> str:
    host, _, port = found[0].rpartition(":")
    return f"<address>:{port}" if port in _PORTS and "." in host else "<address>"


def _path(found: re.Match[str]) -> str:
    return found[0] if _PAIR.fullmatch(found[0]) else "<path>"


def _quoted(found: re.Match[str]) -> str:
    inner, text = found[2], found.string
    if len(inner) <= 60 and not re.search(r"[\d@/\\<#]", inner):
        # Names of the program tell causes apart: 'ECONNRESET', 'quotaExceeded', 'user_id', keys of JSON.
        if (
            re.search(r"^[A-Z_]{4,}$|[a-z][A-Z]|\w_\w", inner)
            or text[found.end() : found.end() + 2].lstrip()[:1] == ":"
        ):
            return found[0]
        if _TELLING.search(text[max(0, found.start() - 14) : found.start()]):
            return found[0]
    if _KEPT.fullmatch(inner) or re.fullmatch(r"-?\d{1,7}", inner):
        return found[0]  # a number in quotes is judged like one without
    return f"{found[1]}<value>{found[3]}"


def _opaque(found: re.Match[str]) -> str:
    """Long words without digits are ids when they mix cases as no name does."""
    return "<id>" if len(found[0]) >= 40 or _MIXED.search(found[0]) else found[0]


def _hex(found: re.Match[str]) -> str:
    word = found[0]
    return word if word.isdigit() or (word.isalpha() and len(set(word)) < 5) else "<id>"


def _run(found: re.Match[str]) -> str:
    word = found[0]
    if _is_kept(word, found):
        return word
    return "<n>" if _NUMBER.fullmatch(word) else "<id>"


def _shape(found: re.Match[str]) -> str:
    word = found[0]
    return "#" if len(word) > 7 else word if _is_kept(word, found) else "#"


def _is_kept(word: str, found: re.Match[str]) -> bool:
    """Whether a word with digits tells causes apart: ``mp4``, ``code 190``, ``(#4)``, ``352/2207026``, ``503``."""
    if _KEPT.fullmatch(word):
        return True
    digits = word.lstrip("-")
    if len(digits) > 6 or not digits.isdigit():
        return False
    text, start, end = found.string, found.start(), found.end()
    before = text[max(0, start - 12) : start]
    after = text[end : end + 1]
    if before.rstrip()[-1:] == "/" or text[end : end + 2].lstrip()[:1] == "/":
        return any(
            pair.start() <= start and end <= pair.end() for pair in _PAIR.finditer(text, max(0, start - 9), end + 10)
        )
    if before[-1:] == ":" and digits in _PORTS:
        return True
    if before.endswith("#") or (
        len(digits) == 3 and digits[0] in "45" and after not in "." and not before.endswith((".", ":"))
    ):
        return True
    return before.rstrip(" \"'\\:=(#").lower().endswith(_BEFORE_CODE)
