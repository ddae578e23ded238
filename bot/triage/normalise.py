"""A failed reason without what differs from job to job, in two fashions: ``normalise`` for people, ``shape`` for speed.

Two hundred thousand failures have perhaps fifty causes, but each reason is a string of its own. What tells causes apart
although it holds digits (``code 190``, ``HTTP 429``, ``mp4``) is kept by both; all that is
decided about a reason is decided by its shape, so that it cannot hang on which reason of a shape was seen first.
"""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

NO_REASON = "no reason given"

READ = 1_000  # characters of a reason that are looked at: Graph API's JSON is the longest seen, at about 600
_SHOWN = 200  # characters of a normalised reason

# A number that is counted or measured is no code: ``10 of 200``, ``code 4 times``, ``error 500 ms``.
COUNTED = (
    r"(?!\s?(?:of|out of|times|k?b|[mg]i?b|m?s|px|seconds?|minutes?|attempts?|retries|rows|items|files|jobs|chunks)\b"
    r"|\s?%)"
)
HTTP = re.compile(
    r"(?:\bhttp(?:/[\d.#]{1,3})?(?:\s?status|\s?error)?|\bstatus(?:[\s_]?code)?|\berror|\bcode)"
    rf"[\"'\\]{{0,3}}\s?[:=(]?\s{{0,2}}[\"'(]?([45]\d\d)(?![\w\-]){COUNTED}"
    r"|(?<![\w.:/#\-])([45]\d\d)(?=:?\s-?\s?(?:bad|unauth|payment|forbidden|not found|method|conflict|gone|too many"
    r"|unprocess|internal|service|gateway|request|creditsdepleted|[a-z]+exceeded|[a-z]+error|code)|\s?\{)"
    r"|(?:\b(?:failed|with|got|returned|returns|answered|said|received)|[:(\[])\s([45]\d\d)$|^([45]\d\d)(?=\s[a-z]+(?-i:[A-Z])|\s?(?:[:{(\"]|-\s|$))",
    re.IGNORECASE,
)

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
_DATE_LIKE = re.compile(rf"[\d#/\\]+|#?/{_MONTH}/#?|\d{{1,2}}/{_MONTH}/\d{{2,4}}", re.IGNORECASE)
_ENDS = re.compile(r"[.!?\\]*\s{0,2}(?:$|[\"'}\]),;>(\[{\n])")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
# Before these a quoted word names a part of the program, not of the data, and tells causes apart.
_TELLING = re.compile(
    r"(?:reading|setting|property|module|column|relation|table|field|parameter|argument|option|type|method|function"
    r"|evaluating|[:{\[,])\s?$",
    re.IGNORECASE,
)
# Two numbers are mostly so many of so many; these are a code and a subcode.
_PAIR = re.compile(r"(?<![\d/.])(?:-?\d{1,5}\s?/\s?(?:2207|1390)\d{3}|190\s?/\s?\d{3})(?![\d/])")
_IS_COUNTED = re.compile(rf"(?!{COUNTED})", re.IGNORECASE)
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
_OPAQUE = re.compile(r"(?<![\w<\-])[A-Za-z_\-]{8,}(?!\w)|(?<!\w)[A-Za-z0-9+/]{40,}={0,2}")
_NAMED = re.compile(
    r"\b(?:video|media|post|tweet|job|user|account|channel|container|object|file|upload|draft|playlist|item)s? $",
    re.IGNORECASE,
)
_CHUNK = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What stands behind one of these is an id, also without a digit.
_LABELLED = re.compile(
    r"(\b(?:\w{1,20}_)?(?:id|ids|uuid|guid|fbtrace|trace|nonce|etag|hash|digest|cursor|correlation)\b[\"'\\]{0,3}\s?[:=]\s?[\"'\\]{0,3})"
    r"(?!null\b|undefined\b|none\b|missing\b|not\b|is\b|invalid\b|<)([A-Za-z_\-]{4,})(?![\w\s]*[a-z]{3})",
    re.IGNORECASE,
)
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
    text = _LABELLED.sub(r"\1<id>", text)
    text = _OPAQUE.sub(_opaque, text)
    text = _HEX.sub(_hex, text)
    text = _RUN.sub(_run, text)
    text = _NUMBERS.sub("<n>", text)
    text = " ".join(text.split())
    return NO_REASON if text.lower() in ("", "null", "undefined", "none") else text


