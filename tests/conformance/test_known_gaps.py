"""The file of known gaps rots loudly."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ringback.conformance import known_gaps
from ringback.conformance.options import WrongOptions
from ringback.conformance.requirement import Catalogue
from ringback.conformance.runner import run

TODAY = date(2026, 11, 20)
GAP = 'id = "A-B-01"\nreason = "not yet"\nlink = "https://example.com/1"\n'


def read(tmp_path: Path, text: str) -> known_gaps.KnownGaps:
    path = tmp_path / "gaps.toml"
    path.write_text(text, encoding="utf-8")
    return known_gaps.read(str(path), TODAY)


async def problems(gaps: known_gaps.KnownGaps, target: Any, catalogue: Catalogue) -> tuple[str, ...]:
    result = await run(target, catalogue, gaps=gaps.reasons)
    return tuple(gaps.applied(result, catalogue).problems)


def test_no_file_has_no_gaps() -> None:
    assert known_gaps.read(None, TODAY).reasons == {}


async def test_gap_excuses_a_failure_until_its_day(
    tmp_path: Path, target: Any, catalogue: Catalogue, declare: Any, fails: Any
) -> None:
    declare("A-B-01", fails)
    gaps = read(tmp_path, f"[[gap]]\n{GAP}expires = 2026-11-20\n")
    assert gaps.reasons == {"A-B-01": "not yet https://example.com/1"}
    result = gaps.applied(await run(target, catalogue, gaps=gaps.reasons), catalogue)
    assert result.is_successful


async def test_gap_fails_the_run_when_it_has_expired(
    tmp_path: Path, target: Any, catalogue: Catalogue, declare: Any, fails: Any
) -> None:
    declare("A-B-01", fails)
    gaps = read(tmp_path, f"[[gap]]\n{GAP}expires = 2026-11-19\n")
    assert gaps.reasons == {}
    found = await problems(gaps, target, catalogue)
    assert found == ("known gap A-B-01 expired on 2026-11-19: fix it, or say anew why not (not yet)",)


async def test_gap_fails_the_run_when_it_matches_no_requirement(
    tmp_path: Path, target: Any, catalogue: Catalogue
) -> None:
    gaps = read(tmp_path, f"[[gap]]\n{GAP}expires = 2027-01-01\n")
    assert await problems(gaps, target, catalogue) == ("known gap A-B-01 matches no requirement: delete it",)


async def test_gap_fails_the_run_when_its_requirement_is_not_supported(
    tmp_path: Path, target: Any, catalogue: Catalogue, declare: Any, fails: Any
) -> None:
    declare("A-B-01", fails, needs={"sip"})
    gaps = read(tmp_path, f"[[gap]]\n{GAP}expires = 2027-01-01\n")
    (found,) = await problems(gaps, target, catalogue)
    assert "matches nothing" in found


@pytest.mark.parametrize(
    "text",
    [
        "[[gap]\n",
        "other = 1\n",
        "gap = 1\n",
        "[[gap]]\nid = 'A-B-01'\n",
        f"[[gap]]\n{GAP}expires = '2027-01-01'\n",
        f"[[gap]]\n{GAP.replace('not yet', ' ')}expires = 2027-01-01\n",
        f"[[gap]]\n{GAP}expires = 2027-01-01\n" * 2,
    ],
)
def test_file_is_refused_when_it_is_not_complete(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongOptions, match="known-gaps"):
        read(tmp_path, text)


def test_file_is_refused_when_it_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongOptions, match="known-gaps"):
        known_gaps.read(str(tmp_path / "none.toml"), TODAY)
