"""One call, from INVITE or SDP offer to its end: its states, its table, and the effects of each input.

The table below is the machine; `docs/state-machines.md` draws it, `verbs.py` says which pairs of it a request may ask
for and what the others answer.
"""

from dataclasses import dataclass
from enum import Enum

from ..errors import ApiError, CallNotFound, EmulatorBug, InternalError, UpstreamFailed
from ..ids import CallId
from .effects import (
    AskForGreeting,
    CloseMedia,
    CloseSession,
    Effect,
    OpenMedia,
    OpenSession,
    ReplyHttp,
    SendAnswer,
    SendBye,
    SendRefer,
    SendSip,
    StartMedia,
)
from .inputs import (
    VERBS,
    Accept,
    AnswerReady,
    DecisionTimedOut,
    Hangup,
    Input,
    InputKind,
    MediaReady,
    Offered,
    PeerFailed,
    Refer,
    Reject,
    ReplyToken,
    Stop,
)
from .leg import Leg, SipLeg
from .verbs import Row, refusal


class State(Enum):
    """Where a call stands."""

    UNDECIDED = "undecided"
    PREPARING = "preparing"
    """Accepted: the session exists, 180 is out, the media port is being opened."""
    ANSWERED = "answered"
    """Our 2xx is out, its ACK is not here; or our answer to a WebRTC offer, and nobody is connected yet."""
    CONNECTED = "connected"
    TRANSFERRING = "transferring"
    LEAVING = "leaving"
    """Our BYE is on its way; for the API the call has ended."""
    ENDED = "ended"


S, I = State, InputKind  # noqa: E741 — the table's two columns, short so that a row stays a line

