"""The fixtures at work: what the marker says becomes a project, the environment, and a leak check behind the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from .asynchronous import AsyncRingback
from .emulator_thread import EmulatorThread
from .errors import WrongUse
from .failure import FAILED, FOLDER, PROJECT
from .faults import faults_of
from .patience import PATIENCE, patience_of
from .synchronous import Ringback

Fixture = TypeVar("Fixture", Ringback, AsyncRingback)
MARKER = "ringback"
SHARED_EMULATOR = "ringback_emulator"
OWN_EMULATOR = "ringback_manual_emulator"
CLOCKS = ("system", "manual")
INI = "ringback_patience"


def open_ringback(
    kind: type[Fixture], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fixture]:
    """The life of the fixtures `ringback` and `aringback`."""
    wanted = _wanted(request)
    is_virtual = wanted.get("clock", "system") == "manual"
    emulator: EmulatorThread = request.getfixturevalue(OWN_EMULATOR if is_virtual else SHARED_EMULATOR)
    faults = faults_of(wanted.get("faults", ()))
    project = emulator.open_project(faults, _patience(request.config))
    if (scenario := wanted.get("scenario")) is not None:
        project.project.play(scenario)
    fixture = kind(emulator, project, faults)
    for name, value in fixture.environment.items():
        monkeypatch.setenv(name, value)
    request.node.stash[PROJECT] = project
    request.node.stash[FOLDER] = _folder(request)
    yield fixture
    left = emulator.thread.run(project.leaks())
    project.end_programs()
    emulator.thread.run(project.close())
    if request.node.stash.get(FAILED, False):
        return
    if left:
        pytest.fail("the test is over, but " + "; ".join(left), pytrace=False)
    if request.node.stash.get(PROJECT, None) is project:
        del request.node.stash[PROJECT]  # pytest keeps its items to the end: nobody will read what happened in this one


def _patience(config: pytest.Config) -> float:
    """What the environment says, else the ini file: the machine knows better than the project how fast it is."""
    try:
        return patience_of(os.environ.get(PATIENCE) or config.getini(INI))
    except WrongUse as error:
        raise pytest.UsageError(str(error)) from error


def _folder(request: pytest.FixtureRequest) -> Callable[[], Path]:
    """Where the journals of tests that fail are written."""
    named = request.config.getoption("ringback_journals")
    if named is not None:
        return lambda: Path(request.config.invocation_params.dir, named)
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    return lambda: factory.getbasetemp() / "ringback-journals"


def _wanted(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers of the test say; the nearest one wins."""
    wanted: dict[str, Any] = {}
    if request.scope == "session":
        return wanted
    for marker in request.node.iter_markers(MARKER):
        if marker.args:
            raise WrongUse(f"@pytest.mark.ringback{marker.args}: name what you want: scenario=…, clock=…, faults=[…]")
        wanted = {**marker.kwargs, **wanted}
    for name in wanted:
        if name not in ("scenario", "clock", "faults"):
            raise WrongUse(f"@pytest.mark.ringback({name}=…): it knows scenario, clock and faults")
    if wanted.get("clock", "system") not in CLOCKS:
        raise WrongUse(f"@pytest.mark.ringback(clock={wanted['clock']!r}): give one of {', '.join(CLOCKS)}")
    return wanted
