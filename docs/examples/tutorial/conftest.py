"""Each test has the application beside it, as a process of its own that serves port 8000."""

import os
import sys
from pathlib import Path

import pytest

COMMANDS = {
    "flask": ("-m", "flask", "--app", "flask_app", "run", "--port", "8000"),
    "fastapi": ("-m", "uvicorn", "fastapi_app:app", "--port", "8000"),
}


@pytest.fixture(autouse=True)
def application(ringback):
    command = COMMANDS[os.environ.get("FRAMEWORK", "flask")]
    ringback.start(sys.executable, *command, cwd=Path(__file__).parent, ready="unning on http://127.0.0.1:8000")
