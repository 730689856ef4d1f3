"""The kill table: which mutant is noticed by which requirement. It has no times, so that a new run changes nothing."""

from .document import Report

LEVEL = "MUTANT"


def render(report: Report) -> str:
    """Markdown. Made by `ringback conformance --target mutant:all --report docs/kill-table.md`."""
    lines = [
        "# Kill table",
        "",
        "Made by `ringback conformance --target mutant:all --report docs/kill-table.md`. Each mutant is the emulator",
        "with one thing wrong; the requirement beside it has to fail, and no other MUST but those that it names.",
        "",
        f"**{report.verdict}.**",
        "",
        *(f"- {problem}" for problem in report.problems),
        *([""] if report.problems else []),
        "| mutant | what it does | breaks | fate |",
        "|---|---|---|---|",
    ]
    for row in report.rows:
        fate = "killed" if not row.is_failure else f"**{row.actual}**"
        says = row.says.replace("|", "\\|")
        lines.append(f"| `{row.id}` | {says} | {row.clause} | {fate.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"
