"""The report as JUnit XML, which every CI system shows: a suite for each area, a case for each requirement."""

import re
from xml.etree import ElementTree

from ..verdict import Outcome
from .document import Report, Row

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
SKIPPED = {Outcome.UNSUPPORTED.value, Outcome.KNOWN_GAP.value, Outcome.NOT_RUN.value}


def render(report: Report) -> str:
    root = ElementTree.Element("testsuites", name=f"ringback conformance: {report.target}")
    for area in report.areas:
        rows = [row for row in report.rows if row.area == area]
        _suite(root, area, rows, report)
    beside = [*report.problems, *([f"the run was stopped: {report.stopped}"] if report.stopped else [])]
    if beside:
        suite = ElementTree.SubElement(
            root, "testsuite", name="RUN", tests=str(len(beside)), failures="0", errors=str(len(beside)), skipped="0"
        )
        for problem in beside:
            case = ElementTree.SubElement(suite, "testcase", classname="RUN", name=_clean(problem), time="0")
            ElementTree.SubElement(case, "error", message=_clean(problem))
    root.set("tests", str(len(report.rows) + len(beside)))
    root.set("failures", str(len(report.failures)))
    root.set("time", f"{report.seconds:.3f}")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, area: str, rows: list[Row], report: Report) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=area,
        tests=str(len(rows)),
        failures=str(sum(row.is_failure and row.outcome != Outcome.BROKEN.value for row in rows)),
        errors=str(sum(row.outcome == Outcome.BROKEN.value for row in rows)),
        skipped=str(sum(row.outcome in SKIPPED for row in rows)),
        time=f"{sum(row.seconds for row in rows):.3f}",
        timestamp=report.started,
    )
    for row in rows:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"ringback.{area}", name=f"{row.id} {row.says}", time=f"{row.seconds:.3f}"
        )
        if row.is_failure:
            kind = "error" if row.outcome == Outcome.BROKEN.value else "failure"
            message = f"expected {row.expected}; {row.actual}" if row.expected else row.actual or row.note
            failure = ElementTree.SubElement(case, kind, type=f"{row.level} {row.outcome}", message=_clean(message))
            failure.text = _clean("\n".join([row.clause, row.link or "", *row.ladder, *row.frames]))
        elif row.outcome in SKIPPED:
            ElementTree.SubElement(case, "skipped", message=_clean(f"{row.outcome}: {row.note}"))
        elif row.note:
            ElementTree.SubElement(case, "system-out").text = _clean(row.note)


def _clean(text: str) -> str:
    """What a peer sent may hold characters that XML has not."""
    return FORBIDDEN.sub("�", text)
