"""Performs what calls want: effects in order, a queue for each call, on sockets, sessions and waiting requests.

An effect that must wait holds those behind it, of its own call only. A failed effect skips the rest of its batch, turns
the HTTP reply behind it into a 502, and comes back to the call as an input. One that raises what nobody foresaw is a
bug: it is journalled, its own call ends, and the others go on.
"""

import asyncio
import functools
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ..calls.call import Call, State
from ..calls.control import Batch, CallControl
from ..calls.effects import (
    AskForGreeting,
    ChangeMedia,
    CloseMedia,
    CloseSession,
    Effect,
    HearDigit,
    OpenMedia,
    OpenSession,
    PostWebhook,
    RefreshSession,
    RefuseInvite,
    RenewMedia,
    ReplyHttp,
    SendAnswer,
    SendBye,
    SendRefer,
    SendSip,
    StartMedia,
)
from ..calls.inputs import ByeCompleted, Input, MediaSilent, ReplyToken, SessionExpired, Stop
from ..calls.leg import SipLeg, WebRtcLeg
from ..calls.project import Project
from ..config import Settings
from ..errors import ApiError, EmulatorBug, InternalError, SipError, UpstreamFailed, UsageError
from ..faults.plan import Faults, Pause
from ..ids import Ids
from ..journal import Journal
from ..realtime.session_config import SessionConfig
from ..sdp.webrtc_offer import WebRtcOffer
from ..sip import events as sip
from ..sip.endpoint import SipEndpoint
from .call_run import BatchEnd, CallRun, Reply
from .deadlines import Clock, Deadlines
from .hosting import RESPONSE_CREATE, Nobody, RunningHost
from .rtp_net import MediaPorts, Ticker
from .sip_calls import SipCalls, sip_leg
from .sip_net import SipNet
from .sip_record import record_dropped, record_message
from .sip_ways import SipWays
from .supervisor import Supervisor
from .webrtc_calls import WebRtcCalls

log = logging.getLogger("ringback.calls")


