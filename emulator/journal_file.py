"""The file to which the journal writes what it no longer keeps."""

import json
import os
from pathlib import Path
from typing import TextIO

from .errors import UsageError
from .journal import Entry

NAME = "journal.jsonl"


class JournalFile:
    """`journal.jsonl` in that folder, a line for each entry; nothing without a folder. Raises `UsageError` for a folder
    that can't be written to: it would be noticed hours later."""

    def __init__(self, folder: str | None) -> None:
        if folder is not None and not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
            raise UsageError(f"journal-folder {folder}: give a folder that exists and can be written to")
        self._folder = folder
        self._file: TextIO | None = None

    def write(self, entry: Entry) -> None:
        if self._folder is None:
            return
        if self._file is None:
            self._file = open(Path(self._folder, NAME), "a", encoding="utf-8")  # noqa: SIM115 — closed by `close`
        self._file.write(json.dumps(entry.as_dict()) + "\n")

    def close(self) -> None:
        """Safe to call twice; the next entry opens the file again."""
        if self._file is not None:
            self._file.close()
            self._file = None
