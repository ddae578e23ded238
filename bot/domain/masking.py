"""Secrets and addresses of people taken out of whatever is shown, posted or logged.

A secret is known by its shape (``secret_shapes``: a Slack token, a key of AWS, a JWT, a signed URL) or by the name that
stands before it (``password=``, ``"access_token": "…"``, ``Cookie: …``). What merely looks random stays: job ids,
UUIDs, git hashes and Slack's own ids are what an engineer works with. Host and path of an address stay; the first
letter and the domain of an e-mail address stay.

Every pattern runs in linear time: it begins at fixed characters and either fails within a bounded distance or consumes
what it read. ``mask`` never raises, and masking twice is masking once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from bot.domain.secret_shapes import MARK, beside, commands, decoded, seen, shaped

_LOWER = {ord(c): ord(c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}

# --- by name --------------------------------------------------------------------------------------------------------

# Matched against the text in lower case (of ASCII alone: the length must stay). Each alternative begins with a letter,
# never with an assertion: only then does re skip quickly to where one can begin.
_CORE = (
    r"(?:token|secret|passw(?:or)?d|passphrase|passcode|pwd|cookie|authorization|credential|signature|jwt"
    r"|api[_\- ]?key|sess(?:ion)?[_\-]?id|sid[_\-](?:tt|guard)|client[_\-]assertion|code[_\-]verifier"
    r"|connection[_\- ]?string"
    r"|(?:access|private|signing|encryption|consumer|routing|integration|service|account|master|secret"
    r"|subscription|license|hmac|webhook|deploy|app(?:lication)?|client|auth)"
    r"[_\- ]?key"
    r"|sig(?<![a-z]sig)(?![a-z])|sid(?<![a-z]sid)(?![a-z])|otp(?<![a-z]otp)(?![a-z])|pw(?<![a-z]pw)(?![a-z])"
    r"|creds(?<![a-z]creds)(?![a-z])|ct0(?<![a-z]ct0)"
    r"|auth(?<![a-z]auth)(?![a-z])|pass(?<![a-z]pass)(?![a-z]))"
)
# What may follow and still be the secret itself; token_type, token-refresh, password_reset and secret_name are none.
_SUFFIX = (
    r"(?:s|es)?(?:[_\-]?(?:id|ids|value|values|hash|key|keys|secret|string|header|proof|b64|base64|pem|v?\d{1,3}))?"
)
_NAME = rf"{_CORE}{_SUFFIX}"
_KEY = re.compile(rf"{_NAME}$")
_NAMED = re.compile(
    rf"({_NAME})(?![a-z0-9\-]|_(?![:=]))((?:[\\\"'`\]*_]|&quot;|&#3[49];|%(?:25){{0,2}}22|%27|\\{{1,2}}u0022){{0,4}})"
    r"(\s{0,4}(?:=(?:>|&gt;)|-(?:>|&gt;)|:=|[:=]|%(?:25){0,2}3[ad])\*{0,2}(?:[ \t]{0,8}|%20|\+(?=%22))"
    r"(?:(?:[|>][+\-]?)?[ \t]{0,4}\r?\n\s{0,12})?"
    r"|(?: [\w:]{1,20}=\"[^\"<>]{0,60}\")?>(?=[^\s<>=])|(?<=\w)\s{1,3}(?=[\"'])"
    r"|(?:\s{0,4},\s{0,8}|\s{1,8})[\"'\\]{0,3}value[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}"
    r"|(?<=[\"'])\s{0,4},\s{0,4}(?=[\"']))"
)
# A value said in a sentence or a table; only a word that mixes letters and digits.
_SAID = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|pwd|pass(?<![a-z]pass))\s{1,3}"
    r"(?:(?:is|was|to|\|)\s{1,3}([^\s\"'`•]{5,200})|([^\s\"'`•:=/]{7,200}))"
)
_OPTION = re.compile(rf"(?<![\w\-])--?[\w\-]{{0,40}}?{_NAME}\s{{1,4}}((?!-)[^\s\"'•]\S*)")
_NEAR = re.compile(rf"{_NAME}[\"']?(?:\s{{1,3}}|\s{{0,2}}[(\[]\s?)(?:is\s|was\s|of\s)?([a-z0-9+/_=~.\-]{{16,}})")
_HINTS = (
    *(
        "assertion",
        "verifier",
        "string",
        "creds",
        "pw",
        "ct0",
        "token",
        "secret",
        "passw",
        "passphrase",
        "pwd",
        "cookie",
        "authorization",
        "credential",
        "signature",
        "jwt",
    ),
    *("key", "session", "sid", "sig", "auth", "pass", "otp"),
)

# Words that stand where a secret would, and say something about it.
_TELLING = re.compile(
    r"(?:true|false|null|none|nil|undefined|nan|yes|no|n/?a|empty|missing|absent|expired|invalid|valid|revoked|refreshed"
    r"|rotated|required|unknown|denied|rejected|failed|failure|ok|error|mismatch|malformed|unauthorized|forbidden"
    r"|incorrect|wrong|bad|sig[a-z]{3,6}|requested|redacted|hidden|bearer|basic|default|optional|string|unused|changed|removed|deleted"
    r"|\*+|x{3,}|\[redacted\]|\[filtered\]|<[\w -]{1,40}>|&lt;[\w -]{1,40}&gt;|\$\{?\w{1,60}\}?|[–-])[.!?)\]}]{0,3}",
    re.IGNORECASE,
)
_BLANK = re.compile(  # <your key>, and where a program says from where it takes one
    r"(?:<|&lt;)[\w -]{1,40}(?:>|&gt;)(?!\w)|\{\{ ?[\w.]{1,60} ?\}\}|\$\([a-z]{1,12} "
    r"|process\.env\b|os\.environ\b|ENV\[|\[(?:redacted|filtered|hidden|masked)\]",
    re.IGNORECASE,
)
_HARMLESS = re.compile(  # what may stand before "token" and makes it none, at the end of what is before it
    r"(?:page|continuation|sync|cancel|cancellation|abort|cursor|next|resume|pagination)[_\- ]?$|unexpected $"
)
_LONE = re.compile(r"(?:- )?[^\s:]{1,300}[ \t]*(?=[\r\n]|$)")  # a value alone on its line
_COUNT = re.compile(r"\d{1,4}(?:/\d{1,4})?(?![\w.\-])")
_TAKES = re.compile(
    r"(?:token|bearer|basic|digest|apikey|negotiate|oauth|hawk|key)\s{1,3}\S{0,100}?[\d=]", re.IGNORECASE
)
_FIELD = re.compile(r"user(?:name)?|e?mail|login|name|string|text|host|port", re.IGNORECASE)
_PROSE = re.compile(r"[A-Z]?[a-z]{0,14}(?:'[a-z]{1,2})?[,.]?[ \t]+[A-Za-z][a-z]")
_CODE = re.compile(r"(?:(?:sub)?code|error|http|status)[ =:#(]{1,3}-?\d{1,6}(?!\w)|[45]\d\d(?!\w)", re.IGNORECASE)
_STRICT = re.compile(r"passw|pwd|pass|phrase|secret|key")
_HEADER = re.compile(r"authorization|cookie")
_BARE = re.compile(
    r"(?:[^\s\"'`,;&\\(){}\[\]|<>]|[,;](?!\s|$|[\w.\-]{1,40}[=:])|&(?!(?:amp;)?[\w.%~\-]{1,60}=)|[(){}\[\]|<>](?=\w)|[\"'`](?=\w)"
    r"|\\(?![\"'nrt]))+"
)
_QUOTED = {q: re.compile(rf"(?:[^{q}\\]|\\.)*+", re.DOTALL) for q in "\"'`"}
_OPEN = re.compile(r"(\\{0,3})([\"'`])|(?P<coded>%(?:25){0,2}22|%27|&quot;|&#3[49];|\\{1,2}u0022)")
_SIGN = re.compile(r"[\"'`]?\s{0,4}(?:=>|[:=])")
_LINE = re.compile(r"[^\r\n]*")


def mask(text: str) -> str:
    """The text with ``MARK`` in the place of every secret. Linear in the length of the text; never raises."""
    bare = seen(text)
    masked = decoded(_passes(bare), _passes)
    return text if masked == bare else masked


def _passes(text: str) -> str:
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
    text = commands(beside(text))
    low = _lower(text)
    for hint in _HINTS:
        if hint in low:
            text = _by_name(text, low)
            break
    return shaped(text, low)


def _by_name(text: str, low: str) -> str:
    spans: list[tuple[int, int]] = []
    done = 0
    for found in _NAMED.finditer(low):
        if found.start() >= done:  # else it stands within a value already found: looking on would make this quadratic
            spans.append(span := _value(text, low, found))
            done = span[1]
    if "-" in text:
        spans += [_option(text, found) for found in _OPTION.finditer(low)]
    spans += [_near(text, found) for found in _NEAR.finditer(low)]
    if "pass" in low or "pwd" in low:
        spans += [_said(text, found) for found in _SAID.finditer(low)]
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if end > done:
            parts += [text[done:start], MARK] if start >= done else []
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _value(text: str, low: str, found: re.Match[str]) -> tuple[int, int]:
    """Where the value after a secret's name begins and ends; an empty range when nothing there is to be hidden."""
    name, sign, start = found[1], found[3], found.end()
    nothing = (start, start)
    if start == len(text):
        return nothing
    if name.startswith("token") and _HARMLESS.search(low, max(0, found.start() - 16), found.start()):
        return nothing
    if _BLANK.match(text, start):
        return nothing
    if "," in sign and "value" not in sign:
        return _paired(text, found)
    if quote := _OPEN.match(text, start):
        start = quote.end()
        # JSON within JSON ends where the same escaped quote comes again.
        end = text.find(quote[0], start) if quote[1] or quote["coded"] else _end(_QUOTED[quote[2]], text, start)
        if 0 <= end < len(text):
            return nothing if _TELLING.fullmatch(text, start, end) else (start, end)
    elif "\n" in sign:
        lone = _LONE.match(text, start)
        known = lone and (_STRICT.search(name) or _mixed(lone[0])) and not _TELLING.fullmatch(lone[0].strip())
        return (start, start + len(lone[0].rstrip())) if lone and known else nothing
    elif text[start : start + 1] in ("[", "{"):
        return start, _closed(text, start)
    elif _HEADER.match(name) and ":" in sign and not found[2]:
        if text.startswith(MARK, start):
            return nothing  # what follows a masked value on its line is what somebody has said about it
        before = text[found.start() - 1 : found.start()]
        end = _end(_LINE, text, start)
        if before and before in "'\"":
            end = min(end, _end(_QUOTED[before], text, start))
        if _TELLING.fullmatch(text[start:end].strip()) or _COUNT.match(text, start, end):
            return nothing
        if _PROSE.match(text, start, end) and not _TAKES.match(text, start, end):
            return nothing
        return start, start + len(text[start:end].rstrip())
    bare = _BARE.match(text, start)
    if bare is None or _TELLING.fullmatch(bare[0]):
        return nothing
    end = bare.end()
    if is_secret(bare[0]) and _SIGN.match(text, end):
        return nothing  # "pass: access_token = …": what follows is the name of the secret, not the secret
    if not _STRICT.search(name) and sign.strip() == ":" and (_PROSE.match(text, start) or _CODE.match(text, start)):
        return nothing
    if name.endswith("tokens") and bare[0].isdigit():
        return nothing
    if name in ("pass", "passes") and (_COUNT.fullmatch(bare[0].rstrip(".,;)")) or _prose_pass(text, found, bare[0])):
        return nothing  # the third pass of an encoder
    if name.startswith(("routing", "service", "integration")) and not any(map(str.isdigit, bare[0])):
        return nothing  # where a broker sends a message
    if name == "pwd" and bare[0].startswith("/"):
        return nothing  # the shell's working directory
    return start, end


