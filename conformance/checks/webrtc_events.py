"""A WebRTC call that stands: its events on the data channel, its sound, and who interrupts whom."""

import re
from functools import partial
from importlib.resources import as_file, files

from ringback.fixtures.validation import validator

from ..bench import SESSION, Bench
from ..client.codecs import CodecName
from ..client.errors import FarEndError, WaitTimeout
from ..client.events import ReceivedEvent
from ..client.webrtc import WebRtcCall
from ..requirement import Level, requirement
from ..sources import SDK, SPEC, WEBRTC_GUIDE
from ..traces import TraceEvent, judge_events
from .events import converse, response_to, user_message
from .sideband import HELLO, part, saying
from .speech import LONG, STARTED, STOPPED, session, understood

NEEDS = {"rest", "webrtc"}
SPOKEN = NEEDS | {"tonecode"}
GUIDE = "WebRTC guide"
SERVER = "OpenAPI, RealtimeServerEvent"
SMALL = 700
"""Bytes: more than the shortest events, less than a session."""
GIANT = 1 << 20
SHORT = "response.output_text.delta"
RECORDED = "recorded sideband of a WebRTC call, July 2026"

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=GUIDE, link=WEBRTC_GUIDE, needs=NEEDS)
by_spec = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", clause=RECORDED, needs=NEEDS)
in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)
choice = partial(requirement, level=Level.CHOICE, evidence="CHOICE", needs=NEEDS)


async def heard(bench: Bench, call: WebRtcCall, text: str) -> None:
    try:
        await call.wait_for_heard(text, timeout=bench.within.speech)
    except (WaitTimeout, FarEndError) as error:
        bench.fail(f"the caller to hear {text!r}", error)


async def sounds(bench: Bench, call: WebRtcCall) -> None:
    try:
        await call.wait_for_sound(timeout=bench.within.speech)
    except (WaitTimeout, FarEndError) as error:
        bench.fail("the caller to hear a sound", error)


async def spoken(bench: Bench, text: str = HELLO) -> tuple[WebRtcCall, list[ReceivedEvent]]:
    """A call in which a text was said: the events from response.created to the end of the sound."""
    call = await bench.place()
    return call, await response_to(bench, call.events, saying(text), then="output_audio_buffer.stopped")


async def interrupted(bench: Bench) -> WebRtcCall:
    """The caller talks while the model does."""
    call = await bench.place(session=session())
    await call.events.send(saying(LONG))
    await sounds(bench, call)
    bench.watch(call.say("hello"))
    await bench.event(call.events, STARTED, timeout=bench.within.speech)
    return call


# Connecting


@documented("WEBRTC-CONNECT-01", says="The answer leads to a connection, on which the client's data channel opens.")
async def call_connects(bench: Bench) -> None:
    await bench.place()


@requirement(
    "WEBRTC-CONNECT-02",
    level=Level.MUST,
    says="An offer without candidates connects: the far end learns the caller's address from its checks.",
    evidence="RFC",
    clause="RFC 8445 7.3.1.3: peer-reflexive candidates",
    needs=NEEDS,
)
async def offer_without_candidates_connects(bench: Bench) -> None:
    call, offer = await bench.offer()
    lines = [line for line in offer.split("\r\n") if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    await bench.take(call, await bench.post("\r\n".join(lines), SESSION))


@observed("WEBRTC-CONNECT-03", says="A call without a data channel connects, and its caller hears the model.")
async def call_needs_no_channel(bench: Bench) -> None:
    call = await bench.place(has_events=False)
    sideband = await bench.attach(call.id)
    await sideband.send(saying(HELLO))
    await sounds(bench, call)


def _declare_codec(number: int, codec: CodecName) -> None:
    @observed(
        f"WEBRTC-CONNECT-{number:02d}",
        says=f"A call in {codec} alone is understood in both directions.",
        clause="recorded answer of the service, July 2026: it takes Opus, PCMU and PCMA",
        needs=SPOKEN,
    )
    async def codec_is_understood(bench: Bench) -> None:
        call = await bench.place(session=session(create_response=False), codecs=(codec,))
        await call.events.send(saying("hi"))
        await heard(bench, call, "hi")
        await understood(bench, call, call.events)


_declare_codec(4, "PCMU")
_declare_codec(5, "PCMA")


# Events


@in_the_sdk(
    "WEBRTC-EVENT-01",
    says="The first event on the data channel is session.created.",
    clause="@openai/agents, openaiRealtimeWebRtc: waits for session.created on the channel",
)
async def session_is_created(bench: Bench) -> None:
    call = await bench.place()
    await bench.event(call.events, "session.created")
    bench.expect(call.events.types[0] == "session.created", "session.created first", call.events.types)


@documented("WEBRTC-EVENT-02", says="A session.update on the data channel is answered with session.updated.")
async def session_is_updated(bench: Bench) -> None:
    call = await bench.place()
    await call.events.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}})
    found = part(await bench.event(call.events, "session.updated"), "session", "instructions")
    bench.expect(found == "Be brief.", "the new instructions", found)


