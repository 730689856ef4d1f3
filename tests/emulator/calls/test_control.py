import random
from dataclasses import replace
from typing import Any

import pytest
from ringback.emulator.calls.call import Call, State
from ringback.emulator.calls.control import CallControl
from ringback.emulator.calls.effects import (
    ChangeMedia,
    Effect,
    HearDigit,
    OpenMedia,
    OpenSession,
    PostWebhook,
    RefreshSession,
    RefuseInvite,
    RenewMedia,
    SendAnswer,
    SendBye,
    SendSip,
    StartMedia,
)
from ringback.emulator.calls.inputs import Accept, AnswerReady, ByeCompleted, Hangup, MediaReady, Refer
from ringback.emulator.calls.leg import SipLeg, WebRtcLeg
from ringback.emulator.calls.project import Project
from ringback.emulator.config import Settings
from ringback.emulator.ids import Ids
from ringback.emulator.journal import Journal
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sdp.webrtc_offer import parse_offer
from ringback.emulator.sip import events as sip
from ringback.emulator.sip.message import Request
from ringback.emulator.sip.parser import parse_datagram
from ringback.emulator.webhooks.endpoints import EndpointRegistry

T0 = 1_800_000_000.0
FLOW = sip.Flow(id=1, transport="tcp", local=("127.0.0.1", 5060), remote=("127.0.0.1", 40000))
INVITE, REINVITE, DIALOG = sip.InviteId(1), sip.InviteId(2), sip.DialogId("tag")
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
WEBRTC_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n"
    f"a=ice-ufrag:aMsp\r\na=ice-pwd:{22 * 'x'}\r\na=fingerprint:sha-256 {':'.join(32 * ['AB'])}\r\n"
)
HOPELESS = SDP.replace("RTP/AVP 0 101", "RTP/AVP 18").replace("a=rtpmap:101 telephone-event/8000\r\n", "")