TRANSITIONS: dict[tuple[State, InputKind], State] = {
    (S.UNDECIDED, I.ACCEPT): S.PREPARING,  # DOC: accept; 180 at this moment
    (S.UNDECIDED, I.OFFERED): S.PREPARING,  # DOC: a WebRTC call, which nobody has to accept
    (S.UNDECIDED, I.REJECT): S.ENDED,  # DOC: reject, 603 by default
    (S.UNDECIDED, I.CANCELLED): S.ENDED,  # RFC 3261 9.2
    (S.UNDECIDED, I.CALLER_BYE): S.ENDED,  # RFC 3261 15.1.2: 487 to the INVITE is on its way
    (S.UNDECIDED, I.SEND_FAILED): S.ENDED,  # the caller's connection is gone
    (S.UNDECIDED, I.DECISION_TIMED_OUT): S.ENDED,  # CHOICE: decision_timeout
    (S.UNDECIDED, I.STOP): S.ENDED,  # the emulator stops: 503; it has a bug: 500
    (S.PREPARING, I.REFER): S.PREPARING,  # held until the ACK
    (S.PREPARING, I.HANGUP): S.PREPARING,  # held until our 2xx is out
    (S.PREPARING, I.MEDIA_READY): S.ANSWERED,  # DOC: accept is answered, then 200 with the SDP answer
    (S.PREPARING, I.ANSWER_READY): S.ANSWERED,  # DOC: 201 with the SDP answer
    (S.PREPARING, I.MEDIA_FAILED): S.ENDED,  # RFC 3261 21.5.1
    (S.PREPARING, I.SEND_FAILED): S.ENDED,  # the caller's connection is gone
    (S.PREPARING, I.CANCELLED): S.ENDED,  # RFC 3261 9.2: an accept that lost the race
    (S.PREPARING, I.CALLER_BYE): S.ENDED,  # RFC 3261 15.1.2: BYE in an early dialog
    (S.PREPARING, I.SESSION_EXPIRED): S.ENDED,  # OBS: 60 minutes, whatever else happens
    (S.PREPARING, I.STOP): S.ENDED,  # the emulator stops: 503; it has a bug: 500
    (S.ANSWERED, I.REFER): S.ANSWERED,  # held until the ACK
    (S.ANSWERED, I.HANGUP): S.LEAVING,  # RFC 3261 15: the BYE itself waits for the ACK
    (S.ANSWERED, I.ACKED): S.CONNECTED,  # RFC 3261 13.3.1.4
    (S.ANSWERED, I.PEER_CONNECTED): S.CONNECTED,  # RFC 8829: ICE, then DTLS
    (S.ANSWERED, I.PEER_CLOSED): S.ENDED,  # OBS: closing the browser ends the call
    (S.ANSWERED, I.PEER_FAILED): S.ENDED,  # CHOICE: webrtc_connect_timeout
    (S.ANSWERED, I.ACK_TIMED_OUT): S.LEAVING,  # RFC 3261 13.3.1.4: 64·T1 without an ACK
    (S.ANSWERED, I.MEDIA_FAILED): S.LEAVING,  # the ACK carried an answer that we can't use
    (S.ANSWERED, I.MEDIA_SILENT): S.LEAVING,  # CHOICE: rtp_timeout
    (S.ANSWERED, I.CANCELLED): S.ENDED,  # it came while the answer still waited for the reply to be written
    (S.ANSWERED, I.CALLER_BYE): S.ENDED,  # RFC 3261 15.1.2
    (S.ANSWERED, I.SEND_FAILED): S.ENDED,  # the caller's connection is gone
    (S.ANSWERED, I.SESSION_EXPIRED): S.LEAVING,  # OBS: 60 minutes
    (S.ANSWERED, I.REFRESH_MISSED): S.LEAVING,  # RFC 4028 10: BYE
    (S.ANSWERED, I.STOP): S.LEAVING,  # the emulator stops: BYE
    (S.CONNECTED, I.REFER): S.TRANSFERRING,  # DOC: refer; RFC 3515 2.4.1
    (S.CONNECTED, I.HANGUP): S.LEAVING,  # DOC: hangup
    (S.CONNECTED, I.CALLER_BYE): S.ENDED,  # RFC 3261 15.1.2
    (S.CONNECTED, I.PEER_CLOSED): S.ENDED,  # OBS: closing the browser ends the call
    (S.CONNECTED, I.PEER_FAILED): S.ENDED,  # RFC 7675 5.1: consent expired
    (S.CONNECTED, I.MEDIA_FAILED): S.LEAVING,  # RFC 4568 5.1.3: the answer in the ACK takes no key of ours
    (S.CONNECTED, I.MEDIA_SILENT): S.LEAVING,  # CHOICE: rtp_timeout
    (S.CONNECTED, I.SESSION_EXPIRED): S.LEAVING,  # OBS: 60 minutes
    (S.CONNECTED, I.REFRESH_MISSED): S.LEAVING,  # RFC 4028 10: BYE
    (S.CONNECTED, I.STOP): S.LEAVING,  # the emulator stops: BYE
    (S.TRANSFERRING, I.REFER): S.TRANSFERRING,  # DOC: refer, once more
    (S.TRANSFERRING, I.HANGUP): S.LEAVING,  # DOC: hangup
    (S.TRANSFERRING, I.SEND_FAILED): S.CONNECTED,  # nothing was sent: the request gets a 502
    (S.TRANSFERRING, I.REFER_FAILED): S.CONNECTED,  # RFC 3515 2.4.5: the dialog is as it was
    (S.TRANSFERRING, I.REFER_DONE): S.TRANSFERRING,  # the carrier's BYE should follow
    (S.TRANSFERRING, I.REFER_BYE_OVERDUE): S.LEAVING,  # CHOICE: refer_bye_timeout
    (S.TRANSFERRING, I.REFER_UNREPORTED): S.LEAVING,  # CHOICE: refer_unreported
    (S.TRANSFERRING, I.CALLER_BYE): S.ENDED,  # RFC 3261 15.1.2: what a transfer ends with
    (S.TRANSFERRING, I.MEDIA_FAILED): S.LEAVING,  # the same, where a REFER waited for the ACK
    (S.TRANSFERRING, I.MEDIA_SILENT): S.LEAVING,  # CHOICE: rtp_timeout
    (S.TRANSFERRING, I.SESSION_EXPIRED): S.LEAVING,  # OBS: 60 minutes
    (S.TRANSFERRING, I.REFRESH_MISSED): S.LEAVING,  # RFC 4028 10: BYE
    (S.TRANSFERRING, I.STOP): S.LEAVING,  # the emulator stops: BYE
    (S.LEAVING, I.BYE_COMPLETED): S.ENDED,  # RFC 3261 15.1.1
    (S.LEAVING, I.CANCELLED): S.ENDED,  # RFC 3261 9.2: before the answer left, so no BYE is needed
    (S.LEAVING, I.CALLER_BYE): S.ENDED,  # both hung up at once
    (S.LEAVING, I.SEND_FAILED): S.ENDED,  # nobody is left to answer the BYE
}

