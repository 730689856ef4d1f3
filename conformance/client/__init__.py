"""The reference client: a phone, a WebRTC caller, a webhook receiver, REST and sideband clients. It shares no code
with the emulator.

The names below are loaded when they are first used, since the callers bring aiortc and PyAV with them (half a second).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .call import Call
    from .dial import DialReport
    from .phone import Phone
    from .records import ReferPlan
    from .rest import RestAnswer, RestClient
    from .sideband import Sideband
    from .webhook_receiver import Answer, Delivery, WebhookReceiver
    from .webrtc import WebRtcCall

__all__ = [
    "Answer",
    "Call",
    "Delivery",
    "DialReport",
    "Phone",
    "ReferPlan",
    "RestAnswer",
    "RestClient",
    "Sideband",
    "WebRtcCall",
    "WebhookReceiver",
]

_HOMES = {
    "Answer": "webhook_receiver",
    "Call": "call",
    "Delivery": "webhook_receiver",
    "DialReport": "dial",
    "Phone": "phone",
    "ReferPlan": "records",
    "RestAnswer": "rest",
    "RestClient": "rest",
    "Sideband": "sideband",
    "WebRtcCall": "webrtc",
    "WebhookReceiver": "webhook_receiver",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
