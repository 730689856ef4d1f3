"""What the emulator's session sends keeps the trace rules and has the shapes of the official types."""

import base64
import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from ringback.conformance.traces import RULES, TraceEvent, judge_events
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.ids import Ids
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.realtime.effects import SendEvent
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import SessionHost
from ringback.emulator.sessions.model import (
    Call,
    CallMcp,
    Fail,
    McpError,
    McpListing,
    Model,
    Output,
    Say,
    Silence,
    Turn,
)
from ringback.fixtures import tonecode

START = 1_700_000_000.0
FRAME = 0.02
QUIET = np.zeros(FRAME_SAMPLES, dtype=np.int16)


class Script:
    """Gives each turn its outputs; the last again and again."""

    def __init__(self, *turns: tuple[Output, ...]) -> None:
        self._turns = list(turns)

    def respond(self, turn: Turn) -> tuple[Output, ...]:
        return self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]


class Stage:
    """A session with one channel, whose events are written down, and a clock that only moves when it is told to."""

    def __init__(
        self, model: Model, transport: Literal["sip", "webrtc", "websocket"] = "websocket", **config: Any
    ) -> None:
        self.now = START
        self.trace: list[TraceEvent] = []
        self.transport = transport
        self.host = SessionHost(
            session_id="sess_1",
            config=parse_session_config({"type": "realtime", "model": "gpt-realtime", **config}),
            model=model,
            ids=Ids(random.Random(1)),
            now=self.now,
            transport=transport,
        )
        self.host.attach("channel", self.now)
        self._take()

    def send(self, event_type: str, **fields: Any) -> None:
        event = {"type": event_type, **fields}
        self.trace.append(TraceEvent("sent", event, self.now))
        self.host.receive_text("channel", json.dumps(event), self.now)
        self._take()

    def ask(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create")

    def wait(self, seconds: float) -> None:
        """Time passes; on a leg, sound is played meanwhile."""
        until = self.now + seconds
        while self.now < until:
            self._pass()
            if self.transport != "websocket":
                self.host.read_audio(self.now)
            self._take()

    def hear(self, samples: Samples) -> None:
        """The caller says that, and is quiet for half a second."""
        padded = np.concatenate([samples, np.zeros(-len(samples) % FRAME_SAMPLES, dtype=np.int16)])
        for frame in [*padded.reshape(-1, FRAME_SAMPLES), *[QUIET] * 25]:
            self._pass()
            self.host.receive_audio(frame, self.now)
            self.host.read_audio(self.now)
            self._take()

    def press(self, digit: str) -> None:
        self.host.receive_dtmf(digit, self.now)
        self._take()

    def types(self) -> list[str]:
        return [event.type for event in self.trace if event.direction == "received"]

    def first_item(self) -> str:
        """An item of the conversation, or what names none."""
        return next((event.item_id for event in self.trace if event.item_id is not None), "item_none")

    def last_item(self) -> str:
        return next((event.item_id for event in reversed(self.trace) if event.item_id is not None), "item_none")

    def violations(self, *, rules: Any = RULES) -> list[str]:
        found = judge_events(self.trace, from_start=True, complete=True, rules=rules)
        return [str(violation) for violation in found]

    def _pass(self) -> None:
        self.now += FRAME
        while (deadline := self.host.next_deadline()) is not None and deadline <= self.now:
            self.host.handle_timer(self.now)
            self._take()

    def _take(self) -> None:
        while (effect := self.host.next_effect()) is not None:
            if isinstance(effect, SendEvent) and effect.channel_id in (None, "channel"):
                # As it crosses the wire: what comes later must not change it.
                self.trace.append(TraceEvent("received", json.loads(json.dumps(effect.event)), self.now))


def append(stage: Stage, samples: Samples) -> None:
    """Sound by events: 24 kHz, here each sample three times."""
    sound = np.repeat(samples, 3).astype("<i2").tobytes()
    for start in range(0, len(sound), 9600):
        stage.send("input_audio_buffer.append", audio=base64.b64encode(sound[start : start + 9600]).decode())


@pytest.mark.parametrize("transport", ["sip", "webrtc", "websocket"])
@pytest.mark.parametrize("modality", ["text", "audio"])
def test_text_turns_keep_the_rules(modality: str, transport: Any) -> None:
    stage = Stage(BuiltinModel(), transport, output_modalities=[modality])
    stage.ask("Hello there")
    stage.wait(3.0)
    stage.ask("And again")
    stage.wait(3.0)
    assert stage.types().count("response.done") == 2
    assert stage.violations() == []


@pytest.mark.parametrize("transport", ["sip", "webrtc"])
def test_spoken_turns_keep_the_rules(transport: Any) -> None:
    stage = Stage(BuiltinModel(), transport, audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
    stage.hear(tonecode.encode("Hello"))
    stage.wait(4.0)
    stage.press("9")
    stage.hear(tonecode.encode("And again", utterance=1))
    stage.wait(4.0)
    assert stage.types().count("input_audio_buffer.committed") == 2
    assert stage.types().count("conversation.item.input_audio_transcription.completed") == 2
    assert stage.types().count("output_audio_buffer.stopped") == 2
    assert stage.violations() == []


def test_sound_by_events_keeps_the_rules() -> None:
    stage = Stage(BuiltinModel(), audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
    append(stage, tonecode.encode("Hello"))
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    stage.wait(3.0)
    append(stage, QUIET)
    stage.send("input_audio_buffer.clear")
    stage.send("input_audio_buffer.commit", event_id="too_early")
    assert stage.types()[-1] == "error"
    assert stage.violations() == []


def test_interruption_by_the_caller_keeps_the_rules() -> None:
    stage = Stage(Script((Say(text="A long answer that nobody waits for " * 8, pace=0.05),)), "sip")
    stage.send("response.create")
    stage.wait(1.0)
    stage.hear(tonecode.encode("Stop"))
    stage.wait(1.0)
    assert "output_audio_buffer.cleared" in stage.types()
    stage.send("response.cancel")
    stage.send("output_audio_buffer.clear")
    assert stage.violations() == []


@pytest.mark.parametrize("after", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("modality", ["text", "audio"])
def test_cancelled_response_keeps_the_rules(after: float, modality: str) -> None:
    counting = Say(text="One two three four five six seven eight nine ten", pace=0.1)
    outputs = (Silence(delay=0.08), counting, Call(name="f", arguments="{}"))
    stage = Stage(Script(outputs), output_modalities=[modality])
    stage.send("response.create")
    stage.wait(after)
    stage.send("response.cancel", event_id="cancel_1")
    stage.send("response.cancel", event_id="cancel_2")
    stage.send("response.create")
    stage.wait(3.0)
    done = [event.text("response", "status") for event in stage.trace if event.type == "response.done"]
    assert done == ["cancelled", "completed"]
    assert stage.violations() == []


def test_function_call_keeps_the_rules() -> None:
    stage = Stage(
        Script((Say(text="One moment."), Call(name="get_weather", arguments='{"city": "Rome"}')), (Say(text="Warm."),))
    )
    stage.ask("How warm is Rome?")
    call_id = next(event.text("call_id") for event in stage.trace if event.text("call_id") is not None)
    stage.send(
        "conversation.item.create", item={"type": "function_call_output", "call_id": call_id, "output": "30 degrees"}
    )
    stage.send("response.create")
    assert "response.function_call_arguments.done" in stage.types()
    assert stage.violations() == []


class Librarian(Script):
    """A script whose servers have a tool."""

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        tools = [{"name": "search", "input_schema": {"type": "object"}}]
        return McpListing(tools=tools, fails=server["server_label"] == "down", delay=0.1)


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("error", [None, McpError(type="http_error", message="no", code=503)])
def test_calls_of_mcp_tools_keep_the_rules(approve: bool, error: McpError | None) -> None:
    call = CallMcp(server_label="docs", name="search", arguments='{"q": "x"}', output="42", error=error, takes=0.1)
    stage = Stage(Librarian((call, Say(text="It is 42."), call), (Say(text="Well."),)), output_modalities=["text"])
    free = {"type": "mcp", "server_label": "down", "server_url": "https://example.com"}
    stage.send("session.update", session={"type": "realtime", "tools": [{**free, "server_label": "docs"}, free]})
    stage.wait(0.2)
    stage.ask("What is it?")
    for _ in range(2):
        request = next(
            each for each in reversed(stage.trace) if each.text("item", "type") == "mcp_approval_request"
        ).item_id
        answer = {"type": "mcp_approval_response", "approval_request_id": request, "approve": approve}
        answer["id"] = f"answer_to_{request}"
        stage.send("conversation.item.create", item=answer)
        stage.wait(0.2)
    assert stage.types().count("mcp_list_tools.completed") == stage.types().count("mcp_list_tools.failed") == 1
    ended = "response.mcp_call.completed" if approve and error is None else "response.mcp_call.failed"
    assert stage.types().count(ended) == 2
    assert stage.types()[-2:] == ["response.done", "rate_limits.updated"]
    assert stage.violations() == []


def test_message_that_overlaps_a_call_keeps_the_rules() -> None:
    stage = Stage(Script((Say(text="One moment.", overlaps=True), Call(name="f", arguments="{}"))))
    stage.ask("Hello")
    kinds = [each for each in stage.types() if each in ("response.output_item.added", "response.output_audio.done")]
    assert kinds == ["response.output_item.added"] * 2 + ["response.output_audio.done"]
    assert stage.violations() == []


def test_failed_response_keeps_the_rules() -> None:
    stage = Stage(Script((Say(text="So far"), Fail(message="no more"))))
    stage.ask("Hello")
    assert next(event for event in stage.trace if event.type == "response.done").text("response", "status") == "failed"
    assert stage.violations() == []


def test_responses_beside_the_conversation_keep_the_rules() -> None:
    stage = Stage(Script((Say(text="Slowly does it", pace=0.2),)), output_modalities=["text"])
    stage.send("response.create")
    stage.send("response.create", response={"conversation": "none", "metadata": {"topic": "aside"}})
    stage.send("response.create", event_id="one_too_many")
    stage.wait(3.0)
    assert stage.types().count("response.done") == 2
    assert stage.types().count("error") == 1
    assert stage.violations() == []


def test_changes_of_the_conversation_keep_the_rules() -> None:
    stage = Stage(BuiltinModel(), output_modalities=["audio"])
    stage.ask("Hello")
    spoken = next(event for event in stage.trace if event.type == "response.output_item.done").text("item", "id")
    stage.send("conversation.item.truncate", item_id=spoken, content_index=0, audio_end_ms=100)
    stage.send("conversation.item.retrieve", item_id=spoken)
    user = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "between"}]}
    stage.send("conversation.item.create", previous_item_id="root", item={"id": "item_mine", **user})
    stage.send("conversation.item.create", previous_item_id="item_mine", item=user)
    stage.send("conversation.item.create", event_id="twice", item={"id": "item_mine", **user})
    stage.send("conversation.item.delete", item_id="item_mine")
    stage.send("conversation.item.create", item={"id": "item_mine", **user})
    stage.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    assert {"conversation.item.truncated", "conversation.item.retrieved", "conversation.item.deleted"} < set(
        stage.types()
    )
    assert stage.violations() == []


def test_channel_that_comes_later_is_judged_by_what_it_sees() -> None:
    stage = Stage(Script((Say(text="One two three four five six seven", pace=0.1),)), "sip")
    stage.ask("Hello")
    stage.wait(0.35)
    assert stage.types()[-1] == "response.output_audio_transcript.delta"
    seen = len(stage.trace)
    stage.wait(5.0)
    stage.ask("Again")
    stage.wait(5.0)
    assert [str(violation) for violation in judge_events(stage.trace[seen:], complete=True)] == []


ACTS: dict[str, Callable[[Stage], None]] = {
    "ask": lambda stage: stage.ask("Hello"),
    "respond": lambda stage: stage.send("response.create"),
    "respond aside": lambda stage: stage.send("response.create", response={"conversation": "none"}),
    "cancel": lambda stage: stage.send("response.cancel", event_id="cancel"),
    "speak": lambda stage: stage.hear(tonecode.encode("Hi")),
    "append": lambda stage: append(stage, tonecode.encode("Hi")[:2000]),
    "commit": lambda stage: stage.send("input_audio_buffer.commit"),
    "clear": lambda stage: stage.send("input_audio_buffer.clear"),
    "be quiet": lambda stage: stage.send("output_audio_buffer.clear"),
    "delete": lambda stage: stage.send("conversation.item.delete", item_id=stage.first_item()),
    "truncate": lambda stage: stage.send(
        "conversation.item.truncate", item_id=stage.last_item(), content_index=0, audio_end_ms=0
    ),
    "insert": lambda stage: stage.send(
        "conversation.item.create",
        previous_item_id=stage.first_item(),
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]},
    ),
    "listen": lambda stage: stage.send(
        "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
    ),
    "do not listen": lambda stage: stage.send(
        "session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    ),
    "wait a little": lambda stage: stage.wait(0.06),
    "wait": lambda stage: stage.wait(2.0),
}

