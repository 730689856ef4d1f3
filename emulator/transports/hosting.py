"""A session host at work: its channels, its deadline, and its journal entries."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import EmulatorBug, InvalidRequest
from ..faults.plan import FaultPlan, Faults
from ..journal import Journal
from ..realtime.effects import CloseChannel, CloseChannels, HangUpCall, HostRecord, SendEvent, SessionExpired
from .channels import encode
from .deadlines import Deadlines
from .event_record import EventData, kept_payload

if TYPE_CHECKING:
    from ..sessions.host import SessionHost


class Channel(Protocol):
    """What carries events to one client."""

    id: str

    def send(self, payload: bytes) -> None: ...

    def close(self, code: int, reason: str = "") -> None: ...


class Nobody:
    """The channel of the emulator itself, when it plays the application: it says things and hears nothing."""

    def __init__(self, channel_id: str) -> None:
        self.id = channel_id

    def send(self, payload: bytes) -> None:
        """Events for nobody."""

    def close(self, code: int, reason: str = "") -> None:
        """There is nothing to close."""


class RunningHost:
    """Joins a `SessionHost` to the world. Call `pump()` after feeding the host by another way than these methods.

    What the host raises goes to `on_bug`, not to whoever happened to bring the input.
    """

    def __init__(
        self,
        host: "SessionHost",
        *,
        project_id: str,
        call_id: str | None,
        journal: Journal,
        deadlines: Deadlines,
        now: Callable[[], float],
        on_expired: Callable[[], None],
        on_hang_up: Callable[[str], None],
        on_bug: Callable[[Exception], None],
        faults: Faults,
    ) -> None:
        self.host = host
        self.project_id = project_id
        self.call_id = call_id
        self.channels: dict[str, Channel] = {}
        self.is_open = True
        self.on_speaking: Callable[[], None] | None = None
        """Called while there is something to play, by whoever may have stopped asking for it."""
        self._journal = journal
        self._deadlines = deadlines
        self._now = now
        self._on_expired = on_expired
        self._on_hang_up = on_hang_up
        self._on_bug = on_bug
        self._faults = faults
        self._numbers: dict[str, int] = {}
        """Of the channels, in the order of their attachment."""
        self._is_pumping = False

        self._about = {} if call_id is not None else {"session_id": host.session.id}
        """What names the session in the journal: its call, or, without one, its id."""

    # Input

    def attach(self, channel: Channel, *, transport: str, **about: object) -> None:
        """`about` is what the journal is told besides. A data channel is greeted, as it is the session's own [SDK]."""
        now = self._now()
        self.channels[channel.id] = channel
        self._numbers[channel.id] = len(self._numbers) + 1
        self._record("channel.attached", now, channel=channel.id, transport=transport, **about)
        with self._reported():
            self.host.attach(channel.id, now, greets=transport == "webrtc")
            self.pump()

    def detach(self, channel: Channel, *, code: int | None, by: str) -> None:
        """The channel is gone, whoever closed it. The session lives on."""
        if self.channels.pop(channel.id, None) is None:
            return
        now = self._now()
        self._record("channel.detached", now, channel=channel.id, code=code, by=by)
        if self.is_open:
            with self._reported():
                self.host.detach(channel.id, now)
                self.pump()

    def receive(self, channel_id: str, data: str | bytes) -> None:
        """One client event."""
        for _ in self.receiving(channel_id, data):
            """Nobody else gets a turn."""

    def receiving(self, channel_id: str, data: str | bytes) -> Iterator[None]:
        """One client event, in steps of some milliseconds. Who brings it lets others have their turn in between, and
        brings nothing more before the last of them."""
        if not self.is_open:
            return
        try:
            plan = self._plan
            for message in (data,) if plan is None else plan.client_event(data, self.call_id):
                self.host.receive_text(channel_id, message, self._now(), in_steps=True)
            self.pump()
            while self.host.is_behind:
                yield
                self.host.go_on(self._now())
                self.pump()
        except Exception as error:  # noqa: BLE001 — as `_reported`, which costs as much as a short event
            self._on_bug(error)

    def refuse(self, channel_id: str, error: InvalidRequest) -> None:
        """A client event that is not read."""
        if self.is_open:
            self.host.refuse(channel_id, error)
            self.pump()

    def close(self, code: int, reason: str = "") -> None:
        """End the session: every channel is closed with `code`."""
        if not self.is_open:
            return
        self.host.close(self._now())
        self.pump()
        self.is_open = False
        self._deadlines.arm(self, None, self._handle_timer)
        for channel in tuple(self.channels.values()):
            channel.close(code, reason)

    # Output

    def pump(self) -> None:
        """Perform what the host wants, and be woken when it has something to do."""
        if self._is_pumping:
            return  # a channel that closes while it is written to comes back here; the loop below goes on
        self._is_pumping = True
        try:
            plan = self._plan
            while (effect := self.host.next_effect()) is not None:
                if not isinstance(effect, SendEvent):
                    self._perform(effect)
                elif plan is None:
                    self._send(effect.channel_id, effect.event)
                else:
                    self._send_through(plan, effect.channel_id, effect.event)
        finally:
            self._is_pumping = False
        if self.is_open:
            self._deadlines.arm(self, self.host.next_deadline(), self._handle_timer)
            if self.on_speaking is not None and self.host.speaking:
                self.on_speaking()

    # Private

    def _perform(self, effect: object) -> None:
        match effect:
            case CloseChannel(channel_id=channel_id, code=code, reason=reason):
                if (channel := self.channels.get(channel_id)) is not None:
                    channel.close(code, reason)
            case CloseChannels(code=code, reason=reason):
                for channel in tuple(self.channels.values()):
                    channel.close(code, reason)
            case HangUpCall(reason=reason):
                self._on_hang_up(reason)
            case HostRecord(kind=kind, data=data):
                self._record(kind, self._now(), **data)
            case SessionExpired():
                self._on_expired()
            case _:
                raise EmulatorBug(f"the host wants {effect!r}, which nobody can do")

    def _send(self, channel_id: str | None, event: dict[str, Any]) -> None:
        payload = encode(event)
        kept = EventData(self._about, channel_id, kept_payload(event, payload))
        self._journal.record("event.server", kept, self._now(), self.project_id, self.call_id)
        if channel_id is None:
            for channel in tuple(self.channels.values()):
                channel.send(payload)
        elif channel_id in self.channels:
            self.channels[channel_id].send(payload)

    def _send_through(self, plan: FaultPlan, channel_id: str | None, event: dict[str, Any]) -> None:
        for sent in plan.event(event, self.call_id):
            if not plan.touches_channels:
                self._send(channel_id, dict(sent))
                continue
            for each in tuple(self.channels) if channel_id is None else (channel_id,):
                for received in plan.channel_event(self._numbers[each], sent, self.call_id):
                    self._send(each, dict(received))

    @property
    def _plan(self) -> FaultPlan | None:
        return self._faults.of(self.project_id) if self._faults else None

    def _record(self, kind: str, now: float, **data: Any) -> None:
        self._journal.add(kind, now=now, project_id=self.project_id, call_id=self.call_id, **self._about, **data)

    def _handle_timer(self, now: float) -> None:
        with self._reported():
            self.host.handle_timer(now)
            self.pump()

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 — a session's bug ends its own call, not a loop that serves others
            self._on_bug(error)


RESPONSE_CREATE = json.dumps({"type": "response.create"})
