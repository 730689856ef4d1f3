"""Every form of the report says the same, and leaks nothing."""

import io
import json
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console
from ringback.conformance.options import WrongOptions
from ringback.conformance.report import SUFFIXES, check_suffix, write
from ringback.conformance.report.console import ConsoleReport
from ringback.conformance.report.document import Report, document, sentence
from ringback.conformance.runner import Run
from ringback.conformance.verdict import Outcome

NEVER_SHOWN = ("hush-hush", "+14255550112", "sk-abcdefgh1234")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_of_each_kind_hides_secrets_and_names_every_requirement(
    tmp_path: Path, report: Report, suffix: str
) -> None:
    path = tmp_path / f"report{suffix}"
    write(report, str(path))
    text = path.read_text(encoding="utf-8")
    for word in NEVER_SHOWN:
        assert word not in text
    for row in report.rows:
        assert row.id in text


def test_json_has_every_verdict(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "r.json"
    write(report, str(path))
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema"] == "ringback-conformance/1"
    assert data["totals"] == {outcome.value: 2 if outcome is Outcome.PASSED else 1 for outcome in Outcome}
    assert data["is_successful"] is False
    assert data["capabilities"] == ["rest", "ws"]
    assert data["started"].startswith("2026-11-1")
    assert [row["outcome"] for row in data["rows"]] == [*(each.value for each in Outcome), "passed"]


def test_junit_counts_what_ci_systems_count(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "r.xml"
    write(report, str(path))
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    suites = {suite.get("name"): suite for suite in root}
    call = suites["CALL"]
    counts = {name: call.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "8", "failures": "2", "errors": "1", "skipped": "3"}
    assert set(suites) == {"CALL", "SIP", "RUN"}
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message", "").startswith("expected 603")


def test_html_needs_no_network_and_closes_its_tags(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "r.html"
    write(report, str(path))
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.loaded == []
    assert "It does | as it &lt;should&gt;." in text
    assert "prefers-color-scheme: dark" in text


def test_markdown_keeps_its_tables_whole(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "r.md"
    write(report, str(path))
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    assert len(rows) == len(report.rows)
    assert {line.replace("\\|", "").count("|") for line in rows} == {6}


def test_console_tells_failures_areas_and_the_verdict(run: Run, report: Report) -> None:
    output = io.StringIO()
    console = ConsoleReport(verbose=True, console=Console(file=output, width=160))
    with console.running("a target", len(run.verdicts)):
        for row in report.rows:
            console.on_row(row)
    console.finish(report)
    text = output.getvalue()
    assert "expected 603 for tel:[number]" in text
    assert "INVITE sip:[number]@x" in text
    assert "known gap X-01 matches no requirement" in text
    assert "not conformant: 3 requirements failed, 3 of them MUST" in text


@pytest.mark.parametrize("path", ["report", "report.pdf", "no/such/folder/report.json"])
def test_file_of_no_known_kind_is_refused_before_the_run(path: str) -> None:
    with pytest.raises(WrongOptions, match="--report"):
        check_suffix(path)


def test_sentence_says_conformant_only_when_every_must_was_tried(run: Run) -> None:
    def of(*outcomes: Outcome, **more: str) -> str:
        verdicts = [each for each in run.verdicts if each.outcome in outcomes]
        return sentence(Run(target="t", verdicts=verdicts, seconds=1.0, **more))  # type: ignore[arg-type]

    assert of(Outcome.PASSED, Outcome.NOTED) == "conformant"
    assert of(Outcome.PASSED, Outcome.UNSUPPORTED) == (
        "no failure, but not conformant: 1 MUST could not be tried (no sip)"
    )
    assert of(Outcome.PASSED, Outcome.KNOWN_GAP) == "no new failure, but not conformant: 1 known gap"
    assert of(Outcome.PASSED, stopped="gone") == "stopped: gone"
    assert sentence(Run(target="t", verdicts=run.verdicts[:1], seconds=1.0), ["CALL"]) == (
        "no failure in CALL; the rest was not asked"
    )


def test_document_of_a_part_is_never_conformant(run: Run) -> None:
    part = Run(target="t", verdicts=run.verdicts[:1], seconds=1.0)
    assert document(part).is_conformant
    assert not document(part, scope=["CALL"]).is_conformant


class _Page(HTMLParser):
    EMPTY = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)
        names = dict(attributes)
        if (tag in ("script", "img", "iframe") and names.get("src")) or tag == "link":
            self.loaded.append(str(names))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
