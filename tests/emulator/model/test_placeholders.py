from typing import Any

import pytest
from ringback.emulator.model.placeholders import filled, placeholders

VALUES = {"heard": "hello", "place": "London"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("You said: {heard}", "You said: hello"),
        ("{heard}{heard}", "hellohello"),
        ("{{heard}} is {heard}", "{heard} is hello"),
        ("{unknown}.", "."),
        ('{"a": {}}', '{"a": {}}'),
        ({"to": ["{place}", 1, None], "x": {"y": "{place}"}}, {"to": ["London", 1, None], "x": {"y": "London"}}),
        (1.5, 1.5),
    ],
)
def test_placeholders_are_filled_in(value: Any, expected: Any) -> None:
    assert filled(value, VALUES) == expected


def test_placeholders_are_found_wherever_texts_are() -> None:
    value = {"a": "{one} {{two}}", "b": ["{three}", 1], "c": None}
    assert list(placeholders(value)) == ["one", "three"]
