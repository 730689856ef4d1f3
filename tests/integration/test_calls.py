"""Every way a call can go, over real sockets: what caller, application and journal see."""

import asyncio

import pytest
from desk import PATIENCE, SESSION, Desk, StartEmulator, wait_for_entry
from ringback.conformance.client import Phone, RestClient, WebhookReceiver
from ringback.conformance.client.errors import CallRefused, HandshakeRefused

TRANSPORTS = ("tls", "tcp", "udp")
HOPELESS = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"
)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_caller_receives_603_when_reject_has_no_status(desk: Desk, transport: str) -> None:
    call, call_id = await desk.ring(transport)
    answer = await desk.rest.reject(call_id)
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "0")
    assert (await call.final_response()).status == 603


async def test_caller_receives_the_status_that_reject_gives(desk: Desk) -> None:
    call, call_id = await desk.ring()
    assert (await desk.rest.reject(call_id, 486)).status == 200
    assert (await call.final_response()).status == 486


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_call_is_accepted_and_hung_up(desk: Desk, transport: str) -> None:
    call, call_id = await desk.connect(transport)
    assert [response.status for response in call.responses] == [100, 180, 200]
    assert (await desk.rest.hangup(call_id)).status == 200
    assert await call.ended() == "callee"
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("application", "hung up")


@pytest.mark.parametrize("target", ["tel:+14155550123", "sip:agent@example.com;user=phone?X-Reason=a%20b"])
async def test_call_is_transferred_and_the_target_arrives_byte_for_byte(desk: Desk, target: str) -> None:
    call, call_id = await desk.connect()
    assert (await desk.rest.refer(call_id, target)).status == 200
    assert await call.wait_for_refer() == target
    assert await call.ended() == "caller"
    refers = [entry.data["status"] for entry in desk.emulator.journal.entries(kind="sip.refer")]
    assert refers == [202, 100, 200]


@pytest.mark.parametrize(
    "target", ["", "no uri", "sip:a@b>\r\nX-Injected: 1", "<sip:a@b>", "sip:a\x00@b", "sip:", "tel:+1\n"]
)
async def test_transfer_to_what_is_no_uri_is_refused_and_nothing_is_sent(desk: Desk, target: str) -> None:
    call, call_id = await desk.connect()
    answer = await desk.rest.refer(call_id, target)
    assert answer.status == 400
    assert answer.error["param"] == "target_uri"
    await desk.rest.hangup(call_id)
    await call.ended()
    assert [entry for entry in desk.emulator.journal.entries(kind="sip.sent") if "REFER" in entry.data["summary"]] == []


async def test_caller_hangs_up(desk: Desk) -> None:
    call, call_id = await desk.connect()
    await call.hang_up()
    assert (await desk.rest.hangup(call_id)).error["code"] == "call_id_not_found"
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("caller", "hung up")


async def test_caller_cancels_before_the_decision(desk: Desk) -> None:
    call, call_id = await desk.ring()
    await call.cancel()
    assert call.final_status == 487
    answer = await desk.rest.accept(call_id, SESSION)
    assert (answer.status, answer.error["code"]) == (404, "call_id_not_found")


async def test_cancel_that_races_an_accept_leaves_one_of_two_clear_ends(desk: Desk) -> None:
    for _ in range(10):
        call, call_id = await desk.ring("udp")
        answer, _ = await asyncio.gather(desk.rest.accept(call_id, SESSION), call.cancel(), return_exceptions=True)
        assert not isinstance(answer, BaseException)
        assert answer.status in (200, 404)
        assert call.final_status in (200, 487)
        if call.final_status == 200 and not call.is_over:
            await call.hang_up()


async def test_caller_receives_480_when_nobody_decides(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(webhook_urls=(receiver.url,), decision_timeout=0.1)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        assert (await call.final_response()).status == 480


async def test_call_without_an_ack_is_left_with_a_bye(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True, sip_t1=0.005, sip_t2=0.02)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["udp"], acknowledges=False)
        await call.wait_for_request("BYE")
        ended = await wait_for_entry(emulator, "call.ended")
        assert ended.data["reason"] == "no ACK"
        assert len([r for r in call.responses if r.status == 200]) > 1


