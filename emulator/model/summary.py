"""A scenario as people read it: one line for each turn, and why no line is missing."""

import json
from collections.abc import Iterator

from ..sessions.model import Disconnect, End, Fail, HangUp, Trouble
from .scenario import Action, Called, CalledMcp, Scenario, Spoken, Step


def summary(scenario: Scenario) -> str:
    """Its name and what it is for, then what each turn answers and does."""
    count = len(scenario.steps)
    head = [scenario.name, f"{count} turn" + ("" if count == 1 else "s"), *(["strict"] if scenario.is_strict else [])]
    lines = [", ".join(head) + (f": {scenario.description}" if scenario.description else "")]
    asked = [_asked(step) for step in scenario.steps]
    width = min(max(map(len, asked), default=0), 44)
    for step, when in zip(scenario.steps, asked, strict=True):
        lines.append(f"  {step.number:2}  {when:{width}}  {', '.join(_does(step)) or 'says nothing'}")
    if scenario.ends:
        lines.append(f"  semantic_vad ends a turn by {' or '.join(map(str, scenario.ends))}")
    return "\n".join(lines)


def _asked(step: Step) -> str:
    how_often = {None: ", again and again", 1: ""}.get(step.times, f", {step.times} times")
    return f"{step.when}{', by itself' if step.is_unasked else ''}{how_often}"


def _does(step: Step) -> Iterator[str]:
    for action in step.actions:
        delay = f"after {action.delay:g} s " if action.delay else ""
        yield delay + _did(action)


def _did(action: Action) -> str:
    match action:
        case Spoken():
            what = f"says “{_short(action.text)}”" if action.samples is None else f"plays “{_short(action.text)}”"
            if action.stop is None:
                return what
            characters = action.stop.characters
            return what + (f" for {action.stop.ms} ms" if characters is None else f" for {characters} characters")
        case Called():
            return f"calls {action.name}({_short(_as_json(action.arguments))})"
        case CalledMcp():
            return f"calls {action.server}’s {action.name}({_short(_as_json(action.arguments))})"
        case Fail():
            return f"fails: {action.message}"
        case End():
            return f"ends {action.status}: {action.reason}"
        case Trouble():
            return f"sends an error: {action.message}"
        case Disconnect():
            return f"closes every channel with {action.code}"
        case HangUp():
            return "hangs up"
        case _:
            return "waits"


def _as_json(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments else ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
