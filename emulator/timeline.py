"""The journal as a picture: a ladder with caller, emulator and application, one line for each thing that happened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from .journal import Entry

TIME = 9
CALLER_SPAN = 52
APPLICATION_SPAN = 58
"""Columns between two lifelines; the longest names of events just fit, and a terminal of 120 columns shows all."""

Side = Literal["caller", "application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One arrow, or with no `side` a note on the emulator's own lifeline. `count` like steps were folded into it."""

    at: float
    label: str
    side: Side | None = None
    inward: bool = False
    count: int = 1


def steps(entries: Iterable[Entry]) -> Iterator[Step]:
    """The entries that a picture shows; repeated deltas are folded into one step."""
    last: Step | None = None
    for entry in entries:
        step = _step(entry)
        if step is None:
            continue
        is_repeat = last is not None and (step.label, step.side, step.inward) == (last.label, last.side, last.inward)
        if is_repeat and last is not None and step.label.endswith(".delta"):
            last = Step(at=last.at, label=last.label, side=last.side, inward=last.inward, count=last.count + 1)
            continue
        if last is not None:
            yield last
        last = step
    if last is not None:
        yield last


def ladder(entries: Iterable[Entry]) -> list[str]:
    """Lines of plain text, times in milliseconds since the first; none of nothing."""
    lines = [" " * TIME + "caller".ljust(CALLER_SPAN) + "ringback".ljust(APPLICATION_SPAN - 10) + "application"]
    start: float | None = None
    for step in steps(entries):
        start = step.at if start is None else start
        label = step.label if step.count == 1 else f"{step.label} ×{step.count}"
        caller, application = " " * (CALLER_SPAN - 1), " " * (APPLICATION_SPAN - 1)
        if step.side is None:
            application = f" {label}".ljust(APPLICATION_SPAN - 1)
        elif step.side == "caller":
            caller = _arrow(label, CALLER_SPAN, right=step.inward)
        else:
            application = _arrow(label, APPLICATION_SPAN, right=not step.inward)
        lines.append(f"{(step.at - start) * 1000:8.1f}".ljust(TIME) + f"│{caller}│{application}│")
    return lines if start is not None else []


def _arrow(label: str, span: int, *, right: bool) -> str:
    room = span - 5
    label = label if len(label) <= room else label[: room - 1] + "…"
    if right:
        return f"─ {label} ".ljust(span - 2, "─") + "▶"
    return "◀" + f" {label} ─".rjust(span - 2, "─")


def _step(entry: Entry) -> Step | None:
    data = entry.data
    match entry.kind:
        case "sip.received" | "sip.sent":
            return Step(at=entry.at, label=_sip(data["summary"]), side="caller", inward=entry.kind == "sip.received")
        case "media.heard":
            return Step(at=entry.at, label=f"♪ “{data['text']}”", side="caller", inward=True)
        case "media.said":
            return Step(at=entry.at, label=f"♪ “{data['text']}”", side="caller")
        case "media.dtmf":
            return Step(at=entry.at, label=f"♪ key {data['digit']}", side="caller", inward=True)
        case "webhook.attempt":
            outcome = data.get("status") or data.get("error")
            return Step(at=entry.at, label=f"{data['event']} → {outcome}", side="application")
        case "rest.request" | "rest.response" if data["path"].startswith("/v1/realtime?"):
            return None  # a WebSocket handshake: its channel says more
        case "rest.request":
            return Step(at=entry.at, label=f"{data['method']} …/{_tail(data['path'])}", side="application", inward=True)
        case "rest.response":
            return Step(at=entry.at, label=f"{data['status']} to {_tail(data['path'])}", side="application")
        case "channel.attached":
            return Step(at=entry.at, label=f"{data['channel']} attached", side="application", inward=True)
        case "channel.detached":
            label = f"{data['channel']} closed ({data['code']})"
            return Step(at=entry.at, label=label, side="application", inward=data["by"] == "client")
        case "event.client" | "event.server":
            inward = entry.kind == "event.client"
            return Step(at=entry.at, label=data["event"].get("type", "?"), side="application", inward=inward)
        case "call.state":
            return Step(at=entry.at, label=f"call {data['to']}")
        case "emulator.bug" | "webhook.abandoned" | "sip.dropped":
            return Step(at=entry.at, label=f"{entry.kind}: {data.get('error') or data.get('reason', '')}")
    return None


def _sip(summary: str) -> str:
    method, _, rest = summary.partition(" ")
    return summary if method.isdecimal() else f"{method} {rest.partition(';')[0]}"


def _tail(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[2]
