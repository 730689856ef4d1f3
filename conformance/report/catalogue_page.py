"""`docs/CONFORMANCE.md`: every requirement, made from its declaration."""

from collections.abc import Iterable, Mapping

from ..requirement import Declared, Level, Requirement

HEAD = """\
# Requirements

Made from `conformance/checks/` by `python tests/pages.py --write`; a test compares. `ringback conformance` judges the
emulator by them, `--target` something else (`ringback conformance --help`).

MUST and SHOULD come from documentation (DOC), the official SDK (SDK) or an RFC; OBSERVED was seen of the real service
(OBS); CHOICE is what nobody knows: it is reported and never failed. A target without one of the *needs* is not judged
by it, and is called conformant only if that is true of no MUST. *Killed* are the mutants, emulators with
one fault, that fail the requirement ([kill-table.md](kill-table.md)).
"""


def render(catalogue: Iterable[Declared], killers: Mapping[str, list[str]], exempt: Mapping[str, str]) -> str:
    """`killers` are the names of the mutants by the requirement that they break, `exempt` the reasons for none."""
    requirements = [declared.requirement for declared in catalogue]
    lines = [HEAD, *_sums(requirements)]
    for area in dict.fromkeys(requirement.area for requirement in requirements):
        lines += [
            "",
            f"## {area}",
            "",
            "| id | level | requirement | source | needs | killed |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(each, killers, exempt) for each in requirements if each.area == area]
    return "\n".join(lines) + "\n"


def _sums(requirements: list[Requirement]) -> list[str]:
    counts = [(level.value, sum(each.level is level for each in requirements)) for level in Level]
    return [f"{len(requirements)} requirements: " + ", ".join(f"{number} {name}" for name, number in counts) + "."]


def _row(requirement: Requirement, killers: Mapping[str, list[str]], exempt: Mapping[str, str]) -> str:
    clause = _cell(requirement.clause)
    source = f"[{clause}]({requirement.link})" if requirement.link else clause
    killed = ", ".join(killers.get(requirement.id, [])) or exempt.get(requirement.id, "")
    cells = [
        requirement.id,
        requirement.level.value,
        _cell(requirement.says),
        f"{requirement.evidence}: {source}",
        " ".join(sorted(requirement.needs)),
        _cell(killed),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    for character, shown in (("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("]", "\\]"), ("*", "\\*")):
        text = text.replace(character, shown)
    return text
