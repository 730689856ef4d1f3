"""Client secrets: `ek_…` keys that live for minutes, open sessions of their project, and bind how those begin."""

import heapq
from dataclasses import dataclass
from typing import Any

from ..ids import Ids
from ..realtime.session_config import SessionConfig, parse_session_config
from ..realtime.validation import Free, OneOf, Record, Whole, check_encodable, invalid_type

DEFAULT_SECONDS = 600  # DOC
LEAST_SECONDS = 10  # DOC
MOST_SECONDS = 7200  # DOC

EXPIRES_AFTER = Record({"anchor": OneOf(("created_at",)), "seconds": Whole(LEAST_SECONDS, MOST_SECONDS)})
_REQUEST = Record({"expires_after": EXPIRES_AFTER, "session": Free()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One `ek_`. It may open any number of sessions until it expires, and those may outlive it [DOC]."""

    value: str
    project_id: str
    expires_at: float
    config: SessionConfig
    session_id: str
    """The id that its answer shows. Each session that it opens has one of its own [CHOICE]."""
    safety_identifier: str | None
    """Of the request that made it; what is opened with it inherits it [DOC]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRequest:
    """What a client asks for: how long the secret lives, and how its sessions begin."""

    seconds: int
    config: SessionConfig


def parse_secret_request(body: object) -> SecretRequest:
    """The body of `POST /v1/realtime/client_secrets`. Raises `InvalidRequest` for the first thing wrong.

    A model that no session may have is not refused here but when a session is opened [OBS].
    """
    if not isinstance(body, dict):
        raise invalid_type("body", "an object", body)
    check_encodable(body)
    _REQUEST.check_fields(body, "")
    given = body.get("session")
    config = SessionConfig() if given is None else parse_session_config(given, types=("realtime", "transcription"))
    return SecretRequest(seconds=seconds_of(body), config=config)


def seconds_of(body: dict[str, Any], *, default: int = DEFAULT_SECONDS) -> int:
    """How long a secret of this request lives; `expires_after` was checked."""
    return int(body.get("expires_after", {}).get("seconds", default))


def secret_body(secret: ClientSecret) -> dict[str, Any]:
    """The answer of `POST /v1/realtime/client_secrets`. Until it is used, its session expires at 0 [OBS]."""
    return {
        "value": secret.value,
        "expires_at": int(secret.expires_at),
        "session": secret.config.as_dict(secret.session_id, 0),
    }


class ClientSecrets:
    """Every secret that may still be used, of all projects. What expired is forgotten when another is made."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._secrets: dict[str, ClientSecret] = {}
        self._expiries: list[tuple[float, str]] = []

    def create(
        self, request: SecretRequest, *, project_id: str, safety_identifier: str | None, now: float
    ) -> ClientSecret:
        """A new secret. Times on the wire are whole seconds, and so is its life."""
        self._forget(now)
        secret = ClientSecret(
            value=self._ids.client_secret(),
            project_id=project_id,
            expires_at=int(now) + request.seconds,
            config=request.config,
            session_id=self._ids.session(),
            safety_identifier=safety_identifier,
        )
        self._secrets[secret.value] = secret
        heapq.heappush(self._expiries, (secret.expires_at, secret.value))
        return secret

    def find(self, value: str, now: float) -> ClientSecret | None:
        """The secret of this value, unless it expired or never was."""
        secret = self._secrets.get(value)
        return None if secret is None or now >= secret.expires_at else secret

    def __len__(self) -> int:
        return len(self._secrets)

    def _forget(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            del self._secrets[heapq.heappop(self._expiries)[1]]