LATE: frozenset[tuple[State, InputKind]] = frozenset(
    [
        (S.PREPARING, I.DECISION_TIMED_OUT),
        (S.CONNECTED, I.ACKED),
        (S.CONNECTED, I.SEND_FAILED),
        (S.CONNECTED, I.REFER_FAILED),
        (S.CONNECTED, I.REFER_DONE),
        (S.CONNECTED, I.REFER_BYE_OVERDUE),
        (S.TRANSFERRING, I.ACKED),
        *((S.LEAVING, kind) for kind in (I.ACKED, I.ACK_TIMED_OUT, I.MEDIA_READY, I.MEDIA_FAILED, I.REFER_FAILED)),
        (S.LEAVING, I.MEDIA_SILENT),
        *((S.LEAVING, kind) for kind in (I.ANSWER_READY, I.PEER_CONNECTED, I.PEER_CLOSED, I.PEER_FAILED)),
        *((S.LEAVING, kind) for kind in (I.REFER_DONE, I.REFER_BYE_OVERDUE, I.SESSION_EXPIRED, I.STOP)),
        (S.LEAVING, I.REFRESH_MISSED),
        *((S.ENDED, kind) for kind in I if kind not in VERBS),
    ]
)
"""What may still arrive after a race was lost: it changes nothing."""

