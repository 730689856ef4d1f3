"""A script for the fake model, as data: steps, each with what it answers and what it says. `schema` reads one."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..audio.samples import Samples
from ..realtime.transcription import TranscriptionFailure
from ..sessions.model import Disconnect, End, Fail, HangUp, McpError, McpListing, Silence, Stop, Trouble
from .pattern import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message: a text, or ready sound with its transcript. Without a `pace` the scenario's counts."""

    text: str
    samples: Samples | None = None
    delay: float = 0.0
    pace: float | None = None
    stop: Stop | None = None
    overlaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A function call. `arguments` are what JSON can say, or a text that is sent as it is, be it JSON or not."""

    name: str
    arguments: Any
    delay: float = 0.0
    pace: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledMcp:
    """The call of an MCP server's tool, which runs for `takes` seconds and gives `output` or fails with `error`."""

    server: str
    name: str
    arguments: Any
    output: str = ""
    error: McpError | None = None
    takes: float = 0.0
    delay: float = 0.0
    pace: float | None = None


Action: TypeAlias = Spoken | Called | CalledMcp | Silence | Fail | End | Trouble | Disconnect | HangUp
"""What a step does. Where texts have placeholders (`{heard}`), they are still in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The output of a function that was called."""

    name: str | None = None
    text: Pattern | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLike:
    """An item of the conversation by what it is."""

    type: str | None = None
    role: str | None = None
    text: Pattern | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a response that somebody asked for has to answer."""

    number: int
    """Of the response in its session, from 1."""
    heard: str | None = None
    """The caller's words that nobody answered; empty where nobody could tell them, None where there are none."""
    results: Sequence[tuple[str, str]] = ()
    """The outputs of functions that came last, each with the function's name, latest first."""
    item: tuple[str, str | None, str] | None = None
    """Of the last item type, role and text."""
    digits: str = ""
    """The keys that were pressed since a step answered keys."""

    def __str__(self) -> str:
        if self.results:
            return f"response {self.number}, to " + ", ".join(f"{name}’s “{text}”" for name, text in self.results)
        if self.heard is not None:
            return f"response {self.number}, to “{self.heard}”"
        return f"response {self.number}, with nothing to answer"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a step does not answer; `nearness` says how much was missing, 1 almost nothing."""

    why: str
    nearness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a step answers: everything that is given must hold. With nothing given, any response that is asked for."""

    start: bool = False
    heard: Pattern | None = None
    dtmf: Pattern | None = None
    result: Result | None = None
    item: ItemLike | None = None
    silence: float | None = None
    turn: int | None = None

    def match(self, occasion: Occasion) -> Mapping[str, str] | Mismatch:
        """The values of the placeholders that come of it."""
        if self.turn is not None and self.turn != occasion.number:
            return Mismatch(f"it answers response {self.turn}, this is response {occasion.number}", 0.3)
        if self.start and occasion.number != 1:
            return Mismatch(f"it answers the first response, this is response {occasion.number}", 0.2)
        if self.heard is not None:
            return _match_heard(self.heard, occasion)
        if self.dtmf is not None:
            return _match_digits(self.dtmf, occasion.digits)
        if self.result is not None:
            return _match_results(self.result, occasion)
        if self.item is not None:
            return _match_item(self.item, occasion)
        return {}

    def __str__(self) -> str:
        parts = []
        if self.start:
            parts.append("at the start")
        if self.heard is not None:
            parts.append(f"heard {self.heard}" if self.heard.source else "anything heard")
        if self.dtmf is not None:
            parts.append(f"keys {self.dtmf}")
        if self.result is not None:
            of = "" if self.result.name is None else f" of {self.result.name}"
            parts.append(f"result{of}" + ("" if self.result.text is None else f" with {self.result.text}"))
        if self.item is not None:
            kind = " ".join(word for word in (self.item.role, self.item.type or "item") if word)
            parts.append(kind + ("" if self.item.text is None else f" with {self.item.text}"))
        if self.silence is not None:
            parts.append(f"{self.silence:g} s of quiet")
        if self.turn is not None:
            parts.append(f"response {self.turn}")
        return ", ".join(parts) or "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `[[turn]]`. It answers `times` times, without end where that is None, in each session."""

    when: When
    actions: tuple[Action, ...]
    number: int
    where: str
    """Where it is written: `file.toml:7`, or its number."""
    name: str | None = None
    times: int | None = 1
    is_unasked: bool = False
    """Whether it begins a response by itself, because the application asks for none. One for the start also answers
    whoever asks before it had the chance."""

    def __str__(self) -> str:
        name = "" if self.name is None else f" “{self.name}”"
        return f"turn {self.number}{name} ({self.when}{', unasked' if self.is_unasked else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """One `[[transcription]]`: what is told of the caller's words, each time that they match, and how late."""

    heard: Pattern
    told: str | TranscriptionFailure | None = None
    """None: the words themselves."""
    delay: float = 0.0
    pace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the fake model says, and when, and what MCP servers offer. Made by `schema.read_scenario`,
    `schema.parse_scenario`, or a `builder.ScenarioBuilder`."""

    name: str
    steps: tuple[Step, ...]
    description: str = ""
    is_strict: bool = False
    pace: float | None = None
    """Seconds for each piece of text; None leaves it to the emulator's setting."""
    servers: Mapping[str, McpListing] = field(default_factory=dict)
    """What MCP servers offer, by their labels."""
    hearings: tuple[Hearing, ...] = ()
    ends: tuple[Pattern, ...] = ()
    """Words by which the caller's turn is over; without any, nobody can tell."""

    def unread(self, uses: Sequence[int]) -> list[Step]:
        """The steps that have answered less often than they could, `uses[n]` being how often step n has. One without
        end may answer never."""
        return [
            step for step, used in zip(self.steps, uses, strict=True) if step.times is not None and used < step.times
        ]

    def unmatched(self, occasion: Occasion, uses: Sequence[int]) -> str:
        """Why no step answers: the nearest one, and what it lacks."""
        nearest: tuple[float, Step, str] | None = None
        for step, used in zip(self.steps, uses, strict=True):
            mismatch = _why_not(step, used, occasion)
            if nearest is None or mismatch.nearness > nearest[0]:
                nearest = (mismatch.nearness, step, mismatch.why)
        about = f"no step of the scenario {self.name} answers {occasion}"
        if nearest is None:
            return f"{about}: it has none"
        _, step, why = nearest
        return f"{about}: the nearest is {step}, {step.where}, but {why}"


