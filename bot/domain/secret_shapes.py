"""What a secret looks like, wherever it stands: the signs of those who hand keys out, signed addresses, commands.

The signs are written down as they are generally known: no scanner's rules were compared with them yet. Each pattern
runs in linear time: it begins at fixed characters and either fails within a bounded distance or consumes what it read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

MARK = "•••"

SHORTEST = 9
"""Characters of a text that can hold a secret which no name stands before."""

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
    # Vendors that begin their keys with their own sign; a sign that could be a word of ours needs a digit after it.
    (
        ("_", "-", "."),
        r"(?<![A-Za-z0-9])(?:whsec_|shp(?:at|ss|ca|pa)_|gl(?:pat|dt|rt|ptt|agent|cbt|ft|imt|oas|soat)-|glsa_|glc_"
        r"|dckr_pat_|hv[sb]\.|do[opr]_v1_|lin_api_|ntn_|sntry[su]_|figd_|pscale_(?:tkn|pw|oauth)_|rubygems_|npm_|pypi-|gsk_"
        r"|xai-|pplx-|nrak-|NR(?:AK|JS)-|PMAK-|xkeysib-|xsmtpsib-|sq0[a-z]{3}-|dp\.(?:st|pt|sa|ct|scim|audit)\.|CFPAT-"
        r"|sgp_|phc_|phx_|sbp_|pk_live_)[A-Za-z0-9_\-.=+/]{16,}",
    ),
    (
        ("_", "-"),
        r"(?<![A-Za-z0-9])(?:secret_|hf_|r8_|key-|pat-|tfp_|fo1_|rnd_|re_|AGE-SECRET-KEY-1)"
        r"(?=[A-Za-z_\-]{0,80}[0-9]|[A-Za-z]{30})[A-Za-z0-9_\-]{16,}",
    ),
    (("ATATT3x", "ATCTT3x", "ATBB", "ABSK"), r"(?<![A-Za-z0-9])(?:AT[AC]TT3x|ATBB|ABSK)[A-Za-z0-9_\-=+/]{20,}"),
    (("dapi",), r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}"),
    (("SK", "AC"), r"(?<![A-Za-z0-9])(?:SK|AC)[0-9a-f]{32}(?![0-9A-Za-z])"),
    (("EAAA",), r"(?<![A-Za-z0-9])EAAA[A-Za-z0-9_\-]{50,}"),
    (("-us",), r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    ((":AA",), r"(?<![A-Za-z0-9])\d{8,12}:AA[A-Za-z0-9_\-]{30,}"),
    (("webhook.office.com/",), r"(?<=webhook\.office\.com/)[^\s\"'<>]{20,}"),
    (("Private-Lines:",), r"(?<=Private-Lines: )\d{1,3}\s{1,2}[A-Za-z0-9+/=\s]{20,4000}"),
    # Whoever else names their keys alike: a short sign, then thirty letters and digits that are no hash.
    (
        ("_", "-"),
        r"(?<![A-Za-z0-9_/\-.])[a-z][a-z0-9]{1,11}[_\-](?:[a-z0-9]{2,8}[_\-]){0,2}"
        r"(?=[0-9a-fA-F]{0,60}[g-zG-Z])(?=[A-Za-z]{0,60}[0-9])[A-Za-z0-9]{30,}",
    ),
]
_BY_SHAPE = [(hint, re.compile(pattern)) for hints, pattern in _SHAPES for hint in hints]

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


# --- beside: what is a secret only because of what else the text holds -----------------------------------------------

_AWS_ID = re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{16}")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])(?![0-9a-fA-F]{40})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_TWILIO_ID = re.compile(r"(?<![A-Za-z0-9])(?:AC|SK)[0-9a-f]{32}(?![0-9A-Za-z])")
_TWILIO_SECRET = re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32}(?![A-Za-z0-9])")

# --- commands: the option that takes a password has another letter with each program ----------------------------------

_QUOTE = "[\"']?"
_WORD = r"((?!-)[^\s\"'•]{1,200})"
_LED = r"[^\n|;&•]{0,200}?\s"
_COMMANDS = [
    (
        ("mysql", "mariadb"),
        rf"\b(?:mysql\w{{0,8}}|mariadb[\w-]{{0,8}})\b(?:{_LED})-p(?:'([^'\n•]{{1,100}})'|\"([^\"\n•]{{1,100}})\"|{_WORD})",
    ),
    (("curl",), rf"\bcurl\b(?:{_LED})(?:-u|--user|--proxy-user|-U)[ =]{{0,3}}{_QUOTE}[^\s:\"'•]{{1,100}}:{_WORD}"),
    (("http ", "https "), rf"\bhttps? (?:{_LED})?-a {_QUOTE}[^\s:\"'•]{{1,100}}:{_WORD}"),
    (("sshpass",), rf"\bsshpass\s{{1,3}}-p\s{{0,3}}{_QUOTE}{_WORD}"),
    (("redis-cli",), rf"\bredis-cli\b(?:{_LED})-a\s{{1,3}}{_QUOTE}{_WORD}"),
    (("login", "mongo"), rf"\b(?:login|mongo\w{{0,8}})\b(?:{_LED})-p\s{{1,3}}{_QUOTE}{_WORD}"),
    (
        ("htpasswd",),
        rf"\bhtpasswd\s{{1,3}}-\w{{0,4}}b\w{{0,4}}\s{{1,3}}[^\s•]{{1,200}}\s{{1,3}}[^\s•]{{1,100}}\s{{1,3}}{_WORD}",
    ),
    (("ldap",), rf"\bldap\w{{2,8}}\b(?:{_LED})-w\s{{1,3}}{_QUOTE}{_WORD}"),
    (("smb",), rf"\bsmb\w{{2,8}}\b(?:{_LED})-U\s{{0,3}}{_QUOTE}[^\s%•]{{1,100}}%{_WORD}"),
    (("AUTH ",), r"(?<![\w-])AUTH (?:[a-z]\w{0,30} )?(?=[^\s\d]{0,60}\d)([^\s\"'•]{4,200})"),
    (("requirepass ", "masterauth "), rf"(?:requirepass|masterauth) {_QUOTE}{_WORD}"),
    (("IDENTIFIED", "identified"), r"(?i:identified\s{1,3}by\s{1,3})[\"']([^\"'\n•]{1,200})[\"']"),
    (("login ",), rf"login \S{{1,100}} password {_WORD}"),
    (("jdbc:oracle",), r"jdbc:oracle:\w{1,10}:[^\s/@•]{1,60}/([^\s@•]{1,100})(?=@)"),
    (
        ("code", "pin", "CODE"),
        r"(?i:2fa|mfa|otp|totp|verification|one[ -]time|login|sms|security)[ _-]?(?i:code|pin)(?i: is)?[:=]?\s{0,3}"
        r"(\d{4,8})(?!\w)",
    ),
]
_BY_COMMAND = [(hint, re.compile(pattern)) for hints, pattern in _COMMANDS for hint in hints]

# --- queries and encodings --------------------------------------------------------------------------------------------

_QUERY_KEY = re.compile(
    r"([?&;](?:amp;)?(?:key|k|hash|proof|h|t|tk|hdnea|ticket)=)(?=[A-Za-z_\-]{0,60}\d)([A-Za-z0-9_\-]{16,})(?![\w./-])"
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{20,}={0,2}")
_INNER = r"[A-Za-z0-9_\-+/=.:]"
_UNSEEN = re.compile(
    rf"(?<={_INNER})[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+(?={_INNER})|(?<=[=:] )[\u200b-\u200f\u2060\ufeff]+"
)


def seen(text: str) -> str:
    """Without the characters of no width that stand within a word: they hide a secret from every pattern."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def beside(text: str) -> str:
    """Hide what belongs to a key's id that stands in the same text: AWS's forty characters, Twilio's hexadecimal."""
    if ("AKIA" in text or "ASIA" in text) and _AWS_ID.search(text):
        text = _AWS_SECRET.sub(lambda m: MARK if re.search("[a-z]", m[0]) and re.search("[A-Z]", m[0]) else m[0], text)
    if ("AC" in text or "SK" in text) and _TWILIO_ID.search(text):
        text = _TWILIO_SECRET.sub(MARK, text)
    return text


