"""A report with one row of each kind."""

import pytest
from ringback.conformance.report.document import Report, document
from ringback.conformance.report.redact import Redactor
from ringback.conformance.requirement import Level, Requirement
from ringback.conformance.runner import Run
from ringback.conformance.verdict import Outcome, Verdict

SECRET = "hush-hush"


def verdict(number: int, outcome: Outcome, level: Level = Level.MUST, area: str = "CALL") -> Verdict:
    requirement = Requirement(
        id=f"{area}-TEST-{number:02}",
        level=level,
        says="It does | as it <should>.",
        evidence="DOC",
        clause="a page",
        link="https://example.com/page",
        needs=frozenset({"sip"}),
    )
    is_failed = outcome in (Outcome.FAILED, Outcome.BROKEN)
    return Verdict(
        requirement=requirement,
        outcome=outcome,
        seconds=0.25,
        expected="603 for tel:+14255550112" if is_failed else "",
        actual=f"got 200 & {SECRET}\x00" if is_failed else "",
        note="" if is_failed else "the target has no sip" if outcome is Outcome.UNSUPPORTED else f"{outcome.value} |",
        ladder=("caller  server", "0 ms │── INVITE sip:+14255550112@x ──▶│") if is_failed else (),
        frames=("0 ms  events < {'authorization': 'Bearer sk-abcdefgh1234'}",) if is_failed else (),
    )


@pytest.fixture
def run() -> Run:
    verdicts = [verdict(number, outcome) for number, outcome in enumerate(Outcome)]
    verdicts.append(verdict(90, Outcome.PASSED, area="SIP"))
    return Run(
        target="url https://example.com/v1",
        verdicts=verdicts,
        seconds=1.5,
        started=1795000000.0,
        problems=("known gap X-01 matches no requirement: delete it",),
        capabilities=frozenset({"ws", "rest"}),
    )


@pytest.fixture
def report(run: Run) -> Report:
    return document(run, redactor=Redactor([SECRET]))
