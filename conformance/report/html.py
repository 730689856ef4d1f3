"""The report as one HTML file that needs no network: light and dark, with a filter, printable."""

from html import escape

from ..verdict import Outcome
from .document import OUTCOMES, Report, Row

COLOURS = {
    Outcome.PASSED.value: "--good",
    Outcome.FAILED.value: "--bad",
    Outcome.GAP_CLOSED.value: "--bad",
    Outcome.BROKEN.value: "--broken",
    Outcome.KNOWN_GAP.value: "--warn",
    Outcome.NOT_RUN.value: "--warn",
    Outcome.NOTED.value: "--info",
    Outcome.UNSUPPORTED.value: "--none",
}

STYLE = """
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1c2128; --soft: #5b6572; --line: #dfe3e8;
  --good: #1a7f4b; --bad: #c62f2f; --broken: #8e3bb8; --warn: #a86a00; --info: #1f6fb5; --none: #9aa3ad; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171b; --card: #1c2026; --ink: #e4e8ed; --soft: #99a3af;
  --line: #2f353d; --good: #4cc38a; --bad: #ff6b6b; --broken: #cf8cf0; --warn: #e5b055; --info: #6db3f2;
  --none: #5f6873; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.3rem; font-weight: 600; margin: 0; color: var(--soft); }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
.verdict { font-size: 1.55rem; font-weight: 650; margin: .2rem 0 .3rem; }
.verdict::first-letter { text-transform: uppercase; }
.soft { color: var(--soft); }
.cards { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.4rem 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .55rem .9rem;
  min-width: 6.5rem; text-align: left; font: inherit; color: inherit; cursor: pointer; }
.card[aria-pressed=true] { outline: 2px solid var(--c); }
.card b { display: block; font-size: 1.4rem; line-height: 1.2; color: var(--c); }
.areas { width: 100%; border-collapse: collapse; }
.areas td { padding: .18rem .5rem .18rem 0; }
.areas td:first-child { width: 9rem; font-weight: 600; }
.areas td:last-child { width: 4rem; text-align: right; color: var(--soft); }
.bar { display: flex; height: .7rem; border-radius: 4px; overflow: hidden; gap: 1px; }
.bar i { background: var(--c); }
.row { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--c); border-radius: 6px;
  margin: .3rem 0; }
.row summary { display: grid; grid-template-columns: 11.5rem 6rem 1fr auto; gap: .6rem; padding: .4rem .7rem;
  cursor: pointer; list-style: none; align-items: baseline; }
.row summary::-webkit-details-marker { display: none; }
.row code, .row .id { font-family: ui-monospace, monospace; font-size: .86rem; }
.row .outcome { color: var(--c); font-weight: 600; font-size: .86rem; white-space: nowrap; }
.row .level { color: var(--soft); font-size: .8rem; }
.inside { padding: .2rem .8rem .8rem; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: .2rem .6rem; margin: .6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { background: var(--bg); border-radius: 6px; padding: .6rem; overflow-x: auto; font-size: .78rem;
  line-height: 1.35; }
a { color: var(--info); }
.problem { border: 1px solid var(--bad); border-radius: 6px; padding: .4rem .7rem; margin: .4rem 0; color: var(--bad); }
@media (max-width: 700px) { .row summary { grid-template-columns: 1fr auto; } .row .says { grid-column: 1 / -1; } }
@media print { .row, .card { break-inside: avoid; } }
"""

SCRIPT = """
for (const card of document.querySelectorAll('.card')) card.addEventListener('click', () => {
  const on = card.getAttribute('aria-pressed') !== 'true';
  for (const other of document.querySelectorAll('.card')) other.setAttribute('aria-pressed', 'false');
  card.setAttribute('aria-pressed', String(on));
  for (const row of document.querySelectorAll('.row')) row.hidden = on && row.dataset.outcome !== card.dataset.outcome;
});
"""


def render(report: Report) -> str:
    title = f"Conformance of {report.target}"
    scope = f" · only {', '.join(report.scope)}" if report.scope else ""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="verdict" style="color: var({_verdict_colour(report)})">{escape(report.verdict)}</p>',
            f'<p class="soft">{len(report.rows)} {report.noun} in {report.seconds:.1f} s · {escape(report.started)}'
            f" · ringback {escape(report.version)}{escape(scope)}</p>",
            *([f'<p class="soft">declares {escape(" ".join(report.capabilities))}</p>'] if report.capabilities else []),
            *(f'<p class="problem">{escape(problem)}</p>' for problem in report.problems),
            _cards(report),
            "<h2>Areas</h2>",
            _areas(report),
            *_rows(report),
            f"</main><script>{SCRIPT}</script></body></html>",
            "",
        ]
    )


def _verdict_colour(report: Report) -> str:
    if report.is_conformant:
        return "--good"
    return "--warn" if report.is_successful else "--bad"


def _cards(report: Report) -> str:
    cards = [
        f'<button class="card" aria-pressed="false" data-outcome="{outcome}" style="--c: var({COLOURS[outcome]})">'
        f"<b>{number}</b>{outcome}</button>"
        for outcome, number in report.totals.items()
    ]
    return f'<div class="cards">{"".join(cards)}</div>'


def _areas(report: Report) -> str:
    lines = []
    for area, counts in report.areas.items():
        parts = "".join(
            f'<i style="flex: {counts[outcome]}; --c: var({COLOURS[outcome]})" title="{counts[outcome]} {outcome}"></i>'
            for outcome in OUTCOMES
            if outcome in counts
        )
        lines.append(
            f'<tr><td>{escape(area)}</td><td><div class="bar">{parts}</div></td><td>{sum(counts.values())}</td></tr>'
        )
    return f'<table class="areas">{"".join(lines)}</table>'


def _rows(report: Report) -> list[str]:
    lines = []
    if report.failures:
        lines += ["<h2>Failures</h2>", *(_row(row, is_open=True) for row in report.failures)]
    for area in report.areas:
        lines += [f"<h2>{escape(area)}</h2>"]
        lines += [_row(row) for row in report.rows if row.area == area and not row.is_failure]
    return lines


def _row(row: Row, *, is_open: bool = False) -> str:
    facts = [
        ("expected", row.expected),
        ("actual", row.actual),
        ("note", row.note),
        ("source", " · ".join(part for part in (row.evidence, row.clause) if part)),
        ("needs", " ".join(row.needs)),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)
    if row.link:
        listed += f'<dt>link</dt><dd><a href="{escape(row.link)}">{escape(row.link)}</a></dd>'
    blocks = "".join(f"<pre>{escape(chr(10).join(part))}</pre>" for part in (row.ladder, row.frames) if part)
    return (
        f'<details class="row" id="{row.id}" data-outcome="{row.outcome}" style="--c: var({COLOURS[row.outcome]})"'
        f'{" open" if is_open else ""}><summary><span class="id">{row.id}</span>'
        f'<span class="level">{row.level}</span><span class="says">{escape(row.says)}</span>'
        f'<span class="outcome">{row.outcome}</span></summary>'
        f'<div class="inside"><dl>{listed}</dl>{blocks}</div></details>'
    )
