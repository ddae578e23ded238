"""Secrets and addresses of people taken out of whatever is shown, posted or logged.

A secret is known by its shape (a Slack token, a key of AWS, a JWT, a signed URL) or by the name that stands before it
(``password=``, ``"access_token": "…"``, ``Cookie: …``). What merely looks random stays: job ids, UUIDs, git hashes and
Slack's own ids are what an engineer works with. Host and path of an address stay; the first letter and the domain of an
e-mail address stay.

Every pattern runs in linear time: it begins at fixed characters and either fails within a bounded distance or consumes
what it read. ``mask`` never raises, and masking twice is masking once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

MARK = "•••"

# --- by shape -------------------------------------------------------------------------------------------------------

_SHAPES: list[tuple[tuple[str, ...], str]] = [
    # what the text must contain for the pattern to be tried, the pattern
    (
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:(?:(?!-----END ).)*+)(?:-----END [A-Z0-9 ]{0,50}-----)?",
    ),
    (("xox",), r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{6,}"),
    (("xapp-",), r"xapp-[A-Za-z0-9\-]{6,}"),
    (("hooks.slack.com/",), r"(?<=hooks\.slack\.com/)[A-Za-z]{3,20}/[A-Za-z0-9/_\-]{8,}"),
    (("AKIA", "ASIA", "AROA", "AIDA"), r"(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16,}"),
    (("FwoGZXIvYXdz", "IQoJb3JpZ2lu"), r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=%]{20,}"),
    (("ya29.",), r"ya29\.[A-Za-z0-9_\-.]{8,}"),
    (("1//",), r"1//0?[A-Za-z0-9_\-]{20,}"),
    (("4/0A",), r"4/0A[A-Za-z0-9_\-]{20,}"),
    (("AIza",), r"AIza[A-Za-z0-9_\-]{20,}"),
    (("GOCSPX-",), r"GOCSPX-[A-Za-z0-9_\-]{8,}"),
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{16,}"),
    (("github_pat_",), r"github_pat_[A-Za-z0-9_]{16,}"),
    (("glpat-",), r"glpat-[A-Za-z0-9_\-]{16,}"),
    (("npm_",), r"npm_[A-Za-z0-9]{30,}"),
    (("_live_", "_test_"), r"[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    (("sk-",), r"(?<![A-Za-z0-9])sk-(?=[^\s\d]{0,60}\d)[A-Za-z0-9_\-]{20,}"),
    (("SG.",), r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    (("/bot",), r"(?<=/bot)\d{6,12}:[A-Za-z0-9_\-]{30,}"),
    (("/webhooks/",), r"(?<=/webhooks/)\d{15,20}/[A-Za-z0-9_\-]{16,}"),
    # Meta's begin alike with three letters that upper-case hexadecimal can hold too, hence the letter beyond F.
    (("EAA",), r"EAA(?=[0-9A-Fa-f]{0,60}[G-Zg-z])[A-Za-z0-9]{28,}"),
    (("EAA",), r"(?<![A-Za-z0-9])EAA(?=[0-9A-Fa-f]{0,60}[G-Zg-z])[A-Za-z0-9]{12,}"),
    (("IGQ", "IGA"), r"IG(?:Q[VW]|AA)[A-Za-z0-9_\-]{16,}"),
    (
        ("act.", "rft.", "clt."),
        r"(?<![A-Za-z0-9])(?:act|rft|clt)\.(?=[^\s\d]{0,60}\d)[A-Za-z0-9!*%_\-]{12,}[A-Za-z0-9!*%_.\-]*",
    ),
    (("A" * 18,), r"A{18}[A-Za-z0-9%_+/=\-]{20,}"),
    (("u+",), r"(?<![A-Za-z0-9])u\+[A-Za-z0-9_\-]{18}(?![A-Za-z0-9_\-])"),
    # X and Twitter: user id, a dash, forty characters that are no git hash
    (("-",), r"(?<!\d)\d{6,20}-(?=[0-9a-f]{0,39}[g-zA-Z])[A-Za-z0-9]{40}(?![A-Za-z0-9])"),
]
_BY_SHAPE = [(hint, re.compile(pattern)) for hints, pattern in _SHAPES for hint in hints]
_LOWER = {ord(c): ord(c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

# A whole run is consumed whether it proves to be a JWT or not: else a run of "eyJeyJ…" would be read again and again.
_JWT = re.compile(r"eyJ[A-Za-z0-9_\-]*+((?:\.[A-Za-z0-9_\-]{4,}+){1,4})?")
_SCHEME = re.compile(  # a word of prose ("bearer authentication") has neither a digit nor a capital within
    r"\b((?i:bearer|basic|oauth|aws4-hmac-sha256)(?:\s{1,4}|%20|\+))"
    r"(?=[A-Za-z._~+/=\-][a-z._~+/=\-]{0,200}[A-Z0-9]|[0-9])[A-Za-z0-9._~+/=\-]{8,}"
)
_USERINFO = re.compile(r"(://[^\s/?#@:\"'<>]{0,256}:)(?!\d{1,5}(?:[/?#\s]|$))[^\s\"'<>]{0,512}@")
_USERNAME = re.compile(r"(://)[^\s/?#@:\"'<>•]{16,256}@")
# Also what CloudFront signs its addresses with.
_OAUTH_CODE = re.compile(r"([?&;](?:code|oh|hmac|Policy|Key-Pair-Id)=)(?!\d{1,6}(?:[&\s]|$))[^&\s\"'<>\\]{8,}")
_EMAIL = re.compile(
    r"(?<![\w.%+\-])(?!git@)([\w.%+\-])[\w.%+\-]{0,63}(@|%40)(?=[A-Za-z0-9])((?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w\-])"
)

# --- by name --------------------------------------------------------------------------------------------------------

# Matched against the text in lower case (of ASCII alone: the length must stay). Each alternative begins with a letter,
# never with an assertion: only then does re skip quickly to where one can begin.
_CORE = (
    r"(?:token|secret|passw(?:or)?d|passphrase|pwd|cookie|authorization|credential|signature|jwt"
    r"|api[_\- ]?key|session[_\-]?id|sid[_\-](?:tt|guard)"
    r"|(?:access|private|signing|encryption|consumer|routing|integration|service|account|storage|master|secret)"
    r"[_\- ]?key"
    r"|sig(?<![a-z]sig)(?![a-z])|sid(?<![a-z]sid)(?![a-z])|otp(?<![a-z]otp)(?![a-z])"
    r"|auth(?<![a-z]auth)(?![a-z])|pass(?<![a-z]pass)(?![a-z]))"
)
# What may follow and still be the secret itself; token_type, token-refresh, password_reset and secret_name are none.
_SUFFIX = r"(?:s|es)?(?:[_\-]?(?:id|ids|value|values|hash|key|keys|secret|string|header|b64|base64|pem|v?\d{1,3}))?"
_NAME = rf"{_CORE}{_SUFFIX}"
_KEY = re.compile(rf"{_NAME}$")
_NAMED = re.compile(
    rf"({_NAME})(?![\w\-])([\\\"'`\]]{{0,4}})"
    r"(\s{0,4}(?:=>|:=|[:=]|%3d)[ \t]{0,8}|>(?=[^\s<>=])|(?<=\w)\s{1,3}(?=[\"']))"
)
_OPTION = re.compile(rf"(?<![\w\-])--?[\w\-]{{0,40}}?{_NAME}\s{{1,4}}((?!-)[^\s\"'•]\S*)")
_NEAR = re.compile(rf"{_NAME}[\"']?(?:\s{{1,3}}|\s{{0,2}}[(\[]\s?)(?:is\s|was\s|of\s)?([a-z0-9+/_=~.\-]{{16,}})")
_HINTS = (
    *("token", "secret", "passw", "passphrase", "pwd", "cookie", "authorization", "credential", "signature", "jwt"),
    *("key", "session", "sid", "sig", "auth", "pass", "otp"),
)

# Words that stand where a secret would, and say something about it.
_TELLING = re.compile(
    r"(?:true|false|null|none|nil|undefined|nan|yes|no|n/?a|empty|missing|absent|expired|invalid|valid|revoked|refreshed"
    r"|rotated|required|unknown|denied|rejected|failed|failure|ok|error|mismatch|malformed|unauthorized|forbidden"
    r"|incorrect|wrong|bad|redacted|hidden|bearer|basic|default|optional|string|unused|changed|removed|deleted"
    r"|\*+|x{3,}|\[redacted\]|\[filtered\]|<[\w -]{1,40}>|&lt;[\w -]{1,40}&gt;|\$\{?\w{1,60}\}?|[–-])[.!?)\]}]{0,3}",
    re.IGNORECASE,
)
_BLANK = re.compile(r"(?:<|&lt;)[\w -]{1,40}(?:>|&gt;)(?!\w)")  # <your key>
_PROSE = re.compile(r"[A-Z]?[a-z]{0,14}(?:'[a-z]{1,2})?[,.]?[ \t]+[A-Za-z][a-z]")
_CODE = re.compile(r"(?:(?:sub)?code|error|http|status)[ =:#(]{1,3}-?\d{1,6}(?!\w)|[45]\d\d(?!\w)", re.IGNORECASE)
_STRICT = re.compile(r"passw|pwd|pass|phrase|secret|key")
_HEADER = re.compile(r"authorization|cookie")
_BARE = re.compile(
    r"(?:[^\s\"'`,;&\\(){}\[\]|<>]|[,;](?!\s|$|[\w.\-]{1,40}[=:])|&(?!(?:amp;)?[\w.%~\-]{1,60}=)|[(){}\[\]|<>](?=\w)|[\"'`](?=\w)"
    r"|\\(?![\"'nrt]))+"
)
_QUOTED = {q: re.compile(rf"(?:[^{q}\\]|\\.)*+", re.DOTALL) for q in "\"'`"}
_OPEN = re.compile(r"(\\{0,3})([\"'`])")
_SIGN = re.compile(r"[\"'`]?\s{0,4}(?:=>|[:=])")
_LINE = re.compile(r"[^\r\n]*")


def mask(text: str) -> str:
    """The text with ``MARK`` in the place of every secret. Linear in the length of the text; never raises."""
    for _ in range(4):  # what is left after one pass can, rarely, be read as another secret
        masked = _pass(text)
        if masked == text:
            break
        text = masked
    return text


def mask_data(value: Any) -> Any:
    """The same for data: values under a secret's name are replaced, every other string is masked. Shapes stay."""
    return _data(value, 0)