def _why_not(step: Step, used: int, occasion: Occasion) -> Mismatch:
    if step.is_unasked and not step.when.start:
        return Mismatch("it begins by itself, and answers nobody who asks", 0.1)
    matched = step.when.match(occasion)
    if isinstance(matched, Mismatch):
        return matched
    return Mismatch(f"it has answered {used} of {step.times} times already", 0.4 if step.when == When() else 1.0)


def _match_heard(pattern: Pattern, occasion: Occasion) -> Mapping[str, str] | Mismatch:
    if occasion.heard is None:
        return Mismatch("the caller said nothing that is not answered", 0.2)
    found = pattern.find(occasion.heard)
    if found is not None:
        return found
    likeness = difflib.SequenceMatcher(None, pattern.source.lower(), occasion.heard.lower()).ratio()
    return Mismatch(f"{pattern} is not in “{occasion.heard}”", 0.5 + likeness / 4)


def _match_digits(pattern: Pattern, digits: str) -> Mapping[str, str] | Mismatch:
    found = pattern.find_at_end(digits)
    if found is None:
        pressed = f"the keys are {digits}" if digits else "no key was pressed"
        return Mismatch(f"{pressed}, not {pattern}", 0.5 if digits else 0.2)
    return found


def _match_results(wanted: Result, occasion: Occasion) -> Mapping[str, str] | Mismatch:
    if not occasion.results:
        return Mismatch("no function’s output came last", 0.2)
    near = Mismatch(f"the output is of {occasion.results[0][0]}, not of {wanted.name}", 0.5)
    for name, output in occasion.results:
        if wanted.name is not None and wanted.name != name:
            continue
        found = {} if wanted.text is None else wanted.text.find(output)
        if found is not None:
            return {**found, "result": output}
        near = Mismatch(f"{wanted.text} is not in {name}’s “{output}”", 0.7)
    return near


def _match_item(wanted: ItemLike, occasion: Occasion) -> Mapping[str, str] | Mismatch:
    if occasion.item is None:
        return Mismatch("the conversation has no item", 0.2)
    kind, role, text = occasion.item
    for what, expected, actual in (("type", wanted.type, kind), ("role", wanted.role, role)):
        if expected is not None and expected != actual:
            return Mismatch(f"the last item’s {what} is {actual}, not {expected}", 0.4)
    found = {} if wanted.text is None else wanted.text.find(text)
    return Mismatch(f"{wanted.text} is not in “{text}”", 0.6) if found is None else found
