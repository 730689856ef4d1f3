"""What `ringback doctor` found: for people, in lines that fit the terminal, and for scripts."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum


class Level(Enum):
    WELL = "well"
    NOTE = "note"
    """Nothing is wrong, but somebody may trip over it."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what about it, and what to do."""

    topic: str
    level: Level
    says: str
    do: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {**asdict(self), "level": self.level.value}


MARKS = {Level.WELL: "✓", Level.NOTE: "!", Level.WRONG: "✗"}
COLOURS = {Level.WELL: "green", Level.NOTE: "yellow", Level.WRONG: "red"}
TOPIC_WIDTH = 12
NARROW = 60
COMMANDS = ("ringback ", "--")
"""Commands are never broken: they are to be copied, and the terminal wraps them."""
WIDEST = 110


def is_well(findings: Sequence[Finding]) -> bool:
    return all(finding.level is not Level.WRONG for finding in findings)


def as_json(url: str, findings: Sequence[Finding]) -> str:
    return json.dumps(
        {"url": url, "ok": is_well(findings), "findings": [finding.as_dict() for finding in findings]},
        ensure_ascii=False,
        indent=2,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """`head` has a colour of its own."""

    head: str
    rest: str = ""
    colour: str | None = None


def as_lines(findings: Sequence[Finding], *, width: int) -> list[Line]:
    """Lines of which none is longer but commands. Below `NARROW` columns a topic has a line of its own."""
    width = min(width, WIDEST)
    lines: list[Line] = []
    for finding in findings:
        head = f"{MARKS[finding.level]} {finding.topic}"
        colour = COLOURS[finding.level]
        indent = "  " if width < NARROW else " " * (TOPIC_WIDTH + 3)
        says = _wrapped(finding.says, indent, width)
        if width < NARROW:
            lines.append(Line(head, colour=colour))
        else:
            lines.append(Line(head.ljust(len(indent)), says.pop(0)[len(indent) :], colour))
        lines += map(Line, says)
        for step in (finding.do or "").splitlines():
            is_command = step.startswith(COMMANDS)
            first, *others = [step] if is_command else _wrapped(step, f"{indent}  ", width)
            lines.append(Line(f"{indent}→ {first.strip()}"))
            lines += map(Line, others)
    return lines


def summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    if not counts[Level.WRONG]:
        return "nothing is in a softphone's way"
    one = counts[Level.WRONG] == 1
    return f"{counts[Level.WRONG]} thing{'' if one else 's'} to mend before a softphone can call"


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    """Words stay whole: paths and URIs are to be copied."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]
