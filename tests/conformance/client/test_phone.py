"""The phone against a scripted far end over real sockets."""

import asyncio
from typing import Any

import pytest
from ringback.conformance.client import Phone, ReferPlan
from ringback.conformance.client.errors import (
    CallEnded,
    CallRefused,
    ConnectionFailed,
    ProtocolViolation,
    TransactionTimeout,
    UsageError,
    WaitTimeout,
)
from ringback.conformance.client.transactions import Timers

SOON = 5.0  # everything here happens on one machine within milliseconds
BOTH = pytest.mark.parametrize("far_end", ["udp", "tcp"], indirect=True)


@BOTH
async def test_caller_talks_and_hangs_up(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri, from_="+14255550112", headers=[("X-Account", "42")])
        invite = await far_end.received("INVITE")
        assert str(invite.uri) == f"sip:proj_x@127.0.0.1:{far_end.port};transport={far_end.transport}"
        assert invite.headers["X-Account"] == "42"
        assert invite.headers["From"].startswith("<sip:+14255550112@127.0.0.1>;tag=")
        far_end.respond(100)
        far_end.respond(180)
        assert (await call.wait_for_status(180, SOON)).reason == "Ringing"
        far_end.answer()
        answer = await call.answered(SOON)
        assert (answer.codec, answer.dtmf_payload_type) == ("PCMU", 101)
        await far_end.received("ACK")
        assert far_end.media is not None
        far_end_says = asyncio.ensure_future(far_end.media.say("good day"))
        await call.wait_for_sound(SOON)
        await call.say("hello")
        await far_end_says
        assert await call.wait_for_heard("good day") == "good day"
        await call.wait_for_quiet(0.1, SOON)
        await far_end.watch.until(lambda: far_end.media and far_end.media.hearings, timeout=SOON, what="hello")
        assert [each.text for each in far_end.media.hearings] == ["hello"]
        assert call.heard == ["good day"]
        assert len(call.recording) > 8000
        await call.hang_up()
    assert call.ended_by == "caller"
    assert call.final_status == 200
    assert call.failure is None
    sent = [each.summary.split()[0] for each in call.messages if each.direction == "sent"]
    assert sent == ["INVITE", "ACK", "BYE"]
    received = [each.summary for each in call.messages if each.direction == "received"]
    assert received == ["100 Trying", "180 Ringing", "200 OK", "200 OK"]
    assert [each.at for each in call.messages] == sorted(each.at for each in call.messages)


@pytest.mark.parametrize("far_end", ["tls"], indirect=True)
async def test_caller_trusts_the_authority_it_is_given_and_no_other(far_end: Any) -> None:
    async with Phone(ca_file=far_end.ca_file) as phone:
        call = await phone.dial(far_end.uri)
        invite = await far_end.received("INVITE")
        assert invite.headers["Via"].startswith("SIP/2.0/TLS 127.0.0.1:")
        assert invite.headers["Contact"].endswith(";transport=tls>")
        far_end.answer()
        await call.answered(SOON)
        await call.hang_up()
    async with Phone() as stranger:
        with pytest.raises(ConnectionFailed, match="certificate verify failed"):
            await stranger.dial(far_end.uri)
    async with Phone(verify=False) as careless:
        assert (await careless.request("OPTIONS", far_end.uri)).code == 200


