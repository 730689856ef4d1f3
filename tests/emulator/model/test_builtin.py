import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.audio.samples import FRAME_SAMPLES, Samples
from ringback.emulator.audio.voice import TonecodeVoice
from ringback.emulator.ids import Ids
from ringback.emulator.model.builtin import GREETING, BuiltinModel, arguments_for, forced_function, told_to_say
from ringback.emulator.realtime.session_config import parse_session_config
from ringback.emulator.sessions.host import HostRecord, SessionHost


class Desk:
    """A host with the built-in model."""

    def __init__(self, **config: Any) -> None:
        self.host = SessionHost(
            session_id="sess_1",
            config=parse_session_config({"type": "realtime", **config}),
            model=BuiltinModel(),
            ids=Ids(random.Random(1)),
            now=0.0,
            transport="sip",
        )

    def send(self, event_type: str, **fields: Any) -> None:
        self.host.receive_text("a", json.dumps({"type": event_type, **fields}), 0.0)

    def write(self, role: str, text: str) -> None:
        kind = "output_text" if role == "assistant" else "input_text"
        content = [{"type": kind, "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": role, "content": content})

    def hear(self, samples: Samples) -> None:
        for start in range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            self.host.receive_audio(samples[start : start + FRAME_SAMPLES], 0.0)

    def said(self) -> list[str]:
        said = []
        while (effect := self.host.next_effect()) is not None:
            if isinstance(effect, HostRecord) and effect.kind == "media.said":
                said.append(effect.data["text"])
        return said


@pytest.fixture
def desk() -> Desk:
    return Desk()


SILENCE = np.zeros(4000, dtype=np.int16)


def test_model_greets_when_there_is_nothing_to_answer(desk: Desk) -> None:
    desk.send("response.create")
    assert desk.said() == [GREETING] == ["Hello, how can I help you?"]


def test_model_never_speaks_unasked(desk: Desk) -> None:
    desk.write("user", "Hi")
    desk.hear(SILENCE)
    assert desk.said() == []
    assert desk.host.read_audio(0.0) is None


def test_model_repeats_a_text(desk: Desk) -> None:
    desk.write("user", "What is the time?")
    desk.send("response.create")
    assert desk.said() == ["What is the time?"]


def test_model_repeats_what_it_heard(desk: Desk) -> None:
    desk.hear(np.concatenate((SILENCE, TonecodeVoice().speak("Is anybody there?"), SILENCE)))
    assert desk.said() == ["Is anybody there?"]


def test_model_plays_back_sound_that_it_can_not_understand(desk: Desk) -> None:
    noise = np.random.default_rng(1).normal(0, 4000, 8000).astype(np.int16)
    desk.hear(np.concatenate((SILENCE, noise, SILENCE)))
    assert desk.said() == [""]
    played = []
    while (frame := desk.host.read_audio(0.0)) is not None:
        played.append(frame)
    sound = np.concatenate(played)
    start = int(np.flatnonzero(sound)[0])
    assert (sound[start : start + len(noise)] == noise).all()


def test_model_repeats_the_output_of_a_function(desk: Desk) -> None:
    desk.write("user", "What is the weather?")
    desk.send("conversation.item.create", item={"type": "function_call", "name": "f", "arguments": "{}"})
    desk.send("conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": "Foggy."})
    desk.send("response.create")
    assert desk.said() == ["Foggy."]


def test_model_does_not_answer_twice(desk: Desk) -> None:
    desk.write("user", "Hi")
    desk.write("assistant", "Hi yourself")
    desk.write("system", "Be nice.")
    desk.send("response.create")
    assert desk.said() == [GREETING]


def test_model_greets_a_message_without_words(desk: Desk) -> None:
    desk.write("user", "")
    desk.send("response.create")
    assert desk.said() == [GREETING]


def test_model_says_what_the_response_asks_for(desk: Desk) -> None:
    desk.write("user", "Hi")
    instructions = "Say to the user 'Thank you for calling, how can I help you'"
    desk.send("response.create", response={"instructions": instructions})
    assert desk.said() == ["Thank you for calling, how can I help you"]


