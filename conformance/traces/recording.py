"""Recordings: files of one JSON object a line, in the order in which it crossed the wire, judged by the same rules.

{"kind": "message", "direction": "received", "data": {…}}     an event of a channel; a file is one channel's trace
{"request": {…}, "response": {…}}                             one HTTP exchange
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .event import TraceEvent, Violation
from .exchange import Exchange, judge_exchange
from .judge import RULES, Judge

NOT_AN_EVENT = "TRACE-EVENT-OBJECT"


class UnreadableRecording(ValueError):
    """The file is no recording: `str()` names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A recorded message; `data` is an event if the peer sent one."""

    direction: Literal["sent", "received"]
    data: Any
    at: float | None = None


Record = Message | Exchange


def load(path: Path) -> list[tuple[int, Record]]:
    """(line, what it records) of one file. Raises `UnreadableRecording`, or `OSError` when it can't be opened."""
    return list(_records(path))


def judge(path: Path, *, complete: bool = False) -> list[Violation]:
    """All that is wrong with a recording, or with each `.jsonl` of a folder; `source` of each names file and line.

    `complete` says that each was recorded until nothing more was under way. Raises `UnreadableRecording`; of a folder
    without recordings, too, since nothing was judged then.
    """
    if not path.is_dir():
        return _judge_file(path, complete)
    files = sorted(path.rglob("*.jsonl"))
    if not files:
        raise UnreadableRecording(f"{path}: there is no .jsonl file in it")
    return [violation for file in files for violation in _judge_file(file, complete)]


def _judge_file(path: Path, complete: bool) -> list[Violation]:
    rules = Judge(complete=complete, rules=RULES)
    found: list[Violation] = []
    for line, record in _records(path):
        source = f"{path.name}:{line}"
        if isinstance(record, Exchange):
            found += [replace(violation, source=source) for violation in judge_exchange(record)]
        elif not isinstance(record.data, Mapping):
            message = f"a {record.direction} message is no object: {json.dumps(record.data)[:80]}"
            found.append(Violation(rule=NOT_AN_EVENT, message=message, source=source))
        else:
            event = TraceEvent(record.direction, record.data, record.at)
            found += [replace(violation, source=source) for violation in rules.feed(event)]
    found += [replace(violation, source=f"{path.name}: end") for violation in rules.end()]
    return found


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    for line, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except ValueError as error:
            raise UnreadableRecording(f"{path}:{line}: not JSON: {error}") from None
        if not isinstance(record, dict):
            raise UnreadableRecording(f"{path}:{line}: not an object")
        if record.get("kind") == "message" and record.get("direction") in ("sent", "received") and "data" in record:
            at = record.get("at")
            yield (
                line,
                Message(
                    direction=record["direction"], data=record["data"], at=at if isinstance(at, int | float) else None
                ),
            )
        elif isinstance(record.get("request"), dict) and isinstance(record.get("response"), dict):
            yield line, Exchange(request=record["request"], response=record["response"])
        else:
            raise UnreadableRecording(
                f"{path}:{line}: neither a message with a direction and data, nor a request with its response"
            )
