"""What led to a failure: the ladder of SIP, and the webhooks and events beside it, in the order of time."""

import json
from collections.abc import Iterator

from .bench import Bench, delivery_names
from .client.events import EventStream
from .client.ladder import ladder, steps_of

MOST_FRAMES = 60
WIDEST_FRAME = 400


def ladder_of(bench: Bench) -> tuple[str, ...]:
    """What the bench's phones saw."""
    records = [record for call in bench.calls for record in call.messages]
    return tuple(ladder(steps_of(records))) if records else ()


def frames_of(bench: Bench) -> tuple[str, ...]:
    """One line each, the first at 0 ms; of many the last."""
    seen: list[tuple[float, str]] = list(bench.steps)
    receiver = bench.access.receiver
    for delivery in receiver.deliveries if receiver is not None else ():
        if not any(delivery_names(delivery, call) for call in bench.calls):
            continue  # a receiver may be shared by several checks
        mark = "" if delivery.verified else f" ({delivery.problem})"
        seen.append((delivery.at, f"webhook {delivery.type}{mark} {_text(delivery.body)}"))
    for name, sideband in _streams(bench):
        seen += [(event.at, f"{name} < {json.dumps(event.data, ensure_ascii=False)}") for event in sideband.events]
        seen += [(sideband.closed_at or 0.0, f"{name} {problem}") for problem in sideband.violations]
        if not sideband.is_open and sideband.closed_at is not None:
            code = "" if sideband.close_code is None else f" {sideband.close_code} {sideband.close_reason or ''}"
            seen.append((sideband.closed_at, f"{name} closed{code}"))
    seen.sort(key=lambda step: step[0])
    first = seen[0][0] if seen else 0.0
    return tuple(f"{1000 * (at - first):6.0f} ms  {_short(text)}" for at, text in seen[-MOST_FRAMES:])


def _streams(bench: Bench) -> Iterator[tuple[str, EventStream]]:
    """Every stream of events with its name: sidebands, and the data channels of WebRTC calls."""
    for number, sideband in enumerate(bench.sidebands, 1):
        yield ("events" if len(bench.sidebands) == 1 else f"events {number}"), sideband
    for number, call in enumerate(bench.web_calls, 1):
        if call.has_channel:
            yield ("channel" if len(bench.web_calls) == 1 else f"channel {number}"), call.events


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _short(text: str) -> str:
    return text if len(text) <= WIDEST_FRAME else f"{text[:WIDEST_FRAME]}… ({len(text)} characters)"
