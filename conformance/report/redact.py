"""Takes out of a report what nobody else may read: keys, tokens, secrets, telephone numbers."""

import re
from collections.abc import Iterable
from typing import Any

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sk|ek|rk)([-_])[A-Za-z0-9_-]{4,}"), r"\1\2[key]"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/_=-]+"), "whsec_[secret]"),
    (re.compile(r"(?i)\bBearer\s+[^\s\"',]+"), "Bearer [key]"),
    (re.compile(r"openai-insecure-api-key\.[^\s\"',]+"), "openai-insecure-api-key.[key]"),
    (re.compile(r"\binline:[A-Za-z0-9+/=]+"), "inline:[key]"),
    (re.compile(r"(?i)\b(tel:|sips?:)\+?[0-9][0-9().-]{4,}"), r"\1[number]"),
    (re.compile(r"(?<![\w+])\+[0-9]{7,15}(?![0-9])"), "[number]"),
)
SHORTEST_SECRET = 4  # a shorter one would blot out half of the text and protects nothing


class Redactor:
    """Redacts by pattern, and every one of `secrets` wherever it stands."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted((each for each in secrets if len(each) >= SHORTEST_SECRET), key=len, reverse=True)

    def text(self, value: str) -> str:
        for secret in self._secrets:
            value = value.replace(secret, "[secret]")
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
        return value

    def everything(self, value: Any) -> Any:
        """The same structure, each text of it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.everything(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.everything(each) for each in value)
        return value
