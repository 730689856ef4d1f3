"""Pages of the docs that are made from the code: `python tests/pages.py --write`; `test_pages.py` compares."""

import sys
from pathlib import Path

from ringback.conformance.mutants import EXEMPT, load
from ringback.conformance.report import catalogue_page
from ringback.conformance.requirement import load_checks
from ringback.emulator.calls.inputs import VERBS
from ringback.emulator.calls.verbs import ATTACH, TABLE, Row
from ringback.emulator.config import describe

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
        shown = "" if default in (None, ()) else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        lines.append(f"| `{name}` | {shown} | {text} | {tag or ''} |")
    return "\n".join(lines) + "\n"


def conformance_page() -> str:
    """Every requirement of the conformance suite."""
    killers: dict[str, list[str]] = {}
    for mutant in load().values():
        killers.setdefault(mutant.breaks, []).append(mutant.name)
    return catalogue_page.render(load_checks(), killers, EXEMPT)


PAGES = {"verbs.md": verbs_page, "settings.md": settings_page, "CONFORMANCE.md": conformance_page}

if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