async def test_caller_gets_480_when_the_webhook_endpoint_is_down(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(
        webhook_urls=("http://127.0.0.1:1/",), decision_timeout=0.3, webhook_first_retry=0.05
    )
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        assert (await call.final_response()).status == 480
        # … and the attempts go on after the call has ended.
        await wait_for_entry(emulator, "webhook.attempt", lambda entry: entry.data["attempt"] == 4)


async def test_caller_of_an_unknown_project_receives_404(desk: Desk) -> None:
    uri = desk.emulator.ready.sip["tls"].replace("proj_ringback", "proj_unknown")
    call = await desk.phone.dial(uri)
    assert (await call.final_response()).status == 404


async def test_caller_with_a_hopeless_offer_receives_488(desk: Desk) -> None:
    call = await desk.phone.dial(desk.emulator.ready.sip["tls"], offer=HOPELESS)
    with pytest.raises(CallRefused):
        await call.answered()
    assert call.final_status == 488


async def test_verbs_of_an_undecided_call(desk: Desk) -> None:
    call, call_id = await desk.ring()
    for answer in (await desk.rest.hangup(call_id), await desk.rest.refer(call_id, "tel:+1")):
        assert (answer.status, answer.error["code"]) == (404, "call_id_not_found")
    with pytest.raises(HandshakeRefused) as refused:
        await desk.attach(call_id)
    assert refused.value.status == 404
    await desk.rest.reject(call_id)
    await call.final_response()


async def test_verbs_of_a_call_that_was_decided(desk: Desk) -> None:
    call, call_id = await desk.connect()
    for answer in (await desk.rest.accept(call_id, SESSION), await desk.rest.reject(call_id)):
        assert (answer.status, answer.error["code"]) == (409, "decision_already_made")
        assert answer.header("x-should-retry") == "false"
    await call.hang_up()
    for answer in (
        await desk.rest.accept(call_id, SESSION),
        await desk.rest.reject(call_id),
        await desk.rest.hangup(call_id),
    ):
        assert (answer.status, answer.error["code"]) == (404, "call_id_not_found")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": "gpt-realtime"}, "session.type", "missing_required_parameter"),
        ({"type": "realtime", "colour": "red"}, "session.colour", "unknown_parameter"),
        ({"type": "realtime", "instructions": 7}, "session.instructions", "invalid_type"),
    ],
)
async def test_invalid_accept_names_the_field_and_leaves_the_call_undecided(
    desk: Desk, body: dict[str, object], param: str, code: str
) -> None:
    call, call_id = await desk.ring()
    answer = await desk.rest.accept(call_id, body)
    assert (answer.status, answer.error["param"], answer.error["code"]) == (400, param, code)
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    await call.answered()
    await call.hang_up()


async def test_request_with_a_wrong_key_is_refused(desk: Desk) -> None:
    for key, message in (("sk-wrong", "Incorrect API key provided"), ("", "You didn't provide an API key")):
        async with RestClient(desk.emulator.ready.base_url, key) as stranger:
            answer = await stranger.hangup("rtc_1")
        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
        assert message in answer.error["message"]


async def test_any_key_is_taken_when_the_settings_say_so(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(any_key=True)
    async with RestClient(emulator.ready.base_url, "sk-whatever") as rest:
        assert (await rest.hangup("rtc_1")).status == 404


async def test_hangup_before_the_ack_sends_the_bye_after_it(desk: Desk) -> None:
    call, call_id = await desk.ring("udp", acknowledges=False)
    await desk.rest.accept(call_id, SESSION)
    await call.wait_for_status(200)
    assert (await desk.rest.hangup(call_id)).status == 200
    sent = [entry.data["summary"] for entry in desk.emulator.journal.entries(kind="sip.sent")]
    assert not any(summary.startswith("BYE") for summary in sent)
    call.acknowledge()
    await call.wait_for_request("BYE")
    await asyncio.wait_for(call.ended(), PATIENCE)


async def test_emulator_that_stops_sends_bye_to_every_call(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        calls = [await phone.dial(emulator.ready.sip[transport]) for transport in TRANSPORTS]
        for call in calls:
            await call.answered()
        await emulator.stop()
        assert [await call.ended() for call in calls] == 3 * ["callee"]


async def test_caller_without_rtp_is_hung_up_on_after_the_setting(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(auto_accept=True, rtp_timeout=1.0)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"])
        await call.answered()
        await call.reoffer("inactive")  # who holds the call owes no RTP
        await call.reoffer("sendrecv")
        await call.wait_for_heard()
        assert not call.is_over
        call.media.is_muted = True
        assert await call.ended() == "callee"
    ended = await wait_for_entry(emulator, "call.ended")
    assert (ended.data["by"], ended.data["reason"]) == ("emulator", "no RTP of the caller")
