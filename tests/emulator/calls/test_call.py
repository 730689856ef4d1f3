from collections.abc import Iterable
from itertools import product

import diagrams
import pytest
from ringback.emulator.calls.call import LATE, TRANSITIONS, Call, CloseCodes, Ending, State
from ringback.emulator.calls.effects import (
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
from ringback.emulator.calls.inputs import (
    VERBS,
    Accept,
    Acked,
    AckTimedOut,
    AnswerReady,
    ByeCompleted,
    CallerBye,
    Cancelled,
    DecisionTimedOut,
    Hangup,
    Input,
    InputKind,
    MediaFailed,
    MediaReady,
    MediaSilent,
    Offered,
    PeerClosed,
    PeerConnected,
    PeerFailed,
    Refer,
    ReferByeOverdue,
    ReferDone,
    ReferFailed,
    ReferUnreported,
    RefreshMissed,
    Reject,
    ReplyToken,
    SendFailed,
    SessionExpired,
    Stop,
)
from ringback.emulator.calls.leg import MemoryLeg, SipLeg
from ringback.emulator.calls.verbs import ATTACH
from ringback.emulator.errors import (
    ApiError,
    CallNotFound,
    DecisionAlreadyMade,
    EmulatorBug,
    InternalError,
    UpstreamFailed,
)
from ringback.emulator.ids import CallId
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.sip.events import DialogId, InviteId

TARGET = "tel:+14155550123"
READY = MediaReady(port=4000)
REFER = Refer(target=TARGET, reply=ReplyToken(2))
HANGUP = Hangup(reply=ReplyToken(3))
OK = ReplyHttp(reply=ReplyToken(1))


def errors_of(effects: Iterable[Effect]) -> list[type[ApiError]]:
    return [type(effect.error) for effect in effects if isinstance(effect, ReplyHttp) and effect.error is not None]


def without_replies(effects: Iterable[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, ReplyHttp)]


def connect(call: Call, accept: Accept) -> None:
    for given in (accept, READY, Acked()):
        call.apply(given)
    assert call.state is State.CONNECTED


# The machine


def one_of_each(config: SessionConfig) -> dict[InputKind, Input]:
    inputs: list[Input] = [
        Accept(config=config, reply=ReplyToken(1)),
        Reject(status=603, reply=ReplyToken(1)),
        REFER,
        HANGUP,
        Offered(config=config, reply=ReplyToken(1)),
        READY,
        AnswerReady(sdp="v=0"),
        PeerConnected(),
        PeerClosed(),
        PeerFailed(reason="ICE failed"),
        MediaFailed(reason="none free"),
        MediaSilent(),
        SendFailed(what="REFER", reason="flow gone"),
        Cancelled(),
        Acked(),
        AckTimedOut(),
        CallerBye(),
        ReferFailed(status=503),
        ReferDone(),
        ReferByeOverdue(),
        ReferUnreported(refer=1),
        DecisionTimedOut(status=480),
        SessionExpired(),
        RefreshMissed(),
        ByeCompleted(status=200),
        Stop(reason="over"),
    ]
    return {given.kind: given for given in inputs}


@pytest.mark.parametrize(("state", "kind"), list(product(State, InputKind)))
def test_call_answers_every_input_in_every_state(
    call: Call, config: SessionConfig, state: State, kind: InputKind
) -> None:
    call.state = state
    given = one_of_each(config)[kind]
    if (state, kind) in TRANSITIONS:
        call.apply(given)
        assert call.state in (TRANSITIONS[state, kind], State.ANSWERED)
    elif (state, kind) in LATE:
        assert call.apply(given) in ([], [CloseMedia()])
        assert call.state is state
    elif kind in VERBS:
        assert len(errors_of(call.apply(given))) == 1
        assert call.state is state
    else:
        with pytest.raises(EmulatorBug, match=f"{kind.value} in state {state.value}"):
            call.apply(given)


def test_every_state_of_a_call_is_reachable() -> None:
    assert diagrams.unreachable_states(diagrams.machine("Call")) == []


def test_every_row_of_a_call_has_its_reason() -> None:
    assert diagrams.undocumented_rows(diagrams.machine("Call")) == []


def test_no_pair_is_both_a_row_and_late() -> None:
    assert not LATE & TRANSITIONS.keys()


# The order promises, without a socket


def test_accept_is_answered_after_ringing_and_before_the_sdp_answer(call: Call, accept: Accept) -> None:
    assert call.apply(accept) == [SendSip(status=180), OpenSession(config=accept.config), OpenMedia()]
    assert call.apply(READY) == [OK, SendAnswer(port=4000), StartMedia()]
    assert call.apply(Acked()) == []
    assert call.state is State.CONNECTED


def test_reject_is_answered_after_the_final_response(call: Call) -> None:
    assert call.apply(Reject(status=486, reply=ReplyToken(1))) == [SendSip(status=486), OK]
    assert call.state is State.ENDED


def test_refer_is_answered_after_the_refer_was_sent(call: Call, accept: Accept) -> None:
    connect(call, accept)
    assert call.apply(REFER) == [SendRefer(target=TARGET), ReplyHttp(reply=ReplyToken(2))]


def test_hangup_is_answered_after_the_bye_was_sent(call: Call, accept: Accept) -> None:
    connect(call, accept)
    assert call.apply(HANGUP) == [
        SendBye(),
        ReplyHttp(reply=ReplyToken(3)),
        CloseSession(close_code=1000),
        CloseMedia(),
    ]
    assert call.apply(ByeCompleted(status=200)) == []
    assert call.state is State.ENDED
    assert call.ending is not None
    assert (call.ending.by, call.ending.reason) == ("application", "hung up")


def test_refer_waits_for_the_ack(call: Call, accept: Accept) -> None:
    call.apply(accept)
    assert call.apply(REFER) == []
    call.apply(READY)
    assert call.apply(REFER) == []
    assert call.apply(Acked()) == 2 * [SendRefer(target=TARGET), ReplyHttp(reply=ReplyToken(2))]
    assert call.state is State.TRANSFERRING


def test_hangup_while_the_media_opens_follows_the_answer(call: Call, accept: Accept) -> None:
    call.apply(accept)
    call.apply(REFER)
    assert call.apply(HANGUP) == []
    effects = call.apply(READY)
    assert effects[:4] == [OK, SendAnswer(port=4000), StartMedia(), SendBye()]
    assert errors_of(effects) == [CallNotFound]  # the refer that still waited
    assert call.state is State.LEAVING


# Verbs that a state refuses


def test_second_decision_is_refused(call: Call, accept: Accept) -> None:
    call.apply(accept)
    assert errors_of(call.apply(accept)) == [DecisionAlreadyMade]
    assert errors_of(call.apply(Reject(status=603, reply=ReplyToken(2)))) == [DecisionAlreadyMade]


def test_undecided_call_has_no_session_to_refer_hang_up_or_attach_to(call: Call) -> None:
    assert errors_of(call.apply(REFER)) == [CallNotFound]
    assert errors_of(call.apply(HANGUP)) == [CallNotFound]
    assert isinstance(call.refusal(ATTACH), CallNotFound)


def test_verb_of_the_emulator_itself_is_refused_without_a_reply(call: Call) -> None:
    assert call.apply(Hangup(reply=None)) == []


def test_webrtc_call_has_only_hangup(browser: Call, config: SessionConfig) -> None:
    assert isinstance(browser.refusal(InputKind.HANGUP), CallNotFound)
    browser.apply(Offered(config=config, reply=None))
    assert browser.refusal(InputKind.ACCEPT) is not None
    assert browser.refusal(InputKind.REFER) is not None
    assert browser.refusal(ATTACH) is None
    assert browser.apply(HANGUP) == []
    assert browser.apply(AnswerReady(sdp="v=0"))[:2] == [StartMedia(), SendBye()]


# WebRTC


@pytest.fixture
def browser() -> Call:
    return Call(call_id=CallId("rtc_2"), project_id="proj_1", leg=MemoryLeg(kind="webrtc"), close_codes=CloseCodes())


def answer(call: Call, config: SessionConfig) -> None:
    call.apply(Offered(config=config, reply=ReplyToken(1)))
    call.apply(AnswerReady(sdp="v=0"))
    assert call.state is State.ANSWERED


def test_offer_is_answered_before_the_peer_is_waited_for(browser: Call, config: SessionConfig) -> None:
    assert browser.apply(Offered(config=config, reply=ReplyToken(1))) == [OpenSession(config=config), OpenMedia()]
    assert browser.apply(AnswerReady(sdp="v=0")) == [ReplyHttp(reply=ReplyToken(1), answer="v=0"), StartMedia()]
    assert browser.apply(PeerConnected()) == []
    assert browser.state is State.CONNECTED


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (MediaFailed(reason="no port"), UpstreamFailed),
        (SessionExpired(), UpstreamFailed),
        (Stop(reason="over"), UpstreamFailed),
        (Stop(reason="bug", bug=RuntimeError("why")), InternalError),
    ],
)
def test_offer_that_comes_to_nothing_is_refused_without_a_word_of_sip(
    browser: Call, config: SessionConfig, given: Input, error: type[ApiError]
) -> None:
    browser.apply(Offered(config=config, reply=ReplyToken(1)))
    effects = browser.apply(given)
    assert errors_of(effects) == [error]
    assert [type(effect) for effect in without_replies(effects)] == [CloseSession, CloseMedia]
    assert browser.apply(AnswerReady(sdp="v=0")) == [CloseMedia()]


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize(
    ("given", "code", "ending"),
    [
        (PeerClosed(), 1000, Ending(by="caller", reason="closed the connection")),
        (PeerFailed(reason="ICE failed"), 1006, Ending(by="emulator", reason="ICE failed")),
    ],
)
def test_webrtc_call_ends_with_its_peer(
    browser: Call, config: SessionConfig, given: Input, code: int, ending: Ending, connected: bool
) -> None:
    answer(browser, config)
    if connected:
        browser.apply(PeerConnected())
    assert browser.apply(given) == [CloseSession(close_code=code), CloseMedia()]
    assert browser.state is State.ENDED
    assert browser.ending == ending