_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
_ZONE = (
    r"(?:am|pm|a\.m\.|p\.m\.|z|utc|gmt|[ecmp][sd]t|akst|akdt|hst|cest|cet|eest|eet|west|wet|bst|ist|jst|kst|msk|aest|aedt"
    r"|acst|awst|nzst|nzdt|[a-z]{3,9}/[a-z_]{3,20})"
)
_UNIT = (
    r"(?:m?s|msecs?|secs?|seconds?|millis(?:econds?)?|milliseconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|years?"
    r"|bytes?|[kmg]i?b)"
)
# Around a number: what tells when, how long or how large. Text in lower case, ``#`` for every number.
_BESIDE = re.compile(
    rf"\b(?:{_WEEKDAY}|{_MONTH})\b[.,]?(?:\s(?:at|the))?[\s\-]{{0,2}}(?=#)"
    rf"|(?<=#)[\s,/\-]{{0,2}}(?:of\s)?\b(?:{_WEEKDAY}|{_MONTH})\b[.,]?"
    rf"|(?<=#)\s?\b{_ZONE}(?![\w/])|(?<=#)(?:st|nd|rd|th)\b|(?<=#)\s?\([a-z]+(?:\s[a-z]+){{0,3}}\stime\)"
    rf"|(?<=#)\s?\b{_UNIT}\b(?!')"
)
_TOGETHER = re.compile(r"[\s+\-:\[<]*#(?:(?:[\s,.:;/+\-~]{1,3}|\s(?:at|and)\s)#)*[\s:\]>]*")
_BLANK = re.compile(r"<[a-z]+>")
_ENCODED = re.compile(r"(?<!\S)(?!\S{0,40}://)[^\s%]{0,200}%20\S*")
_SAYS = re.compile(
    r"\\?[\"'](?:message|error_description|error_message|error_msg|detail|description|status_msg|msg)\\?[\"']\s?(?::|=>?)\s?"
    r"(?:\\\"((?:(?!\\\").){3,})|([\"'])((?:\\.|(?!\2)[^\\]){3,}))",
    re.IGNORECASE,
)
_ADDRESS_LIKE = re.compile(
    r"(?<![\w:])\[?(?:(?:#|[0-9a-f]{1,4})?:){2,8}(?:#|[0-9a-f]{1,4})?(?:\.#){0,3}\]?(?::#)?(?![\w:])"
    r"|(?<![\w.])#(?:\.#){3}(?::#)?(?![\w.])"
)
_TIME_LIKE = re.compile(r"(?<![\w:.])(?:#[\s,]{1,2})?#(?::#){1,2}(?:[.,]#)?(?:\s?(?:Z|[AP]M|UTC|GMT)\b)?(?![\w:])")


def likeness(normal: str) -> str:
    """What two normalised texts have in common when they differ in ids, times, spans, counts and addresses alone."""
    text = _ADDRESS_LIKE.sub("#", _BLANK.sub("#", normal.lower()))
    text = text[: READ * 3 // 4]  # how long its ids are does not move its end
    while True:
        once = _TOGETHER.sub(" # ", _BESIDE.sub("", text))
        if once == text:
            return text
        text = once


def title_of(normal: str) -> str:
    """The normalised text as people read it: of JSON, what its message says."""
    said = _SAYS.search(normal)
    text = (said[1] or said[3]).strip() if said else normal
    text = _ADDRESS_LIKE.sub("<address>", _TIME_LIKE.sub("<time>", text))
    return re.sub(r"#(?!\d)", "<n>", text).strip() or normal


def readable(text: str) -> str:
    """The text with what was encoded on its way decoded: ``\\u003c``, ``%20``, ``&quot;``."""
    if "\\u00" in text:
        text = re.sub(r"\\u00([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)
    if "%20" in text:
        text = _ENCODED.sub(lambda found: unquote(found[0]), text)
    return html.unescape(text) if "&" in text and ";" in text else text


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
    return found[0] if _PAIR.fullmatch(found[0]) or _DATE_LIKE.fullmatch(found[0]) else "<path>"


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
    if inner.count(" ") > 1 and _ENDS.match(text, found.end()) and len(_LETTERS.findall(inner)) > 2:
        return found[0]  # somebody's words, not a name
    if _KEPT.fullmatch(inner) or re.fullmatch(r"-?\d{1,7}", inner):
        return found[0]  # a number in quotes is judged like one without
    return f"{found[1]}<value>{found[3]}"


def _opaque(found: re.Match[str]) -> str:
    """Long words without digits are ids when they mix cases as no name does."""
    word = found[0]
    if len(word) >= 40 or (len(word) >= 20 and _MIXED.search(word)):
        return "<id>"
    chunks = _CHUNK.findall(word)
    mixed = not word.islower() and not word.isupper()
    named = _NAMED.search(found.string, max(0, found.start() - 14), found.start()) is not None
    if mixed and ((len(chunks) > 3 and len(word) / len(chunks) < 2.6) or (named and len(chunks) > 2)):
        return "<id>"
    return word


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
    if before.endswith("#"):
        return True
    if _IS_COUNTED.match(text, end):
        return False
    if len(digits) == 3 and digits[0] in "45" and after not in "." and not before.endswith((".", ":")):
        for status in HTTP.finditer(text, max(0, start - 24)):
            if status.start() > start:
                break
            if any(status.start(group) == start for group in range(1, HTTP.groups + 1)):
                return True
    return before.rstrip(" \"'\\:=(#").lower().endswith(_BEFORE_CODE)
