"""Scenarios written in Python: `ScenarioBuilder("x").when(heard="human").call("transfer", target="…")`."""

from collections.abc import Mapping
from typing import Any, Self

from .scenario import Scenario
from .schema import read_scenario


class ScenarioBuilder:
    """`when(…)` begins a turn, `always()` one without a condition; `build()` gives what is written by then.

    What a turn takes is what TOML takes, in the same words; `build` raises `ScenarioError` for what is wrong with it.
    """

    def __init__(
        self, name: str = "python", *, strict: bool = False, description: str = "", pace_ms: float | None = None
    ) -> None:
        head: dict[str, Any] = {"name": name, "strict": strict, "description": description}
        self.head = head if pace_ms is None else {**head, "pace_ms": pace_ms}
        self.turns: list[dict[str, Any]] = []
        self.servers: list[dict[str, Any]] = []
        self.hearings: list[dict[str, Any]] = []
        self.ends: list[dict[str, Any]] = []

    def when(
        self,
        *,
        times: int | None = None,
        repeat: bool | None = None,
        unasked: bool | None = None,
        name: str | None = None,
        **conditions: Any,
    ) -> "TurnBuilder":
        """A turn that answers when all `conditions` hold: `start`, `heard`, `dtmf`, `result`, `item`, `silence`,
        `turn`."""
        given = {"times": times, "repeat": repeat, "unasked": unasked, "name": name}
        turn: dict[str, Any] = {"when": conditions, **{key: value for key, value in given.items() if value is not None}}
        self.turns.append(turn)
        return TurnBuilder(turn)

    def always(self, **options: Any) -> "TurnBuilder":
        """A turn that answers whatever is asked."""
        return self.when(**options)

    def mcp(self, server: str, **options: Any) -> Self:
        """What an MCP server offers: `tools`, or that it `fails`, and `after_ms`."""
        self.servers.append({"server": server, **options})
        return self

    def transcription(self, heard: str, **options: Any) -> Self:
        """What is told of words in place of them, `text` or `fail`, and how late: `after_ms`, `pace_ms`."""
        self.hearings.append({"heard": heard, **options})
        return self

    def end_of_turn(self, heard: str) -> Self:
        """Words by which the caller's turn is over, for `semantic_vad`."""
        self.ends.append({"heard": heard})
        return self

    def build(self) -> Scenario:
        """The scenario as it is now."""
        return read_scenario(
            {
                "scenario": self.head,
                "turn": self.turns,
                "transcription": self.hearings,
                "end_of_turn": self.ends,
                "mcp": self.servers,
            }
        )


class TurnBuilder:
    """What one turn does, in the order of the calls."""

    def __init__(self, turn: dict[str, Any]) -> None:
        self._turn = turn

    def say(self, text: str | None = None, **options: Any) -> Self:
        """A message: `text`, or `audio=` samples with a `transcript`; `after_ms`, `pace_ms`, `stop_after` …"""
        return self._do(say=options if text is None else {"text": text, **options})

    def call(self, function: str, /, **arguments: Any) -> Self:
        """Call a function with these arguments."""
        return self._do(call={"name": function, "arguments": arguments})

    def call_with(self, function: str, arguments: Mapping[str, Any] | str, **options: Any) -> Self:
        """Call a function with these arguments, or a text in their place; `after_ms`, `pace_ms`."""
        return self._do(call={"name": function, "arguments": arguments, **options})

    def call_mcp(self, server: str, name: str, **options: Any) -> Self:
        """Call an MCP server's tool: `arguments`, `output` or `error`, `takes_ms` …"""
        return self._do(call_mcp={"server": server, "name": name, **options})

    def wait(self, ms: float) -> Self:
        return self._do(wait_ms=ms)

    def error(self, message: str, **options: Any) -> Self:
        """An `error` event; the response goes on."""
        return self._do(error={"message": message, **options})

    def fail(self, message: str, **options: Any) -> Self:
        """The response fails."""
        return self._do(fail={"message": message, **options})

    def incomplete(self, reason: str = "max_output_tokens") -> Self:
        """The response ends incomplete."""
        return self._do(incomplete=reason)

    def cancelled(self, reason: str = "turn_detected") -> Self:
        """The response ends cancelled."""
        return self._do(cancelled=reason)

    def silent(self) -> Self:
        """Nothing: the response is completed without output."""
        return self._do(silent=True)

    def disconnect(self, code: int | None = None, **options: Any) -> Self:
        """Every channel is closed."""
        return self._do(disconnect=options if code is None else {"code": code, **options})

    def hang_up(self, **options: Any) -> Self:
        """The call ends."""
        return self._do(hang_up=options)

    def _do(self, **action: Any) -> Self:
        self._turn.setdefault("do", []).append(action)
        return self