class Performer:
    """Owns the SIP endpoint, the control and everything that calls have open. `pump()` moves all of it on."""

    def __init__(
        self,
        *,
        endpoint: SipEndpoint,
        control: CallControl,
        clock: Clock,
        deadlines: Deadlines,
        supervisor: Supervisor,
        journal: Journal,
        ids: Ids,
        media_ports: MediaPorts,
        make_host: Callable[[Call, OpenSession, Callable[[], None]], RunningHost],
        post_webhook: Callable[[Call, PostWebhook], None],
        net: SipNet,
        faults: Faults,
        settings: Settings,
    ) -> None:
        self.control = control
        self._endpoint = endpoint
        self._clock = clock
        self._deadlines = deadlines
        self._supervisor = supervisor
        self._journal = journal
        self._make_host = make_host
        self._post_webhook = post_webhook
        self._net = net
        self._faults = faults
        self._ticker = Ticker(deadlines, clock.now)
        self._sip = SipCalls(
            settings=settings,
            endpoint=endpoint,
            ids=ids,
            clock=clock,
            record=self._record,
            media_ports=media_ports,
            ticker=self._ticker,
            line_of=net.line_of,
            faults=faults,
        )
        self._ways = SipWays(endpoint=endpoint, net=net, record=self._record)
        self._webrtc = WebRtcCalls(
            settings=settings,
            ids=ids,
            clock=clock,
            journal=journal,
            supervisor=supervisor,
            ticker=self._ticker,
            faults=faults,
        )
        self._runs: dict[str, CallRun] = {}
        self._replies: dict[ReplyToken, Reply] = {}
        self._reply_count = itertools.count(1)
        self._is_pumping = False
        self._idle = asyncio.Event()
        self._idle.set()

    # Input

    def request(self, call: Call, make_input: Callable[[ReplyToken], Input]) -> Reply:
        """Apply a verb to a call on behalf of a waiting request."""
        reply = Reply(ReplyToken(next(self._reply_count)))
        self._replies[reply.token] = reply
        self.apply(call, make_input(reply.token))
        return reply

    def offer(self, project: Project, offer: WebRtcOffer, config: SessionConfig) -> tuple[Call, Reply]:
        """Begin a WebRTC call on behalf of a waiting request, whose `Reply` has the answer."""
        reply = Reply(ReplyToken(next(self._reply_count)))
        self._replies[reply.token] = reply
        call = self.control.offer(project, offer, config, reply.token, self._clock.now())
        self.pump()
        return call, reply

    def apply(self, call: Call, given: Input) -> None:
        """Give a call one input and perform what follows from it."""
        self.control.apply(call, given, self._clock.now())
        self.pump()

    def pump(self) -> None:
        """Move on everything that can move: SIP events, batches, queues; then send, and set the next deadlines."""
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while self._take_sip_event() or self._take_batch():
                pass  # each of them ends the call that has a bug, and goes on
        finally:
            self._is_pumping = False
        self._net.flush()
        self._deadlines.arm(self._endpoint, self._endpoint.next_deadline(), self._endpoint_timer)
        self._deadlines.arm(self.control, self.control.next_deadline(), self._control_timer)

    def bug(self, call: Call | None, error: BaseException) -> None:
        """An invariant failed: it is journalled, and the call whose it was ends, with 500 or BYE."""
        now = self._clock.now()
        if call is None:
            self._journal.add_bug(error, now=now)
            return
        self._journal.add_bug(error, now=now, project_id=call.project_id, call_id=call.call_id)
        if call.state is not State.ENDED:
            self.control.apply(call, Stop(reason=f"bug: {error!r}", bug=error), now)
            self.pump()

    async def stop(self, timeout: float) -> None:
        """End every call: BYE to each, and wait until all are answered, `timeout` seconds at the most."""
        self.control.stop("the emulator stops", self._clock.now())
        self.pump()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            for run in tuple(self._runs.values()):
                self._close(run, 1001)
                self._release(run)

    # Queries

    def session_of(self, call: Call) -> RunningHost | None:
        """The session of a call, from accept to its end."""
        run = self._runs.get(call.call_id)
        return None if run is None else run.host

    @property
    def open_calls(self) -> int:
        return len(self._runs)

    @property
    def open_peers(self) -> int:
        """WebRTC peers that were not closed."""
        return len(self._webrtc)

    @property
    def playing_legs(self) -> int:
        return len(self._ticker)

    # Private: moving on

    def _take_sip_event(self) -> bool:
        event = self._endpoint.next_event()
        if event is None:
            return False
        try:
            self._receive(event, self._clock.now())
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            call = self.control.call_of(event)
            self.bug(call, error)
            if call is None and isinstance(event, sip.InviteReceived):
                self._refuse(RefuseInvite(invite=event.invite, status=500))
        return True

    def _receive(self, event: sip.SipEvent, now: float) -> None:
        match event:
            case sip.MessageReceived() | sip.MessageSent():
                record_message(self._journal, event, now)
            case sip.MessageDropped():
                record_dropped(self._journal, event, now)
            case _:
                self.control.receive_sip(event, now)

    def _take_batch(self) -> bool:
        batch = self.control.next_batch()
        if batch is None:
            return False
        try:
            if batch.call is None:
                self._perform_without_call(batch.effects)
            else:
                self._perform_batch(batch.call, batch)
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            self.bug(batch.call, error)
        return True

    def _perform_batch(self, call: Call, batch: Batch) -> None:
        run = self._runs.get(call.call_id)
        if run is None:
            if self.control.calls.get(call.call_id) is None:
                return  # released: what comes after a call's last batch has nothing left to act on
            run = self._runs[call.call_id] = CallRun(call)
            self._idle.clear()
        plan = self._faults.of(call.project_id) if self._faults else None
        run.queue.extend(batch.effects if plan is None else plan.effects(call, batch.effects))
        run.queue.append(BatchEnd(batch.is_last))
        self._continue(run)

    def _continue(self, run: CallRun) -> None:
        while run.queue and not run.is_waiting:
            effect = run.queue.popleft()
            if isinstance(effect, BatchEnd):
                self._end_batch(run, effect)
            elif isinstance(effect, Pause):
                self._pause(run, effect.seconds)
            elif run.failure is None or isinstance(effect, ReplyHttp | CloseSession | CloseMedia):
                self._try(run, effect)

    def _try(self, run: CallRun, effect: Effect) -> None:
        try:
            self._perform(run, effect)
        except (SipError, UsageError) as error:  # no connection, or a dialog that ended while this effect waited
            run.failure = UpstreamFailed(f"Nothing was sent: {type(effect).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
            run.failure = InternalError(error)
            self.bug(run.call, error)

    def _end_batch(self, run: CallRun, end: BatchEnd) -> None:
        failure, run.failure = run.failure, None
        if failure is not None and not isinstance(failure, InternalError):  # a bug has told the call already
            self.control.send_failed(run.call, failure.message, failure.message, self._clock.now())
        if end.is_last:
            self._release(run)

    def _hold(self, run: CallRun, what: Coroutine[Any, Any, None]) -> None:
        """What is behind this effect waits until `what` is done."""
        run.is_waiting = True

        async def wait() -> None:
            try:
                await what
            except Exception as error:  # noqa: BLE001 — one call's bug must not end its neighbours
                run.failure = InternalError(error)
                self.bug(run.call, error)
            run.is_waiting = False
            if self._runs.get(run.call.call_id) is run:  # else the emulator has stopped
                self._continue(run)
                self.pump()

        self._supervisor.spawn(wait(), name=f"effect of {run.call.call_id}")

    def _pause(self, run: CallRun, seconds: float) -> None:
        run.is_waiting = True

        def go_on(now: float) -> None:
            run.is_waiting = False
            self._continue(run)
            self.pump()

        self._deadlines.arm(run.call.call_id, self._clock.now() + seconds, go_on)

    def _release(self, run: CallRun) -> None:
        del self._runs[run.call.call_id]
        self._ways.leave(run)
        self.control.release(run.call, run.statistics, self._clock.now())
        if not self._runs:
            self._idle.set()

    def _endpoint_timer(self, now: float) -> None:
        self._endpoint.handle_timer(now)
        self.pump()

    def _control_timer(self, now: float) -> None:
        self.control.handle_timer(now)
        self.pump()

    # Private: effects

    def _perform(self, run: CallRun, effect: Effect) -> None:
        match effect:
            case PostWebhook():
                self._post_webhook(run.call, effect)
            case SendSip(status=status):
                self._endpoint.respond(sip_leg(run.call).invite, status, now=self._clock.now())
            case SendAnswer(port=port):
                self._sip.answer(run, sip_leg(run.call), port)
            case SendRefer() | SendBye() | RefreshSession() if isinstance(run.call.leg, SipLeg) and self._ways.is_lost(
                run
            ):
                self._hold(run, self._reach(run, effect))
            case SendRefer() | SendBye() | RefreshSession():
                self._send(run, effect)
            case OpenSession():
                run.host = self._make_host(run.call, effect, lambda: self._session_expired(run.call))
            case CloseSession(close_code=code):
                if run.host is not None:
                    run.host.close(code)
            case OpenMedia():
                self._open_media(run)
            case StartMedia():
                self._start_media(run)
            case CloseMedia():
                self._close_media(run)
            case AskForGreeting():
                self._ask_for_greeting(run)
            case RenewMedia():
                self._sip.renew(run, effect)
            case HearDigit(digit=digit):
                if run.host is not None:
                    self._record(run, "media.dtmf", digit=digit, by="INFO")
                    run.host.host.receive_dtmf(digit, self._clock.now())
                    run.host.pump()
            case ChangeMedia(negotiated=negotiated):
                self._sip.change(run, negotiated)
            case RefuseInvite():
                self._refuse(effect)
            case ReplyHttp(reply=token, error=error, answer=answer):
                self._replies[token].answer = answer
                self._reply(run, token, error)

    async def _reach(self, run: CallRun, effect: SendRefer | SendBye | RefreshSession) -> None:
        """Send it by a connection of ours, the caller's being closed."""
        try:
            await self._ways.open(run)
            self._send(run, effect)
        except (SipError, UsageError) as error:
            if isinstance(effect, SendBye):
                self._send_bye(run)  # which ends the dialog
            elif isinstance(effect, SendRefer):
                run.failure = UpstreamFailed(f"Nothing was sent: {type(effect).__name__}: {error}")

    def _send(self, run: CallRun, effect: SendRefer | SendBye | RefreshSession) -> None:
        if isinstance(effect, SendBye):
            self._send_bye(run)
        elif isinstance(effect, RefreshSession):
            self._sip.refresh(run, effect)
        else:
            self._endpoint.send_refer(sip_leg(run.call).dialog, effect.target, self._clock.now())

    def _send_bye(self, run: CallRun) -> None:
        now = self._clock.now()
        if isinstance(run.call.leg, WebRtcLeg):  # the end of the connection says it
            self.control.apply(run.call, ByeCompleted(status=200), now)
            return
        try:
            self._endpoint.send_bye(sip_leg(run.call).dialog, now)
        except (SipError, UsageError) as error:  # whoever can't be reached needs no BYE: hanging up has worked
            self.control.send_failed(run.call, "BYE", str(error), now)

    def _perform_without_call(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if not isinstance(effect, RefuseInvite):
                raise EmulatorBug(f"{effect!r} without a call")
            try:
                self._refuse(effect)
            except (SipError, UsageError) as error:  # CANCEL came with the INVITE, or the connection went
                log.debug("= INVITE %s is over before its %d: %s", effect.invite, effect.status, error)

    def _refuse(self, effect: RefuseInvite) -> None:
        self._endpoint.respond(effect.invite, effect.status, now=self._clock.now())

    def _reply(self, run: CallRun, token: ReplyToken, error: ApiError | None) -> None:
        reply = self._replies.pop(token)
        if error is None and run.failure is not None:
            error = run.failure
        if reply.outcome.done():  # the client did not wait for its answer
            return
        reply.outcome.set_result(error)
        self._hold(run, reply.wait_written())

    def _open_media(self, run: CallRun) -> None:
        call = run.call
        if isinstance(call.leg, WebRtcLeg):
            assert run.host is not None
            give = functools.partial(self.apply, call)
            self._hold(run, self._webrtc.open(call, run.host, give, self._bug_of(call)))
            return
        on_silence = functools.partial(self.apply, call, MediaSilent())
        self.control.apply(call, self._sip.open(run, self._bug_of(call), on_silence), self._clock.now())

    def _start_media(self, run: CallRun) -> None:
        if isinstance(run.call.leg, WebRtcLeg):
            self._webrtc.start(run.call, self._bug_of(run.call))
        elif (failed := self._sip.start(run)) is not None:
            self.control.apply(run.call, failed, self._clock.now())

    def _close_media(self, run: CallRun) -> None:
        if isinstance(run.call.leg, WebRtcLeg):
            run.statistics, closing = self._webrtc.close(run.call)
            self._record(run, "media.closed", statistics=run.statistics)
            self._hold(run, closing)
            return
        self._sip.close(run)

    def _close(self, run: CallRun, code: int) -> None:
        if run.host is not None:
            run.host.close(code)
        self._close_media(run)

    @staticmethod
    def _ask_for_greeting(run: CallRun) -> None:
        if run.host is not None and not run.host.host.has_responded:  # else a scenario has begun to speak by itself
            nobody = Nobody("auto-accept")
            run.host.attach(nobody, transport="internal")
            run.host.receive(nobody.id, RESPONSE_CREATE)

    def _bug_of(self, call: Call) -> Callable[[BaseException], None]:
        return functools.partial(self.bug, call)

    def _session_expired(self, call: Call) -> None:
        self.apply(call, SessionExpired())

    def _record(self, run: CallRun, kind: str, **data: Any) -> None:
        self._journal.add(kind, now=self._clock.now(), project_id=run.call.project_id, call_id=run.call.call_id, **data)
