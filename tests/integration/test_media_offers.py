"""Calls whose first offer is ours: the INVITE had none, and the answer comes in the ACK (RFC 3261 13.2.1)."""

import pytest
from desk import SESSION, Desk, wait_for_entry
from ringback.conformance.client.codecs import CodecName

SAY = {"type": "response.create", "response": {"instructions": "say exactly 'good day'"}}


@pytest.mark.parametrize("codec", ["PCMA", "opus"])
async def test_caller_who_answers_our_offer_with_a_number_of_its_own_is_heard_and_hears(
    desk: Desk, codec: CodecName
) -> None:
    # RFC 3264 6.1: the answer SHOULD have the offer's payload type, so it may have another. Ours of Opus is 96.
    call, call_id = await desk.ring(offer=b"", codecs=(codec,))
    assert (await desk.rest.accept(call_id, SESSION)).status == 200
    assert (await call.answered()).codec == codec
    async with await desk.attach(call_id) as sideband:
        await call.say("here I am")
        await wait_for_entry(desk.emulator, "media.heard", lambda entry: entry.data["text"] == "here I am")
        await sideband.send(SAY)
        await call.wait_for_heard("good day")
    await call.hang_up()
