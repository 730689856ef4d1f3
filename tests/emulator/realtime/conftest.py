"""What the tests of a session need: a voice and an ear that are simple to reckon with, and sound for them."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.voice import Heard
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.ids import Ids
from ringback.emulator.realtime.client_events import parse_client_event
from ringback.emulator.realtime.effects import HostRecord, SendEvent
from ringback.emulator.realtime.events import Outbox
from ringback.emulator.realtime.response import Response
from ringback.emulator.realtime.session import Session
from ringback.emulator.realtime.session_config import parse_session_config


class PlainVoice:
    """A character is one frame of sound."""

    def speak(self, text: str) -> Samples:
        return np.full(len(text) * FRAME_SAMPLES, 1000, dtype=np.int16)

    def heard_prefix(self, text: str, played_samples: int) -> str:
        return text[: played_samples // FRAME_SAMPLES]


class PlainEar:
    """Understands `words`, one for each stretch of sound that it was given."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.fed = 0

    def feed(self, samples: Samples) -> list[Heard]:
        self.fed += len(samples)
        return []

    def flush(self) -> list[Heard]:
        heard = []
        if self.fed and self.words:
            heard.append(Heard(text=self.words.pop(0), complete=True, utterance=0, start=0, end=self.fed))
        self.fed = 0
        return heard


class Bench:
    """A session with its outbox. Events are read by `events()` and `types()`, each of them once."""

    def __init__(self, ear: PlainEar, **arguments: Any) -> None:
        self.out = Outbox(Ids(random.Random(1)))
        self.ear = ear
        self.records: list[HostRecord] = []
        config = arguments.pop("config", {})
        self.session = Session(
            **{
                "session_id": "sess_1",
                "config": parse_session_config({"type": "realtime", **config}, types=("realtime", "transcription")),
                "out": self.out,
                "voice": PlainVoice(),
                "make_ear": lambda: self.ear,
                "expires_at": 3600,
                "call_format": None,
                "has_output_buffer": True,
                "sends_rate_limits": False,
                **arguments,
            }
        )

    def send(self, event_type: str, **fields: Any) -> None:
        parsed = parse_client_event(json.dumps({"type": event_type, **fields}), has_output_buffer=True)
        self.session.handle(parsed.event, "channel")

    def refusal(self, event_type: str, **fields: Any) -> InvalidRequest:
        """The error that an event meets."""
        with pytest.raises(InvalidRequest) as caught:
            self.send(event_type, **fields)
        return caught.value

    def begin(self, **options: Any) -> Response:
        """A response that a client asked for."""
        self.send("response.create", response=options)
        begun = self.session.next_begun()
        assert begun is not None
        return begun.response

    def say(self, response: Response, text: str, *, spoken: str | None = "") -> str:
        """Let a response speak, a character a frame, and leave its message open. Returns the item's id."""
        item = response.open_message(expected=len(text))
        for character in text:
            response.add_text(character)
        sound = np.full(len(text) * FRAME_SAMPLES, 1000, dtype=np.int16)
        self.session.play(response, item, sound, text if spoken == "" else spoken)
        return item.id

    def spoken(self, text: str, **arguments: Any) -> str:
        """A whole response. Returns its item's id."""
        response = self.begin()
        item_id = self.say(response, text, **arguments)
        response.close_item()
        self.session.finish(response, "completed")
        return item_id

    def hear(self, sound: Samples, frames: int) -> None:
        for _ in range(frames):
            self.session.hear(sound)

    def play(self, frames: int) -> None:
        for _ in range(frames):
            assert self.session.output.read() is not None

    def effects(self) -> list[SendEvent]:
        effects = []
        while (effect := self.out.take()) is not None:
            if isinstance(effect, SendEvent):
                effects.append(effect)
            else:
                assert isinstance(effect, HostRecord)
                self.records.append(effect)
        return effects

    def events(self) -> list[dict[str, Any]]:
        return [effect.event for effect in self.effects()]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


@pytest.fixture
def encoded() -> Callable[[Samples], str]:
    """Sound at 8 kHz as an event has it in the default format, by the crudest of resamplers."""
    return lambda samples: base64.b64encode(np.repeat(samples, 3).astype("<i2").tobytes()).decode()


@pytest.fixture
def loud() -> Samples:
    """A frame of speech, as far as energy tells."""
    return np.tile(np.array([8000, -8000], dtype=np.int16), FRAME_SAMPLES // 2)


@pytest.fixture
def quiet() -> Samples:
    return np.zeros(FRAME_SAMPLES, dtype=np.int16)


@pytest.fixture
def ids() -> Ids:
    return Ids(random.Random(1))


@pytest.fixture
def out(ids: Ids) -> Outbox:
    return Outbox(ids)


@pytest.fixture
def voice() -> PlainVoice:
    return PlainVoice()


@pytest.fixture
def make_ear() -> Callable[..., PlainEar]:
    return PlainEar


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """`bench("what is heard", config={…}, **arguments of Session)`."""

    def make(*words: str, **arguments: Any) -> Bench:
        return Bench(PlainEar(*words), **arguments)

    return make


@pytest.fixture
def events_of(out: Outbox) -> Callable[[], list[dict[str, Any]]]:
    """The events in the outbox, each given once."""

    def take() -> list[dict[str, Any]]:
        events = []
        while (effect := out.take()) is not None:
            assert isinstance(effect, SendEvent)
            events.append(effect.event)
        return events

    return take
