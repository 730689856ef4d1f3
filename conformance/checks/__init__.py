"""The requirements, one module per clause family. `load()` imports them all."""

from importlib import import_module

MODULES = (
    "auth",
    "errors",
    "accept",
    "reject",
    "hangup",
    "refer",
    "states",
    "sip_transactions",
    "direct_ws",
    "client_secrets",
    "webhooks",
    "sip_dialog",
    "sip_routes",
    "sip_offers",
    "sip_timer",
    "sip_prack",
    "sip_info",
    "sip_cancel",
    "sip_options",
    "webhook_retries",
    "sip_messages",
    "sip_transport",
    "webhook_endpoints",
    "sideband",
    "webrtc_create",
    "webrtc_answer",
    "webrtc_refusals",
    "webrtc_events",
    "webrtc_sideband",
    "webrtc_end",
    "rtp",
    "rtp_network",
    "srtp",
    "sdp",
    "codecs",
    "dtmf",
    "speech",
    "recorded_speech",
    "events",
    "event_errors",
    "items",
    "responses",
    "audio_buffers",
    "idle",
    "transcription",
    "mcp",
    "conversations",
    "turns",
)
"""Every module here, in the order in which reports show their requirements; a test compares with the folder."""


def load() -> None:
    for name in MODULES:
        import_module(f".{name}", __name__)
