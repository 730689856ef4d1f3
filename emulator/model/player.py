"""Plays a scenario in one session: finds the step for each response, and speaks by itself where a step says so."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

from ..realtime.conversation import Item
from ..realtime.session_config import SessionConfig
from ..realtime.transcription import Slow, Transcript
from ..sessions.model import Call, CallMcp, Fail, McpListing, Model, Note, Output, Play, Say, Turn, knows_servers
from .builtin import unanswered
from .placeholders import filled
from .scenario import Action, Called, CalledMcp, Mismatch, Occasion, Scenario, Spoken, Step

DIGITS_KEPT = 64
"""Keys that are remembered while no step answers them."""

SLACK = 1e-6
"""A quiet is as long as wanted, whatever the last bits of its seconds say."""

UNMATCHED = "scenario_unmatched"
"""Code of the error with which a response of a strict scenario fails; the service has none like it [CHOICE]."""


class Uses:
    """How often each step of a scenario has answered, in the session that went furthest with it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.most = [0] * len(scenario.steps)

    def grown(self, scenario: Scenario) -> "Uses":
        """The same for a scenario that was written further: of the steps that it still has nothing is forgotten."""
        uses = Uses(scenario)
        for index, (before, now) in enumerate(zip(self.scenario.steps, scenario.steps, strict=False)):
            if before == now:
                uses.most[index] = self.most[index]
        return uses

    def count(self, index: int, used: int) -> None:
        self.most[index] = max(self.most[index], used)

    def unread(self) -> list[Step]:
        """The steps that no session has used up."""
        return self.scenario.unread(self.most)


class Player:
    """A model: the first step in order answers that fits and is not used up. Where none does, a strict scenario lets
    the response fail, and otherwise `fallback` answers."""

    def __init__(self, scenario: Scenario, *, fallback: Model, pace: float = 0.0, uses: Uses | None = None) -> None:
        self.scenario = scenario
        self._fallback = fallback
        self._pace = pace if scenario.pace is None else scenario.pace
        self._uses = uses or Uses(scenario)
        self._used = [0] * len(scenario.steps)
        self._responses = 0
        self._digits = ""
        self._waiting: deque[tuple[int, Mapping[str, str]]] = deque()
        """Steps that want to speak, with the values of their placeholders."""
        self._speaks_unasked = any(step.is_unasked for step in scenario.steps)

    # Input

    def opened(self, config: SessionConfig) -> None:
        """A step for the start that is unasked speaks now."""
        for index, step in self._unasked():
            if step.when.start:
                self._want(index, {})
                return

    def pressed(self, digit: str, config: SessionConfig) -> None:
        """A step speaks whose keys were pressed last."""
        self._digits = (self._digits + digit)[-DIGITS_KEPT:]
        for index, step in self._unasked():
            if step.when.dtmf is not None and (found := step.when.dtmf.find_at_end(self._digits)) is not None:
                self._want(index, {**found, "dtmf": self._digits})
                self._digits = ""
                return

    def patience(self, config: SessionConfig) -> float | None:
        """The shortest quiet that a step waits for."""
        if not self._speaks_unasked:
            return None
        return min((step.when.silence for _, step in self._unasked() if step.when.silence is not None), default=None)

    def waited(self, seconds: float, config: SessionConfig) -> None:
        """A step speaks that waits for no longer quiet."""
        for index, step in self._unasked():
            if step.when.silence is not None and step.when.silence <= seconds + SLACK:
                self._want(index, {})
                return

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        """What the scenario says of the server, else what `fallback` does."""
        listing = self.scenario.servers.get(str(server["server_label"]))
        if listing is not None:
            return listing
        return self._fallback.list_tools(server) if knows_servers(self._fallback) else McpListing()

    def transcribe(self, heard: str, config: SessionConfig) -> Transcript:
        """What the scenario says of those words, else the words."""
        for hearing in self.scenario.hearings:
            if hearing.heard.find(heard) is not None:
                told = heard if hearing.told is None else hearing.told
                return Slow(told=told, delay=hearing.delay, pace=hearing.pace)
        return heard

    def ends_turn(self, heard: str, config: SessionConfig) -> bool | None:
        """Whether the scenario says that these words are a whole turn; None where it says nothing of any."""
        ends = self.scenario.ends
        return any(each.find(heard) is not None for each in ends) if ends else None

    def wants_to_speak(self) -> bool:
        return bool(self._waiting)

    # Output

    def respond(self, turn: Turn) -> Iterable[Output]:
        """What the step says that answers."""
        self._responses += 1
        if turn.cause == "model" and self._waiting:
            index, values = self._waiting.popleft()
            return self._play(index, values)
        occasion = occasion_of(turn, self._responses, self._digits)
        for index, step in enumerate(self.scenario.steps):
            if self._is_used_up(index) or (step.is_unasked and not step.when.start):
                continue
            found = step.when.match(occasion)
            if isinstance(found, Mismatch):
                continue
            values = {"heard": occasion.heard or "", **found}
            if step.when.dtmf is not None:
                values["dtmf"], self._digits = self._digits, ""
            self._count(index)
            return self._play(index, values)
        if not self.scenario.is_strict:
            return self._fallback.respond(turn)
        message = self.scenario.unmatched(occasion, self._used)
        return (
            Note(kind="scenario.unmatched", data={"scenario": self.scenario.name, "message": message}),
            Fail(message=f"ringback: {message}", code=UNMATCHED),
        )

    # Private

    def _unasked(self) -> Iterator[tuple[int, Step]]:
        """The steps that may speak by themselves."""
        for index, step in enumerate(self.scenario.steps):
            if (
                step.is_unasked
                and not self._is_used_up(index)
                and step.when.turn in (None, self._responses + len(self._waiting) + 1)
            ):
                yield index, step

    def _want(self, index: int, values: Mapping[str, str]) -> None:
        self._count(index)
        self._waiting.append((index, values))

    def _count(self, index: int) -> None:
        self._used[index] += 1
        self._uses.count(index, self._used[index])

    def _is_used_up(self, index: int) -> bool:
        times = self.scenario.steps[index].times
        return times is not None and self._used[index] >= times

    def _play(self, index: int, values: Mapping[str, str]) -> Iterator[Output]:
        step = self.scenario.steps[index]
        data = {"scenario": self.scenario.name, "step": step.number, "name": step.name, "where": step.where}
        yield Note(kind="scenario.step", data=data)
        for action in step.actions:
            yield _output(action, {"turn": str(self._responses), **values}, self._pace)


