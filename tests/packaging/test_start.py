"""What the start of an emulator does not wait for."""

import subprocess
import sys

HEAVY = ("aiortc", "av", "jsonschema", "numpy", "rich", "soxr")


def test_server_is_imported_without_what_only_a_call_needs() -> None:
    code = f"import sys, ringback.emulator.server; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
