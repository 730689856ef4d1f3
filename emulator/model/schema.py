"""Scenarios as TOML or as plain data: what is allowed, read strictly. `docs/scenarios.md` is the reference."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import UsageError
from ..realtime.transcription import TranscriptionFailure
from ..sessions.model import McpListing
from .actions import DEFAULT_CLOSE, KEYS, ActionReader, ReadAudio
from .locations import Path, locate
from .pattern import Pattern
from .placeholders import KNOWN
from .problems import Locate, Problem, Reading, ScenarioError, named
from .scenario import Hearing, ItemLike, Result, Scenario, Step, When

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_ERROR_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")
ROLES = ("user", "assistant", "system")
OCCASIONS = ("heard", "dtmf", "result", "item", "silence")
WHEN = ("start", *OCCASIONS, "turn")
MOST_SECONDS = 3600.0
MOST_TIMES = 1_000_000


def parse_scenario(
    text: str, *, file: str, read_audio: ReadAudio | None = None, close_code: int = DEFAULT_CLOSE
) -> Scenario:
    """A scenario of TOML. Raises `ScenarioError`, whose every problem names the line of `file`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _ERROR_LINE.search(str(error))
        line = place[1] if place is not None and place[1] else str(text.count("\n") + 1)
        message = str(error)[: place.start()] if place is not None else str(error)
        raise ScenarioError([Problem(f"{file}:{line}", f"this is no TOML: {message}")]) from error
    lines = locate(text)

    def where(path: Path) -> str:
        while path not in lines:
            path = path[:-1]
        return f"{file}:{lines[path]}"

    try:
        return read_scenario(table, locate=where, read_audio=read_audio, close_code=close_code)
    except ScenarioError as error:
        raise ScenarioError(sorted(error.problems, key=lambda problem: int(problem.where.rpartition(":")[2]))) from None


def read_scenario(
    table: Mapping[str, Any],
    *,
    locate: Locate = lambda path: "scenario",
    read_audio: ReadAudio | None = None,
    close_code: int = DEFAULT_CLOSE,
) -> Scenario:
    """A scenario of the data that TOML would give. Raises `ScenarioError`."""
    reading = Reading(locate)
    root = reading.table(table, (), ("scenario", "turn", "transcription", "end_of_turn", "mcp"))
    head = reading.table(root.get("scenario", {}), ("scenario",), ("name", "description", "strict", "pace_ms"))
    if "name" not in head and isinstance(root.get("scenario", {}), Mapping):
        reading.wrong(("scenario",), 'a name is needed: name = "…"')
    name = reading.text(head.get("name", "-"), ("scenario", "name"))
    if name is not None and name != "-" and _NAME.match(name) is None:
        reading.wrong(("scenario", "name"), f"letters, digits, . _ and - make a name, not {name!r}")
    pace_ms = reading.number(head["pace_ms"], ("scenario", "pace_ms"), 0, 60_000) if "pace_ms" in head else None
    turns = root.get("turn", [])
    if not isinstance(turns, list):
        reading.wrong(("turn",), "turns are an array of tables: [[turn]]")
        turns = []
    actions = ActionReader(reading, read_audio=read_audio, close_code=close_code)
    steps = [_step(reading, turn, index, actions) for index, turn in enumerate(turns)]
    scenario = Scenario(
        name=name or "-",
        steps=tuple(steps),
        description=reading.text(head.get("description", ""), ("scenario", "description")) or "",
        is_strict=bool(reading.flag(head.get("strict", False), ("scenario", "strict"))),
        pace=None if pace_ms is None else pace_ms / 1000,
        servers=dict(_servers(reading, root.get("mcp", []))),
        hearings=tuple(_hearings(reading, root.get("transcription", []))),
        ends=tuple(_ends(reading, root.get("end_of_turn", []))),
    )
    if reading.problems:
        raise ScenarioError(reading.problems)
    return scenario


