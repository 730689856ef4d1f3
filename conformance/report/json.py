"""The report for programs."""

from json import dumps

from .document import Report

SCHEMA = "ringback-conformance/1"


def render(report: Report) -> str:
    return dumps({"schema": SCHEMA, **report.as_dict()}, ensure_ascii=False, indent=2) + "\n"
