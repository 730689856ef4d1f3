"""Pages of the docs that are made from the code: `python tests/pages.py --write`; `test_pages.py` compares."""

import sys
from pathlib import Path
from typing import Any

from command_page import command_page
from ringback.conformance.control import Control
from ringback.conformance.mutants import EXEMPT, load
from ringback.conformance.report import catalogue_page
from ringback.conformance.requirement import Level, load_checks
from ringback.emulator import admin, phone_page, routes, scenario_api
from ringback.emulator.calls.inputs import VERBS
from ringback.emulator.calls.verbs import ATTACH, TABLE, Row
from ringback.emulator.config import Settings, describe
from ringback.emulator.journal import KINDS, Journal
from ringback.emulator.model.builtin import BuiltinModel
from ringback.emulator.rtp.stream import STATISTICS
from ringback.emulator.scenarios import Scenarios

DOCS = Path(__file__).parents[1] / "docs"


def verbs_page() -> str:
    """What each request gets in each state of a call."""
    verbs = [*(kind.value for kind in VERBS), ATTACH]
    lines = [
        "# Verbs and states",
        "",
        "Made from `emulator/calls/verbs.py` by `python tests/pages.py --write`; a test compares.",
        "DOC is documented, OBS was observed of the real service, CHOICE is ours because nobody knows.",
        "",
        f"| | {' | '.join(verbs)} |",
        f"|---|{'---|' * len(verbs)}",
    ]
    for row in Row:
        cells = [TABLE[row, verb] for verb in verbs]
        lines.append(f"| {row.value} | " + " | ".join(f"**{c.status}** {c.note} [{c.tag}]" for c in cells) + " |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Every setting with its default."""
    lines = [
        "# Settings",
        "",
        "Made from `emulator/config.py` by `python tests/pages.py --write`; a test compares. Each is an option",
        "of `ringback serve` and `ringback exec` (`--http-port`), an environment variable (`RINGBACK_HTTP_PORT`),",
        "and a key of `ringback.toml` (`http-port = 8080`). `webhook_urls` is `--webhook-url`, and",
        "`webrtc_addresses` is `--webrtc-address`, as often as needed.",
        "Times are seconds, sizes bytes; a port of 0 means any free one. CHOICE marks a behaviour that",
        "nobody knows of the real service.",
        "",
        "| setting | default | what it does | evidence |",
        "|---|---|---|---|",
    ]
    for name, default, text, tag in describe():
        lines.append(f"| `{name}` | {_shown(default)} | {text} | {tag or ''} |")
    return "\n".join(lines) + "\n"


def _shown(default: Any) -> str:
    """A default as `ringback.toml` has it."""
    return "" if default in (None, ()) else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def conformance_page() -> str:
    """Every requirement of the conformance suite."""
    killers: dict[str, list[str]] = {}
    for mutant in load().values():
        killers.setdefault(mutant.breaks, []).append(mutant.name)
    return catalogue_page.render(load_checks(), killers, EXEMPT)


JOURNAL_HEAD = """# The journal

Made from `emulator/journal.py` by `python tests/pages.py --write`; a test compares.

Everything that happens is an entry of the journal, and the phone page, the picture of a call, the expectations of a
test and the reports read it and nothing else. Whoever runs `ringback serve` gets it by `GET /_ringback/journal`, a test
by `ringback.journal`. It keeps `journal_limit` entries; what it lets go is written to `journal_folder`, if there is one
([settings](settings.md)).

An entry has `sequence` (1, 2, 3 … without a gap), `at` (Unix time by the emulator's clock), `kind`, `project_id`,
`call_id` (`rtc_…`), `sip_call_id` and `data`. SIP messages know only their `sip_call_id`: the entry with which a call
begins has both and joins them. A filter by `sip` finds `sip.sent` and `sip.received` too.

| kind | what happened: what `data` holds |
|---|---|
"""

STATISTICS_HEAD = """
## Statistics of a call

Counted over the whole call, in `media.closed` as soon as its sound has ended, and in `call.ended`. A caller in the same
process has no packets: there `received` and `sent` are frames of 20 ms.

| statistic | what it counts |
|---|---|
"""

CHOICES_HEAD = """# What is a choice

Made from the code by `python tests/pages.py --write`; a test compares. [What is faithful](faithful.md) says what the
tags mean. These are the places where nobody knows what the real service does, or where it has nothing to be compared
with. If you know one of them, or your application depends on one: that is worth an issue.

"""


def journal_page() -> str:
    """Every kind of entry."""
    kinds = "".join(f"| `{kind}` | {text} |\n" for kind, text in KINDS.items())
    return (
        JOURNAL_HEAD
        + kinds
        + STATISTICS_HEAD
        + "".join(f"| `{name}` | {text} |\n" for name, text in STATISTICS.items())
    )


def choices_page() -> str:
    """Whatever is tagged CHOICE: settings, verbs, requirements."""
    settings = [each for each in describe() if each[3] == "CHOICE"]
    lines = ["## Settings", "", "| setting | default | what it does |", "|---|---|---|"]
    lines += [f"| `{name}` | {_shown(default)} | {text} |" for name, default, text, _ in settings]
    lines += ["", "## Verbs", "", "[All of them](verbs.md), with their sources.", "", "| state | verb | answer |"]
    lines += ["|---|---|---|"]
    cells = [(row.value, verb, cell) for (row, verb), cell in TABLE.items() if cell.tag == "CHOICE"]
    lines += [f"| {row} | {verb} | **{cell.status}** {cell.note} |" for row, verb, cell in cells]
    lines += ["", "## Requirements", "", "Reported and never failed, whoever is judged.", ""]
    lines += ["| id | requirement | why |", "|---|---|---|"]
    declared = [each.requirement for each in load_checks() if each.requirement.level is Level.CHOICE]
    lines += [f"| {each.id} | {each.says} | {each.clause} |" for each in declared]
    return CHOICES_HEAD + "\n".join(lines) + "\n"


CONTROL_HEAD = """# Requests of the control API

Made from the declarations of the routes by `python tests/pages.py --write`; a test compares. [Control by
HTTP](control.md) explains them; `/_ringback/openapi.json` has their bodies and answers.

| request | body | what it does |
|---|---|---|
"""


def control_page() -> str:
    """Every request under `/_ringback/`."""
    lines = []
    for path, methods in sorted(control_document()["paths"].items()):
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {})
            fields = body.get("application/json", {}).get("schema", {}).get("properties", {})
            others = [kind for kind in body if kind != "application/json"]
            shown = ", ".join(f"`{name}`" for name in [*fields, *others])
            lines.append(f"| `{method.upper()} {path}` | {shown} | {operation['summary']} |")
    return CONTROL_HEAD + "\n".join(lines) + "\n"


def control_document() -> dict[str, Any]:
    """What `/_ringback/openapi.json` says."""
    journal = Journal(limit=1)
    scenarios = Scenarios(Settings(), lambda project_id: BuiltinModel())
    apis = [
        admin.routes(journal=journal, ready=lambda: None),
        scenario_api.routes(scenarios=scenarios, journal=journal, projects={}),
        phone_page.routes(),
        Control().routes(None),
    ]
    return routes.document(apis)


PAGES = {
    "control-api.md": control_page,
    "verbs.md": verbs_page,
    "settings.md": settings_page,
    "journal.md": journal_page,
    "choices.md": choices_page,
    "cli.md": command_page,
    "CONFORMANCE.md": conformance_page,
}

if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
