"""Where two machines meet: SIP events become inputs of calls, requests too, and what calls want comes out as batches.

The dialog knows nothing of calls, the call nothing of SIP messages, and neither of the session.
"""

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..config import Settings
from ..errors import SdpError
from ..ids import CallId, Ids
from ..journal import Journal
from ..realtime.session_config import SessionConfig
from ..sdp import description, offer_answer
from ..sdp.description import SessionDescription
from ..sdp.offer_answer import NegotiatedAudio
from ..sdp.webrtc_offer import WebRtcOffer
from ..sip import events as sip
from ..sip.message import Request
from .call import Call, CloseCodes, State
from .effects import ChangeMedia, Effect, HearDigit, PostWebhook, RefreshSession, RefuseInvite, RenewMedia, SendBye
from .inputs import (
    Accept,
    Acked,
    AckTimedOut,
    ByeCompleted,
    CallerBye,
    Cancelled,
    DecisionTimedOut,
    Input,
    InputKind,
    MediaFailed,
    Offered,
    ReferByeOverdue,
    ReferDone,
    ReferFailed,
    ReferUnreported,
    RefreshMissed,
    ReplyToken,
    SendFailed,
    Stop,
)
from .leg import SipLeg, WebRtcLeg
from .project import Project
from .registry import CallRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The effects of one input, to be performed in order. `call` is None for an INVITE that never became one.

    `is_last`: with this input the call ended. When its effects are done, `release` the call.
    """

    call: Call | None
    effects: tuple[Effect, ...]
    is_last: bool = False


class CallControl:
    """Feed it SIP events and inputs, then take batches with `next_batch()` until it returns None."""

    def __init__(
        self,
        *,
        ids: Ids,
        settings: Settings,
        journal: Journal,
        projects: Mapping[str, Project],
        default_config: SessionConfig,
    ) -> None:
        self.calls = CallRegistry()
        self._ids = ids
        self._settings = settings
        self._journal = journal
        self._projects = projects
        self._default_config = default_config
        self._close_codes = CloseCodes(
            caller_bye=settings.caller_bye_close,
            peer_closed=settings.peer_closed_close,
            hangup=settings.hangup_close,
        )
        self._batches: deque[Batch] = deque()
        self._deadlines: list[tuple[float, int, CallId, Input]] = []
        self._deadline_count = 0
        self._unreported: dict[CallId, int] = {}
        """The REFER of a call of which no NOTIFY has said anything."""
        self._reported: dict[CallId, int] = {}

    # Input

    def receive_sip(self, event: sip.SipEvent, now: float) -> None:
        """What the SIP endpoint reported."""
        match event:
            case sip.InviteReceived():
                self._invite_received(event, now)
            case sip.InviteCancelled(invite=invite):
                self._apply_to(self.calls.by_invite(invite), Cancelled(), now)
            case sip.PrackTimeout(dialog=dialog):
                self._apply_to(self.calls.by_dialog(dialog), SendFailed(what="180", reason="no PRACK"), now)
            case sip.AckReceived():
                self._ack_received(event, now)
            case sip.AckTimeout(dialog=dialog):
                self._apply_to(self.calls.by_dialog(dialog), AckTimedOut(), now)
            case sip.RefreshDue(dialog=dialog, needs_offer=needs_offer):
                if (call := self.calls.by_dialog(dialog)) is not None:
                    self._emit(call, RefreshSession(needs_offer=needs_offer))
            case sip.RefreshAnswered(dialog=dialog, body=body):
                if (call := self.calls.by_dialog(dialog)) is not None:
                    self._offer_answered(call, body, now)
            case sip.SessionTimedOut(dialog=dialog):
                self._apply_to(self.calls.by_dialog(dialog), RefreshMissed(), now)
            case sip.ByeReceived(dialog=dialog):
                self._apply_to(self.calls.by_dialog(dialog), CallerBye(), now)
            case sip.ByeLost(dialog=dialog):
                if (call := self.calls.by_dialog(dialog)) is not None:
                    self._emit(call, SendBye())
            case sip.ReinviteReceived() | sip.UpdateReceived():
                self._offer_received(event)
            case sip.FlowFailed(invites=invites):
                for invite in invites:
                    self._apply_to(
                        self.calls.by_invite(invite), SendFailed(what="INVITE", reason="connection lost"), now
                    )
            case sip.InfoReceived():
                self._info_received(event)
            case sip.NotifyReceived():
                self._notify_received(event, now)
            case sip.RequestCompleted():
                self._request_completed(event, now)

    def offer(
        self, project: Project, offer: WebRtcOffer, config: SessionConfig, reply: ReplyToken | None, now: float
    ) -> Call:
        """A WebRTC call begins. `reply` gets its answer."""
        call = Call(
            call_id=self._ids.call(),
            project_id=project.id,
            leg=WebRtcLeg(offer=offer),
            close_codes=self._close_codes,
        )
        self.calls.add(call)
        self.apply(call, Offered(config=config, reply=reply), now)
        return call

    def apply(self, call: Call, given: Input, now: float) -> None:
        """One input to one call; its effects come out of `next_batch`."""
        before = call.state
        effects = call.apply(given)
        if call.state is not before:
            self._journal.add(
                "call.state",
                now=now,
                project_id=call.project_id,
                call_id=call.call_id,
                **{"from": before.value, "to": call.state.value, "input": given.kind.value},
            )
        is_last = before is not State.ENDED and call.state is State.ENDED
        self._batches.append(Batch(call=call, effects=tuple(effects), is_last=is_last))

    def handle_timer(self, now: float) -> None:
        """Let everything happen that was due by `now`."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, call_id, given = heapq.heappop(self._deadlines)
            call = self.calls.get(call_id)
            if call is None:
                continue
            if isinstance(given, ReferUnreported):
                self._report_missed(call, given, now)
                continue
            undecided = given.kind is InputKind.DECISION_TIMED_OUT
            if call.state is (State.UNDECIDED if undecided else State.TRANSFERRING):
                self.apply(call, given, now)

    def stop(self, reason: str, now: float) -> None:
        """End every call."""
        for call in self.calls:
            if call.state is not State.ENDED:
                self.apply(call, Stop(reason=reason), now)

    def release(self, call: Call, statistics: Mapping[str, object], now: float) -> None:
        """Everything that an ended call had opened was given back: forget it."""
        self.calls.remove(call)
        self._unreported.pop(call.call_id, None)
        self._reported.pop(call.call_id, None)
        ending = call.ending
        self._journal.add(
            "call.ended",
            now=now,
            project_id=call.project_id,
            call_id=call.call_id,
            by=None if ending is None else ending.by,
            reason=None if ending is None else ending.reason,
            statistics=dict(statistics),
        )

    # Output

    def next_batch(self) -> Batch | None:
        return self._batches.popleft() if self._batches else None

    def next_deadline(self) -> float | None:
        return self._deadlines[0][0] if self._deadlines else None

    # Queries

    def call_of(self, event: sip.SipEvent) -> Call | None:
        """The call that `event` is about, if there is one."""
        match event:
            case sip.InviteReceived(invite=invite) | sip.InviteCancelled(invite=invite):
                return self.calls.by_invite(invite)
            case sip.MessageReceived() | sip.MessageSent() | sip.MessageDropped() | sip.FlowFailed():
                return None
        return self.calls.by_dialog(event.dialog)

    # Private

    def _emit(self, call: Call | None, *effects: Effect) -> None:
        self._batches.append(Batch(call=call, effects=effects))

    def _apply_to(self, call: Call | None, given: Input, now: float) -> None:
        if call is not None:
            self.apply(call, given, now)

    def _after(self, delay: float, call: Call, given: Input, now: float) -> None:
        self._deadline_count += 1
        heapq.heappush(self._deadlines, (now + delay, self._deadline_count, call.call_id, given))

    def _invite_received(self, event: sip.InviteReceived, now: float) -> None:
        project = self._projects.get(event.request.uri.decoded_user or "")
        if project is None:
            self._emit(None, RefuseInvite(invite=event.invite, status=self._settings.unknown_project_status))
            return
        try:
            offer, negotiated = self._read_offer(event.request)
        except SdpError as error:
            self._emit(None, RefuseInvite(invite=event.invite, status=error.status))
            return
        leg = SipLeg(
            invite=event.invite,
            dialog=event.dialog,
            local_address=self._settings.advertise_ip or event.flow.local[0],
            offer=offer,
            negotiated=negotiated,
            line=event.flow.id if event.flow.in_memory else None,
        )
        call = Call(
            call_id=self._ids.call(),
            project_id=project.id,
            leg=leg,
            close_codes=self._close_codes,
            greets=project.auto_accept,
        )
        self.calls.add(call)
        self._after(
            self._settings.decision_timeout, call, DecisionTimedOut(status=self._settings.no_decision_status), now
        )
        self._journal.add(
            "call.state",
            now=now,
            project_id=project.id,
            call_id=call.call_id,
            sip_call_id=event.request.call_id,
            **{"from": None, "to": call.state.value, "input": "INVITE"},
        )
        self._emit(
            call,
            PostWebhook(
                sip_headers=tuple(event.request.headers),
                media_security=None if negotiated is None else negotiated.security,
            ),
        )
        if project.auto_accept:
            self.apply(call, Accept(config=self._default_config, reply=None), now)

    def _ack_received(self, event: sip.AckReceived, now: float) -> None:
        call = self.calls.by_dialog(event.dialog)
        if call is None:
            return
        leg = call.leg
        if isinstance(leg, SipLeg) and event.invite != leg.invite:
            self._offer_answered(call, event.body, now)
            return
        if isinstance(leg, SipLeg) and leg.offer is None and leg.negotiated is None:
            try:
                answer = description.parse(event.body)
                negotiated = self._read_answer(answer)
            except SdpError as error:
                self.apply(call, MediaFailed(reason=str(error)), now)
                return
            call.leg = replace(leg, negotiated=negotiated)
        self.apply(call, Acked(), now)

    def _offer_answered(self, call: Call, body: bytes, now: float) -> None:
        """A body answers our offer within the call. An unusable one leaves the media as it was (RFC 3264 8)."""
        if not body:
            return
        try:
            negotiated = self._read_answer(description.parse(body))
        except SdpError as error:
            self._journal.add(
                "media.unchanged", now=now, project_id=call.project_id, call_id=call.call_id, reason=str(error)
            )
            return
        self._emit(call, ChangeMedia(negotiated=negotiated))

    def _offer_received(self, event: sip.ReinviteReceived | sip.UpdateReceived) -> None:
        call = self.calls.by_dialog(event.dialog)
        if call is None:
            self._emit(None, RefuseInvite(invite=event.invite, status=481))
            return
        try:
            offer, negotiated = self._read_offer(event.request)
        except SdpError as error:  # RFC 3261 14.2: 488, and the session goes on as it was
            self._emit(call, RefuseInvite(invite=event.invite, status=error.status))
            return
        self._emit(call, RenewMedia(invite=event.invite, offer=offer, negotiated=negotiated))

    def _info_received(self, event: sip.InfoReceived) -> None:
        """A telephone that sends its keys by RTP and by INFO presses each of them once."""
        call = self.calls.by_dialog(event.dialog)
        if call is None or event.digit is None or not isinstance(call.leg, SipLeg):
            return
        negotiated = call.leg.negotiated
        by_rtp = negotiated is not None and negotiated.dtmf_payload_type is not None
        if self._settings.info_dtmf == "always" or (self._settings.info_dtmf == "fallback" and not by_rtp):
            self._emit(call, HearDigit(digit=event.digit))

    def _notify_received(self, event: sip.NotifyReceived, now: float) -> None:
        call = self.calls.by_dialog(event.dialog)
        if call is None:
            return
        self._journal.add(
            "sip.refer",
            now=now,
            project_id=call.project_id,
            call_id=call.call_id,
            notify=event.fragment,
            status=event.status,
            terminated=event.is_terminated,
        )
        self._reported[call.call_id] = event.request_id
        if self._unreported.get(call.call_id) == event.request_id:
            del self._unreported[call.call_id]
        if event.status is None or event.status < 200:
            if event.is_terminated and call.state is State.TRANSFERRING:
                # RFC 6665 4.1.3: no more will be heard of the transfer, and nobody said that it succeeded
                self.apply(call, ReferFailed(status=None), now)
            return
        if event.status >= 300:
            self.apply(call, ReferFailed(status=event.status), now)
            return
        self.apply(call, ReferDone(), now)
        self._after(self._settings.refer_bye_timeout, call, ReferByeOverdue(), now)

    def _request_completed(self, event: sip.RequestCompleted, now: float) -> None:
        call = self.calls.by_dialog(event.dialog)
        if call is None:
            return
        if event.method == "BYE":
            self.apply(call, ByeCompleted(status=event.status), now)
        elif event.method == "REFER":
            self._journal.add(
                "sip.refer", now=now, project_id=call.project_id, call_id=call.call_id, status=event.status, notify=None
            )
            if event.status >= 300:
                self.apply(call, ReferFailed(status=event.status), now)
            else:
                self._await_report(call, event.request_id, now)

    def _await_report(self, call: Call, refer: int, now: float) -> None:
        """RFC 6665 4.1.2.4: a NOTIFY follows the 2xx at once, or came before it; timer N gives up waiting."""
        timeout = self._settings.refer_report_timeout
        if timeout and self._reported.get(call.call_id) != refer:
            self._unreported[call.call_id] = refer
            self._after(timeout, call, ReferUnreported(refer=refer), now)

    def _report_missed(self, call: Call, given: ReferUnreported, now: float) -> None:
        if self._unreported.get(call.call_id) != given.refer or call.state is not State.TRANSFERRING:
            return
        del self._unreported[call.call_id]
        self._journal.add(
            "sip.refer",
            now=now,
            project_id=call.project_id,
            call_id=call.call_id,
            status=None,
            notify=None,
            reason=f"no NOTIFY within {self._settings.refer_report_timeout:g} s",
        )
        goes_on = self._settings.refer_unreported == "connected"
        self.apply(call, ReferFailed(status=None) if goes_on else given, now)

    def send_failed(self, call: Call, what: str, reason: str, now: float) -> None:
        """A SIP message of this call could not be handed over."""
        self.apply(call, SendFailed(what=what, reason=reason), now)

    def _read_offer(self, request: Request) -> tuple[SessionDescription | None, NegotiatedAudio | None]:
        """The offer of an INVITE and what we make of it; Nones when it carries none (RFC 3261 13.2.1)."""
        if not request.body:
            return None, None
        offer = description.parse(request.body)
        return offer, self._negotiate(offer)

    def _read_answer(self, theirs: SessionDescription) -> NegotiatedAudio:
        return offer_answer.read_answer(theirs, codecs=self._settings.codecs, srtp=self._settings.srtp)

    def _negotiate(self, theirs: SessionDescription) -> NegotiatedAudio:
        return offer_answer.negotiate(theirs, codecs=self._settings.codecs, srtp=self._settings.srtp)
