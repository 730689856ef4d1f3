"""Speech in both directions: what the caller hears, what the session hears, and who interrupts whom."""

from functools import partial
from typing import Any

from ..bench import SESSION, Bench
from ..client.call import Call
from ..client.errors import FarEndError, WaitTimeout
from ..client.events import EventStream
from ..client.sideband import Sideband
from ..client.webrtc import WebRtcCall
from ..requirement import Level, requirement
from ..sources import CONVERSATIONS_GUIDE, SIP_GUIDE, SPEC
from .sideband import part

NEEDS = {"rest", "sip", "webhooks", "sideband", "tonecode"}
EVENTS = "OpenAPI, schema RealtimeServerEvent"
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
LONG = "This is a long sentence, which takes some seconds, so that somebody can interrupt it."

documented = partial(requirement, level=Level.MUST, evidence="DOC", link=SPEC, needs=NEEDS)
observed = partial(requirement, level=Level.OBSERVED, evidence="OBS", needs=NEEDS)


def session(**turn_detection: Any) -> dict[str, Any]:
    """A session that transcribes its caller."""
    detection = {"type": "server_vad", "silence_duration_ms": 200, **turn_detection}
    return {**SESSION, "audio": {"input": {"transcription": {"model": "whisper-1"}, "turn_detection": detection}}}


async def talking(bench: Bench, *, config: Any = None, **options: Any) -> tuple[Call, Sideband]:
    call, call_id = await bench.connect(session=session() if config is None else config, **options)
    return call, await bench.attach(call_id)


async def ask(sideband: Sideband, text: str) -> None:
    """Have the model say a text."""
    await sideband.send({"type": "response.create", "response": {"instructions": f"Say exactly '{text}'"}})


async def heard(bench: Bench, call: Call, text: str) -> None:
    try:
        await call.wait_for_heard(text, timeout=bench.within.speech)
    except (WaitTimeout, FarEndError) as error:
        bench.fail(f"the caller to hear {text!r}", error)


async def understood(bench: Bench, call: Call | WebRtcCall, events: EventStream) -> None:
    """The caller says hello, and that is what its transcript says. A word that this machine was too slow to say in one
    piece is nobody's mistake, and said again."""
    while True:
        stalls, so_far = call.stalls, len(events.events)
        await call.say("hello")
        done = await bench.event(events, TRANSCRIBED, after=so_far, timeout=bench.within.speech)
        transcript = str(done.get("transcript")).strip()
        if transcript == "hello" or call.stalls == stalls:
            break
    bench.expect(transcript == "hello", "hello", done.data)


async def interrupted(bench: Bench) -> tuple[Call, Sideband]:
    """The caller talks while the model does."""
    call, sideband = await talking(bench)
    await ask(sideband, LONG)
    await call.wait_for_sound(timeout=bench.within.speech)
    bench.watch(call.say("hello"))
    await bench.event(sideband, STARTED, timeout=bench.within.speech)
    return call, sideband