# Ends


@pytest.mark.parametrize(
    ("given", "effects"),
    [
        (Cancelled(), []),
        (CallerBye(), []),
        (DecisionTimedOut(status=480), [SendSip(status=480)]),
        (Stop(reason="over"), [SendSip(status=503)]),
        (Stop(reason="bug", bug=RuntimeError("why")), [SendSip(status=500)]),
        (SendFailed(what="INVITE", reason="connection lost"), []),
    ],
)
def test_undecided_call_ends(call: Call, given: Input, effects: list[Effect]) -> None:
    assert call.apply(given) == effects
    assert call.state is State.ENDED


@pytest.mark.parametrize(
    ("given", "sent", "error", "code"),
    [
        (Cancelled(), [], CallNotFound, 1006),
        (CallerBye(), [], CallNotFound, 1006),
        (MediaFailed(reason="none free"), [SendSip(status=500)], UpstreamFailed, 1000),
        (SendFailed(what="180", reason="connection lost"), [], UpstreamFailed, 1000),
        (SessionExpired(), [SendSip(status=480)], UpstreamFailed, 1001),
        (Stop(reason="over"), [SendSip(status=503)], UpstreamFailed, 1000),
        (Stop(reason="bug", bug=RuntimeError("why")), [SendSip(status=500)], InternalError, 1000),
    ],
)
def test_accepted_call_that_ends_before_its_answer_tells_the_application(
    call: Call, accept: Accept, given: Input, sent: list[Effect], error: type[ApiError], code: int
) -> None:
    call.apply(accept)
    effects = call.apply(given)
    assert without_replies(effects) == [*sent, CloseSession(close_code=code), CloseMedia()]
    assert errors_of(effects) == [error]
    assert call.apply(READY) == [CloseMedia()]


