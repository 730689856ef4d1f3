import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.model.locations import Path, locate
from ringback.emulator.scenario_files import shipped_names, shipped_text

TRICKY = '''# a comment with "quotes" and [brackets]
title = """
several = lines [ with
"quotes" in them"""
other = \'\'\'a
'b\' \'\'\'
a.b.'c d' = 1   # dotted
"a".e = 1979-05-27 07:32:00

[[turn]]
when = { x = "a # b", "y]" = [1, 2,
  [ "three" ], # a comment in an array
  { z = 'q', w.v = inf },
] }

[turn.say]
text = "it's \\"quoted\\" # not a comment"
[[turn.list]]
n = +1.5e3
[[turn.list]]
n = 0xFF
[[ turn ]]
[turn.list . x]
t = 07:32:00
'''


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from paths(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from paths(each, (*path, index))


@pytest.mark.parametrize("text", [TRICKY, "", "a = 1", *map(shipped_text, shipped_names())])
def test_every_value_is_located(text: str) -> None:
    assert set(locate(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "start"),
    [
        (("title",), "title ="),
        (("other",), "other ="),
        (("a", "b", "c d"), "a.b."),
        (("a", "e"), '"a".e'),
        (("turn", 0), "[[turn]]"),
        (("turn", 0, "when", "x"), "when ="),
        (("turn", 0, "when", "y]", 2, 0), '  [ "three" ]'),
        (("turn", 0, "when", "y]", 3, "w", "v"), "  { z"),
        (("turn", 0, "say"), "[turn.say]"),
        (("turn", 0, "say", "text"), "text ="),
        (("turn", 0, "list", 1, "n"), "n = 0xFF"),
        (("turn", 1), "[[ turn ]]"),
        (("turn", 1, "list", "x", "t"), "t = 07"),
    ],
)
def test_value_is_located_on_its_line(path: Path, start: str) -> None:
    line = locate(TRICKY)[path]
    assert TRICKY.splitlines()[line - 1].startswith(start)


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**40), 2**40), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)


def toml(value: Any) -> str:
    """A value as TOML has it, each element of an array on a line of its own."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = "".join(f"\\U{ord(character):08X}" if character in '\\"' else character for character in value)
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(each)}" for key, each in value.items()) + "}"
    return str(value)


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,5}\Z"), values, max_size=4))
def test_every_value_of_any_toml_is_located(table: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in table.items())
    parsed = tomllib.loads(text)
    assert parsed == table
    if "\\U" not in text:  # a key that is escaped is named as it is written
        assert set(locate(text)) == set(paths(parsed))
