"""The phone against a scripted far end over real sockets."""

import asyncio
from typing import Any

import pytest
from ringback.conformance.client import Phone, ReferPlan
from ringback.conformance.client.errors import (
    CallEnded,
    CallRefused,
    ConnectionFailed,
    UsageError,
    WaitTimeout,
)

SOON = 20.0  # what is waited for comes within milliseconds, on a busy machine within seconds
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
