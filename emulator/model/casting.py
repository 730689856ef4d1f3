"""Who answers in which session: the built-in model, its project's scenario, or the one that a marker names."""

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ..errors import UsageError
from ..realtime.session_config import SessionConfig
from ..realtime.transcription import Transcript
from ..sessions.model import (
    Fail,
    McpListing,
    Model,
    Note,
    Output,
    Say,
    Turn,
    Unasked,
    ends_turns,
    knows_servers,
    speaks_unasked,
    transcribes,
)
from .builder import ScenarioBuilder
from .player import UNMATCHED, Player, Uses
from .scenario import Scenario, Step

MARKER = "ringback:scenario"
"""In a response's `metadata` the key of a scenario's name; in instructions it is `ringback:scenario=NAME`."""

_MARK = re.compile(rf"{re.escape(MARKER)}=([A-Za-z0-9._-]*[A-Za-z0-9_-])")

Answer: TypeAlias = Iterable[Output | str] | str | None
Part: TypeAlias = Scenario | ScenarioBuilder | Callable[[Turn], Answer]
"""What may be chosen: a scenario, one that is still being written, or a function that answers a turn."""

Find = Callable[[str], Part]
"""The scenario that has a name. Raises `UsageError` where none has."""


class Casting:
    """The scenarios of the projects of one emulator. `fallback` is who answers where no scenario does."""

    def __init__(self, *, fallback: Callable[[str], Model], find: Find, pace: float = 0.0) -> None:
        self._fallback = fallback
        self._find = find
        self._pace = pace
        self._chosen: dict[str, Part] = {}
        self._uses: dict[tuple[str, str], Uses] = {}
        """By project and scenario's name."""

    # Input

    def choose(self, project_id: str, part: Part) -> None:
        """The project's sessions that begin from now on are played by `part`. Its steps are all unread."""
        self._chosen[project_id] = part
        self._uses = {key: uses for key, uses in self._uses.items() if key[0] != project_id}

    def forget(self, project_id: str) -> None:
        """The project has no scenario any more; sessions that run go on."""
        self._chosen.pop(project_id, None)
        self._uses = {key: uses for key, uses in self._uses.items() if key[0] != project_id}

    # Queries

    def chosen(self, project_id: str) -> Part | None:
        return self._chosen.get(project_id)

    def model_for(self, project_id: str) -> Model:
        """Who answers in a session that begins now."""
        return SessionModel(
            fallback=self._fallback(project_id),
            chosen=self._chosen.get(project_id),
            find=self._find,
            cast=lambda part, fallback: self._cast(project_id, part, fallback),
        )

    def unread(self, project_id: str) -> list[Step]:
        """The steps of the project's strict scenarios that no session has used up: of the chosen one, and of those that
        a marker has named."""
        scenarios = {name: uses.scenario for (owner, name), uses in self._uses.items() if owner == project_id}
        part = self._chosen.get(project_id)
        if part is not None and not callable(part):
            scenario = scenario_of(part)
            scenarios[scenario.name] = scenario
        return [
            step
            for scenario in scenarios.values()
            if scenario.is_strict
            for step in self._uses_of(project_id, scenario).unread()
        ]

    def used(self, project_id: str, scenario: Scenario) -> Sequence[int]:
        """How often each step has answered, in the session that went furthest with it."""
        return self._uses_of(project_id, scenario).most

    # Private

    def _cast(self, project_id: str, part: Part, fallback: Model) -> Model:
        if callable(part):
            return FunctionModel(part)
        scenario = scenario_of(part)
        return Player(scenario, fallback=fallback, pace=self._pace, uses=self._uses_of(project_id, scenario))

    def _uses_of(self, project_id: str, scenario: Scenario) -> Uses:
        uses = self._uses.get((project_id, scenario.name))
        if uses is None:
            uses = Uses(scenario)
        elif uses.scenario != scenario:
            uses = uses.grown(scenario)
        self._uses[project_id, scenario.name] = uses
        return uses


def scenario_of(part: Scenario | ScenarioBuilder) -> Scenario:
    """As it is now."""
    return part if isinstance(part, Scenario) else part.build()


def name_of(part: Part) -> str:
    """What markers call it."""
    return getattr(part, "__name__", "function") if callable(part) else scenario_of(part).name


