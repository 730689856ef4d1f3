"""Every server event that an emulator makes in a test, and every frame that leaves one, follows its schema.

A pytest plugin of this suite. Events are seen where a session hands them out (`Outbox.take`), frames where a socket or
a data channel gets their text (`encode`), behind the faults of the project. The test that made a wrong one fails; who
breaks them on purpose says so: `@pytest.mark.broken_frames("why")`. Emulators in other processes judge their own frames
(`framed.py`), and the test that started one fails.

What each test emits is compared with `docs/events.md` at the end of the run; `pytest --write-events` on the whole suite
writes that page.
"""

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from framed import Emitted, Recorder, listen
from ringback.fixtures.validation import validator

PAGE = Path(__file__).parents[1] / "docs" / "events.md"
NAMED = 3
"""So many tests are named for each event."""
SHOWN = 5
"""So many problems of one test are told."""
PLACES = ("tests/emulator/realtime/", "tests/emulator/sessions/", "tests/integration/", "tests/")
"""Which tests are named first."""

HINT = (
    f"docs/{PAGE.name} is not true any more, although all tests passed. If they are meant to emit something else now, "
    f"run `pytest -n 2 --dist loadgroup --write-events` (the whole suite) and commit docs/{PAGE.name} with your change."
)

RECORDER = Recorder()


# The page


def page(emitted: Emitted, kept: Emitted) -> str:
    """The table. Tests that it names already stay, as long as they emit the event, so that it changes seldom."""
    lines = [
        "# Server events and the tests that emit them",
        "",
        "Made by `pytest --write-events` on the whole suite; each run compares. Every event that an emulator makes",
        f"in a test is judged by its schema (`tests/frames.py`); up to {NAMED} tests are named here.",
        "",
        "| server event | emitted by |",
        "|---|---|",
    ]
    for name in sorted(validator("server_events").names):
        found = emitted.get(name, set())
        old = sorted(found & kept.get(name, set()), key=_place)
        tests = sorted([*old, *sorted(found - set(old), key=_place)][:NAMED], key=_place)
        lines.append(f"| `{name}` | {'<br>'.join(f'`{test}`' for test in tests)} |")
    return "\n".join(lines) + "\n"


def read(text: str) -> Emitted:
    """What the page says."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0][2:].strip("` "): {name.strip("` ") for name in row[1].rstrip(" |").split("<br>")} for row in rows}


def untrue(said: Emitted, emitted: Emitted, ran: Iterable[str]) -> list[str]:
    """What the page says of tests that ran, and they do otherwise."""
    return [
        f"{test} emits no {name}, as {PAGE.name} says"
        for name, tests in said.items()
        for test in sorted(tests & set(ran))
        if test not in emitted.get(name, set())
    ]


def _place(test: str) -> tuple[int, str]:
    return next(number for number, place in enumerate(PLACES) if test.startswith(place)), test


# The plugin


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-events", action="store_true", help="write docs/events.md; the whole suite must run")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "broken_frames(why): events that break their schema are meant here")
    listen(RECORDER)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    test = pyfuncitem.nodeid.partition("[")[0]
    RECORDER.begin(test, is_steady=not getattr(pyfuncitem.obj, "is_hypothesis_test", False))
    try:
        result = yield
    finally:
        problems = RECORDER.end()
    RECORDER.ran.add(test)
    if problems and pyfuncitem.get_closest_marker("broken_frames") is None:
        more = f"\nand {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        pytest.fail("server events break their schema:\n" + "\n".join(problems[:SHOWN]) + more, pytrace=False)
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of xdist is done: what it saw is this process's now."""
    output = getattr(node, "workeroutput", {})
    RECORDER.ran.update(output.get("ran", ()))
    for name, tests in output.get("emitted", {}).items():
        RECORDER.emitted.setdefault(name, set()).update(tests)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["ran"] = sorted(RECORDER.ran)
        config.workeroutput["emitted"] = {name: sorted(tests) for name, tests in RECORDER.emitted.items()}
        return
    said = read(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    if config.getoption("--write-events"):
        PAGE.write_text(page(RECORDER.emitted, said), encoding="utf-8")
    elif exitstatus == pytest.ExitCode.OK and (wrong := untrue(said, RECORDER.emitted, RECORDER.ran)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        _tell(config, [*wrong, HINT])


def _tell(config: pytest.Config, lines: list[str]) -> None:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    write: Callable[..., None] = reporter.write_line
    for line in ("", *lines):
        write(line, red=True)