def _step(reading: Reading, value: object, index: int, reader: ActionReader) -> Step:
    path: Path = ("turn", index)
    turn = reading.table(value, path, ("when", "name", "times", "repeat", "unasked", *KEYS))
    when = _when(reading, turn.get("when", {}), (*path, "when"))
    times: int | None = 1
    if "times" in turn:
        times = reading.whole(turn["times"], (*path, "times"), 1, MOST_TIMES)
    if "repeat" in turn and reading.flag(turn["repeat"], (*path, "repeat")):
        if "times" in turn:
            reading.wrong((*path, "repeat"), "repeat means without end: leave out either it or times")
        times = None
    reader.names = _names(when)
    place = reading.locate(path)
    return Step(
        when=when,
        actions=reader.turn(turn, path),
        number=index + 1,
        where=place if ":" in place else named(path),
        name=reading.text(turn["name"], (*path, "name")) if "name" in turn else None,
        times=times,
        is_unasked=_is_unasked(reading, turn, when, path),
    )


def _hearings(reading: Reading, value: object) -> Iterator[Hearing]:
    if not isinstance(value, list):
        reading.wrong(("transcription",), "transcriptions are an array of tables: [[transcription]]")
        return
    for index, each in enumerate(value):
        path: Path = ("transcription", index)
        given = reading.table(each, path, ("heard", "text", "fail", "after_ms", "pace_ms"))
        if isinstance(each, Mapping) and not given.keys() - {"heard"}:
            reading.wrong(
                path, "what was heard is told as another text, fails, or is late: give text, fail or after_ms"
            )
        if "text" in given and "fail" in given:
            reading.wrong((*path, "fail"), "text is there already: what fails has none")
        told: str | TranscriptionFailure | None = None
        if "fail" in given:
            told = _failure(reading, given["fail"], (*path, "fail"))
        elif "text" in given:
            told = reading.text(given["text"], (*path, "text"))
        after = reading.number(given.get("after_ms", 0), (*path, "after_ms"), 0, 1000 * MOST_SECONDS)
        pace = reading.number(given.get("pace_ms", 0), (*path, "pace_ms"), 0, 60_000)
        yield Hearing(
            heard=_pattern(reading, given.get("heard", ""), (*path, "heard")) or Pattern.of(""),
            told=told,
            delay=(after or 0.0) / 1000,
            pace=(pace or 0.0) / 1000,
        )


def _ends(reading: Reading, value: object) -> Iterator[Pattern]:
    if not isinstance(value, list):
        reading.wrong(("end_of_turn",), "ends of turns are an array of tables: [[end_of_turn]]")
        return
    for index, each in enumerate(value):
        path: Path = ("end_of_turn", index)
        given = reading.table(each, path, ("heard",))
        if isinstance(each, Mapping) and "heard" not in given:
            reading.wrong(path, "a turn ends by words: heard = …")
        if "heard" in given and (pattern := _pattern(reading, given["heard"], (*path, "heard"))) is not None:
            yield pattern


def _failure(reading: Reading, value: object, path: Path) -> TranscriptionFailure:
    given = {"message": value} if isinstance(value, str) else reading.table(value, path, ("message", "type", "code"))
    texts = {key: reading.text(text, (*path, key), may_be_empty=False) or "-" for key, text in given.items()}
    return TranscriptionFailure(**{"message": "The audio could not be transcribed.", **texts})


def _servers(reading: Reading, value: object) -> Iterator[tuple[str, McpListing]]:
    if not isinstance(value, list):
        reading.wrong(("mcp",), "MCP servers are an array of tables: [[mcp]]")
        return
    for index, each in enumerate(value):
        path: Path = ("mcp", index)
        given = reading.table(each, path, ("server", "tools", "fails", "after_ms"))
        if "server" not in given:
            reading.wrong(path, "an MCP server needs its label: server = …")
        after = reading.number(given.get("after_ms", 0), (*path, "after_ms"), 0, 1000 * MOST_SECONDS)
        tools = given.get("tools", [])
        if not isinstance(tools, list):
            reading.wrong((*path, "tools"), 'tools are an array: [{ name = "…" }]')
            tools = []
        listing = McpListing(
            tools=tuple(_tool(reading, tool, (*path, "tools", number)) for number, tool in enumerate(tools)),
            fails=bool(reading.flag(given.get("fails", False), (*path, "fails"))),
            delay=(after or 0.0) / 1000,
        )
        yield reading.text(given.get("server", "-"), (*path, "server"), may_be_empty=False) or "-", listing


