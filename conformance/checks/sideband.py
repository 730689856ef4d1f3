"""The sideband of a call: its handshake, what it can do, and how long it lives."""

from functools import partial
from typing import Any

from ..bench import Bench
from ..client.call import Call
from ..client.errors import ClientError, HandshakeRefused
from ..client.sideband import ReceivedEvent, Sideband
from ..requirement import Level, requirement
from ..sources import SDK
from .auth import NO_CALL, UNKNOWN_KEY

NEEDS = {"rest", "sip", "webhooks", "sideband"}
GUIDE = "Webhooks and server-side controls guide"
CONTROLS = "https://platform.openai.com/docs/guides/realtime-server-controls"
THIRD_PARTIES = "third-party observations, 2025 and 2026"
HELLO = "hello there"

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=GUIDE, link=CONTROLS, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=THIRD_PARTIES, needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", clause="nobody has shown it", needs=NEEDS)


async def talk(bench: Bench, **session: Any) -> tuple[Call, Sideband]:
    """An answered call with its sideband; `session` is put into its `accept`."""
    call, call_id = await bench.connect(session={"type": "realtime", "model": "gpt-realtime", **session})
    return call, await bench.attach(call_id)


def saying(text: str, **options: Any) -> dict[str, Any]:
    """A `response.create` for a response that says this text, as near as a model gets."""
    return {"type": "response.create", "response": {"instructions": f"Say exactly '{text}'", **options}}


def update(**session: Any) -> dict[str, Any]:
    """A `session.update` of a realtime session."""
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def part(event: ReceivedEvent, *path: str | int) -> Any:
    """What is at a path of names and places in an event, None where there is nothing."""
    value: Any = event.data
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


async def refusal(bench: Bench, call_id: str, **options: Any) -> HandshakeRefused:
    """How the handshake is refused. It is a violation if it is not."""
    try:
        sideband = await bench.attach(call_id, **options)
    except HandshakeRefused as refused:
        return refused
    return bench.fail("a refused handshake", f"a sideband, open: {sideband.is_open}")


# Handshake


@documented("SIDEBAND-ATTACH-01", says="A sideband opens with the call id and the project's key, without a model.")
async def sideband_opens(bench: Bench) -> None:
    _, call_id = await bench.connect()
    try:
        sideband = await bench.attach(call_id)
    except HandshakeRefused as refused:
        bench.fail("101", refused)
    bench.expect(sideband.is_open, "an open sideband", f"closed with {sideband.close_code}")


@observed("SIDEBAND-ATTACH-02", says="A model beside the call id does no harm.", clause="community topic 1360937")
async def model_is_tolerated(bench: Bench) -> None:
    _, call_id = await bench.connect()
    sideband = await bench.attach(call_id, model="gpt-realtime")
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")


@observed("SIDEBAND-ATTACH-03", says="The handshake for a call that does not exist is answered with 404.")
async def unknown_call_gets_404(bench: Bench) -> None:
    refused = await refusal(bench, NO_CALL)
    bench.expect(refused.status == 404, "404", refused)


@observed("SIDEBAND-ATTACH-04", says="That 404 says call_id_not_found.", clause="openai/codex issue 35094")
async def unknown_call_has_its_code(bench: Bench) -> None:
    refused = await refusal(bench, NO_CALL)
    bench.expect(b"call_id_not_found" in refused.body, "call_id_not_found", refused)


@observed("SIDEBAND-ATTACH-05", says="The handshake for a call that has ended is answered with 404.")
async def ended_call_gets_404(bench: Bench) -> None:
    call, call_id = await bench.connect()
    await call.hang_up(timeout=bench.within.bye)
    refused = await refusal(bench, call_id)
    bench.expect(refused.status == 404, "404", refused)


@observed(
    "SIDEBAND-ATTACH-06",
    says="The key of another project does not find the call: 404.",
    clause="openai/codex issue 35094",
    needs=NEEDS | {"isolation"},
)
async def stranger_gets_404(bench: Bench) -> None:
    _, call_id = await bench.connect()
    refused = await refusal(bench, call_id, api_key=bench.access.other_api_key or UNKNOWN_KEY)
    bench.expect(refused.status == 404, "404", refused)


@observed("SIDEBAND-ATTACH-07", says="A handshake without a key is answered with 401.", clause="Azure, 2026")
async def no_key_gets_401(bench: Bench) -> None:
    _, call_id = await bench.connect()
    refused = await refusal(bench, call_id, api_key=None)
    bench.expect(refused.status == 401, "401", refused)


@observed(
    "SIDEBAND-ATTACH-08",
    says="The key may be a subprotocol, openai-insecure-api-key, beside realtime.",
    evidence="SDK",
    clause="@openai/agents, realtime in browsers",
)
async def key_may_be_a_subprotocol(bench: Bench) -> None:
    _, call_id = await bench.connect()
    protocols = ("realtime", f"openai-insecure-api-key.{bench.access.api_key}")
    sideband = await bench.attach(call_id, api_key=None, subprotocols=protocols)
    bench.expect(sideband.subprotocol in (None, "realtime"), "realtime as the chosen one", sideband.subprotocol)


