"""What a step of a scenario does, read from its data: `say`, `call`, `fail` and the rest."""

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from ..audio.samples import Samples
from ..errors import UsageError
from ..sessions.model import Disconnect, End, Fail, HangUp, McpError, Silence, Stop, Trouble
from .locations import Path
from .placeholders import KNOWN, placeholders
from .problems import Reading
from .scenario import Action, Called, CalledMcp, Spoken

SHORT = (
    "wait_ms",
    "error",
    "say",
    "call",
    "call_mcp",
    "disconnect",
    "hang_up",
    "fail",
    "incomplete",
    "cancelled",
    "silent",
)
"""The keys that a turn may have once each, in the order in which they happen."""

KEYS = (*SHORT, "do")
ENDS = ("fail", "incomplete", "cancelled", "silent")
DEFAULT_CLOSE = 1011
INCOMPLETE = ("max_output_tokens", "content_filter")
CANCELLED = ("turn_detected", "client_cancelled")
MCP_ERRORS = ("tool_execution_error", "protocol_error", "http_error")
MOST_MS = 3_600_000
MOST_CHARACTERS = 1_000_000

ReadAudio = Callable[[str], Samples]
"""Reads a sound that a scenario names. Raises `UsageError`."""


class ActionReader:
    """Reads what turns do. `names` are the placeholders that may be used in the turn at hand."""

    def __init__(self, reading: Reading, *, read_audio: ReadAudio | None, close_code: int) -> None:
        self.names: Collection[str] = KNOWN
        self._reading = reading
        self._read_audio = read_audio
        self._close_code = close_code
        self._readers: dict[str, Callable[[Any, Path], list[Action]]] = {
            "wait_ms": self._wait,
            "error": self._error,
            "say": self._say,
            "call": self._call,
            "call_mcp": self._call_mcp,
            "disconnect": self._disconnect,
            "hang_up": self._hang_up,
            "fail": self._fail,
            "incomplete": lambda value, path: self._end("incomplete", INCOMPLETE, value, path),
            "cancelled": lambda value, path: self._end("cancelled", CANCELLED, value, path),
            "silent": self._silent,
        }

    def turn(self, turn: Mapping[str, Any], path: Path) -> tuple[Action, ...]:
        """What a turn does, in order: its keys in the order of `SHORT`, or the elements of `do`."""
        given = [key for key in SHORT if key in turn]
        if "do" in turn:
            if given:
                self._reading.wrong((*path, given[0]), "this turn has do: put it there")
            return tuple(self._in_order(turn["do"], (*path, "do")))
        if not given:
            self._reading.wrong(path, f"the turn does nothing: give it one of {', '.join(KEYS)}")
        others = [key for key in given if key not in ("silent", "wait_ms")]
        if "silent" in given and others:
            self._reading.wrong((*path, "silent"), f"silent says that nothing happens; there is {others[0]} too")
        return tuple(action for key in given for action in self._readers[key](turn[key], (*path, key)))

    # Private

    def _in_order(self, value: Any, path: Path) -> list[Action]:
        """`do`: an array of tables with one of the keys each."""
        if not isinstance(value, list) or not value:
            self._reading.wrong(path, 'an array of things to do is needed: [{ say = "…" }, { call = { … } }]')
            return []
        actions: list[Action] = []
        for index, each in enumerate(value):
            place = (*path, index)
            given = self._reading.table(each, place, SHORT)
            if len(given) != 1 and isinstance(each, Mapping):
                self._reading.wrong(place, f"one of {', '.join(SHORT)} is needed here, not {len(given)}")
            for key, what in given.items():
                actions += self._readers[key](what, (*place, key))
                if key in ENDS and index + 1 < len(value):
                    self._reading.wrong((*path, index + 1), f"{key} ends the response: nothing can follow")
        return actions

    def _wait(self, value: Any, path: Path) -> list[Action]:
        return [Silence(delay=self._ms(value, path))]

    def _silent(self, value: Any, path: Path) -> list[Action]:
        if self._reading.flag(value, path) is False:
            self._reading.wrong(path, "silent = true says that the response has no output; leave it out otherwise")
        return []

    def _say(self, value: Any, path: Path) -> list[Action]:
        if isinstance(value, list):
            return [action for index, each in enumerate(value) for action in self._say(each, (*path, index))]
        if isinstance(value, str):
            return [Spoken(text=self._filled_later(value, path))]
        keys = ("text", "audio", "transcript", "after_ms", "pace_ms", "stop_after", "stop_after_ms", "then", "overlaps")
        given = self._reading.table(value, path, keys)
        if isinstance(value, Mapping) and ("text" in given) == ("audio" in given):
            self._reading.wrong(path, "a message has either text or audio (with a transcript)")
        if "transcript" in given and "audio" not in given:
            self._reading.wrong((*path, "transcript"), "a text is its own transcript: only audio has another")
        text = given.get("transcript", "") if "audio" in given else given.get("text", "")
        stop, ends = self._stop(given, path)
        spoken = Spoken(
            text=self._filled_later(text, (*path, "transcript" if "audio" in given else "text")),
            samples=self._audio(given["audio"], (*path, "audio")) if "audio" in given else None,
            delay=self._after(given, path),
            pace=self._pace(given, path),
            stop=stop,
            overlaps=bool(self._reading.flag(given.get("overlaps", False), (*path, "overlaps"))),
        )
        return [spoken, *ends]

    def _stop(self, given: Mapping[str, Any], path: Path) -> tuple[Stop | None, list[Action]]:
        """Where a message breaks off, and how the response ends then."""
        if "stop_after" not in given and "stop_after_ms" not in given:
            if "then" in given:
                self._reading.wrong((*path, "then"), "this says how a message that stops ends: give stop_after, too")
            return None, []
        if "stop_after" in given and "stop_after_ms" in given:
            self._reading.wrong((*path, "stop_after_ms"), "stop_after is there already: give one of them")
        if "stop_after" in given:
            count = self._reading.whole(given["stop_after"], (*path, "stop_after"), 0, MOST_CHARACTERS)
            stop = Stop(characters=count)
        else:
            ms = self._reading.whole(given["stop_after_ms"], (*path, "stop_after_ms"), 0, MOST_MS)
            stop = Stop(ms=ms or 0)
        then = self._reading.one_of(
            given.get("then", "max_output_tokens"), (*path, "then"), (*INCOMPLETE, *CANCELLED, "go on")
        )
        if then in (None, "go on"):
            return stop, []
        return stop, [End(status="incomplete" if then in INCOMPLETE else "cancelled", reason=then)]

    def _audio(self, value: Any, path: Path) -> Samples | None:
        if isinstance(value, np.ndarray):
            if value.dtype == np.int16 and value.ndim == 1:
                return value
            self._reading.wrong(path, "sound is one row of 16-bit samples at 8 kHz")
            return None
        name = self._reading.text(value, path, may_be_empty=False)
        if name is None:
            return None
        if self._read_audio is None:
            self._reading.wrong(path, "a scenario without a file of its own can't name others")
            return None
        try:
            return self._read_audio(name)
        except UsageError as error:
            self._reading.wrong(path, str(error))
            return None

    def _call(self, value: Any, path: Path) -> list[Action]:
        if isinstance(value, list):
            return [action for index, each in enumerate(value) for action in self._call(each, (*path, index))]
        if isinstance(value, str):
            return [Called(name=self._reading.text(value, path, may_be_empty=False) or "", arguments={})]
        given = self._reading.table(value, path, ("name", "arguments", "after_ms", "pace_ms"))
        if "name" not in given:
            self._reading.wrong(path, "a call needs the name of a function")
        arguments = given.get("arguments", {})
        self._check_arguments(arguments, (*path, "arguments"))
        name = self._reading.text(given.get("name", "-"), (*path, "name"), may_be_empty=False)
        return [
            Called(
                name=name or "-",
                arguments=arguments,
                delay=self._after(given, path),
                pace=self._pace(given, path),
            )
        ]

    def _call_mcp(self, value: Any, path: Path) -> list[Action]:
        keys = ("server", "name", "arguments", "output", "error", "takes_ms", "after_ms", "pace_ms")
        given = self._reading.table(value, path, keys)
        for key in ("server", "name"):
            if key not in given and isinstance(value, Mapping):
                self._reading.wrong(path, f"a call of an MCP server’s tool needs its {key}")
        if "output" in given and "error" in given:
            self._reading.wrong((*path, "error"), "output is there already: a call has one of them")
        arguments = given.get("arguments", {})
        self._check_arguments(arguments, (*path, "arguments"))
        return [
            CalledMcp(
                server=self._reading.text(given.get("server", "-"), (*path, "server"), may_be_empty=False) or "-",
                name=self._reading.text(given.get("name", "-"), (*path, "name"), may_be_empty=False) or "-",
                arguments=arguments,
                output=self._filled_later(given.get("output", ""), (*path, "output")),
                error=self._mcp_error(given["error"], (*path, "error")) if "error" in given else None,
                takes=self._ms(given["takes_ms"], (*path, "takes_ms")) if "takes_ms" in given else 0.0,
                delay=self._after(given, path),
                pace=self._pace(given, path),
            )
        ]

    def _mcp_error(self, value: Any, path: Path) -> McpError | None:
        if isinstance(value, str):
            return McpError(type="tool_execution_error", message=value)
        given = self._reading.table(value, path, ("type", "message", "code"))
        kind = self._reading.one_of(given.get("type", MCP_ERRORS[0]), (*path, "type"), MCP_ERRORS)
        message = self._reading.text(given.get("message", ""), (*path, "message"))
        if "code" in given and kind == "tool_execution_error":
            self._reading.wrong((*path, "code"), "a tool_execution_error has no code, the others have")
        code = self._reading.whole(given.get("code", 0), (*path, "code"), -1_000_000, 1_000_000)
        return None if kind is None else McpError(type=kind, message=message or "", code=code or 0)

    def _fail(self, value: Any, path: Path) -> list[Action]:
        given = self._described(value, path, ("message", "type", "code", "after_ms"))
        return [
            Fail(message=given["message"], type=given["type"], code=given.get("code"), delay=self._after(given, path))
        ]

    def _error(self, value: Any, path: Path) -> list[Action]:
        given = self._described(value, path, ("message", "type", "code", "param", "after_ms"))
        return [
            Trouble(
                message=given["message"],
                type=given["type"],
                code=given.get("code"),
                param=given.get("param"),
                delay=self._after(given, path),
            )
        ]

    def _described(self, value: Any, path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
        """An error's fields; a text is its message."""
        given = {"message": value} if isinstance(value, str) else self._reading.table(value, path, keys)
        given.setdefault("type", "server_error")
        given.setdefault("message", "The server had an error while processing your request.")
        for key in ("message", "type", "code", "param"):
            if key in given:
                given[key] = self._reading.text(given[key], (*path, key), may_be_empty=False) or "-"
        return given

    def _end(self, status: Any, reasons: tuple[str, ...], value: Any, path: Path) -> list[Action]:
        reason = self._reading.one_of(value, path, reasons)
        return [] if reason is None else [End(status=status, reason=reason)]

    def _disconnect(self, value: Any, path: Path) -> list[Action]:
        if value is True:
            return [Disconnect(code=self._close_code)]
        if isinstance(value, int) and not isinstance(value, bool):
            value, path = {"code": value}, path[:-1]
            place: Path = (*path, "disconnect")
        else:
            place = (*path, "code")
        given = self._reading.table(value, path, ("code", "reason", "after_ms"))
        code = self._reading.whole(given.get("code", self._close_code), place, 1000, 4999)
        reason = self._reading.text(given.get("reason", ""), (*path, "reason")) or ""
        return [Disconnect(code=code or self._close_code, reason=reason, delay=self._after(given, path))]

    def _hang_up(self, value: Any, path: Path) -> list[Action]:
        if value is True:
            return [HangUp(reason="the scenario hangs up")]
        given = self._reading.table(value, path, ("reason", "after_ms"))
        reason = self._reading.text(given.get("reason", "the scenario hangs up"), (*path, "reason"))
        return [HangUp(reason=reason or "", delay=self._after(given, path))]

    def _filled_later(self, value: Any, path: Path) -> str:
        text = self._reading.text(value, path) or ""
        self._check_placeholders(text, path)
        return text

    def _check_arguments(self, value: Any, path: Path) -> None:
        if not isinstance(value, Mapping | str):
            self._reading.wrong(path, "arguments are a table, or a text that is sent as it is")
        self._check_placeholders(value, path)

    def _check_placeholders(self, value: Any, path: Path) -> None:
        for name in placeholders(value):
            if name not in self.names:
                close = difflib.get_close_matches(name, self.names, n=1)
                hint = f"did you mean {{{close[0]}}}? " if close else ""
                there = ", ".join(sorted(self.names))
                self._reading.wrong(path, f"nothing fills {{{name}}} in; {hint}There are {there}")

    def _after(self, given: Mapping[str, Any], path: Path) -> float:
        return self._ms(given["after_ms"], (*path, "after_ms")) if "after_ms" in given else 0.0

    def _pace(self, given: Mapping[str, Any], path: Path) -> float | None:
        return self._ms(given["pace_ms"], (*path, "pace_ms")) if "pace_ms" in given else None

    def _ms(self, value: Any, path: Path) -> float:
        return (self._reading.number(value, path, 0, MOST_MS) or 0.0) / 1000
