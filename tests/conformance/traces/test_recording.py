"""Recordings of the real service keep every rule; one of another dialect is reported violation by violation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ringback.conformance.traces import UnreadableRecording
from ringback.conformance.traces.exchange import Exchange, judge_exchange
from ringback.conformance.traces.recording import judge, load
from traced import Trace, changed, conversation, dropped, moved, together


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A recording of a trace, or of records as they are."""

    def write(trace: Trace | list[Any], name: str = "made.jsonl") -> Path:
        records = [
            each
            if isinstance(each, dict | list | str | int)
            else {"kind": "message", "direction": each.direction, "data": dict(each.data)}
            for each in trace
        ]
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    return write


def exchanges(shared: Path, name: str) -> Exchange:
    record = load(shared / "recordings" / name)[0][1]
    assert isinstance(record, Exchange)
    return record


def told(violations: list[Any]) -> list[str]:
    return [f"{violation.rule}: {violation.message}" for violation in violations]


def test_recordings_of_the_real_service_keep_every_rule(shared: Path) -> None:
    assert [str(violation) for violation in judge(shared / "recordings", complete=True)] == []


def test_folder_is_judged_file_by_file(write: Callable[..., Path]) -> None:
    broken = changed("error", "error.event_id", "client_9")(conversation())
    write(conversation(), "a.jsonl")
    path = write(broken, "b.jsonl")
    violations = judge(path.parent)
    assert [violation.source for violation in violations] == [f"b.jsonl:{len(broken) - 2}"]
    assert str(violations[0]).startswith(f"b.jsonl:{len(broken) - 2}: TRACE-ERROR-ECHO: ")


def test_recording_of_another_dialect_is_reported_violation_by_violation(write: Callable[..., Path]) -> None:
    renamed = {
        "response.output_text.delta": "response.text.delta",
        "response.output_text.done": "response.text.done",
    }
    trace = together(
        changed("response.output_text.delta", "type", "response.text.delta"),
        changed("response.output_text.delta", "type", "response.text.delta"),
        changed("response.output_text.done", "type", "response.text.done"),
        changed("rate_limits.updated", "rate_limits", None),
        moved("response.content_part.done", "conversation.item.done", 0, 1),
        dropped("response.output_audio.done"),
    )(conversation())
    assert {event.type for event in trace} >= set(renamed.values())
    violations = judge(write(trace))
    lines = {event.type: number for number, event in reversed(list(enumerate(trace, 1)))}
    assert [(violation.source, violation.rule) for violation in violations] == [
        (f"made.jsonl:{lines['response.text.delta']}", "TRACE-SERVER-SHAPE"),
        (f"made.jsonl:{lines['response.text.delta'] + 1}", "TRACE-SERVER-SHAPE"),
        (f"made.jsonl:{lines['response.text.done']}", "TRACE-SERVER-SHAPE"),
        (f"made.jsonl:{lines['response.content_part.done']}", "TRACE-CLOSING-ORDER"),
        (f"made.jsonl:{lines['rate_limits.updated']}", "TRACE-SERVER-SHAPE"),
        (f"made.jsonl:{_last(trace, 'response.done')}", "TRACE-CLOSING-COMPLETE"),
    ]
    assert told(violations)[0] == "TRACE-SERVER-SHAPE: response.text.delta $.type: 'response.text.delta' is unknown"


def _last(trace: Trace, event_type: str) -> int:
    return max(number for number, event in enumerate(trace, 1) if event.type == event_type)


def test_dialect_of_a_recorded_session_is_reported(shared: Path, write: Callable[..., Path]) -> None:
    lines = (shared / "recordings" / "openai-websocket-tool-call.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    records[26]["data"], records[25]["data"] = records[25]["data"], records[26]["data"]  # response.done too early
    del records[33]["data"]["response_id"]
    violations = judge(write(records))
    assert {(violation.source, violation.rule) for violation in violations} == {
        ("made.jsonl:26", "TRACE-CLOSING-COMPLETE"),
        ("made.jsonl:27", "TRACE-RESPONSE-BRACKETS"),
        ("made.jsonl:34", "TRACE-SERVER-SHAPE"),
    }


def test_response_that_is_never_done_is_reported_when_the_recording_is_complete(write: Callable[..., Path]) -> None:
    path = write(dropped("response.done", 1)(conversation())[:-7])
    assert judge(path) == []
    assert told(judge(path, complete=True)) == [
        "TRACE-RESPONSE-ENDS: resp_sound was created and is not done at the end"
    ]
    assert judge(path, complete=True)[0].source == "made.jsonl: end"


def test_message_that_is_no_object_is_reported(write: Callable[..., Path]) -> None:
    path = write([{"kind": "message", "direction": "received", "data": ["session.created"]}])
    assert [str(violation) for violation in judge(path)] == [
        'made.jsonl:1: TRACE-EVENT-OBJECT: a received message is no object: ["session.created"]'
    ]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "not an object"),
        ({"kind": "message", "direction": "sideways", "data": {}}, "neither a message"),
        ({"request": {}}, "neither a message"),
    ],
)
def test_file_that_is_no_recording_is_refused(write: Callable[..., Path], record: object, message: str) -> None:
    with pytest.raises(UnreadableRecording, match=message):
        judge(write([record]))