def occasion_of(turn: Turn, number: int, digits: str) -> Occasion:
    """What a response has to answer. Reads only the end of the conversation."""
    items = turn.latest_first()
    last = next(items, None)
    if last is None:
        return Occasion(number=number, digits=digits)
    item = unanswered(chain((last,), items))
    heard = " ".join(item.texts()) if item is not None and item.role == "user" else None
    return Occasion(
        number=number,
        heard=heard,
        results=_results(turn),
        item=(last.type, last.role, " ".join(last.texts())),
        digits=digits,
    )


def _results(turn: Turn) -> Sequence[tuple[str, str]]:
    """The outputs that came last, of functions and of MCP servers' tools."""
    outputs = takewhile(lambda item: item.shown.get("output") is not None, turn.latest_first())
    return [(_name_of(item, turn), str(item.shown["output"])) for item in outputs]


def _name_of(output: Item, turn: Turn) -> str:
    """The function whose output it is; empty where the conversation does not have the call."""
    if output.type != "function_call_output":
        return str(output.shown["name"])
    call_id = output.shown["call_id"]
    calls = (item for item in turn.conversation.backwards() if item.type == "function_call")
    return next((str(item.shown["name"]) for item in calls if item.shown["call_id"] == call_id), "")


def _output(action: Action, values: Mapping[str, str], pace: float) -> Output:
    match action:
        case Spoken(samples=None):
            return Say(
                text=filled(action.text, values),
                delay=action.delay,
                pace=_own(action, pace),
                stop=action.stop,
                overlaps=action.overlaps,
            )
        case Spoken(samples=samples):
            assert samples is not None
            return Play(
                samples=samples,
                transcript=filled(action.text, values),
                delay=action.delay,
                pace=_own(action, pace),
                stop=action.stop,
                overlaps=action.overlaps,
            )
        case Called():
            text = _as_text(filled(action.arguments, values))
            return Call(name=action.name, arguments=text, delay=action.delay, pace=_own(action, pace))
        case CalledMcp():
            return CallMcp(
                server_label=action.server,
                name=action.name,
                arguments=_as_text(filled(action.arguments, values)),
                output=filled(action.output, values),
                error=action.error,
                takes=action.takes,
                delay=action.delay,
                pace=_own(action, pace),
            )
        case _:
            return action


def _as_text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _own(action: Spoken | Called | CalledMcp, pace: float) -> float:
    return pace if action.pace is None else action.pace
