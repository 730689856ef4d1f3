"""The report as Markdown, to be read where code is read."""

from .document import OUTCOMES, Report, Row


def render(report: Report) -> str:
    lines = [
        f"# Conformance of {report.target}",
        "",
        f"**{report.verdict[:1].upper()}{report.verdict[1:]}.**",
        "",
        f"{len(report.rows)} {report.noun} in {report.seconds:.1f} s, {report.started}, ringback {report.version}"
        + (f"; only {', '.join(report.scope)}" if report.scope else "")
        + ".",
        "",
        *([f"The target declares: {', '.join(report.capabilities)}.", ""] if report.capabilities else []),
        *(f"- {problem}" for problem in report.problems),
        *([""] if report.problems else []),
        *_areas(report),
    ]
    if report.failures:
        lines += ["", "## Failures"]
        for row in report.failures:
            lines += _failure(row)
    lines += [
        "",
        f"## All {report.noun}",
        "",
        "| id | level | outcome | what is required | note |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_linked(row)} | {row.level} | {_marked(row)} | {_cell(row.says)} | {_cell(_remark(row))} |"
        for row in report.rows
    ]
    return "\n".join(lines) + "\n"


def _areas(report: Report) -> list[str]:
    shown = [outcome for outcome in OUTCOMES if outcome in report.totals]
    lines = [f"| area | {' | '.join(shown)} |", f"|---|{'---:|' * len(shown)}"]
    for area, counts in report.areas.items():
        lines.append(f"| {area} | " + " | ".join(str(counts.get(outcome, "")) for outcome in shown) + " |")
    lines.append("| **all** | " + " | ".join(f"**{report.totals[outcome]}**" for outcome in shown) + " |")
    return lines


def _failure(row: Row) -> list[str]:
    lines = ["", f"### {row.id} ({row.level}, {row.outcome})", "", row.says, ""]
    if row.expected:
        lines += [f"- expected: {_inline(row.expected)}"]
    if row.actual:
        lines += (
            ["- actual:", "", *_block(row.actual.splitlines())] if "\n" in row.actual else [f"- {_inline(row.actual)}"]
        )
    if row.note:
        lines += [f"- {_inline(row.note)}"]
    lines += [f"- source: {row.evidence}, {row.clause}" + (f", <{row.link}>" if row.link else "")]
    for part in (row.ladder, row.frames):
        if part:
            lines += ["", *_block(part)]
    return lines


def _block(lines: "list[str] | tuple[str, ...]") -> list[str]:
    fence = "````" if any("```" in line for line in lines) else "```"
    return [f"{fence}text", *lines, fence]


def _linked(row: Row) -> str:
    return f"[{row.id}]({row.link})" if row.link else row.id


def _marked(row: Row) -> str:
    return f"**{row.outcome}**" if row.is_failure else row.outcome


def _remark(row: Row) -> str:
    text = row.note or (row.actual if row.is_failure else "")
    line = text.strip().splitlines()[-1] if text.startswith("Traceback") else (text.splitlines() or [""])[0]
    return line if len(line) <= 160 else line[:159] + "…"


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def _inline(text: str) -> str:
    return " ".join(text.replace("<", "&lt;").split())
