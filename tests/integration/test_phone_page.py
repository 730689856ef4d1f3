"""`/_ringback/phone`: what the page is made of, and who gets a key for it. Browsers open it in `tests/interop`."""

import json
import re
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
import numpy as np
import pytest
from desk import StartEmulator
from ringback.emulator.phone_page import PAGES
from ringback.emulator.server import Emulator
from ringback.fixtures import tonecode

SESSION = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."}


def origin_of(emulator: Emulator) -> str:
    parts = urlsplit(emulator.ready.base_url)
    return f"{parts.scheme}://{parts.netloc}"


async def test_page_comes_with_all_it_names_and_nothing_from_elsewhere(emulator: Emulator) -> None:
    url = f"{emulator.ready.admin_url}/phone"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as response:
            page = await response.text()
            assert response.content_type == "text/html"
            policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        named = set(re.findall(r'(?:href|src)="(phone/[^"]+)"', page))
        scripts = [file.read_text(encoding="utf-8") for file in PAGES.glob("*.js")]
        named |= {f"phone/{name}" for script in scripts for name in re.findall(r'from "\./([^"]+)"', script)}
        assert {f"phone/{file.name}" for file in PAGES.iterdir()} == named | {"phone/index.html"}
        for name in named:
            async with http.get(f"{emulator.ready.admin_url}/{name}") as response:
                assert response.status == 200
                assert response.headers["Content-Security-Policy"] == policy
        for unknown in ("phone/nothing.js", "phone/..%2f..%2fserver.py", "phone/__init__.py"):
            async with http.get(f"{emulator.ready.admin_url}/{unknown}") as response:
                assert response.status == 404
    styles = [file.read_text(encoding="utf-8") for file in PAGES.glob("*.css")]
    named_elsewhere = re.findall(r"(?:https?:|url\(|@import|import\()[^\s]{3,}", "".join([page, *scripts, *styles]))
    assert [name for name in named_elsewhere if not name.startswith("http://localhost")] == []


async def test_page_gets_a_client_secret_of_the_project(emulator: Emulator) -> None:
    url = f"{emulator.ready.admin_url}/phone/secret"
    body = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": SESSION}
    async with aiohttp.ClientSession(headers={"Origin": origin_of(emulator)}) as http:
        async with http.post(url, json=body) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            secret = await response.json()
        assert secret["value"].startswith("ek_")
        assert secret["session"]["instructions"] == "Be brief."
        async with http.post(url, json={"session": {"type": "nonsense"}}) as response:
            assert (response.status, (await response.json())["error"]["param"]) == (400, "session.type")
    (entry,) = emulator.journal.entries(kind="client_secret")
    assert entry.project_id == emulator.project.id


async def test_other_sites_get_no_secret(emulator: Emulator) -> None:
    url = f"{emulator.ready.admin_url}/phone/secret"
    port = urlsplit(url).port
    refused = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://evil.example:{port}", "Host": f"evil.example:{port}"},
        {},
    ]
    async with aiohttp.ClientSession() as http:
        for headers in refused:
            async with http.post(url, headers=headers) as response:
                assert response.status == 403
                message = (await response.json())["error"]["message"]
                assert message.startswith("The phone page has a key" if headers == {} else "/_ringback/ is")
        async with http.post(
            url, headers={"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
        ) as response:
            assert response.status == 200
    assert len(list(emulator.journal.entries(kind="client_secret"))) == 1


async def test_page_on_the_address_that_was_given_gets_a_secret(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(advertise_ip="192.0.2.7")
    url = f"http://127.0.0.1:{urlsplit(emulator.ready.base_url).port}/_ringback/phone/secret"
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, headers={"Host": "192.0.2.7", "Origin": "https://192.0.2.7"}) as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize(
    ("text", "utterance"), [("hi", 0), ("Grüße, 世界", 5), ("", 3), ("seven, " * 20, 15), ("x" * 4000, 1)]
)
def test_page_speaks_tonecode(program: Callable[[str], str], text: str, utterance: int) -> None:
    """Sample by sample what the instrument speaks, but for the rounding of the last ramp."""
    script = (
        f"import {{ encode }} from {json.dumps((PAGES / 'tonecode.js').as_uri())};"
        f"const sound = encode({json.dumps(text)}, {{ utterance: {utterance}, sampleRate: 8000 }});"
        "process.stdout.write(new Uint8Array(sound.buffer));"
    )
    done = subprocess.run(
        [program("node"), "--input-type=module", "--eval", script], capture_output=True, check=True, timeout=30
    )
    spoken = np.frombuffer(done.stdout, dtype=np.float32) * 32767
    expected = tonecode.encode(text, utterance=utterance)
    assert len(spoken) == len(expected)
    tail = 160
    assert np.abs(spoken[:-tail] - expected[:-tail]).max() <= 1.0
    assert np.abs(spoken[-tail:]).max() < 0.3 * 32767
    assert [heard.text for heard in tonecode.decode(spoken.astype(np.int16))] == [text]
