"""The pytest plugin that every installation loads: the fixtures for tests of applications, options that begin with
`--ringback-`, and the conformance suite as tests.

::

    pytest --pyargs ringback.conformance --ringback-target=emulator

Nothing is imported before it is used: whoever has ringback installed and runs other tests does not pay for it.
"""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import Options, WrongOptions, described

if TYPE_CHECKING:
    from .testing.asynchronous import AsyncRingback
    from .testing.emulator_thread import EmulatorThread
    from .testing.synchronous import Ringback

SUITE = Path(__file__).parent / "suite.py"
PREFIX = "--ringback-"
FIXTURES = "ringback.conformance.testing.fixture"
MARKER = (
    "ringback(scenario=…, clock='manual', faults=[…]): what the fixtures `ringback` and `aringback` give this test; "
    "every part is optional"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ringback", "ringback: the conformance suite (pytest --pyargs ringback.conformance)")
    for name, default, text, metavar, _ in described():
        kind: dict[str, Any] = {"metavar": metavar}
        if isinstance(default, bool):
            kind = {"action": "store_true"}
        elif default == ():
            kind["action"] = "append"
        elif name.startswith("max_") or name == "webhook_port":
            kind["type"] = int if name in ("max_calls", "webhook_port") else float
        group.addoption(
            PREFIX + name.replace("_", "-"), dest=f"ringback_{name}", default=None, help=text.replace("%", "%%"), **kind
        )

    group.addoption(
        PREFIX + "journals",
        dest="ringback_journals",
        metavar="DIR",
        help="Folder for the journals of failed tests, one HTML file each; without it below pytest's temporary folder.",
    )

    parser.addini(
        "ringback_patience",
        default="1",
        help="By which every `within=` is multiplied, for machines that are slow; RINGBACK_PATIENCE goes before it.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def ringback_emulator() -> "Iterator[EmulatorThread]":
    """The emulator of this process, in a thread of its own. It starts with the first test that wants it."""
    from .testing.emulator_thread import EmulatorThread

    emulator = EmulatorThread()
    yield emulator
    emulator.close()


@pytest.fixture
def ringback_manual_emulator() -> "Iterator[EmulatorThread]":
    """An emulator of one test's own, whose clock the test moves."""
    from .testing.emulator_thread import EmulatorThread

    emulator = EmulatorThread(virtual=True)
    yield emulator
    emulator.close()


@pytest.fixture
def ringback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Ringback]":
    """A project of its own in a running emulator: an application's other side, and its callers."""
    from .testing.fixture import open_ringback
    from .testing.synchronous import Ringback

    yield from open_ringback(Ringback, request, monkeypatch)


@pytest.fixture
def aringback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> "Iterator[AsyncRingback]":
    """The same for a test that is a coroutine."""
    from .testing.asynchronous import AsyncRingback
    from .testing.fixture import open_ringback

    yield from open_ringback(AsyncRingback, request, monkeypatch)


@pytest.fixture(scope="session")
def ringback_session(request: pytest.FixtureRequest) -> "Iterator[Ringback]":
    """`ringback` for all tests of a session together: for an application that starts once and keeps its keys."""
    from .testing.fixture import open_ringback
    from .testing.synchronous import Ringback

    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from open_ringback(Ringback, request, monkeypatch)


@pytest.fixture(scope="session")
def aringback_session(request: pytest.FixtureRequest) -> "Iterator[AsyncRingback]":
    """`aringback` for all tests of a session together."""
    from .testing.asynchronous import AsyncRingback
    from .testing.fixture import open_ringback

    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from open_ringback(AsyncRingback, request, monkeypatch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if FIXTURES not in sys.modules or call.excinfo is None:
        return (yield)
    from .testing.failure import describe, shorten

    shorten(call.excinfo.value)
    report = yield
    describe(item, report)
    return report


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name != SUITE.name or file_path.resolve() != SUITE.resolve():
        return None
    from .suite import Suite

    return Suite.from_parent(parent, path=file_path)


def options_of(config: pytest.Config) -> Options:
    """What the command line of pytest says, else the environment, as the command does. Raises `pytest.UsageError`."""
    import os

    given: dict[str, Any] = {}
    for name, default, _, _, env in described():
        value = config.getoption(f"ringback_{name}")
        if value in (None, False) and env is not None:
            value = os.environ.get(env)
        if value not in (None, False):
            given[name] = tuple(value) if default == () else value
    try:
        return Options(**given)
    except WrongOptions as error:
        raise pytest.UsageError(str(error)) from error