OUTPUTS = strategies.lists(
    strategies.sampled_from(
        (
            Say(text="One two three four", pace=0.05),
            Say(text="Said at once"),
            Say(text=""),
            Call(name="f", arguments='{"city": "Rome"}', pace=0.05),
            Silence(delay=0.05),
            Fail(message="no more"),
        )
    ),
    max_size=3,
).map(tuple)


@settings(max_examples=40)
@given(
    acts=strategies.lists(strategies.sampled_from(sorted(ACTS)), max_size=12),
    turns=strategies.lists(OUTPUTS, min_size=1, max_size=3),
    transport=strategies.sampled_from(("sip", "webrtc", "websocket")),
    modality=strategies.sampled_from(("text", "audio")),
)
def test_whatever_a_client_does_the_rules_are_kept(
    acts: list[str], turns: list[tuple[Output, ...]], transport: Any, modality: str
) -> None:
    transcribed = {"input": {"transcription": {"model": "whisper-1"}}}
    stage = Stage(Script(*turns), transport, output_modalities=[modality], audio=transcribed)
    for act in acts:
        ACTS[act](stage)
    stage.wait(8.0)
    assert stage.violations() == []


def test_errors_keep_the_rules_of_a_server() -> None:
    stage = Stage(BuiltinModel())
    stage.send("nope", event_id="client_1")
    stage.send("session.update", event_id="client_2", session={"type": "realtime", "voice": 1})
    stage.send("conversation.item.delete", event_id="client_3", item_id="item_9")
    stage.send("conversation.item.retrieve", item_id="item_9")
    stage.host.receive_text("channel", "{", stage.now)
    stage.host.receive_text("channel", b"\x00", stage.now)
    stage.wait(0.02)
    assert stage.types().count("error") == 6
    assert [found for found in stage.violations() if "TRACE-CLIENT-SHAPE" not in found] == []


def test_expiry_keeps_the_rules() -> None:
    stage = Stage(BuiltinModel())
    stage.now = START + 3600
    stage.wait(FRAME)
    assert stage.types() == ["session.created", "error"]
    assert stage.violations() == []
