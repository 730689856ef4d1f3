"""What requests of the control API may hold, and what its answers do."""

from ..targets.routes import Schema


def _object(properties: dict[str, Schema], *, required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


_TEXT: Schema = {"type": "string"}
_URLS: Schema = {"type": "array", "items": _TEXT, "description": "Where `realtime.call.incoming` is posted."}
_FAULTS: Schema = {"type": "array", "items": _TEXT, "description": "Names of `GET /_ringback/faults`."}
_WITHIN: Schema = {"type": "number", "minimum": 0, "maximum": 3600, "description": "Seconds of patience; 5 without it."}
_SECONDS: Schema = {"type": "number", "minimum": 0, "maximum": 3600}
_REFUSAL: Schema = {"type": "integer", "minimum": 300, "maximum": 699}
_PATTERN = _object({"pattern": {"type": "string", "format": "regex"}}, required=("pattern",))

EMPTY = _object({})
NEW_PROJECT = _object(
    {
        "webhooks": _URLS,
        "auto_accept": {"type": "boolean", "description": "Play the application too."},
        "scenario": {
            "type": ["string", "object"],
            "description": "The name of a known one, or a whole one: docs/scenarios.md.",
        },
        "faults": _FAULTS,
    }
)
WEBHOOKS = _object({"urls": _URLS}, required=("urls",))
FAULTS = _object({"faults": _FAULTS}, required=("faults",))
NEW_CALL = _object(
    {
        "project": {"type": "string", "description": "The id of a project; without it the first one."},
        "from": {"type": "string", "description": "A number or a SIP address."},
        "to": {"type": "string", "description": "What the To header says instead of the dialled URI."},
        "headers": {"type": "object", "additionalProperties": _TEXT, "description": "More headers of the INVITE."},
        "transport": {"enum": ["tls", "tcp", "udp"]},
        "via": {
            "enum": ["sip", "memory", "webrtc"],
            "description": "`memory` has no sockets; `webrtc` is a page that offers, and none of the above is for it.",
        },
        "session": {"type": "object", "description": "Of a page's call, with the project's key."},
        "secret": {"type": "string", "description": "A client secret that the page has instead."},
        "through": {
            "type": "string",
            "description": "The URL of who takes the page's offer and answers it.",
        },
    }
)
TEXT = _object({"text": {"type": "string", "minLength": 1}}, required=("text",))
EVENT = _object({"event": {"type": "object", "description": "A client event."}}, required=("event",))
DIGITS = _object(
    {"digits": {"type": "string", "pattern": "^[0-9A-D*#,]+$", "description": "`,` is a pause."}}, required=("digits",)
)
SECONDS = _object({"seconds": _SECONDS}, required=("seconds",))
CALL_EXPECTATIONS: dict[str, Schema] = {
    "answered": {"const": True, "description": "The application has accepted the call."},
    "rejected": {"anyOf": [{"const": True}, _REFUSAL], "description": "Refused, with that SIP status if one is named."},
    "hears": {
        "anyOf": [{"const": True}, _TEXT, _PATTERN],
        "description": "The application says that text, something with that pattern, or anything.",
    },
    "transferred_to": {"type": "string", "description": "`Refer-To` names exactly this URI."},
    "connected": {"const": True, "description": "Of a page: sound and events can flow."},
    "receives": {"type": "string", "description": "Of a page: the first server event of that type."},
    "ended": {"enum": [True, "caller", "application"], "description": "The call is over; who ended it."},
}
CALL_EXPECTATION = _object({**CALL_EXPECTATIONS, "within": _WITHIN})
PROJECT_EXPECTATION = _object(
    {
        "kind": {"type": "string", "description": "The first entry of that kind, now or when it comes."},
        "data": {"type": "object", "description": "What the entry's data holds."},
        "no_errors": {"const": True, "description": "Nothing of the application was refused, failed or went wrong."},
        "within": _WITHIN,
    }
)
DURATION = _object(
    {
        "duration": {
            "type": ["number", "string"],
            "description": 'Seconds, or a number and one of ms, s, min, h, d: "61 min".',
        }
    },
    required=("duration",),
)

COMPONENTS: dict[str, Schema] = {
    "Project": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "api_key": _TEXT,
            "webhook_secret": _TEXT,
            "base_url": _TEXT,
            "https_base_url": _TEXT,
            "admin_url": _TEXT,
            "sip": {"type": "object", "description": "The URI to dial, by transport."},
            "ca_file": _TEXT,
            "environment": {"type": "object", "description": "What OpenAI's SDKs read."},
            "webhooks": {"type": "array", "items": _TEXT},
            "faults": {"type": "array", "items": _TEXT},
            "auto_accept": {"type": "boolean"},
            "open_calls": {"type": "array", "items": _TEXT},
        },
    },
    "Call": {
        "type": "object",
        "properties": {
            "number": {"type": "integer"},
            "project": _TEXT,
            "call_id": {"type": ["string", "null"], "description": "The API's id; null until it is known."},
            "state": {"type": "string", "description": "By the journal; `calling` before it has the call."},
            "heard": {"type": "array", "items": _TEXT, "description": "What the application has said to its end."},
            "is_over": {"type": "boolean"},
        },
    },
    "Met": {
        "type": "object",
        "description": "An expectation that was met.",
        "properties": {
            "call": {"$ref": "#/components/schemas/Call"},
            "found": {"description": "The text, the status, the event, who ended it, or null."},
        },
    },
    "Clock": {
        "type": "object",
        "properties": {"kind": {"enum": ["system", "manual"]}, "now": {"type": "number", "description": "Unix time."}},
    },
}
