"""Logs: one JSON object a line on standard error, masked, without control characters; each ``extra`` is a field."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.domain.border import for_record
from bot.domain.masking import mask_data

_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """``at``, ``level``, ``from``, ``says``, then the extra fields, then the traceback when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": for_record(record.name),
            "says": for_record(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _OWN:
                line[name] = _plain(value)
        if record.exc_info:
            line["traceback"] = for_record(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A field as JSON has it, masked to its last leaf: a line that cannot be written would be lost."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        # With its keys: a password is known by what stands before it.
        masked = mask_data({str(key): each for key, each in value.items()})
        return {for_record(key): _plain(each) for key, each in masked.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return for_record(str(value))


def to_stderr(level: str) -> None:
    """Everything from ``level`` on, to standard error. The libraries' own chatter from warnings on, at the most."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    theirs = max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()])
    logging.basicConfig(level=theirs, handlers=[handler], force=True)
    for ours in ("bot", "handlers"):
        logging.getLogger(ours).setLevel(level.upper())
