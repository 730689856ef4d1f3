"""A session against a naive model of it: whatever clients, a caller and the model do, in any order, at any time."""

import base64
import gc
import json
import random
import types
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ringback.conformance.traces import Judge, TraceEvent
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.voice import Heard
from ringback.emulator.ids import Ids
from ringback.emulator.journal import Journal
from ringback.emulator.realtime import input_audio
from ringback.emulator.realtime.audio_formats import encode_whole
from ringback.emulator.realtime.input_audio import LEAST_COMMIT_MS
from ringback.emulator.realtime.session_config import SessionConfig, parse_session_config
from ringback.emulator.realtime.transcription import Slow, Transcript, TranscriptionFailure
from ringback.emulator.sessions.host import HostRecord, SendEvent, SessionHost
from ringback.emulator.sessions.model import Call, End, Fail, Output, Play, Say, Silence, Stop, Trouble, Turn

LOUD: Samples = np.tile(np.array([8000, -8000], dtype=np.int16), FRAME_SAMPLES // 2)
FRAMES: dict[str, Samples] = {"loud": LOUD, "quiet": np.zeros(FRAME_SAMPLES, dtype=np.int16)}
BUDGET = 60_000
"""Of the conversation: small, so that it is reached."""
BUFFER_MS = 5_000
"""Of the input: small for the same reason."""
BYTES_A_MS = 48
"""Of sound in events: nothing here asks for another format than the first."""
LEFT = 300
"""Values that a session may hold at its end beyond those that it began with."""
STEPS = 10_000
"""So often a session wants to be called in a minute at the most."""
JOURNAL = 50
RESAMPLED_MS = 80
"""What the resampler may hold back; a commit has all of it."""

OUTPUTS = st.sampled_from(
    [
        Say(text="one two three four"),
        Say(text="slow and steady wins", delay=0.3, pace=0.1),
        Say(text="never to its end", stop=Stop(characters=5)),
        Say(text=""),
        Play(samples=LOUD, transcript="jingle bells", pace=0.1),
        Call(name="f", arguments='{"a": 1}', pace=0.05),
        Silence(delay=0.2),
        Trouble(message="a hiccup"),
        Fail(message="no"),
        End(status="incomplete", reason="content_filter"),
    ]
)
ITEM_IDS = st.sampled_from(["a", "b", "c", "root", "", "last", "first"])
DETECTION = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "idle_timeout_ms": 5000},
        {"type": "server_vad", "interrupt_response": False, "create_response": False},
        {"type": "server_vad", "interrupt_response": False},
        {"type": "server_vad", "silence_duration_ms": -1},
        {"type": "semantic_vad", "eagerness": "high"},
    ]
)
FIRST_DETECTION = st.sampled_from([None, {"type": "server_vad"}, {"type": "server_vad", "idle_timeout_ms": 5000}])
TRANSCRIPTION = st.sampled_from([None, {"model": "whisper-1"}, {"model": "gpt-4o-transcribe-diarize"}, {"model": 5}])
CONTENT = st.sampled_from(
    [
        {"type": "input_text", "text": "Hi"},
        {"type": "input_text", "text": "x" * 20_000},
        {"type": "input_audio", "audio": "AAAA"},
        {"type": "input_audio", "audio": "!"},
        {"type": "input_image"},
    ]
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.just("message"), "role": st.sampled_from(["user", "user", "system", "nobody"])},
    optional={"id": ITEM_IDS, "content": st.lists(CONTENT, max_size=2)},
)
ITEMS = MESSAGES | st.sampled_from([{"type": "function_call_output", "call_id": "c", "output": "12"}, {}, None])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["none", "none", "auto"]),
        "max_output_tokens": st.sampled_from([1, 3, "inf", 0]),
        "output_modalities": st.sampled_from([["text"], ["audio"], []]),
        "input": st.lists(ITEMS, max_size=2),
    },
)


