"""Wrong webhooks of incoming calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ringback.emulator.calls.call import Call
from ringback.emulator.calls.effects import Effect, PostWebhook
from ringback.emulator.faults.plan import Event
from ringback.emulator.webhooks.delivery import Attempt

from . import EVERYTHING, Mutant, mutant, remembering

VERIFYING = frozenset(
    {
        "WEBHOOK-SIGN-01",
        "WEBHOOK-RETRY-12",
        "WEBHOOK-ROTATE-02",
        "WEBHOOK-ROTATE-04",
        "WEBHOOK-ROTATE-05",
        "WEBHOOK-TEST-02",
        "WEBHOOK-FANOUT-03",
    }
)
"""They judge a signature, and fail with whatever spoils it."""


def with_headers(attempt: Attempt, **headers: str | None) -> Attempt:
    """The same attempt with other headers; None: without that one. `_` stands for `-`."""
    changed = {**attempt.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return replace(attempt, headers={name: value for name, value in changed.items() if value is not None})


def _data(event: Event, **changes: Any) -> list[Event]:
    return [{**event, "data": {**event["data"], **changes}}]


def _headers(change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Callable[[Event], Sequence[Event]]:
    """The `sip_headers` are what `change` makes of them."""
    return lambda event: _data(event, sip_headers=change(list(event["data"]["sip_headers"])))


def _without_quotes(headers: list[dict[str, str]]) -> list[dict[str, str]]:
    return [
        {**each, "value": each["value"].replace('"', "")} if each["name"].startswith("X-") else each for each in headers
    ]


def _each_once(headers: list[dict[str, str]]) -> list[dict[str, str]]:
    return list({each["name"].lower(): each for each in reversed(headers)}.values())[::-1]


def _first_id(
    pick: Callable[[Event], str], put: Callable[[Event, str], list[Event]]
) -> Callable[[], Mapping[str, Any]]:
    """Every event has the id of the first one."""

    def make() -> Mapping[str, Any]:
        seen: list[str] = []

        def same(event: Event) -> Sequence[Event]:
            seen.append(pick(event))
            return put(event, seen[0])

        return {"webhook_event": same}

    return make


def _first_webhook_id() -> Mapping[str, Any]:
    seen: list[str] = []

    def same(attempt: Attempt) -> Attempt:
        seen.append(attempt.headers["webhook-id"])
        return with_headers(attempt, webhook_id=seen[0])

    return {"webhook": same}


def _told(name: str) -> Callable[[], Mapping[str, Any]]:
    """A header that must be left out is told."""

    def make() -> Mapping[str, Any]:
        values: dict[str, str] = {}

        def note(call: Call, effect: Effect) -> Sequence[Effect]:
            if isinstance(effect, PostWebhook):
                values[call.call_id] = dict(effect.sip_headers).get(name, "")
            return [effect]

        def tell(event: Event) -> Sequence[Event]:
            value = values.get(event["data"]["call_id"])
            if not value:
                return [event]
            return _data(event, sip_headers=[*event["data"]["sip_headers"], {"name": name, "value": value}])

        return {"effect": note, "webhook_event": tell}

    return make


def _attempt(name: str, breaks: str, says: str, change: Callable[[Attempt], Attempt | None], *also: str) -> Mutant:
    return mutant(name, breaks, says, also=also, webhook=change)


def _event(name: str, breaks: str, says: str, change: Callable[[Event], Sequence[Event]], *also: str) -> Mutant:
    return mutant(name, breaks, says, also=also, webhook_event=change)


MUTANTS = [
    _attempt("webhook-lost", "WEBHOOK-DELIVERY-01", "No webhook is ever sent.", lambda attempt: None, *EVERYTHING),
    _attempt(
        "webhook-as-text",
        "WEBHOOK-DELIVERY-02",
        "Webhooks are said to be plain text.",
        lambda attempt: with_headers(attempt, content_type="text/plain"),
    ),
    _attempt(
        "webhook-unsigned",
        "WEBHOOK-DELIVERY-03",
        "Webhooks have no signature.",
        lambda attempt: with_headers(attempt, webhook_signature=None),
        *VERIFYING,
    ),
    mutant(
        "webhook-id-for-all",
        "WEBHOOK-DELIVERY-04",
        "All events have the same webhook-id.",
        remembering("", _first_webhook_id),
    ),
    _attempt(
        "webhook-forged",
        "WEBHOOK-SIGN-01",
        "Webhooks are signed with another secret.",
        lambda attempt: with_headers(attempt, webhook_signature="v1," + "A" * 43 + "="),
        *VERIFYING,
    ),
    _attempt(
        "webhook-from-the-past",
        "WEBHOOK-SIGN-02",
        "The webhook-timestamp is an hour old.",
        lambda attempt: with_headers(attempt, webhook_timestamp=str(int(attempt.headers["webhook-timestamp"]) - 3600)),
        "WEBHOOK-SIGN-01",
        "WEBHOOK-RETRY-11",
    ),
    _attempt(
        "webhook-with-fractions",
        "WEBHOOK-SIGN-03",
        "The webhook-timestamp has a fraction.",
        lambda attempt: with_headers(attempt, webhook_timestamp=attempt.headers["webhook-timestamp"] + ".5"),
        "WEBHOOK-SIGN-02",
        "WEBHOOK-RETRY-11",
        *VERIFYING,
    ),
    _event(
        "event-id-in-a-list", "WEBHOOK-PAYLOAD-01", "The id is a list.", lambda event: [{**event, "id": [event["id"]]}]
    ),
    _event(
        "event-of-1970",
        "WEBHOOK-PAYLOAD-02",
        "The created_at of every event is 0.",
        lambda event: [{**event, "created_at": 0}],
    ),
    mutant(
        "event-id-for-all",
        "WEBHOOK-PAYLOAD-03",
        "All events have the same id.",
        remembering("", _first_id(lambda event: str(event["id"]), lambda event, id: [{**event, "id": id}])),
    ),
    mutant(
        "call-id-for-all",
        "WEBHOOK-PAYLOAD-04",
        "All calls have the same id.",
        remembering("", _first_id(lambda event: event["data"]["call_id"], lambda event, id: _data(event, call_id=id))),
        also={"CALL-REJECT-03"},
    ),
    _event(
        "call-id-of-nobody",
        "WEBHOOK-PAYLOAD-05",
        "The call id of the event is not that of the call.",
        lambda event: _data(event, call_id=event["data"]["call_id"] + "0"),
        *EVERYTHING,
    ),
    _event(
        "header-without-quotes", "WEBHOOK-HEADERS-01", "Header values lose their quotes.", _headers(_without_quotes)
    ),
    _event("headers-each-once", "WEBHOOK-HEADERS-02", "Repeated headers are told once.", _headers(_each_once)),
    _event(
        "headers-sorted",
        "WEBHOOK-HEADERS-03",
        "The headers are sorted by name.",
        _headers(lambda headers: sorted(headers, key=lambda each: each["name"])),
    ),
    mutant(
        "authorization-told",
        "WEBHOOK-HEADERS-04",
        "The Authorization header is told.",
        remembering("", _told("Authorization")),
    ),
    mutant(
        "proxy-authorization-told",
        "WEBHOOK-HEADERS-05",
        "The Proxy-Authorization header is told.",
        remembering("", _told("Proxy-Authorization")),
    ),
    _event(
        "plain-call-as-srtp",
        "WEBHOOK-SECURITY-01",
        "A call without SRTP is said to have it.",
        lambda event: _data(event, sip_media_security="srtp"),
    ),
]
