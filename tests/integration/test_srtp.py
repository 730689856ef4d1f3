"""Calls by SRTP, the setting that decides about it, and the keys that nobody may see."""

import logging

import pytest
from desk import SESSION, Desk, StartEmulator, wait_for_entry
from ringback.conformance.client import Phone, RestClient, WebhookReceiver
from ringback.conformance.client.srtp import SUITES
from ringback.emulator.server import Emulator


def key_texts(emulator: Emulator) -> list[str]:
    return [entry.data["text"] for entry in emulator.journal.entries(kind="sip") if "a=crypto" in entry.data["text"]]


@pytest.mark.parametrize("suite", SUITES)
async def test_caller_and_model_hear_each_other_by_srtp(desk: Desk, suite: str) -> None:
    call, _ = await desk.connect(suites=[suite])
    await call.say("hello there")
    assert await call.wait_for_heard() == "hello there"
    assert call.media.unauthentic == 0
    opened = await wait_for_entry(desk.emulator, "media.opened")
    assert opened.data["security"] == "srtp"
    await call.hang_up()
    closed = await wait_for_entry(desk.emulator, "media.closed")
    assert closed.data["statistics"]["unauthentic"] == 0


async def test_keys_of_both_sides_are_in_no_journal_and_no_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    call, _ = await desk.connect(suites=SUITES)
    await call.reoffer()
    await call.hang_up()
    texts = key_texts(desk.emulator)
    assert len(texts) == 4
    assert call.answer is not None
    assert call.answer.crypto is not None
    for key in (call.answer.crypto.line().rpartition(":")[2], call.invite.body.decode().partition("inline:")[2][:40]):
        assert not any(key in text for text in texts)
        assert key not in caplog.text


async def test_call_changes_between_plain_and_secure(desk: Desk) -> None:
    call, _ = await desk.connect()
    call.media.keys.suites = SUITES
    for suites in (SUITES, ()):
        call.media.keys.suites = suites
        assert (await call.reoffer()).code == 200
        await call.say("over")
        assert await call.wait_for_heard(after=len(call.hearings) - 1 if call.hearings else 0) == "over"
    changed = [entry.data["security"] for entry in desk.emulator.journal.entries(kind="media.changed")]
    assert changed == ["srtp", "rtp"]


@pytest.mark.parametrize(("srtp", "suites", "status"), [("required", (), 488), ("refused", SUITES, 488)])
async def test_caller_is_refused_by_the_setting(
    start_emulator: StartEmulator, srtp: str, suites: tuple[str, ...], status: int
) -> None:
    emulator = await start_emulator(srtp=srtp)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"], suites=suites)
        assert (await call.final_response()).status == status


@pytest.mark.parametrize("srtp", ["required", "preferred"])
async def test_caller_without_an_offer_gets_one_as_the_setting_says(
    start_emulator: StartEmulator, receiver: WebhookReceiver, srtp: str
) -> None:
    emulator = await start_emulator(srtp=srtp, webhook_urls=(receiver.url,))
    receiver.secrets = [emulator.ready.webhook_secret]
    async with (
        Phone(ca_file=emulator.ready.ca_file) as phone,
        RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest,
    ):
        call = await phone.dial(emulator.ready.sip["tls"], offer=b"")
        delivery = await receiver.wait_for(count=1)
        assert delivery.event is not None
        assert (await rest.accept(delivery.event["data"]["call_id"], SESSION)).status == 200
        answer = await call.answered()
        assert (answer.crypto is not None) == (srtp == "required")
        await call.say("hello")
        assert await call.wait_for_heard() == "hello"
        assert (await call.ask_for_offer()).code == 200  # … and the next one is of the same kind
        await call.say("still here")
        assert await call.wait_for_heard(after=1) == "still here"
        assert (call.answer is not None and call.answer.crypto is not None) == (srtp == "required")


async def test_answer_in_the_ack_that_takes_no_key_of_ours_ends_the_call(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(srtp="required", auto_accept=True)
    async with Phone(
        ca_file=emulator.ready.ca_file,
        rewrites=lambda message: message.replace(b"a=crypto:1 ", b"a=crypto:7 "),
    ) as phone:
        call = await phone.dial(emulator.ready.sip["tls"], offer=b"")
        assert await call.ended() == "callee"
    ended = await wait_for_entry(emulator, "call.ended")
    assert ended.data["reason"] == "no media"