def is_secret(name: str) -> bool:
    """Whether a key of that name holds a secret: ``access_token``, ``clientSecret``, ``Set-Cookie``."""
    return _KEY.search(_lower(name.strip()[-200:])) is not None


def _data(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return mask(value)
    if depth > 40:
        return MARK
    if isinstance(value, Mapping):
        named = value.get("name", value.get("key"))
        pair = isinstance(named, str) and is_secret(named)  # {"name": "sessionid", "value": …}, as cookies are listed
        return {
            mask(k) if isinstance(k, str) else k: _hidden(k, v)
            if (isinstance(k, str) and is_secret(k)) or (pair and k == "value")
            else _data(v, depth + 1)
            for k, v in value.items()
        }
    if isinstance(value, bytes | bytearray):
        return mask(value.decode("utf-8", "replace"))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_data(each, depth + 1) for each in value))
    if isinstance(value, Sequence | Set):
        kept = [_data(each, depth + 1) for each in value]
        return kept if isinstance(value, list) or not isinstance(value, tuple | set | frozenset) else type(value)(kept)
    if isinstance(value, BaseException):
        return mask(f"{type(value).__name__}: {value}")
    return value


def _hidden(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, int | float) and name.lower().endswith("tokens"):
        return value  # max_tokens is a number of words, not a secret
    if isinstance(value, str) and _TELLING.fullmatch(value.strip()):
        return value
    return MARK


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _pass(text: str) -> str:
    # Names first: a token that runs into "password=" would otherwise take the name along and leave the value.
    low = _lower(text)
    for hint in _HINTS:
        if hint in low:
            text = _by_name(text, low)
            break
    for hint, pattern in _BY_SHAPE:
        if hint in text:
            text = pattern.sub(MARK, text)
    if "eyJ" in text:
        text = _JWT.sub(lambda m: MARK if m[1] else m[0], text)
    if "://" in text:
        text = _USERINFO.sub(rf"\1{MARK}@", text)
        text = _USERNAME.sub(rf"\1{MARK}@", text)
    if "?" in text:
        text = _OAUTH_CODE.sub(rf"\1{MARK}", text)
    if "bearer" in low or "basic" in low or "oauth" in low or "aws4-" in low:
        text = _SCHEME.sub(rf"\1{MARK}", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(rf"\1{MARK}\2\3", text)
    return text


def _by_name(text: str, low: str) -> str:
    spans: list[tuple[int, int]] = []
    done = 0
    for found in _NAMED.finditer(low):
        if found.start() >= done:  # else it stands within a value already found: looking on would make this quadratic
            spans.append(span := _value(text, found))
            done = span[1]
    if "-" in text:
        spans += [_option(text, found) for found in _OPTION.finditer(low)]
    spans += [_near(text, found) for found in _NEAR.finditer(low)]
    parts: list[str] = []
    done = 0
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if end > done:
            parts += [text[done:start], MARK] if start >= done else []
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _value(text: str, found: re.Match[str]) -> tuple[int, int]:
    """Where the value after a secret's name begins and ends; an empty range when nothing there is to be hidden."""
    name, sign, start = found[1], found[3], found.end()
    nothing = (start, start)
    if quote := _OPEN.match(text, start):
        start = quote.end()
        # JSON within JSON ends where the same escaped quote comes again.
        end = text.find(quote[0], start) if quote[1] else _end(_QUOTED[quote[2]], text, start)
        if 0 <= end < len(text):
            return nothing if _TELLING.fullmatch(text, start, end) else (start, end)
    elif text[start : start + 1] in ("[", "{"):
        return start, _closed(text, start)
    elif _HEADER.match(name) and ":" in sign and not found[2]:
        if text.startswith(MARK, start):
            return nothing  # what follows a masked value on its line is what somebody has said about it
        before = text[found.start() - 1 : found.start()]
        end = _end(_LINE, text, start)
        if before and before in "'\"":
            end = min(end, _end(_QUOTED[before], text, start))
        if _TELLING.fullmatch(text[start:end].strip()) or _PROSE.match(text, start, end):
            return nothing
        return start, start + len(text[start:end].rstrip())
    bare = _BARE.match(text, start)
    if bare is None or _TELLING.fullmatch(bare[0]) or _BLANK.match(text, start):
        return nothing
    end = bare.end()
    if is_secret(bare[0]) and _SIGN.match(text, end):
        return nothing  # "pass: access_token = …": what follows is the name of the secret, not the secret
    if not _STRICT.search(name) and sign.strip() == ":" and (_PROSE.match(text, start) or _CODE.match(text, start)):
        return nothing
    if name.endswith("tokens") and bare[0].isdigit():
        return nothing
    if name == "pwd" and bare[0].startswith("/"):
        return nothing  # the shell's working directory
    return start, end


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where a pattern that may match nothing at all ends."""
    found = pattern.match(text, start)
    return found.end() if found else start


def _closed(text: str, start: int) -> int:
    """The end of a list or object that begins here; of the line when it is not closed within 20,000 characters."""
    depth = 0
    for found in re.compile(r"[\[\]{}]").finditer(text, start, start + 20_000):
        depth += 1 if found[0] in "[{" else -1
        if depth == 0:
            return found.end()
    return _end(_LINE, text, start)


def _option(text: str, found: re.Match[str]) -> tuple[int, int]:
    start, end = found.span(1)
    return (start, start) if _TELLING.fullmatch(text, start, end) else (start, end)


def _near(text: str, found: re.Match[str]) -> tuple[int, int]:
    start, end = found.span(1)
    value = text[start:end]
    random = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return (start, end) if random or len(value) >= 32 else (start, start)