@documented("WEBRTC-EVENT-03", says="A response.create on the data channel is answered, in text if it says so.")
async def response_is_created(bench: Bench) -> None:
    call = await bench.place()
    await call.events.send(user_message("hello"))
    events = await response_to(bench, call.events, saying(HELLO, output_modalities=["text"]))
    status = part(events[-1], "response", "status")
    bench.expect(status == "completed", "a completed response", events[-1].data)


@documented(
    "WEBRTC-EVENT-04",
    says="The data channel carries no audio: no response.output_audio.delta.",
    clause=f"{GUIDE}: audio comes over the peer connection, not as events",
)
async def channel_carries_no_audio(bench: Bench) -> None:
    call, events = await spoken(bench)
    types = [each.type for each in events]
    bench.expect("response.output_audio.delta" not in call.events.types, "no response.output_audio.delta", types)


@by_spec(
    "WEBRTC-EVENT-05",
    says="The sound of a response is told by output_audio_buffer.started and, behind response.done, stopped.",
    clause=f"{SERVER}OutputAudioBufferStarted, …Stopped: WebRTC and SIP only",
)
async def sound_is_told(bench: Bench) -> None:
    _, events = await spoken(bench)
    types = [each.type for each in events]
    wanted = ["output_audio_buffer.started", "response.done", "output_audio_buffer.stopped"]
    bench.expect([kind for kind in types if kind in wanted] == wanted, " → ".join(wanted), " → ".join(types))
    named = {each.get("response_id") for each in events if each.type.startswith("output_audio_buffer.")}
    bench.expect(named == {part(events[0], "response", "id")}, "the response_id of the response", named)


@observed(
    "WEBRTC-EVENT-06",
    says="Sound starts after the first of the transcript and before its end, and stops last.",
)
async def events_have_their_order(bench: Bench) -> None:
    _, events = await spoken(bench)
    types = [each.type for each in events]
    wanted = [
        "response.output_audio_transcript.delta",
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    found = [kind for place, kind in enumerate(types) if kind in wanted and kind not in types[:place]]
    bench.expect(found == wanted, " → ".join(wanted), " → ".join(types))


@in_the_sdk(
    "WEBRTC-EVENT-07",
    level=Level.SHOULD,
    says="A message that is no event is answered with an error, and the channel stays open.",
    clause="types/realtime/realtime_error_event.py: most errors are recoverable and the session will stay open",
)
async def nonsense_is_survived(bench: Bench) -> None:
    call = await bench.place()
    for message in ("{", "[]", b"\x00\xff"):
        so_far = len(call.events.events)
        await call.events.send(message)
        await bench.event(call.events, "error", after=so_far)
    await call.events.send({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}})
    await bench.event(call.events, "session.updated")