def test_model_does_not_obey_the_sessions_instructions() -> None:
    desk = Desk(instructions="Say exactly 'No'")
    desk.send("response.create")
    assert desk.said() == [GREETING]


@pytest.mark.parametrize(
    ("instructions", "told"),
    [
        ("say exactly 'Hello'", "Hello"),
        ('Please SAY EXACTLY: "Hello there."', "Hello there."),
        ("Say to the user 'I'm here, aren't you?' and wait.", "I'm here, aren't you?"),
        ("Say exactly ‘I’m here’", "I’m here"),
        ("Say exactly “Hello”", "Hello"),
        ("Say exactly „Guten Tag“", "Guten Tag"),
        ("Say exactly «Bonjour»", "Bonjour"),
        ("Say exactly ‚Guten Tag‘.", "Guten Tag"),
        ("Say\nto the user\n'two\nlines'", "two\nlines"),
        ("Greet the user.", None),
        ("Say exactly Hello", None),
        ("Say exactly 'Hello", None),
        ("", None),
    ],
)
def test_model_finds_the_words_that_it_is_told_to_say(instructions: str, told: str | None) -> None:
    assert told_to_say(instructions) == told


@given(st.text(alphabet=st.characters(exclude_characters='"'), min_size=1))
def test_model_says_any_words_between_double_quotes(words: str) -> None:
    assert told_to_say(f'Say exactly "{words}"') == words


BOOK = {
    "type": "function",
    "name": "book",
    "parameters": {
        "type": "object",
        "properties": {
            "when": {"type": "string"},
            "guests": {"type": "integer"},
            "price": {"type": "number"},
            "smoking": {"type": "boolean"},
            "wishes": {"type": "array"},
            "room": {"type": "string", "enum": ["small", "large"]},
            "currency": {"const": "EUR"},
            "breakfast": {"type": "boolean", "default": True},
            "guest": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "extras": {"type": "object"},
            "anything": {},
            "optional": {"type": "string"},
        },
        "required": [
            *("when", "guests", "price", "smoking", "wishes", "room", "currency", "breakfast", "guest", "extras"),
            *("anything", "unknown"),
        ],
    },
}
ASK = {"type": "function", "name": "ask"}


@pytest.mark.parametrize(
    ("tool_choice", "name"),
    [
        pytest.param("required", "ask", id="any"),
        pytest.param({"type": "function", "name": "book"}, "book", id="by name"),
        pytest.param({"type": "function", "name": "unknown"}, None, id="unknown name"),
        pytest.param({"type": "mcp", "server_label": "x"}, None, id="another kind"),
        pytest.param("auto", None, id="free"),
        pytest.param("none", None, id="forbidden"),
    ],
)
def test_model_calls_function_that_it_must(tool_choice: object, name: str | None) -> None:
    function = forced_function(tool_choice, [{"type": "mcp", "server_label": "x"}, ASK, BOOK])
    assert (None if function is None else function["name"]) == name


def test_model_calls_nothing_without_functions() -> None:
    assert forced_function("required", [{"type": "mcp", "server_label": "x"}]) is None


def test_model_gives_function_what_it_requires() -> None:
    assert arguments_for(ASK) == "{}"
    assert json.loads(arguments_for(BOOK)) == {
        "when": "",
        "guests": 0,
        "price": 0,
        "smoking": False,
        "wishes": [],
        "room": "small",
        "currency": "EUR",
        "breakfast": True,
        "guest": {"name": ""},
        "extras": {},
        "anything": None,
        "unknown": None,
    }


def test_model_says_output_of_function_that_it_had_to_call() -> None:
    desk = Desk(tools=[ASK], tool_choice="required")
    desk.send("response.create")
    assert desk.said() == []
    output = {"type": "function_call_output", "call_id": "call_1", "output": "seven"}
    desk.send("conversation.item.create", item=output)
    desk.send("response.create")
    assert desk.said() == ["seven"]
