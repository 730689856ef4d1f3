"""What may not become another in the middle of a session or of a response."""

from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]


def update(bench: Any, **session: Any) -> None:
    bench.send("session.update", session={"type": "realtime", **session})


def refusal(bench: Any, **session: Any) -> Any:
    before = bench.session.config
    error = bench.refusal("session.update", session={"type": "realtime", **session})
    assert bench.session.config is before
    return error


def test_client_sets_tracing_once(bench: Make) -> None:
    b = bench()
    update(b, tracing=None)
    update(b, tracing={"workflow_name": "calls"})
    update(b, tracing={"workflow_name": "calls"}, instructions="Be brief.")
    for other in ("auto", None, {"workflow_name": "other"}):
        assert refusal(b, tracing=other, instructions="Be long.").param == "session.tracing"


def test_client_changes_speed_between_responses_only(bench: Make) -> None:
    b = bench()
    update(b, audio={"output": {"speed": 1.5}})
    response = b.begin()
    update(b, audio={"output": {"speed": 1.5}})
    assert refusal(b, audio={"output": {"speed": 0.25}}).param == "session.audio.output.speed"
    b.session.finish(response, "completed")
    update(b, audio={"output": {"speed": 0.25}})
    assert b.session.config.speed == 0.25


def test_client_asks_for_a_response_in_another_voice_once_one_was_heard(bench: Make) -> None:
    b = bench()
    b.spoken("Hello")
    error = b.refusal("response.create", response={"audio": {"output": {"voice": "cedar"}}})
    assert error.code == "cannot_update_voice"
    b.begin(audio={"output": {"voice": "alloy"}})


@pytest.mark.parametrize(
    ("response", "param"),
    [
        ({"metadata": {str(number): "x" for number in range(17)}}, "response.metadata"),
        ({"metadata": {"k" * 65: "x"}}, f"response.metadata.{'k' * 65}"),
        ({"metadata": {"key": "v" * 513}}, "response.metadata.key"),
        ({"conversation": "conv_1"}, "response.conversation"),
    ],
)
def test_client_asks_for_a_response_beyond_the_limits(bench: Make, response: dict[str, Any], param: str) -> None:
    error = bench().refusal("response.create", response=response)
    assert (error.code, error.param) == ("invalid_value", param)


def test_client_asks_for_a_response_at_the_limits(bench: Make) -> None:
    metadata = {f"{number:064}": "v" * 512 for number in range(16)}
    assert bench().begin(metadata=metadata, conversation="auto").options.metadata == metadata
