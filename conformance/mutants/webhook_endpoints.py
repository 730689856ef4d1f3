"""Wrong management of webhook endpoints, and webhooks that go to the wrong ones."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringback.emulator.faults.plan import HttpExchange
from ringback.emulator.webhooks.delivery import Attempt
from ringback.emulator.webhooks.signature import parse_secret, sign

from . import Mutant, mutant, remembering
from .webhooks import with_headers

Body = dict[str, Any]
INCOMING = "realtime.call.incoming"
_PATH = re.compile(r"/v1/webhook_endpoints(?:/(?P<id>[^/?]+))?(?:/(?P<action>\w+))?(?P<query>\?.*)?\Z")


def _operation(exchange: HttpExchange) -> tuple[str, str]:
    """What a successful request did, by the SDK's name of it, and to which endpoint."""
    found = _PATH.match(exchange.path)
    if found is None or exchange.status != 200:
        return "", ""
    if found["id"] is None:
        return ("create" if exchange.method == "POST" else "list"), ""
    by_method = {"GET": "retrieve", "POST": "update", "DELETE": "delete"}
    return found["action"] or by_method.get(exchange.method, ""), found["id"]


def _changed(exchange: HttpExchange, change: Callable[[Body], Body]) -> HttpExchange:
    return replace(exchange, body=json.dumps(change(json.loads(exchange.body))).encode())


def _answers(name: str, breaks: str, says: str, operation: str, change: Callable[[Body], Body], *also: str) -> Mutant:
    """The answers to that operation are what `change` makes of them."""
    return mutant(
        name,
        breaks,
        says,
        also=also,
        http=lambda each: _changed(each, change) if _operation(each)[0] == operation else each,
    )


def _lists(name: str, number: int, says: str, change: Callable[[Body], Body], *, by_limit: bool) -> Mutant:
    """The pages of lists with a limit, or without one, are what `change` makes of them."""

    def other(exchange: HttpExchange) -> HttpExchange:
        is_struck = _operation(exchange)[0] == "list" and ("limit=" in exchange.path) is by_limit
        return _changed(exchange, change) if is_struck else exchange

    return mutant(name, f"WEBHOOK-ENDPOINT-{number:02d}", says, http=other)


def _oldest_first(page: Body) -> Body:
    return {**page, "data": page["data"][::-1], "first_id": page["last_id"], "last_id": page["first_id"]}


@dataclass(slots=True)
class Seen:
    """What a project's requests did to its endpoints so far, all by their id."""

    urls: dict[str, str] = field(default_factory=dict)
    types: dict[str, list[str]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)
    """Secrets before the rotation."""
    keeps: dict[str, bool | None] = field(default_factory=dict)
    """What the rotation said about the old one."""
    deleted: dict[str, str] = field(default_factory=dict)
    """With their URLs."""
    updated: set[str] = field(default_factory=set)

    def note(self, exchange: HttpExchange) -> None:
        operation, name = _operation(exchange)
        body = json.loads(exchange.body) if operation else {}
        if operation == "create":
            name = body["id"]
            self.urls[name], self.types[name] = body["url"], body["event_types"]
            self.secrets[name] = body["signing_secret"]
        elif operation == "delete":
            self.deleted[name] = self.urls.get(name, "")
        elif operation == "update":
            self.updated.add(name)
        elif operation == "rotate_secret":
            asked = json.loads(exchange.request_body or b"{}")
            self.old[name], self.secrets[name] = self.secrets[name], body["signing_secret"]
            self.keeps[name] = asked.get("keep_old_secret_active_for_24_hours")

    def endpoint_of(self, attempt: Attempt) -> str:
        return next((name for name, url in self.urls.items() if url == attempt.url), "")


def _watching(
    name: str,
    breaks: str,
    says: str,
    *also: str,
    answer: Callable[[Seen, HttpExchange], HttpExchange] = lambda seen, exchange: exchange,
    attempt: Callable[[Seen, Attempt], Attempt | None] = lambda seen, attempt: attempt,
) -> Mutant:
    """A mutant that knows what was done to the endpoints."""

    def make() -> Mapping[str, Any]:
        seen = Seen()

        def answered(exchange: HttpExchange) -> HttpExchange:
            changed = answer(seen, exchange)
            seen.note(exchange)
            return changed

        return {"http": answered, "webhook": lambda made: attempt(seen, made)}

    return mutant(name, breaks, says, remembering("", make), also=also)


