"""The judge of the mutants, judged by mutants of a small catalogue."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from ringback.conformance import mutants
from ringback.conformance.bench import Bench
from ringback.conformance.mutants import Mutant
from ringback.conformance.requirement import Catalogue, Level, requirement
from ringback.conformance.targets.emulator import EmulatorTarget
from ringback.conformance.targets.mutant import Fate, MutantVerdict, judge_mutant, judge_mutants, requirements_for
from ringback.emulator.faults.plan import Fault, HttpExchange


def answer(name: str, path: str, *, was: int = 404, becomes: int = 418) -> Fault:
    def other(exchange: HttpExchange) -> HttpExchange:
        if exchange.status == was and exchange.path.endswith(path):
            return replace(exchange, status=becomes)
        return exchange

    return Fault(name=name, http=other)


def mutant(
    name: str, breaks: str, fault: Fault, *, also: frozenset[str] = frozenset(), is_alone: bool = False
) -> Mutant:
    return Mutant(name=name, breaks=breaks, also=also, fault=fault, is_alone=is_alone, says="It is wrong on purpose.")


@pytest.fixture
def catalogue() -> Catalogue:
    """Two MUSTs of one family that are judged by the same answer, one of another family, and one that never holds."""
    made = Catalogue()

    def declare(id: str, verb: str, expected: int, level: Level = Level.MUST, key: str | None = None) -> None:
        @requirement(id, level=level, says="It is so.", evidence="DOC", clause="none", needs={"rest"}, catalogue=made)
        async def check(bench: Bench) -> None:
            response = await (await bench.rest(key)).request("POST", f"/realtime/calls/rtc_unknown/{verb}")
            bench.expect(response.status == expected, str(expected), response.status)

    declare("CALL-REJECT-01", "reject", 404)
    declare("CALL-REJECT-02", "reject", 404)
    declare("CALL-REFER-01", "refer", 404)
    declare("CALL-HANGUP-01", "hangup", 404)
    declare("CALL-HANGUP-02", "hangup", 200, Level.SHOULD)
    declare("CALL-NEVER-01", "hangup", 200)
    declare("AUTH-KEY-01", "hangup", 401, key="sk-unknown")

    @requirement("CALL-CRASH-01", level=Level.MUST, says="It is so.", evidence="DOC", clause="none", catalogue=made)
    async def crash(bench: Bench) -> None:
        raise KeyError("a bug of the check")

    return made


@pytest.fixture
async def shared() -> AsyncIterator[EmulatorTarget]:
    target = EmulatorTarget()
    async with target.open():
        yield target


async def test_mutant_is_killed_when_its_requirement_fails(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    verdict = await judge_mutant(mutant("wrong", "CALL-REFER-01", answer("wrong", "/refer")), catalogue, shared=shared)
    assert (verdict.fate, verdict.detail) == (Fate.KILLED, "")
    assert [each.requirement.id for each in verdict.verdicts] == ["CALL-REFER-01", "CALL-REJECT-01", "CALL-HANGUP-01"]


async def test_mutant_survives_when_nothing_fails(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    tame = mutant("tame", "CALL-REFER-01", answer("tame", "/refer", becomes=404))
    verdict = await judge_mutant(tame, catalogue, shared=shared)
    assert verdict.fate is Fate.SURVIVED
    assert verdict.detail == "CALL-REFER-01 passed, the fault never struck"


async def test_mutant_survives_when_the_check_does_not_look(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    hidden = Fault(name="hidden", http=lambda exchange: replace(exchange, body=b"{}"))
    verdict = await judge_mutant(mutant("hidden", "CALL-REFER-01", hidden), catalogue, shared=shared)
    assert verdict.fate is Fate.SURVIVED
    assert verdict.detail == "CALL-REFER-01 passed, the fault struck 1 times"


async def test_mutant_survives_when_its_requirement_fails_without_it(
    catalogue: Catalogue, shared: EmulatorTarget
) -> None:
    idle = mutant("idle", "CALL-NEVER-01", answer("idle", "/nowhere"))
    verdict = await judge_mutant(idle, catalogue, shared=shared)
    assert verdict.fate is Fate.SURVIVED
    assert verdict.detail.startswith("CALL-NEVER-01 failed, but the fault never struck")


async def test_mutant_is_collateral_when_another_must_fails(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    wide = mutant("wide", "CALL-REJECT-01", answer("wide", "/reject"))
    verdict = await judge_mutant(wide, catalogue, shared=shared)
    assert verdict.fate is Fate.COLLATERAL
    assert verdict.detail == "CALL-REJECT-02: got 418"


async def test_mutant_is_killed_when_it_says_what_else_fails(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    wide = mutant("wide", "CALL-REJECT-01", answer("wide", "/reject"), also=frozenset({"CALL-REJECT-02"}))
    assert (await judge_mutant(wide, catalogue, shared=shared)).fate is Fate.KILLED


async def test_mutant_is_broken_when_a_check_raises(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    verdict = await judge_mutant(mutant("crash", "CALL-CRASH-01", answer("crash", "/refer")), catalogue, shared=shared)
    assert verdict.fate is Fate.BROKEN
    assert verdict.detail == "the check of CALL-CRASH-01 raised: KeyError: 'a bug of the check'"


async def test_mutant_is_broken_when_its_fault_raises(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    def divide(exchange: HttpExchange) -> HttpExchange:
        raise ZeroDivisionError("a bug of the mutant")

    buggy = mutant("buggy", "CALL-REFER-01", Fault(name="buggy", http=divide))
    verdict = await judge_mutant(buggy, catalogue, shared=shared)
    assert verdict.fate is Fate.BROKEN
    assert verdict.detail.startswith("the emulator stumbled over it: ZeroDivisionError('a bug of the mutant')")


async def test_mutant_of_what_belongs_to_no_project_is_alone(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    open_door = answer("open-door", "/hangup", was=401, becomes=200)
    verdict = await judge_mutant(mutant("open-door", "AUTH-KEY-01", open_door, is_alone=True), catalogue, shared=shared)
    assert verdict.fate is Fate.KILLED, verdict.detail


async def test_mutants_are_judged_side_by_side(catalogue: Catalogue) -> None:
    many = [
        mutant("wrong-refer", "CALL-REFER-01", answer("wrong-refer", "/refer")),
        mutant("wrong-hangup", "CALL-HANGUP-01", answer("wrong-hangup", "/hangup")),
    ]
    found: dict[str, MutantVerdict] = {}
    async for verdict in judge_mutants(many, catalogue):
        found[verdict.mutant.name] = verdict
    assert {name: verdict.fate for name, verdict in found.items()} == dict.fromkeys(
        ["wrong-refer", "wrong-hangup"], Fate.KILLED
    )


async def test_guest_takes_its_project_with_it(catalogue: Catalogue, shared: EmulatorTarget) -> None:
    await judge_mutant(mutant("wrong", "CALL-REFER-01", answer("wrong", "/refer")), catalogue, shared=shared)
    assert shared._emulator is not None
    assert list(shared._emulator.projects) == [shared._emulator.project.id]
    assert not shared._emulator.faults


def test_mutant_is_judged_by_every_must_in_full(catalogue: Catalogue) -> None:
    wrong = mutant("wrong", "CALL-HANGUP-02", answer("wrong", "/hangup"))
    judged = [declared.requirement.id for declared in requirements_for(wrong, catalogue, full=True)]
    assert judged[0] == "CALL-HANGUP-02"
    assert set(judged[1:]) == {
        declared.requirement.id for declared in catalogue if declared.requirement.level is Level.MUST
    }


@pytest.mark.parametrize("also", [frozenset[str](), frozenset({"CALL-NOWHERE-02"})])
def test_mutant_that_names_no_requirement_is_refused(catalogue: Catalogue, also: frozenset[str]) -> None:
    lost = mutant("lost", "CALL-REFER-01" if also else "CALL-NOWHERE-01", answer("lost", "/refer"), also=also)
    with pytest.raises(ValueError, match="mutant lost names CALL-NOWHERE-0"):
        requirements_for(lost, catalogue)


def test_mutants_have_names_of_their_own() -> None:
    assert len(mutants.load()) >= 1
    assert all(name == each.name == each.fault.name for name, each in mutants.load().items())


def test_two_mutants_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from ringback.conformance.mutants import reject

    monkeypatch.setattr(reject, "MUTANTS", [reject.MUTANTS[0], reject.MUTANTS[0]])
    with pytest.raises(ValueError, match="two mutants are called"):
        mutants.load()