def commands(text: str) -> str:
    """Hide what a command line, a database's statement or a short message hands over without a name."""
    if len(text) >= SHORTEST:
        for hint, pattern in _BY_COMMAND:
            if hint in text:
                text = pattern.sub(_last, text)
    return text


def _last(found: re.Match[str]) -> str:
    start, end = found.span(found.lastindex or 0)
    return found.string[found.start() : start] + MARK + found.string[end : found.end()]


def shaped(text: str, low: str) -> str:
    """Hide what is known by its own looks."""
    if len(text) >= SHORTEST:
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
        text = _QUERY_KEY.sub(rf"\1{MARK}", text)
    if "bearer" in low or "basic" in low or "oauth" in low or "aws4-" in low:
        text = _SCHEME.sub(rf"\1{MARK}", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(rf"\1{MARK}\2\3", text)
    return text


def decoded(text: str, masked: Callable[[str], str]) -> str:
    """Hide base64 whose content would be masked: a request's body in a log, a cookie's JSON."""

    def hidden(found: re.Match[str]) -> str:
        word = found[0].rstrip("=").translate(_PLAIN64)
        try:
            content = base64.b64decode(word[: len(word) - (len(word) % 4 == 1)] + "=" * (-len(word) % 4)).decode(
                "ascii"
            )
        except (binascii.Error, UnicodeDecodeError):
            return found[0]
        readable = all(c.isprintable() or c.isspace() for c in content)
        return MARK if readable and masked(content) != content else found[0]

    return _BASE64.sub(hidden, text) if len(text) >= 20 else text


_PLAIN64 = {ord("-"): "+", ord("_"): "/"}
