"""docs/interop.md, made by a run: `pytest tests/interop --interop-page docs/interop.md`.

Tests say what they show of which peer, `@pytest.mark.interop("SIPp", "calls", "hears")`; a cell is what became of its
tests. `tests/test_interop_table.py` compares the page with the marks.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "interop"
CAPABILITIES = (
    "calls",
    "hears",
    "is heard",
    "presses digits",
    "holds and resumes",
    "is transferred",
    "hangs up",
    "is hung up on",
    "speaks SRTP",
    "speaks Opus",
    "speaks G.722",
)
PEERS = {
    "baresip": "1.0.0 (apt `baresip-core`), TLS, TCP, UDP",
    "SIPp": "3.6.1 (apt `sip-tester`), UDP, TCP, TLS through stunnel, and UDP through Kamailio; sound and keys"
    " (RFC 4733) from a pcap file, what it hears from a capture",
    "Kamailio": "5.6.3 (apt `kamailio`), a trunk: UDP and TCP from the caller, TLS to the emulator, Record-Route twice",
    "pyVoIP": "1.6.8 (PyPI), UDP, registered",
    "ringback's phone": "`ringback dial` and the conformance suite's phone, TLS, TCP, UDP",
}
ABSENT = {
    ("SIPp", "holds and resumes"): "plays what a scenario says; holding is tested with baresip",
    ("SIPp", "speaks SRTP"): "plays plain RTP from its pcap file",
    ("Kamailio", "speaks SRTP"): "the sound does not go through it",
    ("pyVoIP", "speaks SRTP"): "has no SRTP",
    ("SIPp", "speaks Opus"): "plays G.711 from its pcap file",
    ("SIPp", "speaks G.722"): "plays G.711 from its pcap file",
    ("Kamailio", "speaks Opus"): "the sound does not go through it",
    ("Kamailio", "speaks G.722"): "the sound does not go through it",
    ("pyVoIP", "speaks Opus"): "has G.711 alone",
    ("pyVoIP", "speaks G.722"): "has G.711 alone",
    ("pyVoIP", "presses digits"): "sends no RFC 4733 events",
    ("pyVoIP", "holds and resumes"): "sends no re-INVITE",
    ("pyVoIP", "is transferred"): "ignores REFER",
}
"""What a peer can't do, or is not here for."""

Cell = tuple[str, str]
PASSED = "passed"
PROPERTY = "interop"


def page(outcomes: Mapping[Cell, Iterable[str]]) -> str:
    """The page: `outcomes` are those of the tests of each cell."""
    lines = [
        "# Interoperability",
        "",
        "Made by `pytest tests/interop --interop-page docs/interop.md`; a test compares it with the tests' marks.",
        "Each ✓ is a call with a program of other people (but for the last row), in which what was said is decoded",
        "at the other end, from the sound ([tonecode](tonecode.md)). Configurations: [softphones.md](softphones.md).",
        "",
        f"| | {' | '.join(CAPABILITIES)} |",
        f"|---|{'---|' * len(CAPABILITIES)}",
    ]
    notes: list[str] = []
    for peer in PEERS:
        cells = []
        for capability in CAPABILITIES:
            results = set(outcomes.get((peer, capability), ()))
            if results:
                cells.append("✓" if results == {PASSED} else "✗ " + ", ".join(sorted(results - {PASSED})))
            elif (peer, capability) in ABSENT:
                note = ABSENT[peer, capability]
                notes += [] if note in notes else [note]
                cells.append(f"– [{notes.index(note) + 1}]")
            else:
                cells.append("not tested")
        lines.append(f"| **{peer}** | {' | '.join(cells)} |")
    lines += ["", "Why not (–):", ""]
    lines += [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    lines += ["", *(f"- **{peer}**: {text}" for peer, text in PEERS.items())]
    return "\n".join(lines) + "\n"


def marks() -> Iterator[Cell]:
    """Every cell that a test of `tests/interop` is marked with, without running any."""
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.interop":
                        peer, *shows = (ast.literal_eval(argument) for argument in mark.args)
                        yield from ((peer, capability) for capability in shows)


class Table:
    """Collects what became of the marked tests, also those that other processes run (pytest-xdist)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._outcomes: dict[Cell, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            for name, cell in report.user_properties:
                if name == PROPERTY:
                    peer, capability = cell  # a list once it came from another process
                    self._outcomes.setdefault((peer, capability), []).append(report.outcome)

    def pytest_sessionfinish(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(page(self._outcomes), encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--interop-page", metavar="FILE", help="Write the table of peers, as this run shows it.")


def pytest_configure(config: pytest.Config) -> None:
    if (file := config.getoption("--interop-page", None)) is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(Path(file)), "interop-table")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("interop"):
            peer, *shows = mark.args
            item.user_properties += [(PROPERTY, (peer, capability)) for capability in shows]