@pytest.mark.parametrize(
    ("given", "state", "code"),
    [
        (Cancelled(), State.ENDED, 1006),
        (CallerBye(), State.ENDED, 1006),
        (SendFailed(what="200", reason="connection lost"), State.ENDED, 1000),
        (AckTimedOut(), State.LEAVING, 1000),
        (MediaFailed(reason="488"), State.LEAVING, 1000),
        (MediaSilent(), State.LEAVING, 1000),
        (SessionExpired(), State.LEAVING, 1001),
        (RefreshMissed(), State.LEAVING, 1000),
        (Stop(reason="over"), State.LEAVING, 1000),
    ],
)
def test_answered_call_ends(call: Call, accept: Accept, given: Input, state: State, code: int) -> None:
    call.apply(accept)
    call.apply(READY)
    call.apply(REFER)
    effects = call.apply(given)
    bye: list[Effect] = [SendBye()] if state is State.LEAVING else []
    assert without_replies(effects) == [*bye, CloseSession(close_code=code), CloseMedia()]
    assert errors_of(effects) == [CallNotFound]
    assert call.state is state


def test_call_that_is_stopped_ends_for_the_reason_that_is_given(call: Call) -> None:
    call.apply(Stop(reason="the emulator stops"))
    assert call.ending == Ending(by="emulator", reason="the emulator stops")


def test_transfer_that_fails_leaves_the_call_as_it_was(call: Call, accept: Accept) -> None:
    connect(call, accept)
    call.apply(REFER)
    assert call.apply(ReferFailed(status=603)) == []
    assert call.state is State.CONNECTED
    call.apply(REFER)
    assert call.apply(SendFailed(what="REFER", reason="connection lost")) == []
    assert call.state is State.CONNECTED


def test_transfer_that_succeeds_ends_with_a_bye_from_either_side(call: Call, accept: Accept) -> None:
    connect(call, accept)
    call.apply(REFER)
    assert call.apply(ReferDone()) == []
    assert call.apply(ReferByeOverdue())[0] == SendBye()
    assert call.apply(CallerBye()) == []
    assert call.state is State.ENDED


def test_emulator_that_plays_the_application_asks_for_a_greeting(config: SessionConfig) -> None:
    call = Call(call_id=CallId("rtc_3"), project_id="proj_1", leg=MemoryLeg(), close_codes=CloseCodes(), greets=True)
    call.apply(Accept(config=config, reply=None))
    assert call.apply(READY) == [SendAnswer(port=4000), StartMedia()]
    assert call.apply(Acked()) == [AskForGreeting()]


def test_media_starts_with_the_ack_when_the_invite_made_no_offer(call: Call, accept: Accept) -> None:
    call.leg = SipLeg(
        invite=InviteId(1), dialog=DialogId("tag"), local_address="127.0.0.1", offer=None, negotiated=None
    )
    call.apply(accept)
    assert call.apply(READY) == [OK, SendAnswer(port=4000)]
    assert call.apply(Acked()) == [StartMedia()]
