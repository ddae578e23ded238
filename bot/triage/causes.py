"""Failed reasons → causes, by the table in ``templates/triage.toml``.

The platform is told by the error's own words and by the job's name; then the table's rows are tried, pairs of codes
first, then words and codes, then the HTTP status. What no row knows is a cause of its own, made from the normalised
reason. A shape (see ``normalise``) is judged once; what is remembered is bounded.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from bot.domain.cause import Cause, Retry
from bot.domain.masking import mask
from bot.triage.normalise import (
    COUNTED,
    HTTP,
    READ,
    beginning_of,
    brief,
    likeness,
    normalised,
    readable,
    shape,
    title_of,
)

_FAULTS = frozenset(range(500, 600)) - {504, 524}
"""``5xx`` of the table: a far end's fault. A time-out (504, 524) is another matter: what was asked may be done."""

_SHAPES = 20_000  # remembered; about 8 MB when full

_PLATFORMS = {
    "instagram": re.compile(
        r"instagram|facebook|fbtrace|error_subcode|OAuthException|IGApiException|\bgraph api\b|\b2207\d{3}\b",
        re.IGNORECASE,
    ),
    "youtube": re.compile(r"youtube|(?<!storage\.)googleapi|gaxios|\bgoogle\b", re.IGNORECASE),
    "x": re.compile(r"twitter|tweet|\bapi\.x\.com|\bX API\b|\bx-rate-limit", re.IGNORECASE),
    "tiktok": re.compile(r"tik_?tok", re.IGNORECASE),
}
# What only this platform's API says: it wins over a job's name.
_PROOFS = {
    "instagram": re.compile(
        r"oauthexception|graphmethodexception|igapiexception|fbtrace_id|error_subcode|\b2207\d{3}\b"
        r"|\bgraph\.(?:facebook|instagram)\.com",
        re.IGNORECASE,
    ),
    "youtube": re.compile(
        r"googleapis\.com/(?:\w+/)*youtube|\byoutube\.(?:quota|video|thumbnail|channel)\b", re.IGNORECASE
    ),
    "x": re.compile(r"\b(?:api|upload)\.(?:twitter|x)\.com|\bx-rate-limit|\bx-app-limit|\btweepy\b", re.IGNORECASE),
    "tiktok": re.compile(r"\btiktokapis\.com|\bopen-api\.tiktok", re.IGNORECASE),
}
_SPELT = {"instagram": "Instagram", "youtube": "YouTube", "x": "X", "tiktok": "TikTok"}
_NAMES = {
    **dict.fromkeys(("instagram", "ig", "insta", "reels"), "instagram"),
    **dict.fromkeys(("youtube", "yt", "tube", "shorts"), "youtube"),
    **dict.fromkeys(("twitter", "x", "tweet"), "x"),
    **dict.fromkeys(("tiktok", "tt", "tik"), "tiktok"),
}
_ABBREVIATED = frozenset(("ig", "tt", "yt"))
"""Names of platforms that stand by themselves, never as the end of another word: ``childIg`` is none of Instagram's."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Codes of programs and of HTTP: ``response code: 200``, ``ffmpeg returned code 1``, ``exited with code 2``.
_OTHERS = (
    r"(?:status|response|exit(?:ed|s)?|return(?:ed|s)?|quit|ended|closed|died|stopped|terminated|finished|http|signal"
    r"|process|ffmpeg|ffprobe)"
)
_GRAPH_CODE = re.compile(
    r"\(#(-?\d{1,6})\)"
    rf"|\b{_OTHERS}[\s_\-]?(?:with\s|a\s|an\s|the\s|error\s|exit\s|non-zero\s|of\s)*code[\"'\\]{{0,3}}\s?[:=(#]?\s{{0,2}}[\"'#]?-?\d+"
    rf"|\bcode[\"'\\]{{0,3}}\s?[:=(#]?\s{{0,2}}[\"'#]?(-?\d{{1,6}})\b(?![/.]\d){COUNTED}"
    r"|(?<![\d/.])(190)\s?/\s?4\d\d\b(?!/)|(?<![\d/.])(-?\d{1,5})\s?/\s?2207\d{3}\b(?!/)"
    rf"|\berror:?\s\(?#?(\d{{1,6}})\b(?![/.:]\d){COUNTED}|exception\W{{1,3}}#?(\d{{1,6}})\b(?![/.:]\d){COUNTED}",
    re.IGNORECASE,
)
_PAIRED = re.compile(r"(?<![\d/.])(-?\d{1,5})\s?/\s?(\d{3,7})\b(?!/)")
_SUBCODE = re.compile(
    r"sub_?code[\"'\\]{0,3}\s?[:=(#]?\s{0,2}[\"'#]?(\d{2,7})\b|\b(2207\d{3})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Codes:
    """The numbers of a reason that an API has given it."""

    main: frozenset[int]
    sub: frozenset[int]
    pairs: frozenset[tuple[int, int]]
    """As ``190/463``; any two numbers may be written so, and only a pair of the table says something."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One row of the table, ready to be matched."""

    cause: Cause
    runbook: str
    match: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None
    codes: frozenset[tuple[int, int | None]]
    http: frozenset[int]
    samples: tuple[tuple[str, str], ...]

    def has_pair(self, codes: Codes) -> bool:
        """Whether the reason holds a code and a subcode of this cause: nothing is surer."""
        return any(
            sub is not None and ((code, sub) in codes.pairs or (code in codes.main and sub in codes.sub))
            for code, sub in self.codes
        )

    def says(self, text: str, codes: Set[int]) -> bool:
        """Whether the reason says this cause in words or by a code, its platform being known."""
        return (
            any(sub is None and code in codes for code, sub in self.codes)
            or (self.match is not None and self.match.search(text) is not None)
            or (self.anywhere is not None and self.anywhere.search(text) is not None)
        )

    def says_alone(self, text: str) -> bool:
        """Whether the reason says this cause in words that only its platform uses."""
        return self.anywhere is not None and self.anywhere.search(text) is not None


