"""A host whose model says what the test tells it to say."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.ids import Ids
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import HostEffect, HostRecord, SendEvent, SessionHost
from ringback.emulator.sessions.model import Output, Turn


class Script:
    """A model that gives one answer for each turn, in order, then none."""

    def __init__(self, *answers: Iterable[Output]) -> None:
        self.answers = list(answers)
        self.turns: list[Turn] = []

    def respond(self, turn: Turn) -> Iterable[Output]:
        self.turns.append(turn)
        return self.answers.pop(0) if self.answers else ()


class Desk:
    """A host, its model, and a clock that stands still until `at` is moved."""

    def __init__(self, script: Script, **arguments: Any) -> None:
        self.at = 1000.0
        self.script = script
        self.records: list[HostRecord] = []
        self.host = SessionHost(
            **{
                "session_id": "sess_1",
                "config": parse_session_config(
                    {"type": "realtime", **arguments.pop("config", {})}, types=("realtime", "transcription")
                ),
                "model": script,
                "ids": Ids(random.Random(1)),
                "now": self.at,
                "transport": "sip",
                **arguments,
            }
        )

    def send(self, event_type: str, *, channel: str = "a", **fields: Any) -> None:
        self.host.receive_text(channel, json.dumps({"type": event_type, **fields}), self.at)

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        until = self.at + seconds
        while (deadline := self.host.next_deadline()) is not None and deadline <= until:
            self.at = max(self.at, deadline)
            self.host.handle_timer(self.at)
        self.at = until

    def hear(self, samples: Samples) -> None:
        for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            self.host.receive_audio(samples[start : start + FRAME_SAMPLES], self.at)

    def play(self) -> Samples:
        """All that is to be said now."""
        frames = [np.zeros(0, dtype=np.int16)]
        while (frame := self.host.read_audio(self.at)) is not None:
            frames.append(frame)
        return np.concatenate(frames)

    def effects(self) -> list[HostEffect]:
        effects = []
        while (effect := self.host.next_effect()) is not None:
            if isinstance(effect, HostRecord):
                self.records.append(effect)
            else:
                effects.append(effect)
        return effects

    def events(self) -> list[dict[str, Any]]:
        return [effect.event for effect in self.effects() if isinstance(effect, SendEvent)]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """`desk([Say(text="Hi")], …, config={…}, **arguments of SessionHost)`."""

    def make(*answers: Iterable[Output], **arguments: Any) -> Desk:
        return Desk(Script(*answers), **arguments)

    return make


@pytest.fixture
def silence() -> Samples:
    """Half a second of it."""
    return np.zeros(25 * FRAME_SAMPLES, dtype=np.int16)