def _tool(reading: Reading, value: object, path: Path) -> Mapping[str, Any]:
    if isinstance(value, str):
        return {"name": value, "input_schema": {"type": "object"}}
    given = reading.table(value, path, ("name", "description", "input_schema", "annotations"))
    name = reading.text(given.get("name"), (*path, "name"), may_be_empty=False)
    return {**given, "name": name, "input_schema": given.get("input_schema", {"type": "object"})}


def _is_unasked(reading: Reading, turn: Mapping[str, Any], when: When, path: Path) -> bool:
    default = when.dtmf is not None or when.silence is not None
    if "unasked" not in turn:
        return default
    given = reading.flag(turn["unasked"], (*path, "unasked"))
    if given and not (default or when.start):
        reading.wrong((*path, "unasked"), "only what answers start, dtmf or silence can begin by itself")
    if given is False and when.silence is not None:
        reading.wrong((*path, "unasked"), "nobody asks in a silence: leave this out")
    return bool(given)


def _when(reading: Reading, value: object, path: Path) -> When:
    given = reading.table(value, path, WHEN)
    occasions = [key for key in OCCASIONS if key in given]
    if len(occasions) > 1:
        reading.wrong(
            (*path, occasions[1]), f"{occasions[0]} is there already: a turn answers one of {', '.join(OCCASIONS)}"
        )
    when = When()
    if "start" in given:
        when = replace(when, start=bool(reading.flag(given["start"], (*path, "start"))))
        if when.start and "turn" in given:
            reading.wrong((*path, "turn"), "start is there already, and means turn = 1")
    if "heard" in given:
        when = replace(when, heard=_pattern(reading, given["heard"], (*path, "heard")))
    if "dtmf" in given:
        when = replace(when, dtmf=_keys(reading, given["dtmf"], (*path, "dtmf")))
    if "result" in given:
        when = replace(when, result=_result(reading, given["result"], (*path, "result")))
    if "item" in given:
        when = replace(when, item=_item(reading, given["item"], (*path, "item")))
    if "silence" in given:
        when = replace(when, silence=reading.number(given["silence"], (*path, "silence"), 0.02, MOST_SECONDS))
    if "turn" in given:
        when = replace(when, turn=reading.whole(given["turn"], (*path, "turn"), 1, MOST_TIMES))
    return when


def _pattern(reading: Reading, value: object, path: Path) -> Pattern | None:
    text = reading.text(value, path)
    try:
        return None if text is None else Pattern.of(text)
    except UsageError as error:
        reading.wrong(path, str(error))
        return None


def _keys(reading: Reading, value: object, path: Path) -> Pattern | None:
    pattern = _pattern(reading, value, path)
    if pattern is not None and not pattern.source.startswith("/") and not re.match(r"[0-9*#A-D]+\Z", pattern.source):
        reading.wrong(
            path, f'keys are 0 to 9, *, # and A to D, or a regular expression like "/[0-9]{{4}}#/", not {value!r}'
        )
        return None
    return pattern


def _result(reading: Reading, value: object, path: Path) -> Result:
    if isinstance(value, str):  # the function's name alone
        return Result(name=reading.text(value, path, may_be_empty=False))
    given = reading.table(value, path, ("name", "text"))
    return Result(
        name=reading.text(given["name"], (*path, "name"), may_be_empty=False) if "name" in given else None,
        text=_pattern(reading, given["text"], (*path, "text")) if "text" in given else None,
    )


def _item(reading: Reading, value: object, path: Path) -> ItemLike:
    given = reading.table(value, path, ("type", "role", "text"))
    return ItemLike(
        type=reading.text(given["type"], (*path, "type"), may_be_empty=False) if "type" in given else None,
        role=reading.one_of(given["role"], (*path, "role"), ROLES) if "role" in given else None,
        text=_pattern(reading, given["text"], (*path, "text")) if "text" in given else None,
    )


def _names(when: When) -> frozenset[str]:
    """What the placeholders of a step may be called."""
    patterns = (when.heard, when.dtmf, when.result and when.result.text, when.item and when.item.text)
    return KNOWN.union(*(pattern.names for pattern in patterns if pattern))
