"""Speech in place of the sound that a recorder shortened: as long as it was, where it was, and with its words."""

import base64
from typing import Any

import numpy as np
from ringback.emulator.audio.samples import SAMPLE_RATE, Samples
from ringback.emulator.realtime.audio_formats import encode_whole
from ringback.fixtures import tonecode

Event = dict[str, Any]

SHORTENED = 100
"""Characters: no real append is as short."""
TAIL_MS = 1000
"""Silence behind the last turn."""
HUM = 2000
"""Level of the noise that fills what the words leave of a turn."""


def is_shortened(append: Event) -> bool:
    return len(append["audio"]) < SHORTENED


def appends_like(recorded: list[Event], received: list[Event], session: Event) -> list[Event]:
    """As many appends as were recorded, with the turns that the service heard in them."""
    data = encode_whole(_sound(received, session), session["audio"]["input"]["format"])
    size = -(-len(data) // len(recorded))
    size += size % 2
    pieces = [data[start : start + size] for start in range(0, size * len(recorded), size)]
    return [{**event, "audio": base64.b64encode(piece).decode()} for event, piece in zip(recorded, pieces, strict=True)]


def _sound(received: list[Event], session: Event) -> Samples:
    detection = session["audio"]["input"]["turn_detection"]
    starts = [event["audio_start_ms"] for event in received if event["type"].endswith(".speech_started")]
    stops = [event["audio_end_ms"] for event in received if event["type"].endswith(".speech_stopped")]
    words = [event["transcript"] for event in received if event["type"].endswith("input_audio_transcription.completed")]
    parts: list[Samples] = []
    position = 0
    for turn, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        begin = start + detection["prefix_padding_ms"]
        end = stop - detection["silence_duration_ms"]
        parts += [_silence(begin - position), _speech(end - begin, words[turn] if turn < len(words) else "", turn)]
        position = end
    return np.concatenate((*parts, _silence(TAIL_MS)))


def _speech(milliseconds: int, text: str, turn: int) -> Samples:
    """Words at the end of a noise, together as long as the turn was."""
    spoken = tonecode.encode(text, utterance=turn)
    length = max(_samples(milliseconds) - len(spoken), 0)
    noise = np.random.default_rng(turn).integers(-HUM, HUM, length).astype(np.int16)
    return np.concatenate((noise, spoken))


def _silence(milliseconds: int) -> Samples:
    return np.zeros(max(_samples(milliseconds), 0), dtype=np.int16)


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000
