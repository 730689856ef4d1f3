"""What a target is known to fail: a TOML file in which every entry has a reason, a link, and a day on which it expires.

::

    [[gap]]
    id = "WS-ORDER-03"
    reason = "The event comes before its item."
    link = "https://example.com/issues/7"
    expires = 2027-01-31
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from .options import WrongOptions
from .requirement import Catalogue
from .runner import Run
from .verdict import Outcome

KEYS = {"id", "reason", "link", "expires"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGap:
    """One entry. On the day `expires` it still holds."""

    id: str
    reason: str
    link: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGaps:
    """A file of them, read on the day `today`."""

    gaps: tuple[KnownGap, ...] = ()
    today: date

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why each is excused, by id: what the runner takes. Those that have expired excuse nothing."""
        return {gap.id: f"{gap.reason} {gap.link}" for gap in self.gaps if gap.expires >= self.today}

    def problems(self, run: Run, catalogue: Catalogue) -> tuple[str, ...]:
        """What is wrong with the file itself after that run; each fails the run."""
        outcomes = {verdict.requirement.id: verdict.outcome for verdict in run.verdicts}
        found = []
        for gap in self.gaps:
            if gap.id not in catalogue:
                found.append(f"known gap {gap.id} matches no requirement: delete it")
            elif gap.expires < self.today:
                found.append(f"known gap {gap.id} expired on {gap.expires}: fix it, or say anew why not ({gap.reason})")
            elif outcomes.get(gap.id) is Outcome.UNSUPPORTED:
                found.append(f"known gap {gap.id} matches nothing: this target does not declare what it needs")
        return tuple(found)

    def applied(self, run: Run, catalogue: Catalogue) -> Run:
        """The run with the problems of the file."""
        return replace(run, problems=(*run.problems, *self.problems(run, catalogue)))


def read(path: str | None, today: date) -> KnownGaps:
    """Read a file; None has no gaps. Raises `WrongOptions` for what can't be read or is not complete."""
    if path is None:
        return KnownGaps(today=today)
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongOptions(f"--known-gaps {path}: {error}") from error
    entries = table.pop("gap", [])
    if table or not isinstance(entries, list):
        raise WrongOptions(f"--known-gaps {path}: only [[gap]] tables, not {', '.join(table) or 'gap'}")
    gaps = tuple(_gap(path, entry) for entry in entries)
    _refuse_twice(path, [gap.id for gap in gaps])
    return KnownGaps(gaps=gaps, today=today)


def _gap(path: str, entry: object) -> KnownGap:
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise WrongOptions(f"--known-gaps {path}: a gap has {', '.join(sorted(KEYS))}, not {entry!r}")
    texts = {key: entry[key] for key in ("id", "reason", "link")}
    if not all(isinstance(text, str) and text.strip() for text in texts.values()) or type(entry["expires"]) is not date:
        raise WrongOptions(f"--known-gaps {path}: id, reason and link are texts, expires is a day: {entry!r}")
    return KnownGap(**texts, expires=entry["expires"])


def _refuse_twice(path: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise WrongOptions(f"--known-gaps {path}: {each} is listed twice")
        seen.add(each)