@choice("SIDEBAND-ATTACH-09", says="The handshake with an unknown key is refused.")
async def unknown_key(bench: Bench) -> None:
    _, call_id = await bench.connect()
    try:
        sideband = await bench.attach(call_id, api_key=UNKNOWN_KEY)
        bench.note(f"close {await sideband.closed(timeout=bench.within.event)} after {sideband.types}")
    except HandshakeRefused as refused:
        bench.note(f"{refused.status} at the handshake")


@choice("SIDEBAND-ATTACH-10", says="The handshake for a call that nobody has decided is refused.")
async def undecided_call(bench: Bench) -> None:
    _, call_id = await bench.ring()
    try:
        await bench.attach(call_id)
    except HandshakeRefused as refused:
        bench.note(f"{refused.status} at the handshake")
    bench.note("a sideband")


# Control


@documented("SIDEBAND-CONTROL-01", says="A session.update over the sideband is answered with session.updated.")
async def session_is_updated(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send(update(instructions="Be brief."))
    updated = await bench.event(sideband, "session.updated")
    found = part(updated, "session", "instructions")
    bench.expect(found == "Be brief.", "the new instructions", found)


@documented("SIDEBAND-CONTROL-02", says="A response.create over the sideband makes the caller hear something.")
async def caller_hears_the_response(bench: Bench) -> None:
    call, sideband = await talk(bench)
    await sideband.send(saying(HELLO))
    await call.wait_for_sound(timeout=bench.within.speech)


@choice("SIDEBAND-CONTROL-03", says="A sideband that attaches gets no session.created.")
async def first_event_of_a_sideband(bench: Bench) -> None:
    _, sideband = await talk(bench)
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")
    bench.note(f"first {sideband.types[0]}")


# Several


@choice("SIDEBAND-SEVERAL-01", says="Every sideband of a call gets its events.")
async def every_sideband_is_told(bench: Bench) -> None:
    _, call_id = await bench.connect()
    one, other = await bench.attach(call_id), await bench.attach(call_id)
    await one.send(update(instructions="Be brief."))
    await bench.event(one, "session.updated")
    try:
        await other.wait_for("session.updated", timeout=bench.within.event)
    except ClientError as error:
        bench.note(f"the second sideband is not told: {error}")
    bench.note("both are told")


@choice("SIDEBAND-SEVERAL-02", says="An error goes to the sideband that caused it alone.")
async def error_goes_to_its_cause(bench: Bench) -> None:
    _, call_id = await bench.connect()
    one, other = await bench.attach(call_id), await bench.attach(call_id)
    await one.send({"type": "nonsense"})
    await bench.event(one, "error")
    alone = await bench.nothing(bench.watch(other.wait_for("error", timeout=bench.within.event)))
    bench.note("to the one that caused it" if alone else "to all of them")


@choice("SIDEBAND-SEVERAL-03", says="What happened before a sideband attached is not told again.")
async def nothing_is_replayed(bench: Bench) -> None:
    _, call_id = await bench.connect()
    one = await bench.attach(call_id)
    await one.send(update(instructions="Be brief."))
    await bench.event(one, "session.updated")
    late = await bench.attach(call_id)
    silent = await bench.nothing(bench.watch(late.wait_for("session.updated", timeout=bench.within.event)))
    bench.note("nothing is replayed" if silent else "it is replayed")


# Life


@observed(
    "SIDEBAND-LIFE-01",
    says="A call goes on when its sideband is closed.",
    clause="community topic 1355362; third-party observations, 2026",
)
async def call_outlives_its_sideband(bench: Bench) -> None:
    call, sideband = await talk(bench)
    await sideband.close()
    stays = await bench.nothing(bench.watch(call.wait_for_request("BYE", timeout=bench.within.bye)))
    bench.expect(stays and not call.is_over, "a call that goes on", f"a call that is {call.state.value}")


@observed("SIDEBAND-LIFE-02", says="When the caller hangs up, the sideband is closed or dropped.")
async def caller_ends_the_sideband(bench: Bench) -> None:
    call, sideband = await talk(bench)
    await call.hang_up(timeout=bench.within.bye)
    await sideband.closed(timeout=bench.within.event)


@choice("SIDEBAND-LIFE-03", says="A sideband can be attached again after it was closed.")
async def sideband_comes_back(bench: Bench) -> None:
    _, call_id = await bench.connect()
    await (await bench.attach(call_id)).close()
    try:
        again = await bench.attach(call_id)
    except HandshakeRefused as refused:
        bench.note(f"{refused.status} at the second handshake")
    await again.send(update(instructions="Be brief."))
    await bench.event(again, "session.updated")
    bench.note("the second one works")


@requirement(
    "SIDEBAND-LIFE-04",
    level=Level.SHOULD,
    says="A frame of nonsense does not close the sideband.",
    evidence="SDK",
    clause="types/realtime/realtime_error_event.py: most errors are recoverable and the session will stay open",
    link=SDK,
    needs=NEEDS,
)
async def nonsense_is_survived(bench: Bench) -> None:
    _, sideband = await talk(bench)
    for frame in ("{", "[]", '"x"', "null", b"\x00\xff"):
        so_far = len(sideband.events)
        await sideband.send(frame)
        await bench.event(sideband, "error", after=so_far)
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")
