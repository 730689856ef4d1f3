"""pytest in a process of its own, as users run it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PATIENCE = 150
"""Seconds for one run: on a slow machine the imports alone take half a minute."""


def run_pytest(
    *arguments: str, folder: Path, environment: Mapping[str, str], patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`. Without Hypothesis, which nothing there uses and whose import takes longer than all else."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
