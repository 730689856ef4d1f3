"""`POST /v1/realtime/translations/client_secrets`: secrets for translation sessions [SDK].

The sessions themselves are another API; such a secret opens none of `/v1/realtime`.
"""

from dataclasses import dataclass
from typing import Any

from ..ids import Ids
from ..realtime.session_schema import NOISE_REDUCTION
from ..realtime.validation import Nullable, OneOf, Record, Text, check_encodable, invalid_type
from .client_secrets import EXPIRES_AFTER, seconds_of

_SESSION = Record(
    {
        "type": OneOf(("translation",)),
        "model": Text(),
        "audio": Record(
            {
                "input": Record(
                    {
                        "noise_reduction": NOISE_REDUCTION,
                        "transcription": Nullable(Record({"model": Text()}, ("model",))),
                    }
                ),
                "output": Record({"language": Text()}),
            }
        ),
    },
    ("model",),
)
_REQUEST = Record({"expires_after": EXPIRES_AFTER, "session": _SESSION}, ("session",))


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationRequest:
    seconds: int
    model: str
    audio: dict[str, Any]


def parse_translation_request(body: object) -> TranslationRequest:
    """Raises `InvalidRequest` for the first thing wrong."""
    if not isinstance(body, dict):
        raise invalid_type("body", "an object", body)
    check_encodable(body)
    _REQUEST.check_fields(body, "")
    session = body["session"]
    return TranslationRequest(seconds=seconds_of(body), model=session["model"], audio=session.get("audio", {}))


def translation_body(request: TranslationRequest, *, ids: Ids, now: float) -> dict[str, Any]:
    """The answer, with a secret of its own."""
    given_input = request.audio.get("input", {})
    return {
        "value": ids.client_secret(),
        "expires_at": int(now) + request.seconds,
        "session": {
            "type": "translation",
            "id": ids.session(),
            "model": request.model,
            "expires_at": 0,
            "audio": {
                "input": {
                    "noise_reduction": given_input.get("noise_reduction"),
                    "transcription": given_input.get("transcription"),
                },
                "output": {"language": request.audio.get("output", {}).get("language")},
            },
        },
    }
