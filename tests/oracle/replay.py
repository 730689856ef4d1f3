"""Replays recordings of a WebSocket, or of a page's sideband: `PYTHONPATH=tests python -m oracle.replay FILE…`

The client sends what was recorded, when as much had come back as in the recording; the model answers what the recorded
one did; sound that the recorder shortened is replaced by speech of its length. Ids are the emulator's own: where the
client named one, it names the emulator's at the same place. What differs is printed; the exit status is 1 if any of it
has no reason.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from oracle.compare import Difference, differences
from oracle.script import APPEND, Event, RecordedModel, Recording, Step
from oracle.sound import appends_like, is_shortened
from ringback.conformance.client import RestClient, Sideband, WebRtcCall
from ringback.emulator.config import Settings
from ringback.emulator.server import Emulator

FREE_PORTS: dict[str, Any] = {"http_port": 0, "https_port": 0, "sip_tls_port": 0, "sip_tcp_port": 0, "sip_udp_port": 0}
PATIENCE = 30.0
_ID = re.compile(r"\b(?:item|resp|call|conv)_[0-9A-Za-z]+\b")


@asynccontextmanager
async def direct(emulator: Emulator, recording: Recording) -> AsyncIterator[Sideband]:
    """A session of its own, as most recordings are of."""
    ready = emulator.ready
    async with await Sideband.open(ready.base_url, query=recording.query, api_key=ready.api_key) as session:
        yield session


@asynccontextmanager
async def beside_a_page(emulator: Emulator, recording: Recording) -> AsyncIterator[Sideband]:
    """The sideband of a WebRTC call."""
    ready = emulator.ready
    async with RestClient(ready.base_url, ready.api_key) as rest, WebRtcCall() as call:
        model = recording.received[0]["session"]["model"]
        await call.connect(await rest.create_call(await call.offer(), {"type": "realtime", "model": model}))
        async with await Sideband.open(ready.base_url, call_id=call.id, api_key=ready.api_key) as sideband:
            yield sideband


async def replay(path: Path) -> list[Event]:
    """What the emulator sends to a client that does as in the recording."""
    recording = Recording.read(path)
    model = RecordedModel(recording.received)
    opened = direct if recording.begins_a_session else beside_a_page
    async with Emulator(Settings(**FREE_PORTS), make_model=lambda project_id: model) as emulator:
        async with opened(emulator, recording) as session:
            for step in recording.steps:
                await _wait(session, step.after)
                for event in _sent(step, recording, [dict(event.data) for event in session.events]):
                    await session.send(event)
            await _wait(session, _end(recording.received))
        return [dict(event.data) for event in session.events]


async def compare(path: Path) -> list[Difference]:
    """What differs between a recording and its replay."""
    return differences(Recording.read(path).received, await replay(path))


async def _wait(session: Sideband, after: tuple[str, int] | None) -> None:
    if after is not None:
        kind, count = after
        await session.wait_for(
            kind, where=lambda _: sum(event.type == kind for event in session.events) >= count, timeout=PATIENCE
        )


def _end(received: list[Event]) -> tuple[str, int]:
    """What to wait for at the end: the last events that are no deltas, for of those there may be fewer."""
    kinds = [event["type"] for event in received if not event["type"].endswith(".delta")]
    return kinds[-1], kinds.count(kinds[-1])


def _sent(step: Step, recording: Recording, ours: list[Event]) -> list[Event]:
    """A step's events as this session's client sends them."""
    events = step.events
    appends = [event for event in events if event["type"] == APPEND]
    if appends and all(map(is_shortened, appends)):
        session = next(event["session"] for event in reversed(ours) if "session" in event)
        spoken = iter(appends_like(appends, recording.received, session))
        events = [next(spoken) if event["type"] == APPEND else event for event in events]
    ids = _namesakes(recording.received, ours)
    return [_renamed(event, ids) if event["type"] != APPEND else event for event in events]


def _namesakes(recorded: list[Event], ours: list[Event]) -> dict[str, str]:
    """Recorded ids with ours: the third item here is the third item there."""
    found: dict[str, str] = {}
    theirs, mine = _ids(recorded), _ids(ours)
    for kind in {each.partition("_")[0] for each in theirs}:
        found |= zip(
            (each for each in theirs if each.startswith(f"{kind}_")),
            (each for each in mine if each.startswith(f"{kind}_")),
            strict=False,
        )
    return found


def _ids(events: list[Event]) -> list[str]:
    """Every id in the order of its first appearance, apart from those of events."""
    return list(dict.fromkeys(_ID.findall(json.dumps([{**event, "event_id": None} for event in events]))))


def _renamed(event: Event, ids: dict[str, str]) -> Event:
    renamed: Event = json.loads(_ID.sub(lambda found: ids.get(found[0], found[0]), json.dumps(event)))
    return renamed


def main() -> int:
    unexplained = 0
    for name in sys.argv[1:]:
        found = asyncio.run(compare(Path(name)))
        print(f"{name}: {len(found)} differences")  # noqa: T201 — a command
        for difference in found:
            print(f"  {difference}")  # noqa: T201
        unexplained += sum(difference.known is None for difference in found)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