@choice(
    "WEBRTC-EVENT-08",
    says="A channel with another label than oai-events carries events, too.",
    clause="every example says oai-events; nobody has shown another",
)
async def another_label(bench: Bench) -> None:
    call = await bench.place(label="events")
    created = bench.watch(call.events.wait_for("session.created", timeout=bench.within.event))
    bench.note("no events" if await bench.nothing(created) else "events")


@choice("WEBRTC-EVENT-09", says="A call whose data channel was closed goes on.", clause="nobody has shown it")
async def closed_channel(bench: Bench) -> None:
    call = await bench.place()
    await bench.event(call.events, "session.created")
    await call.events.close()
    stays = await bench.nothing(bench.watch(call.ended(timeout=bench.within.bye)))
    bench.note("it goes on" if stays else "it ends")


@in_the_sdk(
    "WEBRTC-EVENT-10",
    says="Every event on the data channel has the fields and types of the SDK's model.",
    clause="types/realtime/realtime_server_event.py; types that it does not know are not judged",
)
async def events_fit_their_schemas(bench: Bench) -> None:
    shapes = validator("server_events")
    problems = [
        f"{each.type}: {problem}"
        for each in await everything(bench)
        if each.type in shapes.names
        for problem in shapes.problems(each.data)
    ]
    bench.expect(not problems, "events of their schemas", "; ".join(problems[:5]))


@observed(
    "WEBRTC-EVENT-11",
    says="The sequence of events on the data channel keeps every rule that the recordings keep.",
    clause="recordings of the service, July 2026",
)
async def sequence_keeps_the_rules(bench: Bench) -> None:
    trace = [TraceEvent("received", each.data, each.at) for each in await everything(bench)]
    broken = [str(each) for each in judge_events(trace)]
    bench.expect(not broken, "no rule broken", "; ".join(broken[:5]))


@requirement(
    "WEBRTC-EVENT-12",
    level=Level.SHOULD,
    says="No message on the data channel is longer than the caller's offer allows.",
    evidence="RFC",
    clause="RFC 8841 6.1: an endpoint MUST NOT send a larger message; a caller that allows so little is rare",
    needs=NEEDS,
)
async def messages_keep_the_limit(bench: Bench) -> None:
    call, offer = await bench.offer()
    small = re.sub(r"a=max-message-size:\d+", f"a=max-message-size:{SMALL}", offer)
    await bench.take(call, await bench.post(small, SESSION))
    await call.events.send(saying("hi", output_modalities=["text"]))
    await bench.event(call.events, SHORT, timeout=bench.within.speech)
    longest = max(len(frame.encode() if isinstance(frame, str) else frame) for frame in call.events.frames)
    bench.expect(longest <= SMALL, f"{SMALL} bytes at most", f"{longest}")


@choice(
    "WEBRTC-EVENT-13",
    says="A client event above the max-message-size of the answer is refused, and the channel stays open.",
    clause="nobody has shown it; the service says 1 GiB [OBS]",
)
async def giant_event(bench: Bench) -> None:
    call = await bench.place()
    limit = call.events.limit
    if not 0 < limit <= GIANT:
        bench.note(f"a limit of {limit} bytes, which is not tried")
    call.events.limit = 0
    await call.events.send(user_message("x" * limit))
    try:
        error = await call.events.wait_for("error", timeout=bench.within.event)
    except (WaitTimeout, FarEndError) as silence:
        bench.note(f"above {limit} bytes: {silence}")
    bench.note(f"above {limit} bytes: {part(error, 'error', 'code')} {part(error, 'error', 'message')}")


async def everything(bench: Bench) -> list[ReceivedEvent]:
    """What the page is told in a conversation that has most kinds of events."""
    call = await bench.place()
    await converse(bench, call.events)
    return call.events.events


# Sound


@documented("WEBRTC-SOUND-01", says="The caller hears what the model says.", needs=SPOKEN)
async def caller_hears_the_model(bench: Bench) -> None:
    call = await bench.place()
    await call.events.send(saying("good day"))
    await heard(bench, call, "good day")


