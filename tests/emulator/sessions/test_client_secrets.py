import json
import random
from pathlib import Path
from typing import Any

import pytest
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.ids import Ids
from ringback.emulator.realtime.session_config import SessionConfig
from ringback.emulator.sessions.client_secrets import ClientSecrets, SecretRequest, parse_secret_request, secret_body

REQUEST = SecretRequest(seconds=10, config=SessionConfig())


@pytest.fixture
def secrets() -> ClientSecrets:
    return ClientSecrets(Ids(random.Random(1)))


def create(secrets: ClientSecrets, now: float, seconds: int = 10) -> str:
    request = SecretRequest(seconds=seconds, config=SessionConfig())
    return secrets.create(request, project_id="proj_1", safety_identifier=None, now=now).value


def test_secret_is_found_until_it_expires(secrets: ClientSecrets) -> None:
    secret = secrets.create(REQUEST, project_id="proj_1", safety_identifier="user-1", now=1000.9)
    assert secret.value.startswith("ek_")
    assert secret.session_id.startswith("sess_")
    assert (secret.project_id, secret.safety_identifier, secret.expires_at) == ("proj_1", "user-1", 1010)
    assert secrets.find(secret.value, 1009.9) is secret
    assert secrets.find(secret.value, 1009.9) is secret
    assert secrets.find(secret.value, 1010.0) is None


def test_unknown_secret_is_not_found(secrets: ClientSecrets) -> None:
    assert secrets.find("ek_nobody", 0.0) is None


def test_expired_secrets_are_forgotten(secrets: ClientSecrets) -> None:
    long = create(secrets, 1000.0, seconds=7200)
    for second in range(100):
        create(secrets, 1000.0 + second)
    assert len(secrets) == 11
    assert secrets.find(long, 1100.0) is not None


@pytest.mark.parametrize(
    ("body", "seconds", "config"),
    [
        ({}, 600, SessionConfig()),
        ({"expires_after": {"anchor": "created_at"}}, 600, SessionConfig()),
        ({"expires_after": {"seconds": 10}}, 10, SessionConfig()),
        ({"expires_after": {"anchor": "created_at", "seconds": 7200}}, 7200, SessionConfig()),
        ({"session": {"type": "realtime", "model": "gpt-live-1"}}, 600, SessionConfig(model="gpt-live-1")),
        ({"session": {"type": "transcription"}}, 600, SessionConfig(type="transcription")),
    ],
)
def test_client_asks_for_a_secret(body: dict[str, Any], seconds: int, config: SessionConfig) -> None:
    assert parse_secret_request(body) == SecretRequest(seconds=seconds, config=config)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (None, "invalid_type", "body"),
        ([], "invalid_type", "body"),
        ({"expires_after": {"seconds": 9}}, None, "expires_after.seconds"),
        ({"expires_after": {"seconds": 7201}}, None, "expires_after.seconds"),
        ({"expires_after": {"seconds": "60"}}, "invalid_type", "expires_after.seconds"),
        ({"expires_after": {"anchor": "used_at"}}, "invalid_value", "expires_after.anchor"),
        ({"expires_after": 60}, "invalid_type", "expires_after"),
        ({"session": {"model": "gpt-realtime"}}, "missing_required_parameter", "session.type"),
        ({"session": {"type": "realtime", "modalities": []}}, "unknown_parameter", "session.modalities"),
        ({"sessions": {}}, "unknown_parameter", "sessions"),
    ],
)
def test_wrong_request_is_refused(body: object, code: str | None, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_secret_request(body)
    assert refused.value.param == param
    if code is not None:
        assert refused.value.code == code


def test_answer_shows_the_session_that_nobody_used_yet(secrets: ClientSecrets) -> None:
    secret = secrets.create(REQUEST, project_id="proj_1", safety_identifier=None, now=1000.9)
    body = secret_body(secret)
    assert list(body) == ["value", "expires_at", "session"]
    assert (body["value"], body["expires_at"]) == (secret.value, 1010)
    assert (body["session"]["id"], body["session"]["expires_at"]) == (secret.session_id, 0)


def test_answer_has_the_recorded_shape(secrets: ClientSecrets, shared: Path) -> None:
    recorded = json.loads((shared / "recordings" / "openai-http-create-client-secret.jsonl").read_text())
    request = parse_secret_request(recorded["request"]["parsed_body"])
    secret = secrets.create(request, project_id="proj_1", safety_identifier=None, now=1784852504.0)
    body, theirs = secret_body(secret), recorded["response"]["parsed_body"]
    assert body == {**theirs, "value": body["value"], "session": {**theirs["session"], "id": body["session"]["id"]}}
