"""Something that nobody here wrote: npm's `@copilotkit/aimock`, which serves sessions over a WebSocket only."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from conftest import missing
from ringback.conformance.report.document import document
from ringback.conformance.requirement import load_checks
from ringback.conformance.runner import run
from ringback.conformance.targets.url import UrlTarget, Way
from ringback.conformance.verdict import Outcome

PACKAGE = "@copilotkit/aimock"
VERSION = "1.43.0"
FIXTURES = {"fixtures": [{"match": {"userMessage": "hello"}, "response": {"content": "Hello! How can I help you?"}}]}
ADDRESS = re.compile(r"listening on (http://\S+)")


@pytest.fixture(scope="session")
def aimock_folder(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed package."""
    if named := os.environ.get("RINGBACK_NODE_MODULES"):
        installed = Path(named) / PACKAGE
        if installed.is_dir():
            return installed
    folder = tmp_path_factory.mktemp("aimock")
    command = [program("npm"), "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"]
    if subprocess.run(command, capture_output=True, timeout=50, check=False).returncode != 0:
        missing(f"npm's way to {PACKAGE}")
    return folder / "node_modules" / PACKAGE


@pytest.fixture
async def aimock(aimock_folder: Path, program: Callable[[str], str], tmp_path: Path) -> AsyncIterator[str]:
    """Its base URL."""
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps(FIXTURES))
    process = await asyncio.create_subprocess_exec(
        program("node"),
        str(aimock_folder / "dist" / "cli.js"),
        *("--port", "0", "--fixtures", str(fixtures)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        seen = ""
        while (found := ADDRESS.search(seen)) is None:
            line = await process.stdout.readline()
            assert line, f"it ended: {seen}"
            seen += line.decode()
        yield f"{found[1]}/v1"
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.timeout(120)
async def test_aimock_is_judged_by_what_it_has(aimock: str) -> None:
    target = UrlTarget(Way(base_url=aimock, api_key="sk-of-nobody"))
    target.concurrency = 40  # most of the time goes to events that it never sends
    result = await run(target, load_checks())
    assert target.capabilities == {"ws"}
    judged = {
        verdict.requirement.id: verdict.outcome
        for verdict in result.verdicts
        if verdict.outcome not in (Outcome.UNSUPPORTED, Outcome.NOTED)
    }
    assert set(judged.values()) == {Outcome.PASSED, Outcome.FAILED}
    assert judged["WS-SESSION-01"] is Outcome.PASSED
    assert judged["WS-ITEM-02"] is Outcome.FAILED
    assert document(result).verdict.startswith("not conformant: ")