_ENDINGS: dict[InputKind, tuple[str, str]] = {
    I.REJECT: ("application", "rejected"),
    I.HANGUP: ("application", "hung up"),
    I.CANCELLED: ("caller", "cancelled"),
    I.CALLER_BYE: ("caller", "hung up"),
    I.PEER_CLOSED: ("caller", "closed the connection"),
    I.PEER_FAILED: ("emulator", "the peer can't be reached"),
    I.DECISION_TIMED_OUT: ("emulator", "no decision in time"),
    I.MEDIA_FAILED: ("emulator", "no media"),
    I.MEDIA_SILENT: ("emulator", "no RTP of the caller"),
    I.SEND_FAILED: ("emulator", "the caller can't be reached"),
    I.ACK_TIMED_OUT: ("emulator", "no ACK"),
    I.REFER_BYE_OVERDUE: ("emulator", "transferred, but no BYE came"),
    I.REFER_UNREPORTED: ("emulator", "nothing was heard of the transfer"),
    I.SESSION_EXPIRED: ("emulator", "session limit"),
    I.REFRESH_MISSED: ("emulator", "session timer"),
    I.STOP: ("emulator", "stopped"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCodes:
    """The close codes that channels see, by the way a call ends. 1006 cuts without a close frame."""

    caller_bye: int = 1006
    peer_closed: int = 1000
    hangup: int = 1000
    expired: int = 1001


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Who ended a call, and how, in words for the journal."""

    by: str
    reason: str


class Call:
    """Feed it inputs with `apply`; perform the effects that come back in their order before the next input's."""

    def __init__(
        self, *, call_id: CallId, project_id: str, leg: Leg, close_codes: CloseCodes, greets: bool = False
    ) -> None:
        self.call_id = call_id
        self.project_id = project_id
        self.leg = leg
        self.state = State.UNDECIDED
        self.ending: Ending | None = None
        self._close_codes = close_codes
        self._greets = greets
        self._accept_reply: ReplyToken | None = None
        self._held: list[Refer | Hangup] = []

    # Input

    def apply(self, given: Input) -> list[Effect]:
        """What to do about one input. A verb that the state refuses is answered with its error and changes nothing."""
        if isinstance(given, Accept | Reject | Refer | Hangup):
            error = self.refusal(given.kind)
            if error is not None:
                return self._reply(given.reply, error)
        before = self.state
        if (before, given.kind) in LATE:
            return [CloseMedia()] if given.kind in (I.MEDIA_READY, I.ANSWER_READY) else []
        self._step(given.kind)
        if before not in (S.LEAVING, S.ENDED) and self.state in (S.LEAVING, S.ENDED):
            self.ending = _ending(given)
        return self._effects(before, given)

    # Queries

    def refusal(self, verb: InputKind | str) -> ApiError | None:
        """Why the API must refuse `verb` (or `ATTACH`) now, or None when it may go ahead."""
        return refusal(self.row, verb)

    @property
    def row(self) -> Row:
        """The row of the table of verbs that applies now."""
        if self.state in (S.LEAVING, S.ENDED):
            return Row.ENDED
        if self.state is S.UNDECIDED:
            return Row.UNDECIDED
        return Row.WEBRTC if self.leg.kind == "webrtc" else Row.ALIVE

    # Private

    def _step(self, kind: InputKind) -> None:
        state = TRANSITIONS.get((self.state, kind))
        if state is None:
            raise EmulatorBug(f"{kind.value} in state {self.state.value}: call {self.call_id}")
        self.state = state

    def _effects(self, before: State, given: Input) -> list[Effect]:
        match given:
            case Accept():
                self._accept_reply = given.reply
                return [SendSip(status=180), OpenSession(config=given.config), OpenMedia()]
            case Offered():
                self._accept_reply = given.reply
                return [OpenSession(config=given.config), OpenMedia()]
            case Reject():
                return [SendSip(status=given.status), *self._reply(given.reply)]
            case DecisionTimedOut():
                return [SendSip(status=given.status)]
            case MediaReady():
                return self._answer([*self._accepted(), SendAnswer(port=given.port)])
            case AnswerReady():
                return self._answer(self._accepted(given.sdp))
            case Refer():
                return self._refer(given)
            case Hangup():
                return self._hang_up(given)
        if given.kind is I.ACKED:
            return self._connect()
        if before is S.LEAVING or self.state in (S.CONNECTED, S.TRANSFERRING):
            return []
        if before is S.UNDECIDED:
            return [SendSip(status=given.status)] if isinstance(given, Stop) else []
        if before is S.PREPARING:
            return self._abandon(given)
        return self._leave(given.kind)

    def _accepted(self, answer: str = "") -> list[Effect]:
        """The application hears that its call goes on."""
        reply, self._accept_reply = self._accept_reply, None
        return [] if reply is None else [ReplyHttp(reply=reply, answer=answer)]

    def _answer(self, effects: list[Effect]) -> list[Effect]:
        if not isinstance(self.leg, SipLeg) or self.leg.negotiated is not None:
            effects.append(StartMedia())
        hangups = [held for held in self._held if isinstance(held, Hangup)]
        self._held = [held for held in self._held if isinstance(held, Refer)]
        for hangup in hangups:
            effects += self.apply(hangup)
        return effects

    def _connect(self) -> list[Effect]:
        effects: list[Effect] = []
        if isinstance(self.leg, SipLeg) and self.leg.offer is None:
            effects.append(StartMedia())
        if self._greets:
            effects.append(AskForGreeting())
        held, self._held = self._held, []
        for refer in held:
            effects += self.apply(refer)
        return effects

    def _refer(self, refer: Refer) -> list[Effect]:
        if self.state is not S.TRANSFERRING:
            self._held.append(refer)
            return []
        return [SendRefer(target=refer.target), *self._reply(refer.reply)]

    def _hang_up(self, hangup: Hangup) -> list[Effect]:
        if self.state is S.PREPARING:
            self._held.append(hangup)
            return []
        return [*self._bye(), *self._reply(hangup.reply), *self._close(I.HANGUP)]

    def _abandon(self, given: Input) -> list[Effect]:
        """An accepted call that ends before our 2xx."""
        kind = given.kind
        status = given.status if isinstance(given, Stop) else {I.MEDIA_FAILED: 500, I.SESSION_EXPIRED: 480}.get(kind)
        error: ApiError = UpstreamFailed(f"The call could not be set up: {_ending(given).reason}")
        if kind in (I.CANCELLED, I.CALLER_BYE):
            error = CallNotFound()
        elif isinstance(given, Stop) and given.bug is not None:
            error = InternalError(given.bug)
        effects: list[Effect] = [] if status is None or self.leg.kind == "webrtc" else [SendSip(status=status)]
        effects += self._reply(self._accept_reply, error)
        return effects + self._close(kind)

    def _leave(self, kind: InputKind) -> list[Effect]:
        """An answered call that ends."""
        bye = self._bye() if self.state is S.LEAVING else []
        return [*bye, *self._close(kind)]

    def _bye(self) -> list[Effect]:
        return [SendBye()]

    def _close(self, kind: InputKind) -> list[Effect]:
        code = {
            I.CALLER_BYE: self._close_codes.caller_bye,
            I.CANCELLED: self._close_codes.caller_bye,
            I.PEER_CLOSED: self._close_codes.peer_closed,
            I.PEER_FAILED: self._close_codes.caller_bye,
            I.SESSION_EXPIRED: self._close_codes.expired,
        }.get(kind, self._close_codes.hangup)
        held, self._held = self._held, []
        replies: list[Effect] = [effect for verb in held for effect in self._reply(verb.reply, CallNotFound())]
        return [*replies, CloseSession(close_code=code), CloseMedia()]

    @staticmethod
    def _reply(reply: ReplyToken | None, error: ApiError | None = None) -> list[Effect]:
        return [] if reply is None else [ReplyHttp(reply=reply, error=error)]


def _ending(given: Input) -> Ending:
    by, reason = _ENDINGS[given.kind]
    return Ending(by=by, reason=given.reason if isinstance(given, Stop | PeerFailed) else reason)