class FunctionModel:
    """A model that is a function: it yields outputs, a text being a message."""

    def __init__(self, function: Callable[[Turn], Answer]) -> None:
        self._function = function

    def respond(self, turn: Turn) -> Iterable[Output]:
        answer = self._function(turn)
        for each in (answer,) if isinstance(answer, str) else answer or ():
            yield Say(text=each) if isinstance(each, str) else each


class SessionModel:
    """The model of one session. A marker in a response's `metadata` or instructions counts for that response, one in
    the session's instructions for all; else the chosen scenario plays, else `fallback`. Each keeps its place."""

    def __init__(
        self, *, fallback: Model, chosen: Part | None, find: Find, cast: Callable[[Part, Model], Model]
    ) -> None:
        self._fallback = fallback
        self._find = find
        self._cast = cast
        model = fallback if chosen is None else cast(chosen, fallback)
        self._models: dict[str | None, Model] = {None: model}
        """By the name of the marker; without one the chosen one plays."""
        self._speakers: dict[str | None, Unasked] = {None: model} if speaks_unasked(model) else {}
        """Those of them that may speak unasked."""

    def respond(self, turn: Turn) -> Iterable[Output]:
        """Whoever it is, answers. A name that nobody has lets the response fail [CHOICE]."""
        if turn.cause == "model" and (speaker := self._who_wants()) is not None:
            return speaker.respond(turn)
        metadata = turn.options.metadata or {}
        name = metadata.get(MARKER) or marked(turn.options.instructions) or marked(turn.config.instructions)
        try:
            return self._model(name).respond(turn)
        except UnknownScenario as error:
            data = {"scenario": name, "message": str(error)}
            return (Note(kind="scenario.unmatched", data=data), Fail(message=f"ringback: {error}", code=UNMATCHED))

    def list_tools(self, server: Mapping[str, Any]) -> McpListing:
        """The chosen one knows, else `fallback`."""
        models = (self._models[None], self._fallback)
        knowing = next((model for model in models if knows_servers(model)), None)
        return McpListing() if knowing is None else knowing.list_tools(server)

    def transcribe(self, heard: str, config: SessionConfig) -> Transcript:
        """Whoever plays in the session decides; of most that is what was heard."""
        model = self._models.get(self._playing(config), self._fallback)
        return model.transcribe(heard, config) if transcribes(model) else heard

    def ends_turn(self, heard: str, config: SessionConfig) -> bool | None:
        """The same of where a turn ends; mostly nobody can tell."""
        model = self._models.get(self._playing(config), self._fallback)
        return model.ends_turn(heard, config) if ends_turns(model) else None

    def opened(self, config: SessionConfig) -> None:
        if (model := self._unasked(config)) is not None:
            model.opened(config)

    def pressed(self, digit: str, config: SessionConfig) -> None:
        if (model := self._unasked(config)) is not None:
            model.pressed(digit, config)

    def patience(self, config: SessionConfig) -> float | None:
        model = self._unasked(config)
        return None if model is None else model.patience(config)

    def waited(self, seconds: float, config: SessionConfig) -> None:
        if (model := self._unasked(config)) is not None:
            model.waited(seconds, config)

    def wants_to_speak(self) -> bool:
        return self._who_wants() is not None

    # Private

    def _model(self, name: str | None) -> Model:
        model = self._models.get(name)
        if model is None:
            assert name is not None
            try:
                part = self._find(name)
            except UsageError as error:
                raise UnknownScenario(str(error)) from error
            model = self._models[name] = self._cast(part, self._fallback)
            if speaks_unasked(model):
                self._speakers[name] = model
        return model

    def _playing(self, config: SessionConfig) -> str | None:
        """The name under which there is who plays in the session: its marker decides."""
        name = marked(config.instructions)
        if name is not None and name not in self._models:
            with contextlib.suppress(UnknownScenario):  # the first response says so
                self._model(name)
        return name

    def _unasked(self, config: SessionConfig) -> Unasked | None:
        """Who plays where nobody asks."""
        return self._speakers.get(self._playing(config))

    def _who_wants(self) -> Unasked | None:
        return next((speaker for speaker in self._speakers.values() if speaker.wants_to_speak()), None)


class UnknownScenario(UsageError):
    """A marker names a scenario that is not there, or can't be read."""


def marked(instructions: str | None) -> str | None:
    """The scenario that instructions name."""
    if not instructions or MARKER not in instructions:
        return None
    found = _MARK.search(instructions)
    return None if found is None else found[1]