class PlainVoice:
    def speak(self, text: str) -> Samples:
        return np.full(len(text) * FRAME_SAMPLES, 1000, dtype=np.int16)

    def heard_prefix(self, text: str, played_samples: int) -> str:
        return text[: played_samples // FRAME_SAMPLES]


class PlainEar:
    """Understands a word in each stretch of sound."""

    def __init__(self) -> None:
        self._fed = 0

    def feed(self, samples: Samples) -> list[Heard]:
        self._fed += len(samples)
        return []

    def flush(self) -> list[Heard]:
        fed, self._fed = self._fed, 0
        return [Heard(text="word", complete=True, utterance=0, start=0, end=fed)] if fed else []


class Mind:
    """The fake model: says what was prepared, and sometimes can't write what was heard, or tell whether it is all."""

    def __init__(self) -> None:
        self.answers: list[Sequence[Output]] = []
        self.is_deaf = False
        self.is_slow = False
        self.has_heard_all: bool | None = None

    def respond(self, turn: Turn) -> Iterable[Output]:
        return self.answers.pop(0) if self.answers else ()

    def transcribe(self, heard: str, config: SessionConfig) -> Transcript:
        told = TranscriptionFailure(message="403 Forbidden") if self.is_deaf else heard
        return Slow(told=told, delay=0.3, pace=0.1) if self.is_slow else told

    def ends_turn(self, heard: str, config: SessionConfig) -> bool | None:
        return self.has_heard_all


class Naive:
    """What a client knows that does nothing but listen."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self.active: str | None = None
        self.open: set[str] = set()
        self.closed: list[str] = []
        self.is_speaking = False
        self.interrupts = False
        self.interrupted: str | None = None
        """A response that must end, because the caller speaks."""
        self.sound_ms: dict[str, float] = {}
        """Of items whose sound came in events, as far as it was not truncated."""
        self.complete: set[str] = set()
        """Items whose sound came to its end."""

    def hear(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.created" | "session.updated":
                detection = event["session"]["audio"]["input"]["turn_detection"] or {}
                self.interrupts = bool(detection.get("interrupt_response"))
            case "conversation.item.added":
                previous = event["previous_item_id"]
                self.items.insert(0 if previous is None else self.items.index(previous) + 1, event["item"]["id"])
            case "conversation.item.deleted":
                self.items.remove(event["item_id"])
            case "response.output_audio.delta":
                sound = len(base64.b64decode(event["delta"])) / BYTES_A_MS
                self.sound_ms[event["item_id"]] = self.sound_ms.get(event["item_id"], 0) + sound
            case "response.output_audio.done":
                self.complete.add(event["item_id"])
            case "conversation.item.truncated":
                self.sound_ms[event["item_id"]] = event["audio_end_ms"]
            case "response.created":
                self.open.add(event["response"]["id"])
                if event["response"]["conversation_id"] is not None:
                    assert self.active is None
                    self.active = event["response"]["id"]
            case "response.done":
                self.open.remove(event["response"]["id"])
                self.closed.append(event["response"]["id"])
                if self.interrupted == event["response"]["id"]:
                    self.interrupted = None
                if event["response"]["conversation_id"] is not None:
                    assert self.active == event["response"]["id"]
                    self.active = None
            case "input_audio_buffer.speech_started":
                assert not self.is_speaking
                self.is_speaking = True
                self.interrupted = self.active if self.interrupts else None
            case "input_audio_buffer.speech_stopped":
                assert self.is_speaking
                self.is_speaking = False
            case "input_audio_buffer.timeout_triggered":
                assert not self.is_speaking
                assert self.active is None


class SessionMachine(RuleBasedStateMachine):
    @initialize(
        transport=st.sampled_from(["sip", "websocket"]),
        kind=st.sampled_from(["realtime"] * 3 + ["transcription"]),
        detection=FIRST_DETECTION,
    )
    def open(self, transport: Any, kind: str, detection: Any) -> None:
        self.at = 1000.0
        self.mind = Mind()
        self.naive = Naive()
        self.judge = Judge(from_start=True)
        self.journal = Journal(limit=JOURNAL)
        self.manual_ms: float | None = 0.0 if detection is None else None
        config = {"type": kind, "audio": {"input": {"turn_detection": detection}}}
        self.host = SessionHost(
            session_id="sess_1",
            config=parse_session_config(config, types=("realtime", "transcription")),
            model=self.mind,
            ids=Ids(random.Random(1)),
            now=self.at,
            transport=transport,
            voice=PlainVoice(),
            make_ear=PlainEar,
        )
        self.host.session.conversation._budget = BUDGET
        self.at_first = weight(self.host)
        self.host.attach("a", self.at)

    # What happens

    @rule(
        outputs=st.lists(OUTPUTS, max_size=3),
        is_deaf=st.booleans(),
        is_slow=st.booleans(),
        is_all=st.sampled_from([None, True, False]),
    )
    def prepare(self, outputs: list[Output], is_deaf: bool, is_slow: bool, is_all: bool | None) -> None:
        self.mind.answers.append(outputs)
        self.mind.is_deaf, self.mind.is_slow, self.mind.has_heard_all = is_deaf, is_slow, is_all

    @rule(text=st.sampled_from(["Hi", "Hi", "x" * 20_000]), previous=st.sampled_from([None, "root", "first", "last"]))
    def write(self, text: str, previous: str | None) -> None:
        """An item with which nothing is wrong."""
        self.conversation_is_what_was_told()
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        there = previous if previous == "root" or not self.naive.items else self.named(previous)
        if there in (None, "root", *self.naive.items):
            assert not self.send("conversation.item.create", item=item, previous_item_id=there)

    @rule(output=st.sampled_from([Say(text="one two three four"), Say(text="and slower", pace=2.0)]))
    def converse(self, output: Say) -> None:
        """A response to which nothing happens for a second."""
        self.mind.answers[:] = [[output]]
        is_free = self.naive.active is None and self.host.session.config.type == "realtime"
        assert self.send("response.create") != is_free
        self.wait(1.0)

    @precondition(lambda self: self.manual_ms is not None)
    @rule(ms=st.sampled_from([90, 99, 100, 300]))
    def push_to_talk(self, ms: int) -> None:
        self.clear()
        self.append(ms, "loud")
        assert self.send("input_audio_buffer.commit") == (ms < LEAST_COMMIT_MS)
        if ms >= LEAST_COMMIT_MS:
            self.emptied()

    @rule(detection=DETECTION, kind=st.sampled_from([None, None, None, "realtime", "transcription"]))
    def detect(self, detection: Any, kind: str | None) -> None:
        kind = kind or self.host.session.config.type
        refused = self.send("session.update", session={"type": kind, "audio": {"input": {"turn_detection": detection}}})
        if not refused:
            self.manual_ms = None
            # A turn that runs goes on, but for push-to-talk: there it ends untold.
            if detection is None:
                self.naive.is_speaking = False

    @rule(
        transcription=TRANSCRIPTION,
        include=st.sampled_from([None, ["item.input_audio_transcription.logprobs"], ["all"]]),
        modalities=st.sampled_from([["text"], ["audio"], 3]),
    )
    def configure(self, transcription: Any, include: Any, modalities: Any) -> None:
        kind = self.host.session.config.type
        more = {"output_modalities": modalities} if kind == "realtime" else {}
        audio = {"input": {"transcription": transcription}}
        self.send("session.update", session={"type": kind, "audio": audio, "include": include, **more})

    @rule(ms=st.sampled_from([1, 20, 90, 300, 300, 9000]), frame=st.sampled_from(["quiet", "quiet", "loud"]))
    def append(self, ms: int, frame: str) -> None:
        sound = encode_whole(np.tile(FRAMES[frame], ms // 20 + 1)[: ms * 8], self.host.session.config.input_format)
        assert not self.send("input_audio_buffer.append", audio=base64.b64encode(sound).decode())
        self.buffered(ms)

    @rule(audio=st.sampled_from(["!", "A", "Ä", 5, None]))
    def append_rubbish(self, audio: Any) -> None:
        assert self.send("input_audio_buffer.append", audio=audio)

    @rule()
    def commit(self) -> None:
        refused = self.send("input_audio_buffer.commit")
        if self.manual_ms is not None and abs(self.manual_ms - LEAST_COMMIT_MS) > 1:
            assert refused == (self.manual_ms < LEAST_COMMIT_MS)
        if not refused:
            self.emptied()

    @rule()
    def clear(self) -> None:
        assert not self.send("input_audio_buffer.clear")
        self.emptied()

    @rule(item=ITEMS, previous=ITEM_IDS | st.none())
    def create_item(self, item: Any, previous: str | None) -> None:
        self.send("conversation.item.create", item=item, previous_item_id=self.named(previous))

    @rule(kind=st.sampled_from(["retrieve", "delete"]), item_id=ITEM_IDS)
    def ask_for_item(self, kind: str, item_id: str) -> None:
        known = self.named(item_id) in self.naive.items
        assert self.send(f"conversation.item.{kind}", item_id=self.named(item_id)) != known

    @rule(
        item_id=ITEM_IDS | st.just("spoken"),
        index=st.sampled_from([0, 0, 0, -1, 1]),
        end=st.sampled_from([0, 30, 10**30, "x"]),
    )
    def truncate(self, item_id: str, index: int, end: Any) -> None:
        name = self.named(item_id)
        refused = self.send("conversation.item.truncate", item_id=name, content_index=index, audio_end_ms=end)
        if name not in self.naive.items or index or end not in (0, 30):
            assert refused
        elif name in self.naive.complete and name in self.naive.sound_ms:
            assert refused == (end > self.naive.sound_ms[name])

    @rule(options=OPTIONS)
    def respond(self, options: Any) -> None:
        self.send("response.create", response=options)

    @rule(response=st.sampled_from([None, None, "resp_none", "any", "old"]))
    def cancel(self, response: str | None) -> None:
        if response == "any":
            response = min(self.naive.open, default=None)
        elif response == "old" and self.naive.closed:
            response = self.naive.closed[-1]
        can = self.naive.active is not None if response is None else response in self.naive.open
        assert self.send("response.cancel", **({} if response is None else {"response_id": response})) != can

    @rule()
    def clear_output(self) -> None:
        assert self.send("output_audio_buffer.clear") != self.host.session.has_output_buffer

    @rule(text=st.sampled_from(["", "{", "[]", '"x"', "{}", '{"type": 1}', '{"type": "nope"}', b"\0", "[" * 9999]))
    def send_rubbish(self, text: str | bytes) -> None:
        self.host.receive_text("a", text, self.at)
        assert self.drain()[-1]["type"] == "error"

    @precondition(lambda self: self.host.session.has_output_buffer)
    @rule(frame=st.sampled_from(["loud", "quiet"]), count=st.integers(1, 30), plays=st.booleans())
    def talk(self, frame: str, count: int, plays: bool) -> None:
        """The caller, with the model's words in the other ear, or stuck."""
        for _ in range(count):
            if plays:
                self.host.read_audio(self.at)
            self.host.receive_audio(FRAMES[frame], self.at)
            self.drain()
        self.buffered(20 * count)

    @rule(digit=st.sampled_from("0*#"))
    def press(self, digit: str) -> None:
        self.host.receive_dtmf(digit, self.at)
        self.drain()

    @rule(seconds=st.sampled_from([0.01, 0.2, 1.0, 6.0]))
    def wait(self, seconds: float) -> None:
        until, steps = self.at + seconds, 0
        while (deadline := self.host.next_deadline()) is not None and deadline <= until:
            self.at, steps = max(self.at, deadline), steps + 1
            assert steps < STEPS
            self.host.handle_timer(self.at)
            self.drain()
        self.at = until

    # What holds

    @invariant()
    def conversation_is_what_was_told(self) -> None:
        conversation = self.host.session.conversation
        items = list(conversation.backwards())[::-1]
        kept = [item.id for item in items]
        assert kept == self.naive.items[len(self.naive.items) - len(kept) :]
        self.naive.items = kept  # the oldest are forgotten untold
        texts = sum(len(text) for item in items for text in item.texts())
        assert len(kept) == 1 or texts + sum(0 if item.audio is None else item.audio.nbytes for item in items) <= BUDGET

    @invariant()
    def response_is_active_as_told(self) -> None:
        active = self.host.session.active
        assert (None if active is None else active.id) == self.naive.active
        assert self.naive.interrupted is None

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.host.session.input.buffered_ms <= BUFFER_MS + 20 + RESAMPLED_MS
        assert len(self.journal) <= JOURNAL
        assert not self.host.is_behind
        if self.manual_ms is not None:
            assert abs(self.host.session.input.buffered_ms - self.manual_ms) <= RESAMPLED_MS

    def teardown(self) -> None:
        self.wait(60.0)
        while self.host.read_audio(self.at) is not None:
            """Whatever is left to be said."""
        self.drain()
        assert self.naive.open == set()
        assert not self.host.speaking
        assert self.judge.end() == []
        self.forget()
        self.host.close(self.at)
        assert self.host.next_deadline() is None

    def forget(self) -> None:
        """Whatever a client can take away is gone; nothing else may have grown."""
        self.conversation_is_what_was_told()
        for item_id in tuple(self.naive.items):
            assert not self.send("conversation.item.delete", item_id=item_id)
        self.clear()
        assert weight(self.host) <= self.at_first + LEFT

    # Tools

    def send(self, event_type: str, **fields: Any) -> bool:
        """Whether it was refused: then with one error, and nothing else happened to it."""
        event = {"type": event_type, "event_id": "mine", **fields}
        self.judge.feed(TraceEvent("sent", event))
        self.host.receive_text("a", json.dumps(event), self.at)
        refused = [each for each in self.drain() if each["type"] == "error" and each["error"]["event_id"] == "mine"]
        assert len(refused) <= 1
        return bool(refused)

    def drain(self) -> list[dict[str, Any]]:
        events = []
        while (effect := self.host.next_effect()) is not None:
            if isinstance(effect, HostRecord):
                self.journal.add(effect.kind, now=self.at, **effect.data)
            elif isinstance(effect, SendEvent):
                json.dumps(effect.event, ensure_ascii=False, allow_nan=False).encode()
                broken = self.judge.feed(TraceEvent("received", effect.event))
                assert broken == [], broken
                self.naive.hear(effect.event)
                events.append(effect.event)
        return events

    def emptied(self) -> None:
        """The input buffer is empty, and a turn that ran is over."""
        self.naive.is_speaking = False
        self.manual_ms = 0.0 if self.host.session.config.turn_detection is None else None

    def buffered(self, ms: float) -> None:
        if self.manual_ms is not None:
            self.manual_ms = min(self.manual_ms + ms, BUFFER_MS)

    def named(self, item_id: str | None) -> str | None:
        if item_id == "spoken" and (spoken := self.naive.complete.intersection(self.naive.items)):
            return min(spoken)
        if item_id in ("first", "last") and self.naive.items:
            return self.naive.items[0 if item_id == "first" else -1]
        return item_id


def weight(root: object) -> int:
    """How many values an object holds, itself and all that it leads to, apart from code."""
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) not in seen and not isinstance(value, CODE):
            seen[id(value)] = value
            waiting += gc.get_referents(value)
    return len(seen)


CODE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)


@pytest.fixture(autouse=True)
def _small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_audio, "BUFFER_SAMPLES", BUFFER_MS * 8)


def test_session_is_what_a_naive_client_takes_it_for() -> None:
    run_state_machine_as_test(
        SessionMachine,
        settings=settings(max_examples=40, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
