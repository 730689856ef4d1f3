import random

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.ids import Ids
from ringback.emulator.sessions.translations import parse_translation_request, translation_body


def test_secret_of_a_translation_session_shows_it() -> None:
    audio = {
        "input": {"noise_reduction": {"type": "far_field"}, "transcription": {"model": "whisper-1"}},
        "output": {"language": "it"},
    }
    request = parse_translation_request(
        {"expires_after": {"seconds": 20}, "session": {"model": "gpt-realtime-translate", "audio": audio}}
    )
    body = translation_body(request, ids=Ids(random.Random(1)), now=1000.5)
    assert body["value"].startswith("ek_")
    assert body["expires_at"] == 1020
    assert body["session"].pop("id").startswith("sess_")
    assert body["session"] == {
        "type": "translation",
        "model": "gpt-realtime-translate",
        "expires_at": 0,
        "audio": audio,
    }


def test_secret_of_a_bare_translation_session_lives_ten_minutes() -> None:
    request = parse_translation_request({"session": {"type": "translation", "model": "gpt-realtime-translate"}})
    body = translation_body(request, ids=Ids(random.Random(1)), now=1000.0)
    assert body["expires_at"] == 1600
    assert body["session"]["audio"] == {
        "input": {"noise_reduction": None, "transcription": None},
        "output": {"language": None},
    }


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], "body"),
        ({}, "session"),
        ({"session": {}}, "session.model"),
        ({"session": {"model": "x", "voice": "alloy"}}, "session.voice"),
    ],
)
def test_wrong_request_is_refused(body: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_translation_request(body)
    assert refused.value.param == param
