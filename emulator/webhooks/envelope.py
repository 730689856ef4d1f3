"""Webhook events: the types that can be subscribed to, the event of an incoming call, and samples for tests."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

INCOMING_CALL = "realtime.call.incoming"

# SDK: resources/webhooks, `event_types` of create, update and test. `live.*` is not among them.
EVENT_TYPES: tuple[str, ...] = (
    "batch.completed",
    "batch.failed",
    "batch.expired",
    "batch.cancelled",
    "response.completed",
    "response.failed",
    "response.cancelled",
    "response.incomplete",
    "eval.run.succeeded",
    "eval.run.failed",
    "eval.run.canceled",
    "fine_tuning.job.succeeded",
    "fine_tuning.job.failed",
    "fine_tuning.job.cancelled",
    "realtime.call.incoming",
    "video.completed",
    "video.failed",
    "agent.environment.ready",
    "agent.environment.failed",
    "agent.environment.suspended",
    "agent.environment.expired",
    "agent.session.created",
    "agent.session.action_required",
    "agent.session.in_progress",
    "agent.session.idle",
    "agent.session.failed",
    "safety.alert.created",
)

# SDK: "Headers from the SIP INVITE, excluding SIP authorization headers". RFC 3261 20.7, 20.28: no compact forms.
_AUTHORIZATION_HEADERS = frozenset({"authorization", "proxy-authorization"})

_SAMPLE_HEADERS = (
    ("From", "<sip:+15550100@sip.example.com>;tag=sample"),
    ("To", "<sip:sample@sip.example.com>"),
    ("Call-ID", "sample@sip.example.com"),
)


def incoming_call_event(
    *,
    event_id: str,
    created_at: int,
    call_id: str,
    sip_headers: Iterable[tuple[str, str]],
    sip_media_security: str | None,
) -> dict[str, Any]:
    """`realtime.call.incoming` for an INVITE. Names, values, order and repeated headers are kept; credentials are not.

    `sip_media_security` is "rtp" or "srtp"; None, for unknown, leaves it out.
    """
    data: dict[str, Any] = {
        "call_id": call_id,
        "sip_headers": [
            {"name": name, "value": value}
            for name, value in sip_headers
            if name.strip().lower() not in _AUTHORIZATION_HEADERS
        ],
    }
    if sip_media_security is not None:
        data["sip_media_security"] = sip_media_security
    return _event(event_id, INCOMING_CALL, created_at, data)


def sample_event(event_type: str, *, event_id: str, created_at: int, call_id: str) -> dict[str, Any]:
    """What `POST …/test` delivers. A sample call has an id that no call has [OBS]: accept answers 404 to it."""
    if event_type == INCOMING_CALL:
        return incoming_call_event(
            event_id=event_id,
            created_at=created_at,
            call_id=call_id,
            sip_headers=_SAMPLE_HEADERS,
            sip_media_security=None,
        )
    # SDK types/webhooks: `data` has an `id` in all of them. The values of the service's samples are not known [CHOICE].
    data: dict[str, Any] = {"id": f"{event_type.replace('.', '_')}_sample"}
    if event_type.startswith("agent.session."):
        data["environment_type"] = "none"
    if event_type == "agent.session.action_required":
        data["required_action"] = {"type": "function_call"}
    return _event(event_id, event_type, created_at, data)


def to_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    # "replace": what a peer put into a header may not be Unicode, and a lone surrogate is no UTF-8.
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _event(event_id: str, event_type: str, created_at: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"object": "event", "id": event_id, "type": event_type, "created_at": created_at, "data": data}
