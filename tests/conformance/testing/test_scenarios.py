"""Scenarios in tests: written as the test goes, or named by the marker."""

import json

import pytest
from applications import SESSION, Asgi
from openai import AsyncOpenAI
from ringback.conformance.testing.synchronous import Ringback

TOOL = {"type": "function", "name": "transfer", "parameters": {"type": "object", "properties": {"target": {}}}}


async def transfer_on_demand(client: AsyncOpenAI, call_id: str) -> None:
    """Greets, and transfers where the model says so."""
    await client.realtime.calls.accept(call_id, **SESSION, tools=[TOOL])
    async with client.realtime.connect(call_id=call_id) as sideband:
        await sideband.response.create(
            response={"instructions": "Say to the user 'Thank you for calling, how can I help you?'"}
        )
        async for event in sideband:
            if event.type == "response.function_call_arguments.done":
                target = json.loads(event.arguments)["target"]
                await client.realtime.calls.refer(call_id, target_uri=target)
                return


def test_caller_is_transferred_to_a_human(ringback: Ringback) -> None:
    ringback.webhook(Asgi(transfer_on_demand))
    ringback.scenario.when(heard="human").call("transfer", target="tel:+14155550123")
    call = ringback.dial(from_="+14255550112", headers={"X-Account": "42"})
    call.answered(within=2)
    call.say("I would like to talk to a human")
    call.transferred_to("tel:+14155550123", within=5)
    assert call.heard == ["Thank you for calling, how can I help you?"]


@pytest.mark.ringback(scenario="echo")
def test_shipped_scenario_plays_by_its_name(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(via="memory")
    call.answered()
    call.say("good evening")
    assert "good evening" in call.hears()
    call.hang_up()


def test_scenario_may_grow_while_the_application_is_tested(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    ringback.scenario.when(heard="one").say("first")
    for word, answer in (("one", "first"), ("two", "two")):
        call = ringback.dial(via="memory")
        call.answered()
        call.say(word)
        assert call.hears() == answer
        call.hang_up()
