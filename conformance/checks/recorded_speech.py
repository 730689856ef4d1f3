"""Recorded speech, for targets that know no tonecode: judged by events and by sound, never by words."""

from functools import partial
from importlib.resources import as_file, files

from ..bench import SESSION, Bench
from ..client.call import Call
from ..client.sideband import Sideband
from ..requirement import Level, requirement
from ..sources import SPEC

NEEDS = {"rest", "sip", "webhooks", "sideband"}
STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
EVENTS = "OpenAPI, RealtimeServerEvent"

recommended = partial(requirement, level=Level.SHOULD, evidence="DOC", link=SPEC, needs=NEEDS)


async def spoken_to(bench: Bench) -> tuple[Call, Sideband]:
    """A call whose caller said good morning."""
    call, call_id = await bench.connect(session=SESSION)
    sideband = await bench.attach(call_id)
    with as_file(files("ringback.fixtures") / "audio" / "good_morning.wav") as recording:
        await call.play(recording)
    return call, sideband


@recommended(
    "SPEECH-RECORDED-01",
    says="Recorded speech of the caller is told as the start and the end of speech.",
    clause=f"{EVENTS}: input_audio_buffer.speech_started and speech_stopped in server_vad mode",
)
async def recorded_speech_is_detected(bench: Bench) -> None:
    _, sideband = await spoken_to(bench)
    started = await bench.event(sideband, STARTED, timeout=bench.within.speech)
    stopped = await bench.event(sideband, STOPPED, timeout=bench.within.speech)
    bench.expect(stopped.get("item_id") == started.get("item_id"), "one item_id", [started.data, stopped.data])


@recommended(
    "SPEECH-RECORDED-02",
    says="The caller hears a sound in answer to recorded speech.",
    clause=f"{EVENTS}: a response follows the end of speech in server_vad mode",
)
async def recorded_speech_is_answered(bench: Bench) -> None:
    call, sideband = await spoken_to(bench)
    await bench.event(sideband, "response.created", timeout=bench.within.speech)
    await call.wait_for_sound(timeout=bench.within.speech)
