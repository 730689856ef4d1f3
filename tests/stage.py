"""A session whose model plays a scenario, and a clock that stands still until it is moved."""

import json
import random
from typing import Any

import numpy as np
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.ids import Ids
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import HostRecord, SendEvent, SessionHost
from ringback.emulator.sessions.model import Model

QUIET = np.zeros(4000, dtype=np.int16)


class Stage:
    """A caller and an application in one."""

    def __init__(self, model: Model, **config: Any) -> None:
        self.at = 1000.0
        self.sent: list[dict[str, Any]] = []
        self.records: list[HostRecord] = []
        self.other: list[Any] = []
        self.host = SessionHost(
            session_id="sess_1",
            config=parse_session_config({"type": "realtime", **config}),
            model=model,
            ids=Ids(random.Random(1)),
            now=self.at,
            transport="sip",
        )
        self._voice = TonecodeVoice()

    def send(self, event_type: str, **fields: Any) -> None:
        self.host.receive_text("a", json.dumps({"type": event_type, **fields}), self.at)

    def ask(self, **response: Any) -> dict[str, Any]:
        """`response.create`; returns how the response ended."""
        self.send("response.create", response=response)
        self.take()
        return self.last_response

    def write(self, text: str, role: str = "user") -> None:
        kind = "output_text" if role == "assistant" else "input_text"
        self.send(
            "conversation.item.create",
            item={"type": "message", "role": role, "content": [{"type": kind, "text": text}]},
        )

    def give(self, output: str) -> None:
        """The output of the function that was called last."""
        self.take()
        calls = [event for event in self.sent if event["type"] == "response.function_call_arguments.done"]
        item = {"type": "function_call_output", "call_id": calls[-1]["call_id"], "output": output}
        self.send("conversation.item.create", item=item)

    def hear(self, text: str) -> None:
        """The caller says something and stops."""
        sound = np.concatenate((QUIET, self._voice.speak(text), QUIET))
        for start in range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            self.host.receive_audio(sound[start : start + FRAME_SAMPLES], self.at)

    def press(self, digits: str) -> None:
        for digit in digits:
            self.host.receive_dtmf(digit, self.at)

    def play(self) -> Samples:
        """All that is to be said now."""
        frames = [np.zeros(0, dtype=np.int16)]
        while (frame := self.host.read_audio(self.at)) is not None:
            frames.append(frame)
        return np.concatenate(frames)

    def wait(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        until = self.at + seconds
        while (deadline := self.host.next_deadline()) is not None and deadline <= until:
            self.at = max(self.at, deadline)
            self.host.handle_timer(self.at)
        self.at = until

    def take(self) -> None:
        while (effect := self.host.next_effect()) is not None:
            if isinstance(effect, HostRecord):
                self.records.append(effect)
            elif isinstance(effect, SendEvent):
                self.sent.append(effect.event)
            else:
                self.other.append(effect)

    def said(self) -> list[str]:
        """Everything, since the beginning."""
        self.take()
        return [record.data["text"] for record in self.records if record.kind == "media.said"]

    def steps(self) -> list[int]:
        """The numbers of the steps that answered."""
        self.take()
        return [record.data["step"] for record in self.records if record.kind == "scenario.step"]

    @property
    def last_response(self) -> dict[str, Any]:
        response: dict[str, Any] = [event for event in self.sent if event["type"] == "response.done"][-1]["response"]
        return response

    @property
    def calls(self) -> list[tuple[str, str]]:
        self.take()
        return [
            (event["name"], event["arguments"])
            for event in self.sent
            if event["type"] == "response.function_call_arguments.done"
        ]
