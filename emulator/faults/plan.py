"""Faults and who has them. The transports ask here before bytes leave, after they came, and before effects happen.

::

    busy = Fault(name="busy-for-decline", effect=lambda call, effect: [replace(effect, status=486)] if … else [effect])
    emulator.add_project(webhook_urls=[…], faults=[busy])
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from ..calls.call import Call
from ..calls.effects import Effect
from ..errors import UsageError
from ..webhooks.delivery import Attempt
from ..webhooks.signature import sign

T = TypeVar("T")
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Among the effects of a call: what is behind it, and all that the call wants later, waits so many seconds."""

    seconds: float


Done: TypeAlias = Effect | Pause
"""What a fault may have done in place of an effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExchange:
    """An answer of the API that is about to leave, with the request that it answers. `path` includes the query."""

    method: str
    path: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. Each hook is a pure function from what should happen to what does; unset ones cost
    nothing. A hook that gives back an equal value did not match; `nth` lets only that match strike, counted from 1.

    Hooks that give a sequence may drop (`[]`), change, or multiply. None may change the value that it was given.
    """

    name: str
    effect: Callable[[Call, Effect], Sequence[Done]] | None = None
    """One effect of a call. A `ReplyHttp` must stay: its request waits for it."""
    batch: Callable[[Call, tuple[Done, ...]], Sequence[Done]] | None = None
    """All effects of one input, in their order: here the order can be broken. Sees what `effect` left."""
    sip_stream: Callable[[bytes], Sequence[bytes]] | None = None
    """Bytes of a TCP or TLS connection as they came: nobody knows whose they are, so only everybody's faults strike."""
    sip_in: Callable[[bytes], Sequence[bytes]] | None = None
    """One whole SIP message, before anybody read it."""
    sip_out: Callable[[bytes], Sequence[bytes]] | None = None
    """One whole SIP message, about to be written."""
    rtp_in: Callable[[bytes], Sequence[bytes]] | None = None
    rtp_out: Callable[[bytes], Sequence[bytes]] | None = None
    rtcp_out: Callable[[bytes], Sequence[bytes]] | None = None
    event: Callable[[Event], Sequence[Event]] | None = None
    """A server event on its way to every channel that gets it."""
    channel_event: Callable[[int, Event], Sequence[Event]] | None = None
    """The same for one channel, whose number counts from 1 in the order of attachment to the session."""
    client_event: Callable[[str | bytes], Sequence[str | bytes]] | None = None
    """What a client sent, before anybody read it."""
    webhook_event: Callable[[Event], Sequence[Event]] | None = None
    """A webhook event before it is signed and sent to the project's endpoints."""
    webhook: Callable[[Attempt], Attempt | None] | None = None
    """One attempt to deliver it; None: nothing is sent, and it counts as delivered. Who changes id, time or body and
    leaves the signature alone gets a new one: the server is wrong here, not the way to the receiver."""
    webhook_outcome: Callable[[int | str], int | str] | None = None
    """What an attempt is believed to have brought: an HTTP status, or the error without one."""
    http: Callable[[HttpExchange], HttpExchange] | None = None
    """An answer of REST or to a WebSocket handshake, where 101 may only become a refusal."""
    nth: int | None = None
    fresh: Callable[[], "Fault"] | None = None
    """For a fault with a memory: makes the one with the hooks, anew for each project that it is put on."""

    def __post_init__(self) -> None:
        if self.nth is not None and self.nth < 1:
            raise UsageError(f"fault {self.name}: nth counts from 1, not from {self.nth}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault took effect. `error`: its hook raised instead, and nothing was changed."""

    name: str
    project_id: str | None
    call_id: str | None = None
    sip_call_id: str | None = None
    error: Exception | None = None


class _Armed:
    """A fault in a plan, with what it has matched so far."""

    __slots__ = ("fault", "matches")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matches = 0

    def strikes(self) -> bool:
        """One more match: whether it counts."""
        self.matches += 1
        return self.fault.nth is None or self.matches == self.fault.nth


Hook = Callable[..., Sequence[Any]]


class FaultPlan:
    """The faults of one project. Each method takes what should happen and gives what does, through all of them."""

    def __init__(self, faults: Iterable[Fault], *, project_id: str | None, tell: Callable[[Strike], None]) -> None:
        self.project_id = project_id
        self.strikes = 0
        self._tell = tell
        self._armed = [_Armed(_made(fault)) for fault in faults]
        self._effect = self._hooks("effect")
        self._batch = [(armed, _single(hook, tuple)) for armed, hook in self._hooks("batch")]
        self._sip_stream = self._hooks("sip_stream")
        self._sip_in = self._hooks("sip_in")
        self._sip_out = self._hooks("sip_out")
        self._rtp_in = self._hooks("rtp_in")
        self._rtp_out = self._hooks("rtp_out")
        self._rtcp_out = self._hooks("rtcp_out")
        self._event = self._hooks("event")
        self._channel_event = self._hooks("channel_event")
        self._client_event = self._hooks("client_event")
        self._webhook_event = self._hooks("webhook_event")
        self._webhook = [(armed, _optional(hook)) for armed, hook in self._hooks("webhook")]
        self._webhook_outcome = [(armed, _single(hook)) for armed, hook in self._hooks("webhook_outcome")]
        self._http = [(armed, _single(hook)) for armed, hook in self._hooks("http")]

    # Calls

    def effects(self, call: Call, effects: tuple[Effect, ...]) -> tuple[Done, ...]:
        """What is done instead of the effects of one input."""
        batch: tuple[Done, ...] = effects
        if self._effect:
            batch = tuple(
                done for effect in batch for done in self._through(self._effect, effect, call, call_id=call.call_id)
            )
        return self._through(self._batch, batch, call, call_id=call.call_id)[0]

    # Bytes

    @property
    def touches_sip(self) -> bool:
        return bool(self._sip_in or self._sip_out or self._sip_stream)

    def sip_stream(self, data: bytes) -> list[bytes]:
        return self._through(self._sip_stream, data)

    def sip_in(self, message: bytes, sip_call_id: str | None) -> list[bytes]:
        return self._through(self._sip_in, message, sip_call_id=sip_call_id)

    def sip_out(self, message: bytes, sip_call_id: str | None) -> list[bytes]:
        return self._through(self._sip_out, message, sip_call_id=sip_call_id)

    def rtp_in(self, packet: bytes, call_id: str) -> list[bytes]:
        return self._through(self._rtp_in, packet, call_id=call_id)

    def rtp_out(self, packet: bytes, call_id: str) -> list[bytes]:
        return self._through(self._rtp_out, packet, call_id=call_id)

    def rtcp_out(self, packet: bytes, call_id: str) -> list[bytes]:
        return self._through(self._rtcp_out, packet, call_id=call_id)

    # Events and answers

    def event(self, event: Event, call_id: str | None) -> list[Event]:
        return self._through(self._event, event, call_id=call_id)

    @property
    def touches_channels(self) -> bool:
        return bool(self._channel_event)

    def channel_event(self, number: int, event: Event, call_id: str | None) -> list[Event]:
        return self._through(self._channel_event, event, number, call_id=call_id)

    def client_event(self, data: str | bytes, call_id: str | None) -> list[str | bytes]:
        return self._through(self._client_event, data, call_id=call_id)

    def webhook_event(self, event: Event, call_id: str | None) -> list[Event]:
        return self._through(self._webhook_event, event, call_id=call_id)

    def webhook(self, attempt: Attempt) -> Attempt | None:
        """The attempt to make instead; None for none."""
        made = self._through(self._webhook, attempt, call_id=attempt.call_id)
        return _signed(attempt, made[0]) if made else None

    def webhook_outcome(self, outcome: int | str, call_id: str | None) -> int | str:
        return self._through(self._webhook_outcome, outcome, call_id=call_id)[0]

    @property
    def touches_http(self) -> bool:
        return bool(self._http)

    def http(self, exchange: HttpExchange, call_id: str | None) -> HttpExchange:
        return self._through(self._http, exchange, call_id=call_id)[0]

    # Private

    def _hooks(self, name: str) -> list[tuple[_Armed, Hook]]:
        found = ((armed, getattr(armed.fault, name)) for armed in self._armed)
        return [(armed, hook) for armed, hook in found if hook is not None]

    def _through(self, hooks: list[tuple[_Armed, Hook]], value: T, *context: object, **where: str | None) -> list[T]:
        values = [value]
        for armed, hook in hooks:
            values = [after for before in values for after in self._ask(armed, hook, before, *context, **where)]
        return values

    def _ask(
        self,
        armed: _Armed,
        hook: Hook,
        value: T,
        *context: object,
        call_id: str | None = None,
        sip_call_id: str | None = None,
    ) -> list[T]:
        strike = Strike(name=armed.fault.name, project_id=self.project_id, call_id=call_id, sip_call_id=sip_call_id)
        try:
            after = list(hook(*context, value))
        except Exception as error:  # noqa: BLE001 — foreign code: a fault that raises must not end others' calls
            self._tell(replace(strike, error=error))
            return [value]
        if after == [value] or not armed.strikes():
            return [value]
        self.strikes += 1
        self._tell(strike)
        return after


class Faults:
    """Everybody's faults, in one emulator. True while there are any."""

    def __init__(self, tell: Callable[[Strike], None]) -> None:
        self._tell = tell
        self._plans: dict[str | None, FaultPlan] = {}
        self.touches_sip = False
        self.touches_http = False

    def put(self, project_id: str | None, faults: Iterable[Fault]) -> FaultPlan:
        """Give a project these faults in place of those it had. None: everybody without faults of their own, and
        what belongs to no project, such as a request without a key."""
        plan = FaultPlan(faults, project_id=project_id, tell=self._tell)
        self._plans[project_id] = plan
        self._review()
        return plan

    def forget(self, project_id: str | None) -> None:
        """No faults for that project any more. Without effect when it has none."""
        self._plans.pop(project_id, None)
        self._review()

    def of(self, project_id: str | None) -> FaultPlan | None:
        """The plan that holds for a project."""
        plan = self._plans.get(project_id)
        return self._plans.get(None) if plan is None else plan

    def __bool__(self) -> bool:
        return bool(self._plans)

    def __contains__(self, project_id: object) -> bool:
        return project_id in self._plans

    def __iter__(self) -> Iterator[FaultPlan]:
        return iter(self._plans.values())

    def _review(self) -> None:
        self.touches_sip = any(plan.touches_sip for plan in self)
        self.touches_http = any(plan.touches_http for plan in self)


def _made(fault: Fault) -> Fault:
    return fault if fault.fresh is None else replace(fault.fresh(), name=fault.name)


def _single(hook: Callable[..., Any], shape: Callable[[Any], Any] = lambda made: made) -> Hook:
    return lambda *given: [shape(hook(*given))]


def _optional(hook: Callable[..., Any]) -> Hook:
    def one_or_none(*given: Any) -> Sequence[Any]:
        made = hook(*given)
        return [] if made is None else [made]

    return one_or_none


def _signed(attempt: Attempt, made: Attempt) -> Attempt:
    """`made` with a signature that fits, unless the fault put one of its own there."""
    headers = made.headers
    name = "webhook-signature"
    if made is attempt or headers.get(name) != attempt.headers[name]:
        return made
    identifier, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
    if identifier is None or not timestamp.isdecimal():
        return made
    signature = sign(attempt.keys, webhook_id=identifier, timestamp=int(timestamp), body=made.body)
    return replace(made, headers={**headers, name: signature})
