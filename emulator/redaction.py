"""The one place that hides secrets: keys in messages for people, credentials and media keys in what is journalled."""

import re
from typing import Any

_SIP_SECRETS = re.compile(r"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*\S+|a=[ \t]*crypto[^\r\n]*?inline:)[^\r\n]*")


def redacted_key(key: str) -> str:
    """An API key or token as logs and messages may show it: enough to recognise it, too little to use it."""
    return f"{key[:8]}…{key[-4:]}" if len(key) > 16 else "…"


def redacted_sip(text: str) -> str:
    """A SIP message without its credentials and SRTP keys; everything else, line ends too, is as it was."""
    return _SIP_SECRETS.sub(r"\1 …", text)


def redacted_event(event: dict[str, Any]) -> dict[str, Any]:
    """An event of a session without the credentials of its tools' servers; most events have none, and stay the same."""
    for name in ("session", "response"):
        config = event.get(name)
        if not isinstance(config, dict):
            continue
        tools = config.get("tools")
        if isinstance(tools, list) and any(_is_secret(tool) for tool in tools):
            return {**event, name: {**config, "tools": [_without_credentials(tool) for tool in tools]}}
    return event


def _is_secret(tool: object) -> bool:
    return isinstance(tool, dict) and bool(tool.get("authorization") or tool.get("headers"))


def _without_credentials(tool: Any) -> Any:
    if not _is_secret(tool):
        return tool
    headers = tool.get("headers")
    hidden = {"authorization": "…"} if tool.get("authorization") else {}
    return {**tool, **hidden, **({"headers": dict.fromkeys(headers, "…")} if isinstance(headers, dict) else {})}