def message(method: str = "INVITE", user: str = "proj_ringback", body: str = SDP) -> Request:
    head = (
        f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:40000;branch=z9hG4bK1\r\n"
        "From: <sip:+14255550112@127.0.0.1>;tag=a\r\nTo: <sip:proj_ringback@127.0.0.1>\r\nCall-ID: c1@phone\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:phone@127.0.0.1:40000>\r\nX-Account: 42\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = parse_datagram((head + body).encode())
    assert isinstance(request, Request)
    return request


SECURE = SDP.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{40 * 'A'}\r\n"


def notify(status: int | None, text: str = "SIP/2.0") -> sip.NotifyReceived:
    return sip.NotifyReceived(
        dialog=DIALOG,
        request=message("NOTIFY", body=""),
        request_id=sip.RequestId(1),
        status=status,
        fragment=f"{text} {status}",
        is_terminated=False,
    )


def completed(method: str, status: int) -> sip.RequestCompleted:
    return sip.RequestCompleted(dialog=DIALOG, request_id=sip.RequestId(1), method=method, status=status, response=None)


class Desk:
    """A control with one project, and what came out of it."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        ids = Ids(random.Random(1))
        self.journal = Journal(limit=1000)
        self.config = parse_session_config({"type": "realtime"})
        self.project = project = Project(
            id=self.settings.project,
            webhook_secret="whsec_AAAA",
            endpoints=EndpointRegistry(ids),
            auto_accept=self.settings.auto_accept,
        )
        self.control = CallControl(
            ids=ids,
            settings=self.settings,
            journal=self.journal,
            projects={project.id: project},
            default_config=self.config,
        )

    def invite(self, request: Request | None = None) -> list[Effect]:
        request = message() if request is None else request
        return self.sip(sip.InviteReceived(invite=INVITE, dialog=DIALOG, flow=FLOW, request=request))

    def sip(self, event: sip.SipEvent, at: float = T0) -> list[Effect]:
        self.control.receive_sip(event, at)
        return self.effects()

    def connect(self) -> Call:
        self.invite()
        call = self.call
        self.control.apply(call, Accept(config=self.config, reply=None), T0)
        self.control.apply(call, MediaReady(port=4000), T0)
        self.sip(sip.AckReceived(dialog=DIALOG, invite=INVITE, body=b""))
        assert call.state is State.CONNECTED
        return call

    def effects(self) -> list[Effect]:
        found: list[Effect] = []
        while (batch := self.control.next_batch()) is not None:
            found += batch.effects
        return found

    @property
    def call(self) -> Call:
        (call,) = self.control.calls
        return call


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_invite_becomes_an_undecided_call_and_a_webhook(desk: Desk) -> None:
    (effect,) = desk.invite()
    assert isinstance(effect, PostWebhook)
    assert effect.media_security == "rtp"
    assert ("X-Account", "42") in effect.sip_headers
    assert effect.sip_headers[0][0] == "Via"
    assert isinstance(desk.call.leg, SipLeg)
    assert desk.call.leg.local_address == "127.0.0.1"
    (entry,) = desk.journal.entries(kind="call.state")
    assert (entry.call_id, entry.sip_call_id) == (desk.call.call_id, "c1@phone")


def test_webhook_and_leg_know_of_srtp(desk: Desk) -> None:
    (effect,) = desk.invite(message(body=SECURE))
    assert isinstance(effect, PostWebhook)
    assert effect.media_security == "srtp"
    assert isinstance(desk.call.leg, SipLeg)
    assert desk.call.leg.negotiated is not None
    assert desk.call.leg.negotiated.crypto is not None
    assert desk.call.leg.negotiated.crypto.tag == 3


@pytest.mark.parametrize(("srtp", "body"), [("required", SDP), ("refused", SECURE)])
def test_offer_that_the_setting_forbids_is_refused(srtp: str, body: str) -> None:
    assert Desk(srtp=srtp).invite(message(body=body)) == [RefuseInvite(invite=INVITE, status=488)]


def test_project_is_found_however_its_name_is_escaped(desk: Desk) -> None:
    (effect,) = desk.invite(message(user="%70roj%5Fringback"))
    assert isinstance(effect, PostWebhook)


def test_advertised_address_is_the_one_that_the_leg_names() -> None:
    desk = Desk(advertise_ip="192.0.2.1")
    desk.invite()
    assert isinstance(desk.call.leg, SipLeg)
    assert desk.call.leg.local_address == "192.0.2.1"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (message(user="proj_other"), 404),
        (message(body=HOPELESS), 488),
        (message(body="this is no sdp"), 400),
    ],
)
def test_invite_that_can_become_no_call_is_refused(desk: Desk, request_: Request, status: int) -> None:
    assert desk.invite(request_) == [RefuseInvite(invite=INVITE, status=status)]
    assert len(desk.control.calls) == 0


def test_emulator_that_plays_the_application_accepts_at_once() -> None:
    desk = Desk(auto_accept=True)
    effects = desk.invite()
    assert isinstance(effects[0], PostWebhook)
    assert effects[1] == SendSip(status=180)


def test_caller_without_a_decision_is_turned_away_when_the_time_is_over(desk: Desk) -> None:
    desk.invite()
    assert desk.control.next_deadline() == T0 + 30.0
    desk.control.handle_timer(T0 + 29.9)
    assert desk.effects() == []
    desk.control.handle_timer(T0 + 30.0)
    assert desk.effects() == [SendSip(status=480)]
    assert desk.control.next_deadline() is None


def test_decision_deadline_means_nothing_to_a_call_that_was_decided_or_is_gone(desk: Desk) -> None:
    call = desk.connect()
    desk.control.handle_timer(T0 + 30.0)
    assert call.state is State.CONNECTED
    gone = Desk()
    gone.invite()
    gone.sip(sip.InviteCancelled(invite=INVITE, dialog=DIALOG))
    gone.control.release(gone.call, {}, T0)
    gone.control.handle_timer(T0 + 30.0)
    assert gone.effects() == []


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (sip.InviteCancelled(invite=INVITE, dialog=DIALOG), State.ENDED),
        (sip.ByeReceived(dialog=DIALOG, request=message("BYE", body="")), State.ENDED),
        (sip.PrackTimeout(dialog=DIALOG, invite=INVITE), State.ENDED),
        (sip.FlowFailed(flow=FLOW, dialogs=(), invites=(INVITE,)), State.ENDED),
        (sip.MessageDropped(flow=FLOW, reason="garbage"), State.UNDECIDED),
    ],
)
def test_undecided_call_follows_its_caller(desk: Desk, event: sip.SipEvent, state: State) -> None:
    desk.invite()
    desk.sip(event)
    assert desk.call.state is state


def test_answered_call_without_an_ack_is_left(desk: Desk) -> None:
    desk.invite()
    desk.control.apply(desk.call, Accept(config=desk.config, reply=None), T0)
    desk.control.apply(desk.call, MediaReady(port=4000), T0)
    assert SendBye() in [*desk.effects(), *desk.sip(sip.AckTimeout(dialog=DIALOG))]


def test_ack_answers_the_offer_of_our_own(desk: Desk) -> None:
    desk.invite(message(body=""))
    desk.control.apply(desk.call, Accept(config=desk.config, reply=None), T0)
    desk.control.apply(desk.call, MediaReady(port=4000), T0)
    assert SendAnswer(port=4000) in desk.effects()
    desk.sip(sip.AckReceived(dialog=DIALOG, invite=INVITE, body=SDP.encode()))
    assert isinstance(desk.call.leg, SipLeg)
    assert desk.call.leg.negotiated is not None
    assert desk.call.leg.negotiated.codec == "PCMU"


def test_ack_with_an_unusable_answer_ends_the_call(desk: Desk) -> None:
    desk.invite(message(body=""))
    desk.control.apply(desk.call, Accept(config=desk.config, reply=None), T0)
    desk.control.apply(desk.call, MediaReady(port=4000), T0)
    assert SendBye() in [*desk.effects(), *desk.sip(sip.AckReceived(dialog=DIALOG, invite=INVITE, body=b"?"))][-3:]


def test_transfer_is_followed_by_its_notifies(desk: Desk) -> None:
    call = desk.connect()
    desk.control.apply(call, Refer(target="tel:+1", reply=None), T0)
    desk.sip(completed("REFER", 202))
    desk.sip(notify(100))
    desk.sip(notify(None))
    assert call.state is State.TRANSFERRING
    desk.effects()
    desk.sip(notify(200))
    desk.control.handle_timer(T0 + 32.0)
    assert SendBye() in desk.effects()
    kinds = [entry.data for entry in desk.journal.entries(kind="sip.refer")]
    assert [data["status"] for data in kinds] == [202, 100, None, 200]


def test_transfer_whose_reports_end_without_an_outcome_leaves_the_call(desk: Desk) -> None:
    call = desk.connect()
    desk.control.apply(call, Refer(target="tel:+1", reply=None), T0)
    desk.sip(replace(notify(100), is_terminated=True))
    assert call.state is State.CONNECTED
    desk.sip(replace(notify(None), is_terminated=True))
    assert call.state is State.CONNECTED


@pytest.mark.parametrize("event", [completed("REFER", 603), completed("REFER", 408), notify(503)])
def test_transfer_that_fails_leaves_the_call(desk: Desk, event: sip.SipEvent) -> None:
    call = desk.connect()
    desk.control.apply(call, Refer(target="tel:+1", reply=None), T0)
    desk.sip(event)
    assert call.state is State.CONNECTED


@pytest.mark.parametrize("needs_offer", [True, False])
def test_session_is_refreshed_by_who_has_the_description(desk: Desk, needs_offer: bool) -> None:
    due = sip.RefreshDue(dialog=DIALOG, needs_offer=needs_offer)
    assert desk.sip(due) == []
    desk.connect()
    assert desk.sip(due) == [RefreshSession(needs_offer=needs_offer)]


def test_answer_to_a_refresh_changes_the_media_if_it_can_be_used(desk: Desk) -> None:
    answered = sip.RefreshAnswered(dialog=DIALOG, body=SDP.replace("4000", "4002").encode())
    assert desk.sip(answered) == []
    desk.connect()
    (change,) = desk.sip(answered)
    assert isinstance(change, ChangeMedia)
    assert change.negotiated.remote_port == 4002
    assert desk.sip(replace(answered, body=b"")) == []
    assert desk.sip(replace(answered, body=HOPELESS.encode())) == []
    assert len(list(desk.journal.entries(kind="media.unchanged"))) == 1


def referred(desk: Desk, *events: sip.SipEvent) -> Call:
    """A call whose REFER was taken, and what else was heard before."""
    call = desk.connect()
    desk.control.apply(call, Refer(target="tel:+1", reply=None), T0)
    for event in (*events, completed("REFER", 202)):
        desk.sip(event)
    desk.effects()
    return call


@pytest.mark.parametrize(("setting", "state"), [("connected", State.CONNECTED), ("bye", State.LEAVING)])
def test_transfer_of_which_nothing_is_heard_goes_as_the_setting_says(setting: str, state: State) -> None:
    desk = Desk(refer_unreported=setting, refer_report_timeout=20.0)
    call = referred(desk)
    desk.control.handle_timer(T0 + 19.9)
    assert call.state is State.TRANSFERRING
    desk.control.handle_timer(T0 + 20.0)
    assert call.state is state
    assert [entry.data.get("reason") for entry in desk.journal.entries(kind="sip.refer")] == [
        None,
        "no NOTIFY within 20 s",
    ]
    assert (SendBye() in desk.effects()) is (setting == "bye")
    desk.sip(notify(200))
    assert call.state is state


def test_transfer_may_take_its_time_once_something_was_heard_of_it(desk: Desk) -> None:
    before = referred(desk, notify(100))
    desk.control.handle_timer(T0 + 1000)
    assert before.state is State.TRANSFERRING
    desk = Desk()
    after = referred(desk)
    desk.sip(notify(100))
    desk.control.handle_timer(T0 + 1000)
    assert after.state is State.TRANSFERRING


def test_silent_transfer_is_waited_for_without_end_when_the_setting_says_so() -> None:
    desk = Desk(refer_report_timeout=0.0)
    call = referred(desk)
    assert desk.control.next_deadline() == T0 + desk.settings.decision_timeout
    desk.control.handle_timer(T0 + 1000)
    assert call.state is State.TRANSFERRING


def test_silent_transfer_changes_nothing_when_the_call_has_gone_on(desk: Desk) -> None:
    call = referred(desk)
    desk.control.apply(call, Hangup(reply=None), T0)
    desk.control.handle_timer(T0 + 1000)
    assert call.state is State.LEAVING


def test_answered_bye_ends_the_call_and_release_forgets_it(desk: Desk) -> None:
    call = desk.connect()
    desk.control.apply(call, Hangup(reply=None), T0)
    desk.sip(completed("BYE", 200))
    assert call.state is State.ENDED
    desk.control.release(call, {"sent": 1}, T0)
    (entry,) = desk.journal.entries(kind="call.ended")
    assert entry.data == {"by": "application", "reason": "hung up", "statistics": {"sent": 1}}


def test_release_of_a_call_that_never_ended_by_itself_has_no_reason(desk: Desk) -> None:
    desk.control.release(desk.connect(), {}, T0)
    (entry,) = desk.journal.entries(kind="call.ended")
    assert entry.data["reason"] is None


def test_reinvite_renews_the_media_or_is_refused(desk: Desk) -> None:
    desk.connect()

    def reinvite(body: str) -> list[Effect]:
        return desk.sip(sip.ReinviteReceived(invite=REINVITE, dialog=DIALOG, request=message(body=body)))

    (renewal,) = reinvite(SDP.replace("4000", "4002"))
    assert isinstance(renewal, RenewMedia)
    assert renewal.negotiated is not None
    assert renewal.negotiated.remote_port == 4002
    assert reinvite(HOPELESS) == [RefuseInvite(invite=REINVITE, status=488)]
    assert reinvite("") == [RenewMedia(invite=REINVITE, offer=None, negotiated=None)]


@pytest.mark.parametrize(
    ("setting", "body", "is_heard"),
    [
        ("fallback", SDP, False),
        ("fallback", SDP.replace(" 101", "").replace("a=rtpmap:101 telephone-event/8000\r\n", ""), True),
        ("always", SDP, True),
        ("never", "", False),
    ],
)
def test_key_by_info_counts_where_the_setting_says_so(setting: str, body: str, is_heard: bool) -> None:
    desk = Desk(info_dtmf=setting)
    desk.invite(message(body=body))

    def info(digit: str | None) -> sip.InfoReceived:
        return sip.InfoReceived(dialog=DIALOG, request=message("INFO", body=""), digit=digit)

    assert desk.sip(info("5")) == ([HearDigit(digit="5")] if is_heard else [])
    assert desk.sip(info(None)) == []


def test_session_that_nobody_refreshed_is_ended_by_a_bye_that_goes_again_when_it_was_lost(desk: Desk) -> None:
    desk.connect()
    assert SendBye() in desk.sip(sip.SessionTimedOut(dialog=DIALOG))
    assert desk.sip(sip.ByeLost(dialog=DIALOG)) == [SendBye()]


def test_update_renews_the_media_too(desk: Desk) -> None:
    desk.connect()
    request = message("UPDATE", body=SDP + "a=sendonly\r\n")
    (renewal,) = desk.sip(sip.UpdateReceived(invite=REINVITE, dialog=DIALOG, request=request))
    assert isinstance(renewal, RenewMedia)
    assert renewal.negotiated is not None
    assert renewal.negotiated.direction == "recvonly"


def test_offer_for_a_call_that_is_gone_is_refused(desk: Desk) -> None:
    event = sip.ReinviteReceived(invite=REINVITE, dialog=DIALOG, request=message())
    assert desk.sip(event) == [RefuseInvite(invite=REINVITE, status=481)]


def test_ack_answers_the_offer_in_our_answer_to_a_reinvite(desk: Desk) -> None:
    call = desk.connect()
    body = SDP.replace("4000", "4002").encode()
    (change,) = desk.sip(sip.AckReceived(dialog=DIALOG, invite=REINVITE, body=body))
    assert isinstance(change, ChangeMedia)
    assert change.negotiated.remote_port == 4002
    assert desk.sip(sip.AckReceived(dialog=DIALOG, invite=REINVITE, body=b"")) == []
    assert desk.sip(sip.AckReceived(dialog=DIALOG, invite=REINVITE, body=HOPELESS.encode())) == []
    (entry,) = desk.journal.entries(kind="media.unchanged")
    assert entry.call_id == call.call_id


@pytest.mark.parametrize(
    "event",
    [
        sip.AckReceived(dialog=DIALOG, invite=INVITE, body=b""),
        notify(200),
        completed("BYE", 200),
        sip.ByeReceived(dialog=DIALOG, request=message("BYE", body="")),
        sip.ByeLost(dialog=DIALOG),
    ],
)
def test_event_of_a_call_that_is_gone_does_nothing(desk: Desk, event: sip.SipEvent) -> None:
    assert desk.sip(event) == []


def test_other_responses_change_nothing(desk: Desk) -> None:
    call = desk.connect()
    assert desk.sip(completed("INFO", 200)) == []
    assert call.state is State.CONNECTED


def test_stop_ends_what_has_not_ended(desk: Desk) -> None:
    call = desk.connect()
    desk.control.stop("over", T0)
    assert call.state is State.LEAVING
    desk.sip(completed("BYE", 200))
    desk.control.stop("over", T0)
    assert call.state is State.ENDED


def test_failed_message_comes_back_as_an_input(desk: Desk) -> None:
    call = desk.connect()
    desk.control.apply(call, Refer(target="tel:+1", reply=None), T0)
    desk.control.send_failed(call, "REFER", "connection lost", T0)
    assert call.state is State.CONNECTED


def test_call_of_an_event_is_found_by_its_invite_or_its_dialog(desk: Desk) -> None:
    desk.invite()
    call = desk.call
    assert desk.control.call_of(sip.InviteCancelled(invite=INVITE, dialog=DIALOG)) is call
    assert desk.control.call_of(sip.ByeReceived(dialog=DIALOG, request=message("BYE", body=""))) is call
    assert desk.control.call_of(sip.FlowFailed(flow=FLOW, dialogs=(), invites=())) is None


def test_offer_becomes_a_webrtc_call_that_nobody_has_to_accept(desk: Desk) -> None:
    offer = parse_offer(WEBRTC_OFFER)
    call = desk.control.offer(desk.project, offer, desk.config, None, T0)
    assert call.leg == WebRtcLeg(offer=offer)
    assert desk.effects() == [OpenSession(config=desk.config), OpenMedia()]
    desk.control.apply(call, AnswerReady(sdp="v=0"), T0)
    assert desk.effects() == [StartMedia()]
    assert desk.control.next_deadline() is None
    desk.control.apply(call, Hangup(reply=None), T0)
    desk.control.apply(call, ByeCompleted(status=200), T0)
    desk.control.release(call, {}, T0)
    assert len(desk.control.calls) == 0
