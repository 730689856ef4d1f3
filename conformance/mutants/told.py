"""Faults of events: what the server tells and what it hears."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringback.emulator.faults.plan import Fault

PAGE = 1
"""The number of the data channel of a WebRTC call: it is there before any sideband."""
_CLUSTER = re.compile(r"sess_u\d_")
Event = Mapping[str, Any]
Change = Callable[[Event], Event]
Hooks = Mapping[str, Any]


def told(type: str, change: Change, *, where: Callable[[Event], object] = lambda event: True) -> Hooks:
    """Events of that type are what `change` makes of them, where `where` says so."""
    return {"event": lambda event: [change(event) if event.get("type") == type and where(event) else event]}


def untold(type: str, *, where: Callable[[Event], object] = lambda event: True) -> Hooks:
    """Events of that type are not sent."""
    return {"event": lambda event: [] if event.get("type") == type and where(event) else [event]}


def heard(type: str, change: Change, *, where: Callable[[Event], object] = lambda event: True) -> Hooks:
    """Client events of that type are heard as `change` makes of them."""

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        return [json.dumps(change(event)) if event.get("type") == type and where(event) else data]

    return {"client_event": hear}


def unheard(type: str, *, where: Callable[[Event], object] = lambda event: True) -> Hooks:
    """Client events of that type are not heard."""

    def hear(data: str | bytes) -> Sequence[str | bytes]:
        event = read(data)
        return [] if event.get("type") == type and where(event) else [data]

    return {"client_event": hear}


def channel_of_a_page(number: int, type: str, make: Callable[[Event], Sequence[Event]]) -> Fault:
    """What a channel of a WebRTC call is told in place of events of that type; the page's is number 1.

    Such a call is known by the `session.created` that its page gets: a direct WebSocket's session has no cluster in its
    id, and the sideband of a SIP call gets none.
    """

    def fresh() -> Fault:
        pages = False

        def tell(channel: int, event: Event) -> Sequence[Event]:
            nonlocal pages
            if channel == PAGE and event.get("type") == "session.created":
                pages = pages or _CLUSTER.match(str(at(event, "session", "id"))) is not None
            return make(event) if pages and channel == number and event.get("type") == type else [event]

        return Fault(name="", channel_event=tell)

    return Fault(name="", fresh=fresh)


def read(data: str | bytes) -> Event:
    """A client event; empty where it is none."""
    try:
        event = json.loads(data)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def at(event: Any, *path: str | int) -> Any:
    """What is at a path, None where there is nothing."""
    for step in path:
        try:
            event = event[step]
        except (KeyError, IndexError, TypeError):
            return None
    return event


def put(value: Any, new: Any, *path: str | int) -> Any:
    """The same with something else at a path that is there."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, list):
        return [put(each, new, *rest) if place == step else each for place, each in enumerate(value)]
    return {**value, step: put(value.get(step), new, *rest)}


def cut(value: Any, *path: str) -> Any:
    """The same without what is at a path that is there."""
    *above, last = path
    inner = at(value, *above)
    return put(value, {name: each for name, each in inner.items() if name != last}, *above)
