"""The phone against a far end that fails it, strangers, and what a phone can be told to do."""

from typing import Any

import pytest
from ringback.conformance.client import Phone
from ringback.conformance.client.errors import (
    CallEnded,
    ConnectionFailed,
    ProtocolViolation,
    TransactionTimeout,
    UsageError,
    WaitTimeout,
)
from ringback.conformance.client.transactions import Timers

SOON = 20.0  # what is waited for comes within milliseconds, on a busy machine within seconds
BOTH = pytest.mark.parametrize("far_end", ["udp", "tcp"], indirect=True)


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
