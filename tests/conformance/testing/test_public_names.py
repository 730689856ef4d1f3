"""What users may import, and that nothing is imported before."""

import subprocess
import sys

import pytest
from ringback.conformance import testing

NAMES = {
    "AsyncBrowser",
    "AsyncCaller",
    "AsyncRingback",
    "Browser",
    "Caller",
    "Clock",
    "ExpectationFailed",
    "Faults",
    "Journal",
    "Program",
    "Ringback",
    "WrongUse",
}


def test_package_has_these_names_and_no_others() -> None:
    assert set(testing.__all__) == NAMES
    assert all(getattr(testing, name).__module__.startswith(testing.__name__) for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'Phone'"):
        testing.Phone  # noqa: B018


def test_import_of_the_package_imports_nothing_of_it() -> None:
    code = "import sys, ringback.conformance.testing; print([m for m in sys.modules if 'testing.' in m or 'emul' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
