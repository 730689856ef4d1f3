"""Bodies of the webhook endpoint API, parsed: what a value of these types holds needs no further check.

The service's own words for these errors are not known; they are those of its other JSON APIs [CHOICE].
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidRequest, kind_of
from .envelope import EVENT_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    name: str
    url: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """None leaves a field as it is."""

    name: str | None = None
    url: str | None = None
    event_types: tuple[str, ...] | None = None


def parse_create(body: object) -> NewEndpoint:
    """`{name, url, event_types}`, all required [SDK]. Raises `InvalidRequest` that names the field."""
    fields = _fields(body, ("name", "url", "event_types"))
    for name in ("name", "url", "event_types"):
        if name not in fields:
            raise _missing(name)
    return NewEndpoint(
        name=_text(fields["name"], "name"),
        url=_url(fields["url"]),
        event_types=_event_types(fields["event_types"]),
    )


def parse_update(body: object) -> EndpointChange:
    """Any of `{name, url, event_types}` [SDK]. Raises `InvalidRequest`."""
    fields = _fields(body, ("name", "url", "event_types"))
    return EndpointChange(
        name=_text(fields["name"], "name") if "name" in fields else None,
        url=_url(fields["url"]) if "url" in fields else None,
        event_types=_event_types(fields["event_types"]) if "event_types" in fields else None,
    )


def parse_rotate(body: object) -> bool:
    """`{keep_old_secret_active_for_24_hours}`, false without it [SDK]. Raises `InvalidRequest`."""
    name = "keep_old_secret_active_for_24_hours"
    keep = _fields(body, (name,)).get(name, False)
    if not isinstance(keep, bool):
        raise _wrong_type(name, "a boolean", keep)
    return keep


def parse_test(body: object) -> str:
    """`{event_type}` [SDK]. Raises `InvalidRequest`."""
    fields = _fields(body, ("event_type",))
    if "event_type" not in fields:
        raise _missing("event_type")
    return _event_type(fields["event_type"], "event_type")


def parse_limit(text: str | None) -> int:
    """The query's `limit`: 1 to 100, 20 without it. Raises `InvalidRequest`."""
    if text is None:
        return 20
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise InvalidRequest(f"Invalid 'limit': {text!r} is not from 1 to 100.", param="limit", code="invalid_value")
    return int(text)


def url_problem(url: str, *, is_own_network: bool) -> str | None:
    """Why nothing can be posted to `url`; None if it can. `http:` is for loopback, or for one's own network."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if any(character <= " " or character == "\x7f" for character in url):
        return "it holds a space or a control character"
    if parts.scheme not in ("https", "http") or not host:
        return "it is not https://host/…"
    if parts.scheme == "http" and not is_own_network and not _is_loopback(host):
        return "http: is for loopback addresses only, use https:"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _fields(body: object, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise InvalidRequest(f"The body must be a JSON object, but is {kind_of(body)}.", code="invalid_type")
    for name in body:
        if name not in known:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return body


def _text(value: object, param: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(param, "a string", value)
    return value


def _url(value: object) -> str:
    url = _text(value, "url")
    problem = url_problem(url, is_own_network=False)
    if problem is not None:
        raise InvalidRequest(f"Invalid 'url': {problem}.", param="url", code="invalid_value")
    return url


def _event_types(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong_type("event_types", "an array", value)
    if not value:
        raise InvalidRequest(
            "Invalid 'event_types': an endpoint needs one event type at least.",
            param="event_types",
            code="invalid_value",
        )
    types = [_event_type(item, f"event_types[{index}]") for index, item in enumerate(value)]
    return tuple(dict.fromkeys(types))


def _event_type(value: object, param: str) -> str:
    text = _text(value, param)
    if text not in EVENT_TYPES:
        *others, last = (f"'{name}'" for name in EVENT_TYPES)
        raise InvalidRequest(
            f"Invalid value: '{text}'. Supported values are: {', '.join(others)} and {last}.",
            param=param,
            code="invalid_value",
        )
    return text


def _missing(name: str) -> InvalidRequest:
    return InvalidRequest(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _wrong_type(param: str, expected: str, value: object) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {kind_of(value)} instead.",
        param=param,
        code="invalid_type",
    )
