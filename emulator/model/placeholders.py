"""`{heard}` and its like in what a scenario says, filled in when it is said."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

KNOWN = frozenset({"heard", "result", "dtmf", "turn"})
"""What each step may use; the named groups of its regular expression come to it."""

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|\{([a-z_]\w*)\}", re.IGNORECASE)


def placeholders(value: Any) -> Iterator[str]:
    """The names in all texts of a value that JSON can say."""
    if isinstance(value, str):
        for found in _PLACEHOLDER.finditer(value):
            if found[2] is not None:
                yield found[2]
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from placeholders(each)
    elif isinstance(value, list):
        for each in value:
            yield from placeholders(each)


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """The value with every placeholder replaced; `{{heard}}` becomes `{heard}`. One without a value is empty."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(
            lambda found: f"{{{found[1]}}}" if found[1] is not None else values.get(found[2], ""), value
        )
    if isinstance(value, Mapping):
        return {key: filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, values) for each in value]
    return value
