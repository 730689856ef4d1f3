"""The one place that hides secrets: keys in messages for people, credentials and media keys in what is journalled."""

import re

_SIP_SECRETS = re.compile(
    r"(?im)^((?:proxy-)?authorization[ \t]*:[ \t]*\S+|a=crypto:\d+[ \t]+\S+[ \t]+inline:)[^\r\n]*"
)


def redacted_key(key: str) -> str:
    """An API key or token as logs and messages may show it: enough to recognise it, too little to use it."""
    return f"{key[:8]}…{key[-4:]}" if len(key) > 16 else "…"


def redacted_sip(text: str) -> str:
    """A SIP message without its credentials and SRTP keys; everything else, line ends too, is as it was."""
    return _SIP_SECRETS.sub(r"\1 …", text)
