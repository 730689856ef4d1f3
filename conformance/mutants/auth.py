"""Wrong doors."""

from . import mutant
from .answers import answered, request_header


def _key(header: str) -> str:
    return header.partition(" ")[2].strip()


MUTANTS = [
    mutant(
        "unknown-key-forbidden",
        "AUTH-KEY-01",
        "An unknown key gets 403 instead of 401.",
        answered("", lambda each: each.status == 401 and _key(request_header(each, "Authorization")) != "", status=403),
        is_alone=True,
    ),
    mutant(
        "missing-key-forbidden",
        "AUTH-KEY-02",
        "A request without a key gets 403 instead of 401.",
        answered("", lambda each: each.status == 401 and _key(request_header(each, "Authorization")) == "", status=403),
        is_alone=True,
    ),
    mutant(
        "safety-identifier-refused",
        "AUTH-SAFETY-01",
        "A request with a safety identifier is answered with 400.",
        answered("", lambda each: request_header(each, "OpenAI-Safety-Identifier") != "", status=400),
    ),
]
