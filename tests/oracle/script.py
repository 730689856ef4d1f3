"""What a recording says a client did, and what the model answered: the script of a replay."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ringback.conformance.traces.recording import Message, load
from ringback.emulator.sessions.model import Call, Output, Say, Turn

Event = dict[str, Any]

APPEND = "input_audio_buffer.append"


@dataclass(frozen=True)
class Step:
    """Client events that were sent together, once the service had sent `after`: so many events of a type."""

    after: tuple[str, int] | None
    events: list[Event]


class RecordedModel:
    """Answers as the recorded model did, response by response."""

    def __init__(self, received: Iterable[Event]) -> None:
        done = (event["response"] for event in received if event["type"] == "response.done")
        self._answers = [[_output(item) for item in response["output"]] for response in done]

    def respond(self, turn: Turn) -> Iterable[Output]:
        return self._answers.pop(0) if self._answers else ()


@dataclass(frozen=True)
class Recording:
    """One WebSocket's recording."""

    steps: list[Step]
    received: list[Event]

    @classmethod
    def read(cls, path: Path) -> "Recording":
        """Raises `UnreadableRecording`."""
        messages = [record for _, record in load(path) if isinstance(record, Message)]
        steps: list[Step] = []
        received: list[Event] = []
        is_answered = True
        for message in messages:
            if message.direction == "received":
                received.append(message.data)
                is_answered = True
            elif is_answered:
                steps.append(Step(_last(received), [message.data]))
                is_answered = False
            else:
                steps[-1].events.append(message.data)
        return cls(steps, received)

    @property
    def begins_a_session(self) -> bool:
        """A sideband is not told that its session was created [OBS]."""
        return self.received[0]["type"] == "session.created"

    @property
    def query(self) -> dict[str, str]:
        """What the client opened the session with."""
        session = self.received[0]["session"] if self.received[0]["type"] == "session.created" else {}
        return (
            {"intent": "transcription"}
            if session.get("type") == "transcription"
            else {"model": session.get("model", "gpt-realtime")}
        )


def _last(received: list[Event]) -> tuple[str, int] | None:
    if not received:
        return None
    kind = received[-1]["type"]
    return kind, sum(event["type"] == kind for event in received)


def _output(item: Event) -> Output:
    if item["type"] == "function_call":
        return Call(name=item["name"], arguments=item["arguments"])
    part = item["content"][0]
    return Say(text=part["transcript"] if "transcript" in part else part["text"])
