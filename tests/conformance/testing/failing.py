"""Tests that fail, each as an application's author would see it fail. `test_failures.py` runs them."""

import asyncio
import socket
import sys

import pytest
from applications import SESSION, Asgi
from openai import AsyncOpenAI
from ringback.conformance.testing import Ringback

pytestmark = pytest.mark.ringback(clock="manual")
TOOL = {"type": "function", "name": "transfer", "parameters": {"type": "object", "properties": {}}}


async def transfer(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION)
    await client.realtime.calls.refer(call_id, target_uri="tel:+14155550199")


async def forget(client: AsyncOpenAI, call_id: str) -> None:
    """It decides nothing."""


async def offer_tools(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION, tools=[TOOL])


async def think(client: AsyncOpenAI, call_id: str) -> None:
    await asyncio.sleep(10)
    await client.realtime.calls.accept(call_id, **SESSION)


async def stumble(client: AsyncOpenAI, call_id: str) -> None:
    raise LookupError("no such customer")


async def accept_nonsense(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, type="realtime", model="gpt-realtime", output_modalities=["smell"])


@pytest.fixture
def started(ringback: Ringback) -> None:
    ringback.start(sys.executable, "-c", "raise SystemExit('no module named shop')", ready="Running on http://")


def test_application_ends_at_once(started: None) -> None:
    raise AssertionError("it was never started")


def test_wrong_number(ringback: Ringback) -> None:
    ringback.webhook(Asgi(transfer))
    call = ringback.dial(via="memory")
    call.transferred_to("tel:+14155550123", within=5)


def test_missing_accept(ringback: Ringback) -> None:
    ringback.webhook(Asgi(forget))
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_bad_signature(ringback: Ringback) -> None:
    ringback.webhook(Asgi(secret="whsec_" + 32 * "A"))
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_tool_never_called(ringback: Ringback) -> None:
    ringback.webhook(Asgi(offer_tools))
    ringback.scenario.when(heard="human").call("transfer", target="tel:+14155550123")
    call = ringback.dial(via="memory")
    call.answered(within=2)
    call.say("The operator, please")
    call.transferred_to("tel:+14155550123", within=5)


def test_tool_never_answered(ringback: Ringback) -> None:
    ringback.webhook(Asgi(offer_tools))
    ringback.scenario.when(heard="human").call("transfer", target="tel:+14155550123")
    call = ringback.dial(via="memory")
    call.answered(within=2)
    call.say("A human, please")
    call.transferred_to("tel:+14155550123", within=5)


def test_late_answer(ringback: Ringback) -> None:
    ringback.webhook(Asgi(think))
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_application_raises(ringback: Ringback) -> None:
    ringback.webhook(Asgi(stumble))
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_application_sends_nonsense(ringback: Ringback) -> None:
    ringback.webhook(Asgi(accept_nonsense))
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_port_closed(ringback: Ringback) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ringback.webhook(f"http://127.0.0.1:{port}/openai")
    call = ringback.dial(via="memory")
    call.answered(within=2)


def test_wrong_words(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(via="memory")
    call.answered(within=2)
    call.say("Good morning")
    call.hears("Good evening", within=5)


def test_call_left_open(ringback: Ringback) -> None:
    ringback.webhook(Asgi())
    call = ringback.dial(via="memory")
    call.answered(within=2)