def _mixed(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(not c.isdigit() for c in value)


def _prose_pass(text: str, found: re.Match[str], word: str) -> bool:
    """Whether "pass" is the verb or the noun of a sentence: "first pass: encoding", "pass: the door is open"."""
    if ":" not in found[3] or found[2] or not word.rstrip(".,").isalpha():
        return False
    before = text[max(0, found.start() - 12) : found.start()]
    return _PROSE.match(text, found.end()) is not None or re.search(r"[a-z] $", before) is not None


def _paired(text: str, found: re.Match[str]) -> tuple[int, int]:
    """``["password", "…"]``: a value that follows its name in a list. Lists of names alone are none."""
    start = found.end() + 1
    end = _end(_QUOTED[text[start - 1]], text, start)
    value = text[start:end]
    nothing = (start, start)
    if not value or _TELLING.fullmatch(value) or _FIELD.fullmatch(value) or is_secret(value):
        return nothing
    pair = re.match(r"[\"']\s{0,3}[\])]", text[end : end + 5])
    if _mixed(value) or _HEADER.match(found[1]) or (pair and found[1].startswith("pass")):
        return start, end
    return nothing


def _said(text: str, found: re.Match[str]) -> tuple[int, int]:
    start, end = found.span(found.lastindex or 0)
    end = start + len(text[start:end].rstrip(".,;!?)"))
    return (start, end) if _mixed(text[start:end]) and not text[start:end].isdigit() else (start, start)


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
