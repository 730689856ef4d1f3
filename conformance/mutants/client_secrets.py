"""Wrong client secrets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringback.emulator.faults.plan import Event, Fault, HttpExchange

from . import mutant, remembering
from .answers import answered, request_header

PATH = "/v1/realtime/client_secrets"
SWITCHING = 101
SESSIONS = {f"SECRET-SESSION-0{number}" for number in range(1, 6)} | {"SECRET-EXPIRY-05"}


def _is_made(exchange: HttpExchange) -> bool:
    return exchange.path == PATH and exchange.status == 200


def _answer(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """The answer's body is changed."""

    def other(exchange: HttpExchange) -> HttpExchange:
        if not _is_made(exchange):
            return exchange
        return replace(exchange, body=json.dumps(change(json.loads(exchange.body))).encode())

    return Fault(name="", http=other)


def _later(seconds: int) -> Fault:
    return _answer(lambda body: {**body, "expires_at": body["expires_at"] + seconds})


def _session(change: Mapping[str, Any], kind: str = "realtime") -> Fault:
    """The session in the answer is changed, if it is of that type."""
    return _answer(
        lambda body: {**body, "session": {**body["session"], **change}} if body["session"]["type"] == kind else body
    )


def _asked(exchange: HttpExchange) -> Any:
    return json.loads(exchange.request_body or b"{}").get("expires_after")


def _created(event: Event, instructions: str) -> list[Event]:
    if event["type"] != "session.created":
        return [event]
    return [{**event, "session": {**event["session"], "instructions": instructions}}]


def _without(event: Event, instructions: str) -> list[Event]:
    """Drops the session.updated that shows them."""
    dropped = event["type"] == "session.updated" and event["session"].get("instructions") == instructions
    return [] if dropped else [event]


def _overridden(event: Event) -> list[Event]:
    if event["type"] != "session.updated" or event["session"].get("instructions") != "Speak plainly.":
        return [event]
    return [{**event, "session": {**event["session"], "instructions": "Speak like a pirate."}}]


def _opens_all(event: Event) -> list[Event]:
    if event["type"] != "error" or event["error"]["code"] != "invalid_api_key":
        return [event]
    return [{"type": "session.created", "event_id": "event_1", "session": {"type": "realtime"}}, event]


def _refused(exchange: HttpExchange) -> HttpExchange:
    return replace(exchange, status=401)


def _once() -> Mapping[str, Any]:
    """Every secret opens one session."""
    used: set[str] = set()

    def other(exchange: HttpExchange) -> HttpExchange:
        key = request_header(exchange, "Authorization")
        if exchange.status != SWITCHING or "ek_" not in key:
            return exchange
        if key in used:
            return _refused(exchange)
        used.add(key)
        return exchange

    return {"http": other}


MUTANTS = [
    mutant(
        "secret-created",
        "SECRET-CREATE-01",
        "The creation of a secret is answered with 201.",
        answered("", _is_made, status=201),
        also={"SECRET-CREATE-02", "SECRET-CREATE-03", "SECRET-CREATE-04", "SECRET-EXPIRY-01", "SECRET-EXPIRY-02"}
        | {"SECRET-EXPIRY-04"}
        | SESSIONS,
    ),
    mutant(
        "secret-shows-no-instructions",
        "SECRET-CREATE-02",
        "The session of the answer has other instructions than those asked for.",
        _session({"instructions": "Be brief."}),
    ),
    mutant(
        "secret-without-expiry",
        "SECRET-CREATE-03",
        "expires_at is a text.",
        _answer(lambda body: {**body, "expires_at": str(body["expires_at"])}),
        also={"SECRET-EXPIRY-01", "SECRET-EXPIRY-02"},
    ),
    mutant(
        "secret-for-realtime-only",
        "SECRET-CREATE-04",
        "The secret of a transcription session is one of a realtime session.",
        _session({"type": "realtime"}, kind="transcription"),
    ),
    mutant(
        "secret-lives-longer",
        "SECRET-EXPIRY-01",
        "A secret whose life was asked for lives a minute longer.",
        Fault(name="", http=lambda each: _later(60).http(each) if _asked(each) else each),  # type: ignore[misc]
    ),
    mutant(
        "secret-lives-a-minute",
        "SECRET-EXPIRY-02",
        "A secret lives a minute where nothing was said.",
        Fault(name="", http=lambda each: each if _asked(each) else _later(-540).http(each)),  # type: ignore[misc]
    ),
    mutant(
        "secret-lives-for-ever",
        "SECRET-EXPIRY-03",
        "Any number of seconds is taken.",
        answered("", lambda each: each.path == PATH and each.status == 400, status=200),
    ),
    mutant(
        "secret-never-expires",
        "SECRET-EXPIRY-04",
        "An expired secret gets a session.created.",
        event=_opens_all,
        is_alone=True,
    ),
    mutant(
        "session-dies-with-its-secret",
        "SECRET-EXPIRY-05",
        "Nothing is answered to an update once the secret has expired.",
        event=lambda event: _without(event, "Still there?"),
    ),
    mutant(
        "secret-opens-nothing",
        "SECRET-SESSION-01",
        "The handshake with a client secret is answered with 401.",
        http=lambda each: (
            _refused(each)
            if each.status == SWITCHING and "ek_" in "".join(value for _, value in each.request_headers)
            else each
        ),
        also=SESSIONS,
    ),
    mutant(
        "secret-opens-one-session",
        "SECRET-SESSION-02",
        "The second handshake with a client secret is answered with 401.",
        remembering("", _once),
    ),
    mutant(
        "secret-binds-nothing",
        "SECRET-SESSION-03",
        "A session begins with the instructions that all begin with.",
        event=lambda event: _created(event, "You are a helpful assistant."),
    ),
    mutant(
        "secret-binds-for-ever",
        "SECRET-SESSION-04",
        "What was bound to the secret can't be changed.",
        event=_overridden,
    ),
    mutant(
        "no-secret-for-browsers",
        "SECRET-SESSION-05",
        "The handshake with the key as a subprotocol is answered with 401.",
        http=lambda each: (
            _refused(each) if each.status == SWITCHING and request_header(each, "Sec-WebSocket-Protocol") else each
        ),
    ),
]
