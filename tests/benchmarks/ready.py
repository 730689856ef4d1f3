"""How a server under load says that it is there, and where."""

import json
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
PROJECT = "proj_load"


def write(file: Path, ready: dict[str, Any]) -> None:
    """As `--ready-json` does: whoever sees the file sees all of it."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(ready), encoding="utf-8")
    part.rename(file)
