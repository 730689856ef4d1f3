"""Bodies of the webhook endpoint API."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.webhooks.requests import (
    EndpointChange,
    NewEndpoint,
    parse_create,
    parse_limit,
    parse_rotate,
    parse_test,
    parse_update,
    url_problem,
)

CALL = "realtime.call.incoming"
GOOD: dict[str, Any] = {"name": "calls", "url": "https://example.com/hook", "event_types": [CALL]}

bad_fields = pytest.mark.parametrize(
    ("field", "value", "param", "code", "message"),
    [
        ("name", 7, "name", "invalid_type", "Invalid type for 'name': expected a string, but got an integer instead."),
        ("name", None, "name", "invalid_type", "Invalid type for 'name': expected a string, but got null instead."),
        ("url", {}, "url", "invalid_type", "Invalid type for 'url': expected a string, but got an object instead."),
        ("url", "example.com", "url", "invalid_value", "Invalid 'url': it is not https://host/…."),
        (
            "url",
            "http://example.com/",
            "url",
            "invalid_value",
            "Invalid 'url': http: is for loopback addresses only, use https:.",
        ),
        (
            "event_types",
            CALL,
            "event_types",
            "invalid_type",
            "Invalid type for 'event_types': expected an array, but got a string instead.",
        ),
        (
            "event_types",
            [],
            "event_types",
            "invalid_value",
            "Invalid 'event_types': an endpoint needs one event type at least.",
        ),
        (
            "event_types",
            [CALL, True],
            "event_types[1]",
            "invalid_type",
            "Invalid type for 'event_types[1]': expected a string, but got a boolean instead.",
        ),
        ("color", "red", "color", "unknown_parameter", "Unknown parameter: 'color'."),
    ],
)


def test_create_reads_every_field() -> None:
    assert parse_create(GOOD) == NewEndpoint(name="calls", url="https://example.com/hook", event_types=(CALL,))


@pytest.mark.parametrize("name", list(GOOD))
def test_create_names_the_field_that_is_missing(name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_create({key: value for key, value in GOOD.items() if key != name})
    assert (raised.value.param, raised.value.code) == (name, "missing_required_parameter")
    assert raised.value.message == f"Missing required parameter: '{name}'."


@bad_fields
def test_create_and_update_name_the_field_that_is_wrong(
    field: str, value: object, param: str, code: str, message: str
) -> None:
    for parse in (parse_create, parse_update):
        with pytest.raises(InvalidRequest) as raised:
            parse({**GOOD, field: value})
        assert raised.value.error() == {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }


def test_event_type_that_is_repeated_counts_once() -> None:
    new = parse_create({**GOOD, "event_types": ["batch.failed", CALL, "batch.failed"]})
    assert new.event_types == ("batch.failed", CALL)


@pytest.mark.parametrize("event_type", ["live.call.incoming", "realtime.call.ended", ""])
def test_event_type_that_nobody_can_subscribe_to_is_refused_with_those_that_exist(event_type: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_create({**GOOD, "event_types": [event_type]})
    assert (raised.value.param, raised.value.code) == ("event_types[0]", "invalid_value")
    assert raised.value.message.startswith(f"Invalid value: '{event_type}'. Supported values are: 'batch.completed', '")
    assert raised.value.message.endswith(" and 'safety.alert.created'.")


def test_update_reads_what_is_there() -> None:
    assert parse_update({}) == EndpointChange()
    assert parse_update(GOOD) == EndpointChange(name="calls", url="https://example.com/hook", event_types=(CALL,))


@pytest.mark.parametrize("body", [None, [], "text", 1, 1.5, True])
def test_body_that_is_no_object_is_refused(body: object) -> None:
    for parse in (parse_create, parse_update, parse_rotate, parse_test):
        with pytest.raises(InvalidRequest, match="must be a JSON object") as raised:
            parse(body)
        assert raised.value.code == "invalid_type"


def test_rotation_forgets_the_old_secret_unless_it_is_asked_to_keep_it() -> None:
    name = "keep_old_secret_active_for_24_hours"
    assert parse_rotate({}) is False
    assert parse_rotate({name: False}) is False
    assert parse_rotate({name: True}) is True
    with pytest.raises(InvalidRequest, match="expected a boolean, but got a string"):
        parse_rotate({name: "yes"})


def test_test_needs_an_event_type() -> None:
    assert parse_test({"event_type": CALL}) == CALL
    with pytest.raises(InvalidRequest) as missing:
        parse_test({})
    assert missing.value.code == "missing_required_parameter"
    with pytest.raises(InvalidRequest) as unknown:
        parse_test({"event_type": "nope"})
    assert (unknown.value.param, unknown.value.code) == ("event_type", "invalid_value")


@pytest.mark.parametrize(("text", "limit"), [(None, 20), ("1", 1), ("100", 100)])
def test_limit_is_20_without_a_number(text: str | None, limit: int) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["0", "101", "-1", "", "ten", "1.5", "٣", "9" * 5000])
def test_limit_is_refused_when_it_is_not_from_1_to_100(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_limit(text)
    assert (raised.value.param, raised.value.code) == ("limit", "invalid_value")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a?b=c",
        "HTTPS://EXAMPLE.COM/",
        "https://[2001:db8::1]/",
        "http://localhost:8000/",
        "http://127.0.0.1/",
        "http://127.9.9.9:1/",
        "http://[::1]:8000/hook",
    ],
)
def test_url_is_accepted_with_https_or_on_loopback(url: str) -> None:
    assert url_problem(url, is_own_network=False) is None


@pytest.mark.parametrize(
    "url", ["http://example.com/", "http://app:8000/", "http://192.168.0.1/", "http://localhost.example.com/"]
)
def test_url_without_tls_may_leave_the_machine_only_in_ones_own_network(url: str) -> None:
    assert url_problem(url, is_own_network=False) == "http: is for loopback addresses only, use https:"
    assert url_problem(url, is_own_network=True) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/hook",
        "ftp://example.com/",
        "https://",
        "https://:443/",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        " https://example.com/",
        "https://example.com/\x7f",
    ],
)
def test_url_that_nobody_can_post_to_is_refused_everywhere(url: str) -> None:
    assert url_problem(url, is_own_network=True) is not None


@given(st.text())
def test_no_text_breaks_the_url_check(url: str) -> None:
    url_problem(url, is_own_network=False)
