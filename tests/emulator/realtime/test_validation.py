import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import InvalidRequest
from ringback.emulator.realtime.validation import (
    FREE_DEPTH,
    SHOWN,
    Either,
    Flag,
    Free,
    ListOf,
    MapOf,
    Nullable,
    OneOf,
    Real,
    Record,
    Rule,
    Schema,
    Tagged,
    Text,
    Whole,
    check_encodable,
    listed,
    shown,
)

COLOURED = Tagged({"red": Record({"type": Text(), "depth": Whole()}), "blue": Record({"type": Text()})})


def refusal(schema: Schema, value: Any, path: str = "at") -> tuple[str | None, str | None, str]:
    with pytest.raises(InvalidRequest) as caught:
        schema.check(value, path)
    return caught.value.code, caught.value.param, caught.value.message


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (Text(), ""),
        (Flag(), False),
        (Whole(), -5),
        (Whole(1, 3), 3),
        (Real(0, 1), 0),
        (Real(0, 1), 0.5),
        (OneOf(("a",)), "a"),
        (Nullable(Text()), None),
        (Nullable(Text()), "x"),
        (ListOf(Text()), ["a", "b"]),
        (MapOf(Text()), {"k": "v"}),
        (Free(), {"any": [1]}),
        (Record({"a": Text()}), {}),
        (Record({"a": Text()}, ("a",)), {"a": "x"}),
        (COLOURED, {"type": "red", "depth": 1}),
        (Tagged({"red": Record({})}, default="red"), {}),
        (Either({str: Text(), int: Whole()}, "x"), 3),
    ],
)
def test_schema_accepts_what_it_describes(schema: Schema, value: Any) -> None:
    schema.check(value, "at")


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (Text(), 1, "expected a string, but got an integer instead."),
        (Flag(), 1, "expected a boolean, but got an integer instead."),
        (Whole(), True, "expected an integer, but got a boolean instead."),
        (Whole(), 1.5, "expected an integer, but got a decimal instead."),
        (Real(0, 1), "x", "expected a decimal, but got a string instead."),
        (Real(0, 1), True, "expected a decimal, but got a boolean instead."),
        (OneOf(("a", "b")), None, "expected one of 'a' and 'b', but got null instead."),
        (ListOf(Text()), {}, "expected an array, but got an object instead."),
        (MapOf(Text()), [], "expected an object, but got an array instead."),
        (Record({}), "x", "expected an object, but got a string instead."),
        (COLOURED, [], "expected an object, but got an array instead."),
        (Either({str: Text()}, "a string"), 1, "expected a string, but got an integer instead."),
    ],
)
def test_schema_names_the_type_that_it_expected(schema: Schema, value: Any, message: str) -> None:
    assert refusal(schema, value) == ("invalid_type", "at", f"Invalid type for 'at': {message}")


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (Whole(5), 4, "Invalid 'at': integer below minimum value. Expected a value >= 5, but got 4 instead."),
        (Whole(1, 3), 4, "Invalid 'at': integer above maximum value. Expected a value <= 3, but got 4 instead."),
        (Real(0, 1), 2.5, "Invalid 'at': decimal above maximum value. Expected a value <= 1, but got 2.5 instead."),
        (OneOf(("a", "b", "c")), "x", "Invalid value: 'x'. Supported values are: 'a', 'b', and 'c'."),
    ],
)
def test_schema_names_the_values_that_it_supports(schema: Schema, value: Any, message: str) -> None:
    assert refusal(schema, value) == ("invalid_value", "at", message)


@pytest.mark.parametrize(
    ("schema", "value", "code", "param"),
    [
        (Record({"a": Text()}), {"b": 1}, "unknown_parameter", "at.b"),
        (Record({"a": Text()}, ("a",)), {}, "missing_required_parameter", "at.a"),
        (Record({"a": Text()}), {"a": 1}, "invalid_type", "at.a"),
        (ListOf(Text()), ["a", 2], "invalid_type", "at[1]"),
        (MapOf(Text()), {"k": 2}, "invalid_type", "at.k"),
        (COLOURED, {}, "missing_required_parameter", "at.type"),
        (COLOURED, {"type": None}, "invalid_type", "at.type"),
        (COLOURED, {"type": "green"}, "invalid_value", "at.type"),
        (COLOURED, {"depth": 1, "type": "blue"}, "unknown_parameter", "at.depth"),
    ],
)
def test_schema_names_the_field_that_is_wrong(schema: Schema, value: Any, code: str, param: str) -> None:
    assert refusal(schema, value)[:2] == (code, param)


def test_schema_at_the_root_names_fields_without_a_dot() -> None:
    assert refusal(Record({}), {"b": 1}, "")[1] == "b"
    assert refusal(COLOURED, {}, "")[1] == "type"


def test_rule_is_asked_after_its_schema() -> None:
    def refuse(value: Any, path: str) -> None:
        raise InvalidRequest(f"{path} is {value}")

    assert refusal(Rule(Text(), refuse), 1)[0] == "invalid_type"
    assert refusal(Rule(Text(), refuse), "x")[2] == "at is x"


def test_messages_repeat_only_the_beginning_of_a_long_value() -> None:
    assert shown("x" * (SHOWN + 1)) == "x" * SHOWN + "…"
    assert shown(7) == "7"
    assert listed(["a"]) == "'a'"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_json_may_be_nested_as_deep_as_it_can_be_written_again() -> None:
    check_encodable(nested(FREE_DEPTH - 1))
    with pytest.raises(InvalidRequest, match="nested deeper"):
        check_encodable(nested(FREE_DEPTH))


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, [float("inf")], {"a": float("nan")}])
def test_json_that_can_not_be_written_again_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_encodable(value)
    assert caught.value.code == "invalid_json"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_json_that_is_accepted_can_be_written_again(value: Any) -> None:
    try:
        check_encodable(value)
    except InvalidRequest:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
