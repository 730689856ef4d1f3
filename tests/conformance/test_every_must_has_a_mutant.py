"""A check that no mutant can fail checks nothing."""

from ringback.conformance.mutants import EXEMPT, load, without_mutant
from ringback.conformance.requirement import Level, load_checks
from ringback.conformance.targets.emulator import EmulatorTarget
from ringback.conformance.targets.mutant import SMOKE, requirements_for


def test_every_must_has_a_mutant_or_a_reason() -> None:
    musts = [
        each.requirement.id
        for each in load_checks()
        if each.requirement.level is Level.MUST and each.requirement.needs <= EmulatorTarget.capabilities
    ]
    missing = without_mutant(musts)
    assert not missing, f"{len(missing)} of {len(musts)} MUSTs have no mutant: {', '.join(missing)}"


def test_every_exemption_is_of_a_must_that_exists_and_has_no_mutant() -> None:
    catalogue = load_checks()
    broken = {mutant.breaks for mutant in load().values()}
    for name, reason in EXEMPT.items():
        assert name in catalogue, f"{name} is exempt and does not exist"
        assert catalogue[name].requirement.level is Level.MUST, f"{name} is no MUST"
        assert name not in broken, f"{name} is exempt and has a mutant"
        assert len(reason.split()) >= 5, f"{name}: the reason is too short to be one"


def test_every_mutant_names_requirements_that_exist() -> None:
    catalogue = load_checks()
    for mutant in load().values():
        assert requirements_for(mutant, catalogue)


def test_smoke_set_exists() -> None:
    catalogue = load_checks()
    lacking = [each for each in SMOKE if each not in catalogue or catalogue[each].requirement.level is not Level.MUST]
    assert not lacking
