"""Wrong persistence: answers that count for the wrong thing, and attempts that differ."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ringback.emulator.webhooks.delivery import Attempt

from . import Mutant, mutant, remembering
from .webhooks import with_headers

TRIED_TWICE = tuple(f"WEBHOOK-RETRY-{number:02d}" for number in (9, 10, 11, 12))
"""They make the first attempt fail with 500."""


def _believes(
    name: str, number: int, says: str, which: Callable[[int | str], bool], becomes: int, *also: str
) -> Mutant:
    return mutant(
        name,
        f"WEBHOOK-RETRY-{number:02d}",
        says,
        also=also,
        webhook_outcome=lambda outcome: becomes if which(outcome) else outcome,
    )


def _later(name: str, number: int, says: str, change: Callable[[Attempt], Attempt]) -> Mutant:
    """Attempts after the first one are different."""
    return mutant(
        name,
        f"WEBHOOK-RETRY-{number:02d}",
        says,
        webhook=lambda attempt: change(attempt) if attempt.number > 1 else attempt,
    )


def _late_success_fails() -> Mapping[str, Any]:
    failed = False

    def believed(outcome: int | str) -> int | str:
        nonlocal failed
        if outcome == 200 and failed:
            return 500
        failed = failed or outcome != 200
        return outcome

    return {"webhook_outcome": believed}


def _first_timestamp() -> Mapping[str, Any]:
    first: dict[str, str] = {}

    def same(attempt: Attempt) -> Attempt:
        stamp = first.setdefault(attempt.headers["webhook-id"], attempt.headers["webhook-timestamp"])
        return with_headers(attempt, webhook_timestamp=stamp)

    return {"webhook": same}


def _another_body(attempt: Attempt) -> Attempt:
    return replace(attempt, body=json.dumps({**json.loads(attempt.body), "attempt": attempt.number}).encode())


MUTANTS = [
    _believes("retry-not-after-500", 1, "500 counts as delivered.", lambda outcome: outcome == 500, 200, *TRIED_TWICE),
    _believes("retry-not-after-404", 2, "404 counts as delivered.", lambda outcome: outcome == 404, 200),
    _believes("retry-not-after-302", 3, "302 counts as delivered.", lambda outcome: outcome == 302, 200),
    _believes("retry-not-after-silence", 4, "No answer counts as delivered.", lambda it: isinstance(it, str), 200),
    mutant(
        "redirect-followed",
        "WEBHOOK-RETRY-05",
        "A redirect is followed.",
        also={"WEBHOOK-RETRY-03"},
        webhook=lambda attempt: replace(attempt, follows_redirects=True),
    ),
    _believes("retry-after-200", 6, "200 counts as a failure.", lambda it: it == 200, 500, "WEBHOOK-RETRY-08"),
    _believes("retry-after-204", 7, "204 counts as a failure.", lambda outcome: outcome == 204, 500),
    mutant(
        "retry-after-late-success",
        "WEBHOOK-RETRY-08",
        "After a failure, even 200 counts as one.",
        remembering("", _late_success_fails),
    ),
    _later(
        "webhook-id-each-attempt",
        9,
        "Each attempt has a webhook-id of its own.",
        lambda attempt: with_headers(attempt, webhook_id=f"{attempt.headers['webhook-id']}_{attempt.number}"),
    ),
    _later("body-each-attempt", 10, "Each attempt has a body of its own.", _another_body),
    mutant(
        "timestamp-of-the-event",
        "WEBHOOK-RETRY-11",
        "The webhook-timestamp is that of the first attempt.",
        remembering("", _first_timestamp),
    ),
    _later(
        "signed-once",
        12,
        "Later attempts are not signed by the secret.",
        lambda attempt: with_headers(attempt, webhook_signature="v1," + "A" * 43 + "="),
    ),
]