def test_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('\n{"kind": "mess', encoding="utf-8")
    with pytest.raises(UnreadableRecording, match=r"bad\.jsonl:2: not JSON"):
        judge(path)


def test_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match=r"no \.jsonl file"):
        judge(tmp_path)


# HTTP


def test_recorded_exchanges_are_right(shared: Path) -> None:
    assert judge_exchange(exchanges(shared, "openai-http-create-client-secret.jsonl")) == []
    assert judge_exchange(exchanges(shared, "openai-http-answer-webrtc-offer.jsonl")) == []


def test_creation_of_a_call_is_judged_from_both_sides(shared: Path) -> None:
    recorded = exchanges(shared, "openai-http-answer-webrtc-offer.jsonl")
    request = {**recorded.request, "body": recorded.request["body"].replace('{"model"', '{"modell"', 1)}
    headers = {"content-type": ["text/html"]}
    response = {"status": {"code": 200}, "headers": headers, "body": {"string": "<html>"}}
    assert told(judge_exchange(Exchange(request=request, response=response))) == [
        "TRACE-HTTP-REQUEST: calls.create: $: 'modell' is not among its fields",
        "TRACE-HTTP-STATUS: calls.create: the status is 200, not 201",
        "TRACE-HTTP-HEADER: calls.create: location is '', which names no call",
        "TRACE-HTTP-HEADER: calls.create: content-type is 'text/html', neither application/sdp nor text/plain",
        "TRACE-HTTP-RESPONSE: calls.create: the body is no SDP: '<html>'",
    ]


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ('--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n--b--\r\n', []),
        (
            '--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\n\r\n--b--\r\n',
            ["the part sdp is missing or no SDP"],
        ),
        ("", ["the part sdp is missing or no SDP"]),
        (
            '--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n'
            '--b\r\nContent-Disposition: form-data; name="call"\r\n\r\n1\r\n'
            '--b\r\nContent-Disposition: form-data; name="session"\r\n\r\n{\r\n--b--\r\n',
            ["there is a part 'call'", "the part session is not JSON: "],
        ),
    ],
)
def test_offer_in_parts_is_judged(body: str, problems: list[str]) -> None:
    found = told(judge_exchange(creation({"content-type": ["multipart/form-data; boundary=b"]}, body)))
    assert len(found) == len(problems)
    for shown, problem in zip(found, problems, strict=True):
        assert shown.startswith(f"TRACE-HTTP-REQUEST: calls.create: {problem}")


def test_offer_by_itself_is_judged() -> None:
    headers = {"content-type": ["application/sdp"]}
    assert judge_exchange(creation(headers, "v=0\r\n")) == []
    assert told(judge_exchange(creation(headers, "{}"))) == [
        "TRACE-HTTP-REQUEST: calls.create: the body is no SDP: '{}'"
    ]


def creation(headers: dict[str, list[str]], body: str) -> Exchange:
    return Exchange(
        request={"method": "POST", "uri": "http://x/v1/realtime/calls", "headers": headers, "body": body},
        response={
            "status": {"code": 201},
            "headers": {"content-type": "application/sdp", "location": ["/v1/realtime/calls/rtc_1"]},
            "body": "v=0\r\n",
        },
    )


def call_verb(verb: str, request: Any, status: int, response: dict[str, Any]) -> list[str]:
    exchange = Exchange(
        request={
            "method": "POST",
            "uri": f"https://x.test/openai/v1/realtime/calls/rtc_1/{verb}?a=b",
            "parsed_body": request,
        },
        response={"status": {"code": status}, "headers": {}, **response},
    )
    return told(judge_exchange(exchange))


def test_verb_of_a_call_is_answered_by_200_and_nothing() -> None:
    assert call_verb("hangup", None, 200, {}) == []
    assert call_verb("reject", None, 200, {"body": {"string": ""}}) == []
    assert call_verb("refer", {}, 204, {"body": {"string": "done"}}) == [
        "TRACE-HTTP-REQUEST: calls.refer: $: 'target_uri' is missing",
        "TRACE-HTTP-STATUS: calls.refer: the status is 204, not 200",
        "TRACE-HTTP-RESPONSE: calls.refer: the body is not empty: 'done'",
    ]


def test_refusal_has_the_error_envelope() -> None:
    error = {"message": "No session found", "type": "invalid_request_error", "code": "call_id_not_found", "param": None}
    json_headers = {"headers": {"content-type": ["application/json; charset=utf-8"]}}
    assert call_verb("refer", {}, 404, {**json_headers, "parsed_body": {"error": error}}) == []
    assert call_verb("refer", {}, 404, {"parsed_body": {"detail": "Not Found"}}) == [
        "TRACE-HTTP-HEADER: calls.refer: content-type is '', not application/json",
        "TRACE-HTTP-RESPONSE: calls.refer: $: 'error' is missing",
    ]


def test_exchange_with_an_endpoint_that_is_not_ours_is_left_alone() -> None:
    request = {"method": "POST", "uri": "https://x.test/v1/responses", "parsed_body": {}}
    assert judge_exchange(Exchange(request=request, response={"status": 500})) == []
