"""Which session a client may begin without a call, from what its handshake says.

What is refused here is refused in-band: the upgrade succeeds, one `error` event follows, then the close
[OBS, FACTS 6.1].
"""

from dataclasses import replace
from typing import Final

from ..errors import ApiError, InvalidRequest, Unauthorized
from ..realtime.session_config import SessionConfig

REFUSED_KEY_CLOSE = 3000
REFUSED_CLOSE = 4000
BETA_HEADER = "OpenAI-Beta"
BETA_SHAPE = "realtime=v1"
TRANSCRIPTION: Final = "transcription"


def opening_config(
    *, model: str | None, intent: str | None = None, beta: str | None = None, bound: SessionConfig | None = None
) -> SessionConfig:
    """The configuration that a session begins with. Raises `InvalidRequest` in the service's words.

    `bound` is what the client's `ek_` carries; the connection's own model wins over it [DOC]. `beta` is the value of
    the `OpenAI-Beta` header.
    """
    if beta is not None and BETA_SHAPE in (each.strip() for each in beta.split(",")):
        raise InvalidRequest(
            "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
            code="beta_api_shape_disabled",
        )
    if intent == TRANSCRIPTION:  # a model in the query is not the session's then: transcription names its own
        return bound if bound is not None and bound.type == TRANSCRIPTION else SessionConfig(type=TRANSCRIPTION)
    if not model:
        if bound is None:
            raise InvalidRequest(
                "You must provide a model parameter, for example wss://api.openai.com/v1/realtime?model=gpt-realtime-1.5",
                code="missing_model",
            )
        model = bound.model
    if bound is not None and bound.type == TRANSCRIPTION:
        return bound
    if not is_realtime_model(model):
        raise InvalidRequest(f'Model "{model[:100]}" is not supported in realtime mode.', code="invalid_model")
    return SessionConfig(model=model) if bound is None else replace(bound, model=model)


def is_realtime_model(name: str) -> bool:
    """Whether a session may have this model. The SDK's list of names is open, so it is the name's word that counts
    [CHOICE]."""
    return "realtime" in name or name.startswith("gpt-audio")


def close_of(error: ApiError) -> tuple[int, str]:
    """Code and reason of the close that follows a refusal's `error` event."""
    code = REFUSED_KEY_CLOSE if isinstance(error, Unauthorized) else REFUSED_CLOSE
    return code, f"{error.type}.{error.code}"
