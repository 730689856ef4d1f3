"""Who may use `/_ringback/`: programs on this machine, and the emulator's own pages."""

import re
from unittest.mock import Mock
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from desk import StartEmulator
from ringback.emulator.config import Settings
from ringback.emulator.errors import Forbidden
from ringback.emulator.server import Emulator
from ringback.emulator.strangers import check_sender


def ask(path: str = "/_ringback/journal", *, remote: str = "127.0.0.1", settings: Settings, **headers: str) -> None:
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (remote, 4711) if name == "peername" else default
    named = {name.replace("_", "-"): value for name, value in ({"Host": "localhost:8080"} | headers).items()}
    check_sender(make_mocked_request("GET", path, headers=named, transport=transport), settings)


@pytest.mark.parametrize("path", ["ready", "journal", "scenarios", "openapi.json", "phone", "nothing"])
async def test_pages_of_other_sites_are_refused_everywhere(emulator: Emulator, path: str) -> None:
    url = f"{emulator.ready.admin_url}/{path}"
    port = urlsplit(url).port
    async with aiohttp.ClientSession() as http:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
            {"Host": f"evil.example:{port}"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        ):
            async with http.get(url, headers=headers) as response:
                assert response.status == 403
                assert "/_ringback/ is" in (await response.json())["error"]["message"]


async def test_link_to_the_emulator_may_be_followed(emulator: Emulator) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{emulator.ready.admin_url}/journal") as response,
    ):
        assert response.status == 200


async def test_path_that_does_not_exist_is_answered_in_the_envelope(emulator: Emulator) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{emulator.ready.admin_url}/nothing") as response:
        assert (response.status, "Invalid URL" in (await response.json())["error"]["message"]) == (404, True)


@pytest.mark.parametrize("remote", ["10.0.0.7", "2001:db8::7", "::ffff:10.0.0.7"])
def test_other_machines_are_refused_unless_the_setting_says_so(remote: str) -> None:
    with pytest.raises(Forbidden, match=f"{re.escape(remote)}: start with --control-anywhere"):
        ask(remote=remote, settings=Settings())
    with pytest.raises(Forbidden, match="--phone-anywhere"):
        ask("/_ringback/phone/secret", remote=remote, settings=Settings())
    with pytest.raises(Forbidden, match="--control-anywhere"):
        ask(remote=remote, settings=Settings(phone_anywhere=True))
    ask("/_ringback/phone/secret", remote=remote, settings=Settings(phone_anywhere=True))
    ask("/_ringback/health", remote=remote, settings=Settings())
    ask(remote=remote, settings=Settings(control_anywhere=True))
    for near in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
        ask(remote=near, settings=Settings())


@pytest.mark.parametrize(
    ("host", "here", "anywhere"),
    [
        ("127.0.0.1:8080", True, True),
        ("[::1]:8080", True, True),
        ("192.0.2.7", True, True),
        ("app.localhost:8080", True, True),
        ("ringback:8080", False, True),
        ("host.docker.internal:8080", False, True),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
    ],
)
def test_names_that_others_may_give_to_this_machine_are_refused(host: str, here: bool, anywhere: bool) -> None:
    for settings, is_welcome in ((Settings(), here), (Settings(control_anywhere=True), anywhere)):
        if is_welcome:
            ask(Host=host, settings=settings)
            ask(Host=host, Origin=f"http://{host}", settings=settings)
        else:
            with pytest.raises(Forbidden, match="localhost or an IP address"):
                ask(Host=host, settings=settings)


async def test_address_that_was_given_may_be_named(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(advertise_ip="192.0.2.7")
    url = f"http://127.0.0.1:{urlsplit(emulator.ready.base_url).port}/_ringback/health"
    async with aiohttp.ClientSession() as http, http.get(url, headers={"Host": "192.0.2.7"}) as response:
        assert response.status == 200