@documented(
    "WEBRTC-SOUND-02",
    says="What the caller says arrives as a transcript on the data channel.",
    needs=SPOKEN,
)
async def caller_is_transcribed(bench: Bench) -> None:
    call = await bench.place(session=session(create_response=False))
    await understood(bench, call, call.events)


@documented("WEBRTC-SOUND-03", says="The model answers the caller, in sound.", needs=SPOKEN)
async def caller_is_answered(bench: Bench) -> None:
    call = await bench.place(session=session())
    await call.say("hello")
    await bench.event(call.events, "response.created", timeout=bench.within.speech)
    await sounds(bench, call)


@by_spec(
    "WEBRTC-SOUND-04",
    says="A caller who interrupts makes the model fall silent, and output_audio_buffer.cleared says so.",
    clause=f"{SERVER}OutputAudioBufferCleared: in VAD mode when the user has interrupted",
    needs=SPOKEN,
)
async def interruption_silences_the_model(bench: Bench) -> None:
    call = await interrupted(bench)
    await bench.event(call.events, "output_audio_buffer.cleared")
    await quiet(bench, call)


@by_spec(
    "WEBRTC-SOUND-05",
    says="An output_audio_buffer.clear makes the model fall silent and is confirmed by output_audio_buffer.cleared.",
    clause="OpenAPI, RealtimeClientEventOutputAudioBufferClear: WebRTC and SIP only",
    needs=SPOKEN,
)
async def cleared_output_is_silent(bench: Bench) -> None:
    call = await bench.place()
    await call.events.send(saying(LONG))
    await sounds(bench, call)
    await call.events.send({"type": "response.cancel"})
    await call.events.send({"type": "output_audio_buffer.clear"})
    await bench.event(call.events, "output_audio_buffer.cleared")
    await quiet(bench, call)


@observed(
    "WEBRTC-SOUND-06",
    says="A caller who is muted says nothing: no speech is detected.",
    clause="browsers send silence for a muted track",
    needs=SPOKEN,
)
async def muted_caller_is_silent(bench: Bench) -> None:
    call = await bench.place(session=session())
    call.mute()
    started = bench.watch(call.events.wait_for(STARTED, timeout=bench.within.speech))
    await call.say("hello")
    bench.expect(await bench.nothing(started), "no speech", call.events.types)


async def spoken_to(bench: Bench) -> WebRtcCall:
    """A call whose caller said good morning, in a voice that everybody understands."""
    call = await bench.place()
    with as_file(files("ringback.fixtures") / "audio" / "good_morning.wav") as recording:
        await call.play(recording)
    return call


@by_spec(
    "WEBRTC-SOUND-07",
    level=Level.SHOULD,
    says="Recorded speech of the caller is told as the start and the end of speech.",
    clause=f"{SERVER}: input_audio_buffer.speech_started and speech_stopped in server_vad mode",
)
async def recorded_speech_is_detected(bench: Bench) -> None:
    call = await spoken_to(bench)
    started = await bench.event(call.events, STARTED, timeout=bench.within.speech)
    stopped = await bench.event(call.events, STOPPED, timeout=bench.within.speech)
    bench.expect(stopped.get("item_id") == started.get("item_id"), "one item_id", [started.data, stopped.data])


@by_spec(
    "WEBRTC-SOUND-08",
    level=Level.SHOULD,
    says="The caller hears a sound in answer to recorded speech.",
    clause=f"{SERVER}: a response follows the end of speech in server_vad mode",
)
async def recorded_speech_is_answered(bench: Bench) -> None:
    call = await spoken_to(bench)
    await bench.event(call.events, "response.created", timeout=bench.within.speech)
    await sounds(bench, call)


async def quiet(bench: Bench, call: WebRtcCall) -> None:
    """The caller hears nothing any more, long before the sentence was over."""
    try:
        await call.wait_for_quiet(0.3, timeout=bench.within.event)
    except WaitTimeout as error:
        bench.fail("silence", error)
    bench.expect(LONG not in call.heard, "silence before the end", call.heard)
