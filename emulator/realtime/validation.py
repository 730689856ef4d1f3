"""What a JSON value must look like, as data; the first thing wrong becomes an `InvalidRequest` in the service's words.

A schema is built once and checks many values. Paths name a field as the service does: `session.tools[0].name`.
Wording and codes of unknown, missing and unsupported values are observed (FACTS 7.5) [OBS]; those of wrong types and of
numbers out of range follow the platform's other endpoints [CHOICE].
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import InvalidRequest, kind_of

SHOWN = 200
"""How much of a wrong value a message repeats."""

FREE_DEPTH = 64
"""How deep JSON may be nested where its shape is free; deeper values could not be written again [CHOICE]."""


class Schema(Protocol):
    """Anything with a `check`: it returns nothing, or raises `InvalidRequest` for the first thing wrong."""

    def check(self, value: Any, path: str) -> None: ...


class Fields(Protocol):
    """The schema of an object that is known to be one."""

    def check_fields(self, value: dict[str, Any], path: str) -> None: ...


def invalid_type(path: str, expected: str, value: object) -> InvalidRequest:
    """The error for a value of the wrong JSON type. `expected` has its article: "a string"."""
    return InvalidRequest(
        f"Invalid type for '{path}': expected {expected}, but got {kind_of(value)} instead.",
        code="invalid_type",
        param=path,
    )


def invalid_value(path: str, value: object, supported: Sequence[str]) -> InvalidRequest:
    """The error for a value that is none of those supported."""
    return InvalidRequest(
        f"Invalid value: '{shown(value)}'. Supported values are: {listed(supported)}.", code="invalid_value", param=path
    )


def missing(path: str) -> InvalidRequest:
    return InvalidRequest(f"Missing required parameter: '{path}'.", code="missing_required_parameter", param=path)


def unknown(path: str) -> InvalidRequest:
    return InvalidRequest(f"Unknown parameter: '{path}'.", code="unknown_parameter", param=path)


def shown(value: object) -> str:
    """A value as a message repeats it: not more than `SHOWN` characters of it."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def listed(values: Sequence[str]) -> str:
    """`'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`, as the service lists them [OBS]."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) <= 2:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def check_encodable(value: object) -> None:
    """Refuse JSON that could not be written again: lone surrogates, infinite numbers, endless nesting.

    Every event that repeats a part of it would fail on its way out.
    """
    level: list[object] = [value]
    for _ in range(FREE_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise InvalidRequest(f"The JSON value is nested deeper than {FREE_DEPTH} levels.", code="invalid_json")


def _children(node: object) -> list[object]:
    match node:
        case str():
            if not node.isascii():
                _check_text(node)
        case float():
            if not math.isfinite(node):
                raise InvalidRequest("A number is too large for JSON.", code="invalid_json")
        case list():
            return node
        case dict():
            return [*node, *node.values()]
    return []


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("A string holds half of a surrogate pair.", code="invalid_json") from error


# Schemas


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise invalid_type(path, "a string", value)


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, bool):
            raise invalid_type(path, "a boolean", value)


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer within limits, both included."""

    minimum: int | None = None
    maximum: int | None = None

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid_type(path, "an integer", value)
        _check_range(path, "integer", value, self.minimum, self.maximum)


@dataclass(frozen=True, slots=True)
class Real:
    """A number within limits, both included."""

    minimum: float
    maximum: float

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise invalid_type(path, "a decimal", value)
        _check_range(path, "decimal", value, self.minimum, self.maximum)


def _check_range(path: str, kind: str, value: float, minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and value < minimum:
        wrong = f"{kind} below minimum value. Expected a value >= {minimum}"
    elif maximum is not None and value > maximum:
        wrong = f"{kind} above maximum value. Expected a value <= {maximum}"
    else:
        return
    raise InvalidRequest(
        f"Invalid '{path}': {wrong}, but got {shown(value)} instead.", code="invalid_value", param=path
    )


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few strings."""

    values: tuple[str, ...]

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise invalid_type(path, f"one of {listed(self.values)}", value)
        if value not in self.values:
            raise invalid_value(path, value, self.values)


@dataclass(frozen=True, slots=True)
class Nullable:
    """Null, or what `schema` says."""

    schema: Schema

    def check(self, value: Any, path: str) -> None:
        if value is not None:
            self.schema.check(value, path)


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array whose elements all follow one schema."""

    schema: Schema

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise invalid_type(path, "an array", value)
        for index, element in enumerate(value):
            self.schema.check(element, f"{path}[{index}]")


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with free keys whose values all follow one schema."""

    schema: Schema

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid_type(path, "an object", value)
        for key, element in value.items():
            self.schema.check(element, f"{path}.{shown(key)}")


@dataclass(frozen=True, slots=True)
class Free:
    """Any JSON: `check_encodable` has seen to what could not be written again."""

    def check(self, value: Any, path: str) -> None:
        """Nothing is wrong here."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these fields and no others. Keys are checked in the order in which they came, then `required`."""

    fields: Mapping[str, Schema]
    required: tuple[str, ...] = ()

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid_type(path, "an object", value)
        self.check_fields(value, path)

    def check_fields(self, value: dict[str, Any], path: str) -> None:
        prefix = f"{path}." if path else ""
        for key, element in value.items():
            schema = self.fields.get(key)
            if schema is None:
                raise unknown(prefix + shown(key))
            schema.check(element, prefix + key)
        for key in self.required:
            if key not in value:
                raise missing(prefix + key)


@dataclass(frozen=True, slots=True)
class Tagged:
    """An object whose field `tag` says which record it is. The tag is looked at first: without it nothing else can be
    judged. `default` stands for a missing tag."""

    records: Mapping[str, Fields]
    tag: str = "type"
    default: str | None = None
    supported: tuple[str, ...] = field(default=())
    """What the message lists, where that is not the keys of `records`."""

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid_type(path, "an object", value)
        tag_path = f"{path}.{self.tag}" if path else self.tag
        tag = value.get(self.tag, self.default)
        if tag is None and self.tag not in value:
            raise missing(tag_path)
        if not isinstance(tag, str):
            raise invalid_type(tag_path, "a string", tag)
        record = self.records.get(tag)
        if record is None:
            raise invalid_value(tag_path, tag, self.supported or tuple(self.records))
        record.check_fields(value, path)


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of several JSON types, each with its own schema."""

    schemas: Mapping[type, Schema]
    expected: str

    def check(self, value: Any, path: str) -> None:
        schema = self.schemas.get(type(value))
        if schema is None:
            raise invalid_type(path, self.expected, value)
        schema.check(value, path)


@dataclass(frozen=True, slots=True)
class Rule:
    """A schema, and one more thing that must hold: `rule(value, path)` raises where it does not."""

    schema: Schema
    rule: Callable[[Any, str], None]

    def check(self, value: Any, path: str) -> None:
        self.schema.check(value, path)
        self.rule(value, path)
