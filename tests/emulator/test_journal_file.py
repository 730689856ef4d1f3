"""Where the journal writes what it no longer keeps, and what an emulator refuses before it starts."""

import json
from pathlib import Path

import pytest
from ringback.emulator.config import Settings
from ringback.emulator.errors import UsageError
from ringback.emulator.journal import Journal
from ringback.emulator.journal_file import NAME, JournalFile
from ringback.emulator.server import Emulator


def test_journal_writes_what_it_lets_go(tmp_path: Path) -> None:
    file = JournalFile(str(tmp_path))
    journal = Journal(limit=1, on_drop=file.write)
    for number in range(3):
        journal.add("media.dtmf", now=float(number), digit=str(number))
    file.close()
    file.close()
    lines = (tmp_path / NAME).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["data"]["digit"] for line in lines] == ["0", "1"]


def test_journal_without_a_folder_writes_nothing() -> None:
    journal = Journal(limit=1, on_drop=(file := JournalFile(None)).write)
    for number in range(3):
        journal.add("media.dtmf", now=float(number), digit=str(number))
    file.close()
    assert journal.dropped == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"journal_folder": "/nowhere/at/all"}, "journal-folder /nowhere/at/all"),
        ({"webhook_secret": "whsec_not base64"}, "does not decode"),
        ({"webhook_secret": "whsec_"}, "must not be empty"),
    ],
)
def test_emulator_refuses_what_would_fail_later(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Emulator(Settings(**settings))  # type: ignore[arg-type]
