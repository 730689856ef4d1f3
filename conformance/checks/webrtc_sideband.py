"""The sideband of a WebRTC call: an application server beside the page."""

import json
from functools import partial
from typing import Any

from ..bench import SESSION, Bench
from ..client.errors import HandshakeRefused
from ..client.sideband import Sideband
from ..client.webrtc import WebRtcCall
from ..requirement import Level, requirement
from .events import TOOL, response_to, user_message
from .sideband import CONTROLS, GUIDE, HELLO, part, saying, update

NEEDS = {"rest", "webrtc", "sideband"}
RECORDED = "recorded sidebands of WebRTC calls, July 2026"
DONE = "response.function_call_arguments.done"

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=GUIDE, link=CONTROLS, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)


async def both(bench: Bench, **session: Any) -> tuple[WebRtcCall, Sideband]:
    """A WebRTC call, and its sideband by the call id of `Location`."""
    call = await bench.place(session={**SESSION, **session})
    try:
        return call, await bench.attach(call.id)
    except HandshakeRefused as refused:
        bench.fail("101 to the sideband", refused)


@documented("WEBRTC-SIDEBAND-01", says="A sideband opens with the call id of Location.")
async def sideband_opens(bench: Bench) -> None:
    _, sideband = await both(bench)
    bench.expect(sideband.is_open, "an open sideband", f"closed with {sideband.close_code}")


@observed("WEBRTC-SIDEBAND-02", says="A sideband gets no session.created: what it asks for comes first.")
async def sideband_gets_no_session_created(bench: Bench) -> None:
    _, sideband = await both(bench)
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")
    bench.expect(sideband.types[0] == "session.updated", "session.updated first", sideband.types)


@documented("WEBRTC-SIDEBAND-03", says="A sideband updates the session.")
async def sideband_updates_the_session(bench: Bench) -> None:
    _, sideband = await both(bench)
    await sideband.send(update(instructions="Be brief."))
    found = part(await bench.event(sideband, "session.updated"), "session", "instructions")
    bench.expect(found == "Be brief.", "the new instructions", found)


@documented(
    "WEBRTC-SIDEBAND-04",
    says="A function that the page's response calls is told to the sideband, which gives the output.",
)
async def sideband_answers_a_function_call(bench: Bench) -> None:
    call, sideband = await both(bench, tools=[TOOL])
    await call.events.send(user_message("Look up the weather in Lund."))
    choice = {"type": "function", "name": TOOL["name"]}
    await call.events.send({"type": "response.create", "response": {"tools": [TOOL], "tool_choice": choice}})
    asked = await bench.event(sideband, DONE, timeout=bench.within.speech)
    await bench.event(sideband, "response.done")
    item = {"type": "function_call_output", "call_id": asked.get("call_id"), "output": json.dumps({"sky": "clear"})}
    await sideband.send({"type": "conversation.item.create", "item": item})
    added = await bench.event(
        sideband, "conversation.item.added", where=lambda event: part(event, "item", "type") == item["type"]
    )
    bench.expect(part(added, "item", "call_id") == asked.get("call_id"), "the output's call_id", added.data)
    await response_to(bench, sideband, saying(HELLO, output_modalities=["text"], tool_choice="none"))


@documented("WEBRTC-SIDEBAND-05", says="A response that the page asks for is told to the sideband, too.")
async def sideband_sees_the_pages_response(bench: Bench) -> None:
    call, sideband = await both(bench)
    await call.events.send(saying(HELLO, output_modalities=["text"]))
    mine = await bench.event(call.events, "response.done", timeout=bench.within.speech)
    told = await bench.event(sideband, "response.done")
    wanted = part(mine, "response", "id")
    bench.expect(wanted and part(told, "response", "id") == wanted, f"the response {wanted}", told.data)


@documented("WEBRTC-SIDEBAND-06", says="A response that the sideband asks for is told to the page, too.")
async def page_sees_the_sidebands_response(bench: Bench) -> None:
    call, sideband = await both(bench)
    await sideband.send(saying(HELLO, output_modalities=["text"]))
    mine = await bench.event(sideband, "response.done", timeout=bench.within.speech)
    told = await bench.event(call.events, "response.done")
    wanted = part(mine, "response", "id")
    bench.expect(wanted and part(told, "response", "id") == wanted, f"the response {wanted}", told.data)


@observed(
    "WEBRTC-SIDEBAND-07",
    says="A sideband is told when sound starts and stops, and gets no audio.",
)
async def sideband_is_told_of_sound(bench: Bench) -> None:
    _, sideband = await both(bench)
    events = await response_to(bench, sideband, saying(HELLO), then="output_audio_buffer.stopped")
    types = [each.type for each in events]
    bench.expect("output_audio_buffer.started" in types, "output_audio_buffer.started", types)
    bench.expect("response.output_audio.delta" not in types, "no response.output_audio.delta", types)


@requirement(
    "WEBRTC-SIDEBAND-08",
    level=Level.CHOICE,
    says="What a sideband changes in the session is told to the page.",
    evidence="CHOICE",
    clause="nobody has shown it",
    needs=NEEDS,
)
async def page_is_told_of_an_update(bench: Bench) -> None:
    call, sideband = await both(bench)
    await sideband.send(update(instructions="Be brief."))
    await bench.event(sideband, "session.updated")
    told = bench.watch(call.events.wait_for("session.updated", timeout=bench.within.event))
    bench.note("the page is not told" if await bench.nothing(told) else "the page is told")
