from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest, Unauthorized
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.sessions.admission import close_of, is_realtime_model, opening_config

BOUND = SessionConfig(model="gpt-realtime-mini", instructions="Be brief.")
TRANSCRIBING = SessionConfig(type="transcription", transcription={"model": "whisper-1"})


@pytest.mark.parametrize(
    ("given", "config"),
    [
        ({"model": "gpt-realtime"}, SessionConfig(model="gpt-realtime")),
        ({"model": "gpt-realtime", "beta": "assistants=v2"}, SessionConfig(model="gpt-realtime")),
        ({"model": None, "intent": "transcription"}, SessionConfig(type="transcription")),
        ({"model": "gpt-4o-transcribe", "intent": "transcription"}, SessionConfig(type="transcription")),
        ({"model": None, "intent": "transcription", "bound": BOUND}, SessionConfig(type="transcription")),
        ({"model": None, "bound": BOUND}, BOUND),
        (
            {"model": "gpt-realtime-2", "bound": BOUND},
            SessionConfig(model="gpt-realtime-2", instructions="Be brief."),
        ),
        ({"model": None, "bound": TRANSCRIBING}, TRANSCRIBING),
        ({"model": "gpt-realtime", "bound": TRANSCRIBING}, TRANSCRIBING),
        ({"model": None, "intent": "transcription", "bound": TRANSCRIBING}, TRANSCRIBING),
    ],
)
def test_client_begins_the_session_that_it_asks_for(given: dict[str, Any], config: SessionConfig) -> None:
    assert opening_config(**given) == config


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"model": None}, "missing_model"),
        ({"model": ""}, "missing_model"),
        ({"model": "gpt-4o"}, "invalid_model"),
        ({"model": None, "bound": SessionConfig(model="gpt-4o")}, "invalid_model"),
        ({"model": "gpt-realtime", "beta": "realtime=v1"}, "beta_api_shape_disabled"),
        ({"model": None, "intent": "transcription", "beta": "x=1, realtime=v1"}, "beta_api_shape_disabled"),
    ],
)
def test_client_is_refused_with_4000(given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        opening_config(**given)
    assert refused.value.code == code
    assert close_of(refused.value) == (4000, f"invalid_request_error.{code}")


def test_client_with_an_unknown_key_is_refused_with_3000() -> None:
    assert close_of(Unauthorized("no")) == (3000, "invalid_request_error.invalid_api_key")


@pytest.mark.parametrize("name", ["gpt-realtime", "gpt-4o-mini-realtime-preview", "gpt-audio-mini-2025-10-06"])
def test_model_is_known_by_its_word(name: str) -> None:
    assert is_realtime_model(name)