def _signature(attempt: Attempt, *secrets: str) -> str:
    return sign(
        [parse_secret(secret) for secret in secrets],
        webhook_id=attempt.headers["webhook-id"],
        timestamp=int(attempt.headers["webhook-timestamp"]),
        body=attempt.body,
    )


def _forgets_types(seen: Seen, exchange: HttpExchange) -> HttpExchange:
    operation, name = _operation(exchange)
    is_struck = operation == "retrieve" and name in seen.updated
    return _changed(exchange, lambda body: {**body, "event_types": []}) if is_struck else exchange


def _lists_deleted(seen: Seen, exchange: HttpExchange) -> HttpExchange:
    if _operation(exchange)[0] != "list":
        return exchange
    ghosts = [{"object": "webhook_endpoint", "id": name} for name in seen.deleted]
    return _changed(exchange, lambda page: {**page, "data": [*ghosts, *page["data"]]})


def _goes_to_deleted(seen: Seen, attempt: Attempt) -> Attempt:
    return replace(attempt, url=next(iter(seen.deleted.values()))) if seen.deleted else attempt


def _goes_to_others(seen: Seen, attempt: Attempt) -> Attempt:
    others = [seen.urls[name] for name, types in seen.types.items() if INCOMING not in types]
    return replace(attempt, url=others[0]) if others else attempt


def _old_secret_in_answer(seen: Seen, exchange: HttpExchange) -> HttpExchange:
    operation, name = _operation(exchange)
    if operation != "rotate_secret":
        return exchange
    return _changed(exchange, lambda body: {**body, "signing_secret": seen.secrets[name]})


def _signs_with_old(when: bool | None, *, alone: bool) -> Callable[[Seen, Attempt], Attempt]:
    """After such a rotation the old secret signs, alone or as well."""

    def signed(seen: Seen, attempt: Attempt) -> Attempt:
        name = seen.endpoint_of(attempt)
        if name not in seen.old or seen.keeps[name] is not when:
            return attempt
        old = _signature(attempt, seen.old[name])
        kept = attempt.headers["webhook-signature"]
        return with_headers(attempt, webhook_signature=old if alone else f"{kept} {old}" if old not in kept else kept)

    return signed


def _signs_with_new_alone(seen: Seen, attempt: Attempt) -> Attempt:
    return with_headers(attempt, webhook_signature=attempt.headers["webhook-signature"].split()[0])


def _signs_with_all(seen: Seen, attempt: Attempt) -> Attempt:
    others = [secret for name, secret in seen.secrets.items() if name != seen.endpoint_of(attempt)]
    return with_headers(
        attempt, webhook_signature=f"{attempt.headers['webhook-signature']} {_signature(attempt, *others)}".strip()
    )


def _first_endpoint_only() -> Mapping[str, Any]:
    first: dict[str, str] = {}

    def only(attempt: Attempt) -> Attempt | None:
        return attempt if first.setdefault(attempt.headers["webhook-id"], attempt.url) == attempt.url else None

    return {"webhook": only}


def _test_of_another_type(attempt: Attempt) -> Attempt:
    if attempt.call_id is not None:
        return attempt
    return replace(attempt, body=attempt.body.replace(INCOMING.encode(), b"batch.completed"))


def _test_fails_with_its_status(exchange: HttpExchange) -> HttpExchange:
    is_struck = _operation(exchange)[0] == "test" and b"500" in exchange.body
    return replace(exchange, status=502) if is_struck else exchange


