"""Sessions that speak to people, by `Settings(voice="espeak")`."""

import numpy as np
import pytest
from desk import PATIENCE, StartEmulator, wait_for_entry
from ringback.conformance.client import Phone
from ringback.emulator.audio.espeak import EspeakVoice
from ringback.emulator.errors import UsageError
from ringback.emulator.model.builtin import GREETING


async def test_caller_hears_the_greeting_spoken_when_the_voice_is_espeak(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(voice="espeak", auto_accept=True)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"], from_="+14255550112")
        await call.answered(PATIENCE)
        await wait_for_entry(
            emulator, "event.server", lambda entry: entry.data["event"]["type"] == "output_audio_buffer.stopped"
        )
        await call.hang_up()
    spoken = EspeakVoice("en-us").speak(GREETING).astype(np.float64)
    heard = call.media.recording.astype(np.float64)
    alike = np.correlate(heard, spoken, "valid").max() / (np.linalg.norm(spoken) * np.linalg.norm(heard))
    assert alike > 0.95  # G.711 leaves that much of it


async def test_emulator_does_not_start_when_the_language_is_unknown(start_emulator: StartEmulator) -> None:
    with pytest.raises(UsageError, match="no voice 'xx-nowhere'"):
        await start_emulator(voice="espeak", voice_language="xx-nowhere")
