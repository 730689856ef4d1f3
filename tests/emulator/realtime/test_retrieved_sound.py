"""What `conversation.item.retrieved` has of an item's sound."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.realtime.audio_formats import encode_whole
from ringback.emulator.realtime.session_config import PCM, PCMA, PCMU

Make = Callable[..., Any]


def parts_of(bench: Any, item_id: str) -> list[dict[str, Any]]:
    bench.events()
    bench.send("conversation.item.retrieve", item_id=item_id)
    content: list[dict[str, Any]] = bench.events()[0]["item"]["content"]
    return content


@pytest.mark.parametrize(("audio_format", "size"), [(PCM, 6), (PCMU, 1), (PCMA, 1)])
def test_client_retrieves_what_the_model_said(bench: Make, audio_format: dict[str, Any], size: int) -> None:
    b = bench(config={"audio": {"output": {"format": audio_format}}})
    part = parts_of(b, b.spoken("Hello"))[0]
    assert list(part) == ["type", "transcript", "audio"]
    sound = base64.b64decode(part["audio"])
    assert len(sound) == 5 * FRAME_SAMPLES * size
    assert sound == encode_whole(np.full(5 * FRAME_SAMPLES, 1000, dtype=np.int16), audio_format)


def test_client_retrieves_what_the_caller_said(bench: Make, loud: Samples, quiet: Samples) -> None:
    b = bench("hello", call_format=PCMU)
    b.hear(loud, 20)
    b.hear(quiet, 30)
    item = b.session.conversation.last
    sound = base64.b64decode(parts_of(b, item.id)[0]["audio"])
    assert len(sound) == len(item.audio)


def test_client_retrieves_only_what_was_not_truncated(bench: Make) -> None:
    b = bench(config={"audio": {"output": {"format": PCMU}}})
    item_id = b.spoken("Hello")
    b.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=40)
    part = parts_of(b, item_id)[0]
    assert (len(base64.b64decode(part["audio"])), part["transcript"]) == (2 * FRAME_SAMPLES, "He")


def test_client_retrieves_each_sound_in_its_own_part(bench: Make) -> None:
    b = bench("one", "two", config={"audio": {"input": {"format": PCMU}}})
    sounds = [base64.b64encode(bytes([value]) * length).decode() for value, length in ((0, 8), (255, 16))]
    content = [
        {"type": "input_audio", "audio": sounds[0]},
        {"type": "input_text", "text": "and"},
        {"type": "input_audio", "audio": sounds[1]},
    ]
    b.send("conversation.item.create", item={"type": "message", "id": "a", "role": "user", "content": content})
    parts = parts_of(b, "a")
    assert [part.get("audio") for part in parts] == [sounds[0], None, sounds[1]]


def test_client_retrieves_an_item_that_is_still_made(bench: Make) -> None:
    b = bench()
    assert parts_of(b, b.say(b.begin(), "Hello")) == []


def test_client_retrieves_an_image_as_it_gave_it(bench: Make) -> None:
    b = bench()
    image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}
    b.send("conversation.item.create", item={"type": "message", "id": "a", "role": "user", "content": [image]})
    assert parts_of(b, "a") == [image]