MUTANTS = [
    _answers(
        "created-without-secret",
        "WEBHOOK-ENDPOINT-01",
        "Create does not tell the secret.",
        "create",
        lambda body: {name: value for name, value in body.items() if name != "signing_secret"},
    ),
    _answers(
        "created-in-capitals",
        "WEBHOOK-ENDPOINT-02",
        "The name of a new endpoint is in capitals.",
        "create",
        lambda body: {**body, "name": body["name"].upper()},
    ),
    _answers(
        "retrieved-without-name",
        "WEBHOOK-ENDPOINT-05",
        "Retrieve answers with another name.",
        "retrieve",
        lambda body: {**body, "name": "x"} if body["name"] == "retrieved" else body,
    ),
    _answers(
        "retrieved-with-secret",
        "WEBHOOK-ENDPOINT-06",
        "Retrieve shows a signing secret.",
        "retrieve",
        lambda body: {**body, "signing_secret": "whsec_c2VjcmV0"},
    ),
    _lists(
        "page-without-first",
        8,
        "A page names the wrong first id.",
        lambda page: {**page, "first_id": "we_"},
        by_limit=False,
    ),
    _lists("oldest-first", 9, "The oldest endpoint is first.", _oldest_first, by_limit=False),
    _lists(
        "one-page-only", 10, "There is never another page.", lambda page: {**page, "has_more": False}, by_limit=True
    ),
    _watching(
        "update-forgets-types",
        "WEBHOOK-ENDPOINT-11",
        "An update of the name takes the event types away.",
        answer=_forgets_types,
    ),
    mutant(
        "update-changes-no-way",
        "WEBHOOK-ENDPOINT-12",
        "After an update of the URL webhooks still go to the old one.",
        webhook=lambda attempt: replace(attempt, url=attempt.url.removesuffix("-moved")),
    ),
    _answers(
        "deleted-is-false",
        "WEBHOOK-ENDPOINT-13",
        "Delete answers with deleted: false.",
        "delete",
        lambda body: {**body, "deleted": False},
    ),
    _watching(
        "deleted-in-the-list", "WEBHOOK-ENDPOINT-14", "A deleted endpoint stays in the list.", answer=_lists_deleted
    ),
    _watching(
        "deleted-gets-webhooks",
        "WEBHOOK-ENDPOINT-15",
        "Webhooks go to a deleted endpoint.",
        attempt=_goes_to_deleted,
    ),
    _watching(
        "rotation-of-nothing",
        "WEBHOOK-ROTATE-01",
        "A rotation answers with the old secret.",
        "WEBHOOK-ROTATE-02",
        "WEBHOOK-ROTATE-03",
        "WEBHOOK-ROTATE-04",
        "WEBHOOK-ROTATE-05",
        answer=_old_secret_in_answer,
    ),
    _watching(
        "rotation-without-effect",
        "WEBHOOK-ROTATE-02",
        "After a rotation the old secret signs.",
        attempt=_signs_with_old(None, alone=True),
    ),
    _watching(
        "rotation-keeps-always",
        "WEBHOOK-ROTATE-03",
        "An old secret that should end signs as well.",
        attempt=_signs_with_old(False, alone=False),
    ),
    _watching(
        "rotation-keeps-never",
        "WEBHOOK-ROTATE-04",
        "An old secret that should be kept does not sign.",
        attempt=_signs_with_new_alone,
    ),
    _watching(
        "rotation-keeps-for-ever",
        "WEBHOOK-ROTATE-05",
        "An old secret that was kept never ends.",
        attempt=_signs_with_old(True, alone=False),
    ),
    mutant(
        "test-of-another-type",
        "WEBHOOK-TEST-01",
        "A test delivers an event of another type.",
        webhook=_test_of_another_type,
    ),
    mutant(
        "test-unsigned",
        "WEBHOOK-TEST-02",
        "The event of a test is not signed by the secret.",
        webhook=lambda attempt: (
            with_headers(attempt, webhook_signature="v1," + "A" * 43 + "=") if attempt.call_id is None else attempt
        ),
    ),
    mutant(
        "test-fails-with-its-endpoint",
        "WEBHOOK-TEST-03",
        "A test of an endpoint that answers 500 is answered with 502.",
        http=_test_fails_with_its_status,
    ),
    mutant(
        "calls-are-no-event-type",
        "WEBHOOK-TYPES-01",
        "The list of event types lacks realtime.call.incoming.",
        http=lambda each: (
            replace(each, body=each.body.replace(INCOMING.encode(), b"realtime.call.ended"))
            if each.path.endswith("/webhook_event_types")
            else each
        ),
    ),
    mutant(
        "one-endpoint-only",
        "WEBHOOK-FANOUT-01",
        "Only one endpoint is told of an event.",
        remembering("", _first_endpoint_only),
        also={"WEBHOOK-FANOUT-03"},
    ),
    _watching(
        "types-do-not-matter",
        "WEBHOOK-FANOUT-02",
        "An endpoint for other types gets the event.",
        attempt=_goes_to_others,
    ),
    _watching(
        "signed-by-all-secrets",
        "WEBHOOK-FANOUT-03",
        "Webhooks are signed with every secret of the project.",
        "WEBHOOK-ROTATE-03",
        attempt=_signs_with_all,
    ),
]
