"""Two media ends over loopback, and WAV files."""

import asyncio
import random
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from ringback.conformance.client.codecs import CodecName
from ringback.conformance.client.errors import CallEnded, UsageError
from ringback.conformance.client.media import MediaSession, read_wav, write_wav
from ringback.conformance.client.sdp import AudioAnswer
from ringback.conformance.client.watch import Watch

SOON = 20.0  # the sentences here take two seconds to say


class End:
    """One end with its own watch."""

    def __init__(self) -> None:
        self.watch = Watch()

    async def open(self) -> None:
        self.media = await MediaSession.open(
            "127.0.0.1", port_range=None, rng=random.Random(1), changed=self.watch.changed
        )

    async def heard(self, count: int = 1) -> list[str]:
        await self.watch.until(lambda: len(self.media.hearings) >= count, timeout=SOON, what=f"{count} utterances")
        return [each.text for each in self.media.hearings]


def answer(port: int, codec: CodecName = "PCMU") -> AudioAnswer:
    number = {"PCMU": 0, "PCMA": 8}[codec]
    return AudioAnswer(
        address="127.0.0.1",
        port=port,
        codec=codec,
        payload_type=number,
        codecs={number: codec},
        dtmf_payload_type=101,
        ptime_ms=20,
        direction="sendrecv",
    )


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    one, two = End(), End()
    await one.open()
    await two.open()
    yield one, two
    one.media.stop()
    two.media.stop()


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
async def test_two_ends_hear_each_other_at_the_same_time(ends: tuple[End, End], codec: CodecName) -> None:
    one, two = ends
    one.media.start(answer(two.media.port, codec))
    two.media.start(answer(one.media.port, codec))
    await asyncio.gather(one.media.say("grüß dich"), two.media.say("hello"))
    assert await two.heard() == ["grüß dich"]
    assert await one.heard() == ["hello"]
    await one.media.say("again")
    assert (await two.heard(2))[-1] == "again"
    assert two.media.receiver is not None
    assert two.media.receiver.counts.garbage == 0


async def test_media_that_is_early_is_not_lost(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.start(answer(two.media.port))
    await one.media.say("early")
    two.media.start(answer(one.media.port))
    assert await two.heard() == ["early"]


async def test_listener_knows_how_far_it_heard_when_the_speaker_stops(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.start(answer(two.media.port))
    two.media.start(answer(one.media.port))
    text = "one two three four five six seven eight"
    speaking = asyncio.ensure_future(one.media.say(text))
    await two.watch.until(lambda: len(two.media.recording) >= 8000, timeout=SOON, what="a second of sound")
    one.media.stop_playing()
    await speaking
    (said,) = await two.heard()
    assert text.startswith(said)
    assert 0 < len(said) < len(text)
    assert not two.media.hearings[0].complete


async def test_listener_hears_the_prefix_when_the_stream_stops(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.start(answer(two.media.port))
    two.media.start(answer(one.media.port))
    speaking = asyncio.ensure_future(one.media.say("one two three four five six seven eight " * 4))
    await two.watch.until(lambda: len(two.media.recording) >= 8000, timeout=SOON, what="a second of sound")
    one.media.is_muted = True
    (said,) = await two.heard()
    assert said
    one.media.stop()
    with pytest.raises(CallEnded):
        await speaking


async def test_sound_is_recorded_as_it_was_played(ends: tuple[End, End]) -> None:
    one, two = ends
    tone = (8000 * np.sin(np.arange(1600) * 2 * np.pi * 440 / 8000)).astype(np.int16)
    one.media.start(answer(two.media.port))
    two.media.start(answer(one.media.port))
    await one.media.play(tone)
    await two.watch.until(lambda: np.abs(two.media.recording).sum() > 1_000_000, timeout=SOON, what="the tone")
    await two.watch.until(lambda: two.media.quiet_seconds > 0.05, timeout=SOON, what="the end of the tone")
    heard = two.media.recording
    start = int(np.argmax(np.abs(heard) > 500)) - 1
    assert np.abs(heard[start : start + 1600].astype(int) - tone)[2:].max() < 500


async def test_ports_come_from_the_range_and_run_out() -> None:
    one = End()
    await one.open()
    port = one.media.port
    with pytest.raises(UsageError, match=f"no free RTP port at 127.0.0.1 in \\({port}, {port}\\)"):
        await MediaSession.open("127.0.0.1", port_range=(port, port), rng=random.Random(1), changed=one.watch.changed)
    one.media.stop()
    await asyncio.sleep(0)  # asyncio closes the socket in its next round
    again = await MediaSession.open(
        "127.0.0.1", port_range=(port, port), rng=random.Random(1), changed=one.watch.changed
    )
    assert again.port == port
    again.stop()
    with pytest.raises(UsageError, match="after its end"):
        await again.say("too late")


def test_wav_file_comes_back(tmp_path: Path) -> None:
    samples = np.arange(-100, 100, dtype=np.int16)
    write_wav(tmp_path / "a.wav", samples)
    assert read_wav(tmp_path / "a.wav").tolist() == samples.tolist()


def test_wav_file_is_made_mono_and_8_khz(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.full(32000, 1000, dtype="<i2").tobytes())
    samples = read_wav(path)
    assert len(samples) == 8000
    assert abs(int(samples[4000]) - 1000) < 5


def test_wav_file_is_refused_when_it_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    with wave.open(str(tmp_path / "bytes.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
    for name, problem in (("text.wav", "can't read"), ("none.wav", "can't read"), ("bytes.wav", "8-bit")):
        with pytest.raises(UsageError, match=problem):
            read_wav(tmp_path / name)
    with pytest.raises(UsageError, match="can't write"):
        write_wav(tmp_path / "no" / "where.wav", np.zeros(1, dtype=np.int16))


async def test_packets_are_lost_and_doubled_when_told(ends: tuple[End, End]) -> None:
    one, two = ends
    one.media.start(answer(two.media.port))
    two.media.start(answer(one.media.port))
    one.media.impairs = lambda packet: () if packet[1] & 0x7F == 101 else (packet,)
    await one.media.press("5")
    one.media.impairs = lambda packet: (packet, packet)
    await one.media.press("6")
    await two.watch.until(lambda: two.media.digits, timeout=SOON, what="a key")
    assert two.media.digits == ["6"]