class WrongTable(ValueError):
    """The triage table cannot be used: a sentence for each row that is wrong, with the file's name."""


@dataclass(slots=True)
class CauseTable:
    """The triage table, with a bounded memory of the shapes it has judged. Safe to share among threads: its memory is
    only ever a plain dict of finished judgements."""

    rows: Sequence[CauseRow]
    own: Sequence[CauseRow] = ()
    """A team's own, tried before the others."""
    _shapes: dict[tuple[tuple[str, ...], str], Cause] = field(default_factory=dict, repr=False)
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    _briefs: dict[str, Cause] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path) -> CauseTable:
        """Raises WrongTable when a row is incomplete, a key is there twice, or a pattern does not compile."""
        return cls(rows_of(path))

    def known(self) -> Iterable[Cause]:
        return [row.cause for row in (*self.own, *self.rows)]

    def runbook(self, key: str) -> str:
        """The section of the runbook to open for a cause; ``replay`` for one that is not in the table."""
        return next((row.runbook for row in (*self.own, *self.rows) if row.cause.key == key), "replay")

    def cause(self, reason: str, name: str = "") -> Cause:
        """The cause of one failed reason; one made from the normalised reason when the table has none."""
        text = readable(reason[:READ])
        key = f"{name}\n{brief(text)}"
        cause: Cause = self._briefs.get(key) or _remember(self._briefs, key, self._shaped(text, name))
        return cause

    def _shaped(self, text: str, name: str) -> Cause:
        named = self._names.get(name)
        if named is None:
            named = _remember(self._names, name, _named(name))
        known = (named, shape(text))
        return self._shapes.get(known) or _remember(self._shapes, known, self._judge(*known))

    def matching(self, reason: str, name: str = "") -> list[CauseRow]:
        """The rows that fit, best first; all but the first lost only by their place in the table."""
        return self._matching(shape(readable(reason[:READ])), _named(name))

    def _matching(self, shaped: str, named: tuple[str, ...]) -> list[CauseRow]:
        text = beginning_of(shaped)
        codes = Codes(
            frozenset(_numbers(_GRAPH_CODE, text)),
            frozenset(_numbers(_SUBCODE, text)),
            frozenset((int(found[1]), int(found[2])) for found in _PAIRED.finditer(text)),
        )
        statuses = _numbers(HTTP, text)
        platforms = _platforms(text, named)
        text = text.lower()
        for table in (self.own, self.rows):
            if found := _fitting(table, text, platforms, codes, statuses):
                return found
        return []

    def _judge(self, named: tuple[str, ...], shaped: str) -> Cause:
        # Made of the shape alone, so that nothing hangs on which of its reasons was seen first.
        if rows := self._matching(shaped, named):
            return rows[0].cause
        # What the table does not know is known by its normalised text. Masked first: a password makes neither a key nor
        # a cause of its own.
        normal = normalised(mask(shaped))
        like = likeness(normal)
        platform = next(iter(_platforms(shaped, named)), "")
        known = ((platform,), "\n" + like)
        return self._shapes.get(known) or _remember(self._shapes, known, _unknown(like, title_of(normal), platform))