async def test_keys_are_heard_on_both_sides(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        await far_end.received("ACK")
        assert far_end.media is not None
        far_end_presses = asyncio.ensure_future(far_end.media.press("0D"))
        await call.press("1,2#", duration_ms=40)
        await far_end_presses
        await call.wait_for_digits("0D", SOON)
        assert call.digits == "0D"
        await far_end.watch.until(lambda: len(far_end.media.digits) == 3, timeout=SOON, what="keys")
        assert far_end.media.digits == ["1", "2", "#"]
        with pytest.raises(UsageError, match="not a digit"):
            await call.press("x")


async def test_pressing_is_refused_when_no_telephone_event_was_negotiated(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        with pytest.raises(UsageError, match="before the call is answered"):
            await call.say("too early")
        await far_end.received("INVITE")
        far_end.answer(has_dtmf=False)
        await call.answered(SOON)
        with pytest.raises(UsageError, match="no telephone-event"):
            await call.press("1")


@BOTH
async def test_caller_is_refused(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.respond(603)
        with pytest.raises(CallRefused, match="603 Decline") as refused:
            await call.answered(SOON)
        assert refused.value.status == 603
        with pytest.raises(CallRefused):
            await call.wait_for_status(180, SOON)
        assert (await call.final_response()).status == 603
        assert await call.ended(SOON) == "refused"
        with pytest.raises(UsageError, match="until it is answered"):
            await call.cancel()
        with pytest.raises(UsageError, match="needs a dialog"):
            await call.request("INFO")
        await call.hang_up()


async def test_caller_cancels_once_the_far_end_has_spoken(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        cancelling = asyncio.ensure_future(call.cancel())
        invite = await far_end.received("INVITE")
        assert [each.method for each in far_end.requests] == ["INVITE"]
        far_end.respond(180)
        await cancelling
        cancel = await far_end.received("CANCEL")
        assert cancel.headers["Via"] == invite.headers["Via"]
        assert cancel.headers["CSeq"] == invite.headers["CSeq"].replace("INVITE", "CANCEL")
        assert cancel.headers["To"] == invite.headers["To"]
        assert (call.ended_by, call.final_status) == ("cancelled", 487)


async def test_answer_that_crosses_a_cancel_is_ended_by_bye(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        cancelling = asyncio.ensure_future(call.cancel())
        await far_end.received("INVITE")
        far_end.answer()
        await cancelling
        await far_end.received("BYE")
        assert call.ended_by == "caller"


@BOTH
async def test_far_end_hangs_up(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        await far_end.received("ACK")
        speaking = asyncio.ensure_future(call.say("nobody will hear this to its end"))
        far_end.send("BYE")
        assert await call.ended(SOON) == "callee"
        await far_end.response(200)
        with pytest.raises(CallEnded, match="before everything was played"):
            await speaking
        with pytest.raises(CallEnded, match=r"ended \(callee\) before it was heard"):
            await call.wait_for_heard()
        with pytest.raises(CallEnded):
            await call.wait_for_digits("1")
        with pytest.raises(CallEnded):
            await call.wait_for_refer()
        await call.wait_for_quiet(99.0)
        with pytest.raises(CallEnded, match="answered 200"):
            await call.wait_for_status(183)
        assert (await call.wait_for_request("BYE")).status == 200


async def test_phone_follows_a_refer_by_its_plan(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        far_end.send("REFER", headers=[("Refer-To", "<tel:+14155550123>")])
        assert await call.wait_for_refer(SOON) == "tel:+14155550123"
        assert await call.ended(SOON) == "caller"
        await far_end.response(202)
        first, second = await far_end.received("NOTIFY"), await far_end.received("NOTIFY", 2)
        refer = call.requests[0].message
        assert first.headers["Event"] == f"refer;id={refer.cseq.sequence}"
        assert (first.body, first.headers["Subscription-State"]) == (b"SIP/2.0 100 Trying\r\n", "active;expires=60")
        assert (second.body, second.headers["Subscription-State"]) == (
            b"SIP/2.0 200 OK\r\n",
            "terminated;reason=noresource",
        )


async def test_phone_refuses_a_refer_and_stays(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri, on_refer=ReferPlan(status=603))
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        far_end.send("REFER", headers=[("Refer-To", "<sip:a@b>")])
        await far_end.response(603)
        call.on_refer = ReferPlan(notifies=(100, 503), hangs_up=False)
        far_end.send("REFER", headers=[("Refer-To", "<sip:a@b>")])
        assert (await far_end.received("NOTIFY", 2)).body == b"SIP/2.0 503 Failed\r\n"
        assert not call.is_over
        await call.hang_up()


async def test_phone_answers_what_the_far_end_asks_for(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        far_end.send("INFO")
        far_end.send("INVITE", headers=[("Content-Type", "application/sdp")], body=b"v=0\r\n")
        await call.wait_for_request("INVITE", SOON)
        far_end.send("PUBLISH")
        assert (await far_end.response(405)).headers["Allow"].startswith("INVITE")
        assert [each.status for each in call.requests] == [200, 200, 405]
        assert b"m=audio" in next(each.body for each in far_end.responses if each.cseq.method == "INVITE")


async def test_caller_holds_and_resumes(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        response = await call.reoffer("sendonly")
        assert response.code == 200
        assert b"a=sendonly" in (await far_end.received("INVITE", 2)).body
        assert (await far_end.received("ACK", 2)).cseq.sequence == far_end.requests[-1].cseq.sequence
        assert (await call.request("INFO", body=b"x", headers=[("Content-Type", "text/plain")])).code == 200


async def test_success_that_comes_again_is_acknowledged_again(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        answer = far_end.answer()
        await call.answered(SOON)
        await far_end.received("ACK")
        far_end.write(bytes(answer))
        await far_end.received("ACK", 2)
        far_end.write(bytes(answer).replace(b"tag=far-end", b"tag=other"))
        assert (await far_end.received("BYE")).headers["To"].endswith(";tag=other")
        assert not call.is_over


async def test_ack_is_held_back_when_told(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri, acknowledges=False)
        with pytest.raises(UsageError, match="no final response"):
            call.acknowledge()
        await far_end.received("INVITE")
        answer = far_end.answer()
        await call.answered(SOON)
        far_end.write(bytes(answer))
        await call.watch.until(lambda: len(call.responses) == 2, timeout=SOON, what="the 200 again")
        assert far_end.acks == []
        call.acknowledge()
        await far_end.received("ACK")


async def test_ack_of_a_refusal_is_held_back_when_told(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri, acknowledges=False)
        await far_end.received("INVITE")
        refusal = far_end.respond(486)
        await call.final_response(SOON)
        far_end.write(bytes(refusal))
        again = await call.messages.wait_for("486", count=2, timeout=SOON)
        assert again.direction == "received"
        assert [each.summary for each in call.messages if each.direction == "sent"] == [call.messages[0].summary]
        call.acknowledge()
        sent = [each.summary for each in call.messages if each.direction == "sent"]
        assert sent[1:] == [f"ACK {far_end.uri}"]


async def test_messages_can_be_waited_for(far_end: Any) -> None:
    async with Phone() as phone:
        response = await phone.request("OPTIONS", far_end.uri)
        found = await phone.messages.wait_for("200", where=lambda each: b"OPTIONS" in each.raw, timeout=SOON)
        assert found.message.call_id == response.call_id
        assert phone.messages.received("OPTIONS") == []
        with pytest.raises(WaitTimeout, match=r"no message 'BYE' number 1 within 0.01 s; there was 200 OK"):
            await phone.messages.wait_for("BYE", timeout=0.01)


@pytest.mark.parametrize("far_end", ["tls"], indirect=True)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_phone_speaks_the_tls_version_it_is_told(far_end: Any, version: Any) -> None:
    async with Phone(ca_file=far_end.ca_file, tls_version=version) as phone:
        assert (await phone.request("OPTIONS", far_end.uri)).code == 200


@pytest.mark.parametrize("body", [b"", b"v=0\r\nnonsense", b"v=0\r\nm=audio 4000 RTP/AVP 18\r\nc=IN IP4 1.1.1.1\r\n"])
async def test_unusable_answer_is_acknowledged_ended_and_raised(far_end: Any, body: bytes) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer(body)
        with pytest.raises(ProtocolViolation, match="SDP"):
            await call.answered(SOON)
        await far_end.received("ACK")
        await far_end.received("BYE")
        assert await call.ended(SOON) == "failed"


async def test_unreadable_response_fails_its_call_at_once(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        invite = await far_end.received("INVITE")
        far_end.write(b"garbage without a call\r\n\r\n")
        far_end.write(b"SIP/2.0 boom OK\r\nCall-ID: " + invite.headers["Call-ID"].encode() + b"\r\n\r\n")
        with pytest.raises(ProtocolViolation, match="boom"):
            await call.answered(SOON)
        assert await call.ended(SOON) == "failed"
        assert len(phone.violations) == 2
        assert len(call.violations) == 2


@pytest.mark.parametrize("far_end", ["tcp"], indirect=True)
async def test_stream_that_can_not_be_framed_fails_its_calls(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.write(b"SIP/2.0 180 Ringing\r\n\r\n")
        with pytest.raises(ProtocolViolation, match="without Content-Length"):
            await call.answered(SOON)
        again = await phone.dial(far_end.uri)
        await far_end.received("INVITE", 2)
        assert again.link is not call.link


@pytest.mark.parametrize("far_end", ["tcp"], indirect=True)
async def test_lost_connection_fails_calls_and_requests(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        far_end.links[next(iter(far_end.links))].close()
        assert await call.ended(SOON) == "failed"
        with pytest.raises(ConnectionFailed, match="closed"):
            await call.wait_for_heard()
        with pytest.raises(ConnectionFailed, match="gone"):
            await call.request("INFO")


async def test_silent_far_end_is_a_timeout_of_the_transaction(far_end: Any) -> None:
    async with Phone(timers=Timers(t1=0.01, t2=0.02, t4=0.02)) as phone:
        call = await phone.dial(far_end.uri)
        with pytest.raises(TransactionTimeout, match="no final response to INVITE"):
            await call.answered(SOON)
        assert call.ended_by == "failed"


async def test_wait_says_what_there_was_instead(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.respond(180)
        await call.wait_for_status(180)
        with pytest.raises(WaitTimeout, match="no answer within 0 s; there was a call that is ringing; 180 Ringing"):
            await call.answered(0.0)


async def test_phone_asks_for_options_outside_of_a_call(far_end: Any) -> None:
    async with Phone(advertise_ip="192.0.2.7", user="probe") as phone:
        response = await phone.request("OPTIONS", far_end.uri, to="<sip:who@where>", headers=[("Accept", "*/*")])
        assert response.code == 200
        request = await far_end.received("OPTIONS")
        assert request.headers["To"] == "<sip:who@where>"
        assert request.headers["Contact"].startswith("<sip:probe@192.0.2.7:")
        assert "192.0.2.7:" in request.headers["Via"]
        with pytest.raises(TransactionTimeout, match="no final response to INVITE within 0"):
            await phone.request("INVITE", far_end.uri, timeout=0.0)


async def test_phone_answers_strangers(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        assert far_end.dialog is not None
        far_end.dialog.call_id = "another"
        far_end.send("BYE")
        far_end.send("OPTIONS")
        far_end.send("INVITE")
        await far_end.response(481)
        await far_end.response(486)
        assert {each.cseq.method: each.code for each in far_end.responses} == {
            "BYE": 481,
            "OPTIONS": 200,
            "INVITE": 486,
        }
        assert not call.is_over


async def test_dialling_goes_through_a_proxy_with_a_route(far_end: Any) -> None:
    async with Phone(proxy=far_end.uri) as phone:
        await phone.dial("sip:someone@nowhere.invalid", replace={"Max-Forwards": "0"}, offer=b"")
        invite = await far_end.received("INVITE")
        assert invite.headers["Route"] == f"<{far_end.uri};lr>"
        assert invite.headers["Max-Forwards"] == "0"
        assert invite.body == b""


async def test_raw_bytes_are_sent_as_they_are(far_end: Any) -> None:
    raw = (
        b"OPTIONS sip:x SIP/2.0\r\nCall-ID: raw\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:c@d>\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    async with Phone() as phone:
        link = await phone.send_raw(far_end.uri, raw)
        assert link.transport == "udp"
        assert (await far_end.received("OPTIONS")).headers["Call-ID"] == "raw"
        assert phone.messages[0].raw == raw
        assert phone.messages[0].summary == "OPTIONS sip:x"


@pytest.mark.parametrize(
    ("uri", "problem"),
    [("tel:+1", "not a SIP URI"), ("sip:a@127.0.0.1;transport=sctp", "not one of udp, tcp, tls")],
)
async def test_phone_refuses_what_can_not_be_dialled(uri: str, problem: str) -> None:
    async with Phone() as phone:
        with pytest.raises(UsageError, match=problem):
            await phone.dial(uri)


async def test_phone_uses_the_ports_it_is_given(far_end: Any) -> None:
    async with Phone() as phone:
        first = await phone.dial(far_end.uri)
        port = first.media.port
        async with Phone(rtp_ports=(port, port)) as other:
            with pytest.raises(UsageError, match="no free RTP port"):
                await other.dial(far_end.uri)


async def test_phone_on_every_address_names_the_one_that_leads_there(far_end: Any) -> None:
    async with Phone(bind="0.0.0.0") as phone:
        await phone.request("OPTIONS", far_end.uri)
        assert (await far_end.received("OPTIONS")).headers["Contact"].startswith("<sip:phone@127.0.0.1:")


async def test_bye_of_the_tests_own_ends_the_call(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        assert (await call.request("BYE", headers=[("Reason", "Q.850;cause=16")])).code == 200
        assert call.ended_by == "caller"


async def test_leaving_the_phone_hangs_up(far_end: Any) -> None:
    async with Phone() as phone:
        answered = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await answered.answered(SOON)
    await far_end.received("BYE")
    assert answered.ended_by == "caller"


async def test_messages_are_rewritten_on_their_way_out(far_end: Any) -> None:
    async with Phone(rewrites=lambda message: message.replace(b"\r\nCall-ID:", b"\r\ni:")) as phone:
        link = await phone.link_to(far_end.uri)
        request = phone.compose("OPTIONS", far_end.uri, link, headers=[("X-One", "1")])
        response = await phone.transact(request, link, timeout=SOON)
        assert (response.code, response.call_id) == (200, request.call_id)
        assert b"\r\ni: " in phone.messages[0].raw


async def test_offer_is_changed_by_whoever_dials(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri, offer=lambda mine: mine.replace(b"a=sendrecv", b"a=inactive"))
        assert b"a=inactive\r\n" in (await far_end.received("INVITE")).body
        assert b"m=audio %d " % call.media.port in call.invite.body
        far_end.respond(486)
        await call.final_response(SOON)


async def test_nothing_is_said_when_the_far_end_has_left(far_end: Any) -> None:
    async with Phone() as phone:
        call = await phone.dial(far_end.uri)
        await far_end.received("INVITE")
        far_end.answer()
        await call.answered(SOON)
        await far_end.received("ACK")
        far_end.send("BYE")
        await call.ended(SOON)
        with pytest.raises(CallEnded, match=r"the call was ended \(callee\) before anything was said"):
            await call.say("hello")
