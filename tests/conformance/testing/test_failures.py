"""What a user sees of each failure, kept as text: `python tests/conformance/testing/test_failures.py --write`."""

import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pytest_process import PATIENCE, run_pytest

pytestmark = pytest.mark.timeout(PATIENCE + 10)
HERE = Path(__file__).parent
SNAPSHOTS = HERE / "snapshots"
ROOT = HERE.parents[2]
CASES = re.findall(r"^def test_(\w+)", (HERE / "failing.py").read_text(encoding="utf-8"), re.MULTILINE)


def failures(folder: Path) -> dict[str, str]:
    """Run `failing.py`: what pytest shows of each test, without what another run would have otherwise."""
    told = (f"--ringback-journals={folder}", f"--junit-xml={folder}/junit.xml")
    arguments = ("--tb=short", "-q", "-p", "no:randomly", *told, str(HERE / "failing.py"))
    ran = run_pytest(*arguments, folder=ROOT, environment={**os.environ, "COLUMNS": "120"})
    parts = re.split(r"^_{3,} (?:ERROR at \w+ of )?test_(\w+) _{3,}$", ran.stdout, flags=re.MULTILINE)[1:]
    assert parts, ran.stdout
    shown = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: normal(text.partition("\n====")[0].strip("\n"), folder) + "\n" for name, text in shown.items()}


def normal(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "DIR").replace(str(ROOT) + "/", "")
    text = re.sub(r"(  File \"[^\"]*/site-packages/.*\n(?:    .*\n)+)+", "  File … of the SDK\n", text)
    text = re.sub(r"(failing|applications)\.py(:|\", line )\d+", r"\1.py\2N", text)
    text = re.sub(r"\b(rtc_u\d_|proj_)(\w+)", lambda match: match[1] + len(match[2]) * "·", text)
    text = re.sub(r"127\.0\.0\.1(:|', )\d{5}", r"127.0.0.1\1PORT", text)
    text = re.sub(r"\n-+ Captured .*?(?=\n-{3,} ringback|\Z)", "", text, flags=re.DOTALL)
    text = re.sub(r"^(E? *)(\d+\.\d) │", lambda match: match[1] + len(match[2]) * "·" + " │", text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict[str, str]:
    return failures(folder)


@pytest.mark.parametrize("case", CASES)
def test_failure_says_what_happened_and_where_to_look(shown: dict[str, str], case: str) -> None:
    assert shown[case] == (SNAPSHOTS / f"{case}.txt").read_text(encoding="utf-8")


def test_every_snapshot_has_its_case() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(CASES)


def test_failed_test_leaves_its_journal_as_one_page(shown: dict[str, str], folder: Path) -> None:
    pages = {path.stem.rpartition("test_")[2]: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}
    assert set(pages) == set(CASES) == set(shown)
    page = pages["application_sends_nonsense"]
    assert "was answered 400: Invalid value: &#x27;smell&#x27;" in page
    assert '<details class="rest trouble">' in page
    assert not re.search(r'(src|href)="(?!data:)|url\(|@import', page)


def test_page_of_a_failed_test_is_named_for_machines(shown: dict[str, str], folder: Path) -> None:
    properties = ElementTree.parse(folder / "junit.xml").iter("property")
    named = {each.get("value") for each in properties if each.get("name") == "ringback_journal"}
    assert named == {str(path) for path in folder.glob("*.html")}
    assert len(shown) == len(named)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        for case, text in failures(Path(place)).items():
            (SNAPSHOTS / f"{case}.txt").write_text(text, encoding="utf-8")
