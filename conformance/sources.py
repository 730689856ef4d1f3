"""Where requirements come from: the pages that their links point to."""

import re

SPEC = "https://github.com/openai/openai-openapi"
"""The OpenAPI document; the clause names the path or schema."""
SDK = "https://github.com/openai/openai-python"
"""The official Python package; the clause names the module."""
SIP_GUIDE = "https://developers.openai.com/api/docs/guides/voice-sip"
WEBRTC_GUIDE = "https://platform.openai.com/docs/guides/realtime-webrtc"
CONVERSATIONS_GUIDE = "https://developers.openai.com/api/docs/guides/realtime-conversations"
WEBHOOK_GUIDE = "https://developers.openai.com/api/docs/guides/webhooks"
MCP_GUIDE = "https://developers.openai.com/api/docs/guides/realtime-mcp"
AGENTS_SDK = "https://github.com/openai/openai-agents-js"
STANDARD_WEBHOOKS = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"


def rfc(number: int, section: str = "") -> str:
    """The page of an RFC, at a section."""
    anchor = f"#section-{section}" if section else ""
    return f"https://www.rfc-editor.org/rfc/rfc{number}{anchor}"


def rfc_of(clause: str) -> str | None:
    """The page of the first section of an RFC that a clause names, as in `RFC 3261 8.2.6.2: the UAS MUST …`."""
    named = re.search(r"RFC (\d+)(?: ((?:\d+|[A-Z])(?:\.\d+)*))?\b", clause)
    return None if named is None else rfc(int(named[1]), named[2] or "")
