"""The journal: what happened, who did it, when. The inspector, assertions and reports read it and nothing else."""

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .errors import EmulatorBug

KINDS: dict[str, str] = {
    "call.state": "a call went from one state to another: from, to, input",
    "call.offered": "a WebRTC call began: codecs, has_events, key, safety_identifier",
    "call.ended": "a call is over: reason, by, statistics",
    "sip.received": "a SIP message came in: summary, transport, peer, text",
    "sip.sent": "a SIP message went out: summary, transport, peer, text",
    "sip.dropped": "bytes or a message that nobody can answer: reason",
    "sip.way": "a connection to a caller whose own was closed: to, error",
    "sip.refer": "the fate of a transfer: a response to our REFER, or a NOTIFY with its sipfrag",
    "rest.request": "an HTTP request to /v1: method, path, body, safety_identifier",
    "rest.response": "its answer: method, path, status; error (what it says) where it refuses",
    "webhook.attempt": "one delivery attempt: event, url, webhook_id, attempt, status or error",
    "webhook.delivered": "a 2xx came back: event, url, webhook_id, attempt",
    "webhook.abandoned": "no attempt is left, or its endpoint was deleted: event, url, webhook_id, attempts",
    "client_secret.created": "a client secret was made: value (shortened), session_type, expires_at, safety_identifier",
    "channel.attached": "an event channel was attached to a session: channel, transport, safety_identifier",
    "channel.refused": "a WebSocket handshake was refused: status, code",
    "channel.detached": "an event channel is gone: channel, code, by",
    "event.client": "a client event arrived: channel, event",
    "event.server": "a server event was sent to every attached channel that gets it: event",
    "event.unsent": "a server event is longer than its data channel's peer takes: channel, type, length",
    "media.opened": "a media port is open: codec, local, remote",
    "media.changed": "a new offer was answered: codec, direction, remote",
    "media.unchanged": "the answer to an offer of ours can't be used: reason",
    "media.heard": "the session recognised what the caller said: text, complete",
    "media.said": "the model began to speak: text",
    "media.dtmf": "the caller pressed a key: digit",
    "media.closed": "a media port was closed: statistics",
    "scenario.step": "a step of a scenario answered: scenario, step, where, response_id",
    "scenario.unmatched": "no step of a strict scenario did, or it is unknown: scenario, message, response_id",
    "fault.struck": "a planned fault took effect: name",
    "emulator.bug": "an invariant of the emulator failed: error, traceback",
    "emulator.started": "every listener is up: the addresses",
    "emulator.stopping": "the emulator was asked to stop",
}
"""The kinds of entry, each with what its `data` holds. `add` refuses any other."""


class Entry(NamedTuple):
    """One thing that happened. `at` is Unix time in seconds; `sequence` counts from 1 without a gap.

    SIP messages know only their `sip_call_id`; the entry with which a call begins has both ids and joins them.
    """

    sequence: int
    at: float
    kind: str
    project_id: str | None
    call_id: str | None
    sip_call_id: str | None
    data: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        return {
            "sequence": self.sequence,
            "at": self.at,
            "kind": self.kind,
            "project_id": self.project_id,
            "call_id": self.call_id,
            "sip_call_id": self.sip_call_id,
            "data": dict(self.data),
        }


class Journal:
    """A bounded list of entries. What it lets go is handed to `on_drop` if one is given, and counted in any case."""

    def __init__(self, *, limit: int, on_drop: Callable[[Entry], None] | None = None) -> None:
        self._entries: deque[Entry] = deque()
        self._limit = limit
        self._on_drop = on_drop
        self._sequence = 0
        self._listeners: list[Callable[[Entry], None]] = []
        self.dropped = 0

    def add(
        self,
        kind: str,
        *,
        now: float,
        project_id: str | None = None,
        call_id: str | None = None,
        sip_call_id: str | None = None,
        **data: Any,
    ) -> Entry:
        """Record one thing. `data` must be what JSON can say, and must not be changed afterwards."""
        return self.record(kind, data, now, project_id, call_id, sip_call_id)

    def record(
        self,
        kind: str,
        data: Mapping[str, Any],
        now: float,
        project_id: str | None = None,
        call_id: str | None = None,
        sip_call_id: str | None = None,
    ) -> Entry:
        """`add` for a mapping that exists already, and may make its values when they are looked at."""
        if kind not in KINDS:
            raise EmulatorBug(f"journal entry of unknown kind {kind!r}")
        self._sequence += 1
        entry = Entry(self._sequence, now, kind, project_id, call_id, sip_call_id, data)
        self._entries.append(entry)
        if len(self._entries) > self._limit:
            oldest = self._entries.popleft()
            self.dropped += 1
            if self._on_drop is not None:
                self._on_drop(oldest)
        if self._listeners:
            for listener in tuple(self._listeners):
                listener(entry)
        return entry

    def add_bug(
        self, error: BaseException, *, now: float, project_id: str | None = None, call_id: str | None = None
    ) -> Entry:
        """Record that an invariant of ours failed, with what is known of where."""
        trace = "".join(traceback.format_exception(error))
        return self.add(
            "emulator.bug", now=now, project_id=project_id, call_id=call_id, error=repr(error), traceback=trace
        )

    def subscribe(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `listener` with every entry from now on. Returns the function that ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def entries(
        self,
        *,
        kind: str | None = None,
        project_id: str | None = None,
        call_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """What is still kept, oldest first. `kind` also matches by its first word (`sip` has `sip.sent`); `after` is a
        sequence number, not a position; a call or a project has the SIP messages of its dialogs too."""
        kept = tuple(self._entries)
        dialogs = self._dialogs(kept, project_id, call_id)
        count = 0
        for entry in kept:
            if entry.sequence <= after or (limit is not None and count >= limit):
                continue
            if kind is not None and entry.kind != kind and not entry.kind.startswith(kind + "."):
                continue
            if (project_id is not None or call_id is not None) and entry.sip_call_id not in dialogs:
                if project_id is not None and entry.project_id != project_id:
                    continue
                if call_id is not None and entry.call_id != call_id:
                    continue
            count += 1
            yield entry

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last_sequence(self) -> int:
        """Of the newest entry; 0 before the first."""
        return self._sequence

    @staticmethod
    def _dialogs(kept: tuple[Entry, ...], project_id: str | None, call_id: str | None) -> set[str | None]:
        return {
            entry.sip_call_id
            for entry in kept
            if entry.sip_call_id is not None
            and entry.call_id is not None
            and (project_id is None or entry.project_id == project_id)
            and (call_id is None or entry.call_id == call_id)
        }
