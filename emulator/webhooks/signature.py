"""Standard Webhooks signatures (standardwebhooks.com), as the official SDK verifies them [SDK lib/_webhooks.py]."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from ..errors import UsageError

PREFIX = "whsec_"
_HINT_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A signing secret: the text that the application is given, and the key that signs."""

    text: str = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `UsageError` where the SDK could not use it either."""
        return cls(text=text, key=parse_secret(text))

    @property
    def hint(self) -> str:
        """The text with all but its end masked [CHOICE]."""
        shown = self.text[-_HINT_LENGTH:] if len(self.text) >= 4 * _HINT_LENGTH else ""
        return f"{PREFIX if self.text.startswith(PREFIX) else ''}***{shown}"


def parse_secret(text: str) -> bytes:
    """The key of a secret: base64 after `whsec_`; a text without that prefix is the key itself. Raises `UsageError`."""
    if not text.startswith(PREFIX):
        key = text.encode()
    else:
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError(
                f"a webhook secret is {PREFIX} and base64, and this one does not decode: {error}"
            ) from error
    if not key:
        raise UsageError("a webhook secret must not be empty")
    return key


def format_secret(key: bytes) -> str:
    """`whsec_` and the key in base64."""
    return PREFIX + base64.b64encode(key).decode()


def sign(secrets: Sequence[bytes], *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: a `v1,…` for each key, separated by spaces. A receiver needs one that matches."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in secrets)
