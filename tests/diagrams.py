"""The state machines as data, and the page of the docs that is made from them.

A machine is an enum of states, an enum of inputs and one table, whose rows stand on one line each and end in a comment
with the clause: `(State.EARLY, Input.BYE): State.TERMINATED,  # RFC 3261 15.1.2`. To add one, append it to `MACHINES`,
write its three tests with `missing_pairs`, `unreachable_states` and `undocumented_rows`, and run

    python tests/diagrams.py --write
"""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ringback.emulator.errors import WrongState

PAGE = Path(__file__).parents[1] / "docs" / "state-machines.md"

_ROW = re.compile(r"\(\w+\.(\w+), \w+\.(\w+)\): \w+\.(\w+),(?:\s*# (.*))?$")

HEAD = """# State machines

Made from the tables in the code by `python tests/diagrams.py --write`; a test compares. A pair of state and input that
has no row is refused with `WrongState`, and nothing changes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine: `table` is the name of the dict in `module`, `initial` the name of its first state."""

    title: str
    module: str
    table: str
    states: str
    inputs: str
    initial: str

    def load(self, name: str) -> Any:
        return getattr(importlib.import_module(self.module), name)

    @property
    def rows(self) -> dict[tuple[Enum, Enum], Enum]:
        rows: dict[tuple[Enum, Enum], Enum] = self.load(self.table)
        return rows

    @property
    def all_states(self) -> list[Enum]:
        return list(self.load(self.states))

    @property
    def all_inputs(self) -> list[Enum]:
        return list(self.load(self.inputs))

    @property
    def first(self) -> Enum:
        state: Enum = self.load(self.states)[self.initial]
        return state


SIP = "ringback.emulator.sip"

MACHINES = [
    Machine(
        title="INVITE server transaction",
        module=f"{SIP}.transaction",
        table="INVITE_SERVER",
        states="InviteServerState",
        inputs="InviteServerInput",
        initial="PROCEEDING",
    ),
    Machine(
        title="Non-INVITE server transaction",
        module=f"{SIP}.transaction",
        table="SERVER",
        states="ServerState",
        inputs="ServerInput",
        initial="TRYING",
    ),
    Machine(
        title="INVITE client transaction",
        module=f"{SIP}.transaction",
        table="INVITE_CLIENT",
        states="InviteClientState",
        inputs="InviteClientInput",
        initial="CALLING",
    ),
    Machine(
        title="Non-INVITE client transaction",
        module=f"{SIP}.transaction",
        table="CLIENT",
        states="ClientState",
        inputs="ClientInput",
        initial="TRYING",
    ),
    Machine(
        title="SIP dialog",
        module=f"{SIP}.dialog",
        table="DIALOG",
        states="DialogState",
        inputs="DialogInput",
        initial="EARLY",
    ),
    Machine(
        title="Offer/answer exchange",
        module=f"{SIP}.offer_exchange",
        table="OFFER_EXCHANGE",
        states="ExchangeState",
        inputs="ExchangeInput",
        initial="STABLE",
    ),
    Machine(
        title="Call",
        module="ringback.emulator.calls.call",
        table="TRANSITIONS",
        states="State",
        inputs="InputKind",
        initial="UNDECIDED",
    ),
]


def machine(title: str) -> Machine:
    """The machine of that title."""
    return next(each for each in MACHINES if each.title == title)


def missing_pairs(machine: Machine) -> list[tuple[Enum, Enum]]:
    """The pairs that the table has no row for: each must be refused by the machine."""
    return [(s, i) for s in machine.all_states for i in machine.all_inputs if (s, i) not in machine.rows]


def follows(title: str, engine: Any, given: Enum, inputs: Mapping[Any, Callable[[Any], object]]) -> bool:
    """Whether the engine goes where the row of its state and this input leads, or refuses it and stays. `inputs` says
    how an input is fed; a timer that the state does not have is fed to `_step`."""
    state = engine.state
    to = machine(title).rows.get((state, given))
    try:
        inputs.get(given, lambda each: each._step(given))(engine)
    except WrongState:
        return to is None and engine.state is state
    return engine.state is to


def unreachable_states(machine: Machine) -> list[Enum]:
    """The states that no chain of inputs leads to from the first one."""
    reached = [machine.first]
    for state in reached:
        reached.extend(to for (source, _), to in machine.rows.items() if source is state and to not in reached)
    return [state for state in machine.all_states if state not in reached]


def clauses(machine: Machine) -> dict[tuple[str, str], str]:
    """The comment of each row, by the names of its state and input."""
    source = inspect.getsource(importlib.import_module(machine.module))
    body = source.partition(f"\n{machine.table}: ")[2].partition("\n}")[0]
    found = {}
    for line in body.splitlines()[1:]:
        row = _ROW.search(line)
        if row is None:
            raise ValueError(f"{machine.table}: this line is no row: {line.strip()}")
        found[row[1], row[2]] = row[4] or ""
    return found


def undocumented_rows(machine: Machine) -> list[tuple[str, str]]:
    """The rows without a clause, and those that the source and the table disagree about."""
    noted = clauses(machine)
    names = {(state.name, given.name) for state, given in machine.rows}
    return [pair for pair in sorted(names | set(noted)) if pair not in names or not noted.get(pair)]


def diagram(machine: Machine) -> str:
    """One section of the page: a Mermaid diagram of the rows that change the state, and the whole table."""
    lines = [f"## {machine.title}", "", f"`{machine.module}.{machine.table}`", "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {machine.first.name}")
    arrows: dict[tuple[str, str], list[str]] = {}
    for (source, given), to in machine.rows.items():
        if source is not to:
            arrows.setdefault((source.name, to.name), []).append(str(given.value))
    lines.extend(f"    {source} --> {to}: {', '.join(given)}" for (source, to), given in arrows.items())
    sources = {source for source, _ in machine.rows}
    lines.extend(f"    {state.name} --> [*]" for state in machine.all_states if state not in sources)
    lines.extend(["```", "", "| state | input | next | clause |", "|---|---|---|---|"])
    noted = clauses(machine)
    for (source, given), to in machine.rows.items():
        clause = noted[source.name, given.name]
        lines.append(f"| {source.value} | {given.value} | {to.value} | {clause} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole of docs/state-machines.md."""
    return "\n".join([HEAD, *(diagram(each) for each in MACHINES)])


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit(__doc__)
    PAGE.write_text(page(), encoding="utf-8")
