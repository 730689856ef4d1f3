"""The example of CONTRIBUTING.md is a requirement that holds, and a mutant that it kills."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 150
"""Seconds for the run of both: on a slow machine the imports alone take half a minute."""
PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"

# In a process of its own: the example must not stay in the catalogue of the other tests.
BUILD = """
import asyncio, sys, types
from ringback.conformance import checks, mutants
from ringback.conformance.requirement import CATALOGUE, load_checks
from ringback.conformance.runner import run
from ringback.conformance.targets.emulator import EmulatorTarget
from ringback.conformance.targets.mutant import judge_mutant

def build(package, source):
    module = types.ModuleType(package.__name__ + ".example")
    module.__package__ = package.__name__
    exec(compile(source, "CONTRIBUTING.md", "exec"), module.__dict__)
    return module

load_checks()
build(checks, sys.argv[1])
(mutant,) = build(mutants, sys.argv[2]).MUTANTS
result = asyncio.run(run(EmulatorTarget(), CATALOGUE.only(["EXAMPLE"])))
print(*(f"{verdict.requirement.id} {verdict.outcome.value} {verdict.actual}" for verdict in result.verdicts))
verdict = asyncio.run(judge_mutant(mutant, CATALOGUE))
print(verdict.mutant.name, verdict.fate.value, verdict.detail)
"""


@pytest.mark.timeout(PATIENCE + 10)
def test_example_of_a_requirement_holds_and_its_mutant_is_killed() -> None:
    blocks = dict(re.findall(r"```python (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    command = [sys.executable, "-c", BUILD, blocks["check"], blocks["mutant"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert [line.strip() for line in done.stdout.splitlines()] == [
        "EXAMPLE-TAG-01 passed",
        "refusal-without-a-tag killed",
    ]