@documented(
    "SPEECH-OUT-01",
    says="The caller hears what the model says.",
    clause="Telephony and SIP guide: the model talks with the caller",
    link=SIP_GUIDE,
)
async def caller_hears_the_model(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await ask(sideband, "good day")
    await heard(bench, call, "good day")


@documented(
    "SPEECH-OUT-02",
    says="The transcript of a response is what the caller hears.",
    clause=f"{EVENTS}: response.output_audio_transcript.done",
)
async def transcript_is_what_is_heard(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await ask(sideband, "good day")
    done = await bench.event(sideband, "response.output_audio_transcript.done", timeout=bench.within.speech)
    bench.expect(isinstance(done.get("transcript"), str), "a transcript", done.data)
    await heard(bench, call, str(done.get("transcript")))


@documented(
    "SPEECH-OUT-03",
    says="The sound of a response is announced at its start and at its end.",
    clause=f"{EVENTS}: output_audio_buffer.started and output_audio_buffer.stopped, WebRTC and SIP only",
)
async def sound_is_announced(bench: Bench) -> None:
    _, sideband = await talking(bench)
    await ask(sideband, "hi")
    started = await bench.event(sideband, "output_audio_buffer.started", timeout=bench.within.speech)
    stopped = await bench.event(sideband, "output_audio_buffer.stopped", timeout=bench.within.speech)
    bench.expect(started.get("response_id"), "a response_id", started.data)
    bench.expect(stopped.get("response_id") == started.get("response_id"), "the same response_id", stopped.data)
    order = sideband.events.index(started) < sideband.events.index(stopped)
    bench.expect(order, "started before stopped", sideband.types)


@documented(
    "SPEECH-OUT-04",
    says="output_audio_buffer.stopped comes when the caller has heard all of it, not before.",
    clause=f"{EVENTS}: output_audio_buffer.stopped when the buffer has been drained",
)
async def stopped_comes_after_the_sound(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await ask(sideband, "good day to you")
    stopped = bench.watch(sideband.wait_for("output_audio_buffer.stopped", timeout=bench.within.speech))
    await call.wait_for_sound(timeout=bench.within.speech)
    bench.expect(await bench.nothing(stopped), "no stopped while it sounds", "output_audio_buffer.stopped")
    await heard(bench, call, "good day to you")
    await bench.event(sideband, "output_audio_buffer.stopped")


@documented(
    "SPEECH-OUT-05",
    says="output_audio_buffer.clear makes the model fall silent and is confirmed by output_audio_buffer.cleared.",
    clause="OpenAPI, schema RealtimeClientEventOutputAudioBufferClear: cut off the current audio response",
)
async def cleared_output_is_silent(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await ask(sideband, LONG)
    await call.wait_for_sound(timeout=bench.within.speech)
    await sideband.send({"type": "output_audio_buffer.clear"})
    await bench.event(sideband, "output_audio_buffer.cleared")
    await call.wait_for_quiet(0.3, timeout=bench.within.event)
    bench.expect(LONG not in call.heard, "silence before the end", call.heard)


@observed("SPEECH-OUT-06", says="A sideband gets no audio: the caller does.", clause="recordings of sidebands, 2026")
async def sideband_gets_no_audio(bench: Bench) -> None:
    _, sideband = await talking(bench)
    await ask(sideband, "hi")
    await bench.event(sideband, "response.done", timeout=bench.within.speech)
    bench.expect("response.output_audio.delta" not in sideband.types, "no response.output_audio.delta", sideband.types)


@requirement(
    "SPEECH-OUT-07",
    level=Level.CHOICE,
    says="A call in A-law is understood in both directions.",
    evidence="CHOICE",
    clause="RFC 3551 knows both; nobody has shown a call in A-law",
    needs=NEEDS,
)
async def a_law_is_understood(bench: Bench) -> None:
    call, sideband = await talking(bench, codecs=("PCMA",))
    await ask(sideband, "hi")
    await heard(bench, call, "hi")
    await call.say("hello")
    done = await bench.event(sideband, TRANSCRIBED, timeout=bench.within.speech)
    bench.note(f"heard hi, and understood {done.get('transcript')}")


@observed(
    "SPEECH-OUT-08",
    says="The model does not speak before it is asked or spoken to.",
    clause="every example sends response.create for a greeting",
)
async def model_waits_to_be_asked(bench: Bench) -> None:
    _, sideband = await talking(bench)
    created = bench.watch(sideband.wait_for("response.created", timeout=bench.within.event))
    bench.expect(await bench.nothing(created), "no response", "response.created")


@documented(
    "SPEECH-IN-01",
    says="What the caller says arrives as a transcript.",
    clause=f"{EVENTS}: conversation.item.input_audio_transcription.completed",
)
async def caller_is_transcribed(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await understood(bench, call, sideband)


@documented(
    "SPEECH-IN-02",
    says="When the caller begins to speak the session is told.",
    clause=f"{EVENTS}: input_audio_buffer.speech_started in server_vad mode",
)
async def start_of_speech_is_told(bench: Bench) -> None:
    call, sideband = await talking(bench)
    bench.watch(call.say("hello"))
    started = await bench.event(sideband, STARTED, timeout=bench.within.speech)
    bench.expect(isinstance(started.get("audio_start_ms"), int), "audio_start_ms", started.data)


@documented(
    "SPEECH-IN-03",
    says="When the caller has spoken the session is told, with the item_id of the start.",
    clause=f"{EVENTS}: input_audio_buffer.speech_stopped in server_vad mode",
)
async def end_of_speech_is_told(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await call.say("hello")
    stopped = await bench.event(sideband, STOPPED, timeout=bench.within.speech)
    started = await bench.event(sideband, STARTED)
    bench.expect(stopped.get("item_id"), "an item_id", stopped.data)
    bench.expect(stopped.get("item_id") == started.get("item_id"), "the same item_id", (started.data, stopped.data))


@documented(
    "SPEECH-IN-04",
    says="The times of a caller's sentence are about as far apart as it was long.",
    clause=f"{EVENTS}: audio_start_ms and audio_end_ms count from the start of the session",
)
async def times_of_speech_fit(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await call.say("good morning to you")
    stopped = await bench.event(sideband, STOPPED, timeout=bench.within.speech)
    started = await bench.event(sideband, STARTED)
    start, end = started.get("audio_start_ms"), stopped.get("audio_end_ms")
    bench.expect(isinstance(start, int) and isinstance(end, int), "two numbers", (started.data, stopped.data))
    # The sentence takes 1.3 s; what is set before and behind it (prefix, silence) is up to 0.8 s.
    bench.expect(800 <= end - start <= 3000, "1300 ms or a little more", end - start)


@documented(
    "SPEECH-IN-05",
    says="The model answers when the caller has spoken.",
    clause="OpenAPI, schema RealtimeTurnDetection: create_response",
)
async def model_answers_the_caller(bench: Bench) -> None:
    call, sideband = await talking(bench)
    await call.say("hello")
    await bench.event(sideband, "response.created", timeout=bench.within.speech)
    await call.wait_for_heard(timeout=bench.within.speech)


@documented(
    "SPEECH-IN-06",
    says="With create_response false the model does not answer by itself.",
    clause="OpenAPI, schema RealtimeTurnDetection: create_response",
)
async def model_does_not_answer_when_told(bench: Bench) -> None:
    call, sideband = await talking(bench, config=session(create_response=False))
    await call.say("hello")
    await bench.event(sideband, "input_audio_buffer.committed", timeout=bench.within.speech)
    created = bench.watch(sideband.wait_for("response.created", timeout=bench.within.event))
    bench.expect(await bench.nothing(created), "no response", "response.created")


@documented(
    "SPEECH-IN-07",
    says="A response that the caller interrupts is cancelled as turn_detected, unless it was complete.",
    clause="OpenAPI, schema RealtimeTurnDetection: interrupt_response; RealtimeResponseStatus: turn_detected",
)
async def interruption_cancels_the_response(bench: Bench) -> None:
    _, sideband = await interrupted(bench)
    done = await bench.event(sideband, "response.done", timeout=bench.within.speech)
    response = done.get("response")
    response = response if isinstance(response, dict) else {}
    details = response.get("status_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    is_cancelled = (response.get("status"), reason) == ("cancelled", "turn_detected")
    # Whoever makes sound faster than it plays has completed the response by then: its sound is cut all the same.
    bench.expect(is_cancelled or response.get("status") == "completed", "cancelled, turn_detected", done.data)


@documented(
    "SPEECH-IN-08",
    says="A caller who interrupts makes the model fall silent, and the session is told.",
    clause=f"{EVENTS}: output_audio_buffer.cleared, in VAD mode when the user has interrupted",
)
async def interruption_silences_the_model(bench: Bench) -> None:
    call, sideband = await interrupted(bench)
    await bench.event(sideband, "output_audio_buffer.cleared")
    await call.wait_for_quiet(0.3, timeout=bench.within.event)
    bench.expect(LONG not in call.heard, "silence before the end", call.heard)


@documented(
    "SPEECH-IN-09",
    says="With interrupt_response false the model goes on when the caller speaks.",
    clause="OpenAPI, schema RealtimeTurnDetection: interrupt_response",
)
async def model_goes_on_when_told(bench: Bench) -> None:
    config = session(interrupt_response=False, create_response=False)
    call, sideband = await talking(bench, config=config)
    await ask(sideband, "good morning to you")
    await call.wait_for_sound(timeout=bench.within.speech)
    await call.say("hi")
    await heard(bench, call, "good morning to you")
    bench.expect("output_audio_buffer.cleared" not in sideband.types, "nothing to be cleared", sideband.types)


@requirement(
    "SPEECH-IN-10",
    level=Level.SHOULD,
    says="Packets that swap places on their way do no harm.",
    evidence="RFC",
    clause="RFC 3550 5.1: the sequence number restores the order",
    needs=NEEDS,
)
async def swapped_packets_do_no_harm(bench: Bench) -> None:
    call, sideband = await talking(bench)
    held: list[bytes] = []

    def swap(packet: bytes) -> list[bytes]:
        held.append(packet)
        return [] if len(held) < 2 else [held.pop(), held.pop()]

    call.media.impairs = swap
    await understood(bench, call, sideband)


@requirement(
    "SPEECH-IN-11",
    level=Level.MUST,
    says="What an interrupted model did not get to say is not in its item's transcript.",
    evidence="DOC",
    clause="Realtime conversations guide, interruption and truncation: in SIP connections unplayed audio is truncated",
    link=CONVERSATIONS_GUIDE,
    needs=NEEDS,
)
async def interruption_truncates_the_item(bench: Bench) -> None:
    _, sideband = await interrupted(bench)
    await bench.event(sideband, "output_audio_buffer.cleared")
    said = part(await bench.event(sideband, "response.output_item.added"), "item", "id")
    await sideband.send({"type": "conversation.item.retrieve", "item_id": said})
    content = part(await bench.event(sideband, "conversation.item.retrieved"), "item", "content")
    bench.expect(content is not None and LONG not in str(content), "a part of the sentence at the most", content)