def _fitting(
    table: Sequence[CauseRow], text: str, platforms: Sequence[str], codes: Codes, statuses: set[int]
) -> list[CauseRow]:
    """The rows of this table that fit, best first."""
    # What only one platform says is its error, whatever the job is called.
    for proves in (
        [row for row in table if row.cause.platform and row.has_pair(codes)],
        [row for row in table if row.cause.platform and row.says_alone(text)],
    ):
        if proves:
            return proves
    for platform in [*platforms, ""]:
        rows = [row for row in table if row.cause.platform == platform]
        for fits in (
            [row for row in rows if row.says(text, codes.main if platform else frozenset())],
            [row for row in rows if row.http & statuses],
        ):
            if fits:
                return fits
    return []


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> Any:
    if len(memory) >= _SHAPES:
        memory.clear()  # rarer than any bookkeeping that would choose what to forget
    memory[key] = value
    return value


def _numbers(pattern: re.Pattern[str], text: str) -> set[int]:
    return {int(group) for found in pattern.finditer(text) for group in found.groups() if group}


def _named(name: str) -> tuple[str, ...]:
    """The platforms in a job's name, the last first: ``tiktok-to-youtube`` fails at YouTube."""
    words = [
        word.lower()
        for found in _WORD.finditer(name[:200])
        if (word := found[0]).lower() not in _ABBREVIATED or not name[found.start() - 1 : found.start()].islower()
    ]
    named = [_NAMES[word] for word in reversed(words) if word in _NAMES]
    return tuple(dict.fromkeys(named))


def _platforms(text: str, named: tuple[str, ...]) -> list[str]:
    """The platforms that an error may be of, likeliest first. What only one platform's API says comes first; then a job
    that names its platform is of that platform, and the error's words only choose among those it names."""
    proved = [platform for platform, words in _PROOFS.items() if words.search(text)]
    told = [platform for platform, words in _PLATFORMS.items() if words.search(text)]
    return list(dict.fromkeys([*proved, *(each for each in told if not named or each in named), *named]))


def _unknown(like: str, title: str, platform: str) -> Cause:
    # The same words of two platforms are two causes: a 400 of Instagram's is none of TikTok's.
    words = re.findall(r"[a-z][a-z0-9]*", likeness(title))
    slug = "-".join([platform] * bool(platform) + [word for word in words if word != platform][:5])[:36].strip("-")
    mark = hashlib.blake2s(f"{platform} {like}".encode("utf-8", "replace"), digest_size=3).hexdigest()
    first = re.split(r"(?<=[.!?;])\s|\n", title)[0]
    first = f"{_SPELT[platform]}: {first}" if platform else first
    return Cause(
        key=f"{slug or 'unknown'}-{mark}",
        title=first if len(first) <= 80 else first[:79].rstrip() + "…",
        platform=platform,
        meaning="This error is not in the triage table.",
        advice="Read one of the jobs first (`/jobs show`), and whether it has posted. Then replay one and watch it.",
        retry="look",
        source="",
    )


def rows_of(path: Path) -> list[CauseRow]:
    """The rows of a table. Raises WrongTable with everything that is wrong with it, and OSError."""
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongTable(f"{path.name}: {error}") from error
    rows: list[CauseRow] = []
    problems = [f"{path.name}: {key} is not known; there is [[cause]]" for key in table if key != "cause"]
    listed = table.get("cause", [])
    for raw in listed if isinstance(listed, list) else [listed]:
        try:
            rows.append(_row(raw))
        except WrongTable as wrong:
            problems.append(f"{path.name}: {wrong}")
    keys = [row.cause.key for row in rows]
    if twice := {key for key in keys if keys.count(key) > 1}:
        problems.append(f"{path.name}: there twice: {', '.join(sorted(twice))}")
    if problems:
        raise WrongTable(*problems)
    return rows


def _row(raw: Mapping[str, Any]) -> CauseRow:
    if not isinstance(raw, Mapping):
        raise WrongTable("each cause is a table, [[cause]]")
    key = raw.get("key", "")
    allowed = {
        "key",
        "title",
        "platform",
        "runbook",
        "codes",
        "match",
        "anywhere",
        "http",
        "retry",
        "meaning",
        "advice",
        "source",
        "sample",
        "maybe_out",
    }
    if lacking := allowed - {"codes", "match", "anywhere", "http", "maybe_out"} - raw.keys():
        raise WrongTable(f"cause {key!r} lacks {', '.join(sorted(lacking))}")
    if unknown := raw.keys() - allowed:
        raise WrongTable(f"cause {key!r} has {', '.join(sorted(unknown))}; allowed are {', '.join(sorted(allowed))}")
    if raw["retry"] not in get_args(Retry):
        raise WrongTable(f"cause {key!r}: retry is one of {', '.join(get_args(Retry))}, not {raw['retry']!r}")
    if not isinstance(raw.get("maybe_out", False), bool):
        raise WrongTable(f"cause {key!r}: maybe_out is true or false, not {raw['maybe_out']!r}")
    if raw["platform"] not in ("", *_SPELT):
        raise WrongTable(f"cause {key!r}: platform is one of {', '.join(_SPELT)}, or empty, not {raw['platform']!r}")
    fields = ("key", "title", "platform", "meaning", "advice", "retry", "source")
    try:
        return CauseRow(
            cause=Cause(**{name: raw[name] for name in fields}, maybe_out=raw.get("maybe_out", False)),
            runbook=raw["runbook"],
            match=_either(raw.get("match", ())),
            anywhere=_either(raw.get("anywhere", ())),
            codes=frozenset(pair for code in raw.get("codes", ()) for pair in _pairs(code)),
            http=frozenset(status for each in raw.get("http", ()) for status in (_FAULTS if each == "5xx" else [each])),
            samples=tuple((name, reason) for name, reason in raw["sample"]),
        )
    except (re.error, ValueError, TypeError) as error:
        raise WrongTable(f"cause {key!r}: {error}") from error


def _either(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for text in lower case: several times as fast as one that ignores case."""
    either = "|".join(f"(?:{pattern})" for pattern in patterns)
    return (
        re.compile(re.sub(r"\\.|[A-Z]", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), either))
        if patterns
        else None
    )


def _pairs(code: int | str | Sequence[int]) -> list[tuple[int, int | None]]:
    match code:
        case int():
            return [(code, None)]
        case str():
            first, last = (int(part) for part in code.split("-"))
            return [(each, None) for each in range(first, last + 1)]
        case _:
            main, sub = code
            return [(main, sub)]
