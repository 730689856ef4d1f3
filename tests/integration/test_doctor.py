"""`ringback doctor`: what it finds, what it says to do, and how it ends."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from desk import SESSION, Desk, StartEmulator
from integration.command import run
from ringback.conformance.client import Phone
from ringback.conformance.client.errors import ClientError
from ringback.emulator import findings, probes, softphones
from ringback.emulator.config import PortRange, Settings
from ringback.emulator.doctor import SAYS, Doctor
from ringback.emulator.findings import Finding, Level
from ringback.emulator.server import Emulator

ServePage = Callable[[web.Response], Awaitable[str]]


async def examine(emulator: Emulator, **settings: object) -> dict[str, list[Finding]]:
    """The findings about an emulator, by topic."""
    url = emulator.ready.admin_url.removesuffix("/_ringback")
    return by_topic(await Doctor(url, Settings(**settings), Phone, ClientError).examine())  # type: ignore[arg-type]


def by_topic(found: list[Finding]) -> dict[str, list[Finding]]:
    topics: dict[str, list[Finding]] = {}
    for finding in found:
        topics.setdefault(finding.topic, []).append(finding)
    return topics


def wrong(topics: dict[str, list[Finding]]) -> list[str]:
    return [each.says for found in topics.values() for each in found if each.level is Level.WRONG]


async def test_doctor_finds_nothing_wrong_and_hears_itself(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(auto_accept=True)
    topics = await examine(emulator)
    assert wrong(topics) == []
    for transport in ("tls", "tcp", "udp"):
        [answered] = topics[f"SIP {transport}"]
        assert emulator.ready.sip[transport] in answered.says
    assert [each.says for each in topics["codecs"]] == ["PCMU, 20 ms, keys as RFC 4733 events"]
    assert topics["sound in"][0].says.endswith(" 0 lost, and the key")
    [heard] = topics["sound out"]
    assert SAYS in heard.says
    assert [entry.data["by"] for entry in emulator.journal.entries(kind="call.ended")] == ["caller"]


async def test_doctor_accepts_its_call_where_no_application_does(start_emulator: StartEmulator) -> None:
    topics = await examine(await start_emulator())
    assert wrong(topics) == []
    [call] = topics["test call"]
    assert call.says.endswith("no application did, so the doctor accepted it")
    [heard] = topics["sound out"]
    assert heard.says == f"heard “{SAYS}”"


async def test_doctor_calls_with_srtp_where_plain_sound_is_refused(start_emulator: StartEmulator) -> None:
    topics = await examine(await start_emulator(auto_accept=True, srtp="required"))
    assert wrong(topics) == []
    [codecs] = topics["codecs"]
    assert codecs.says.endswith("only with SRTP, which phones must be set to")


async def test_doctor_says_that_a_call_is_refused(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    emulator.projects.clear()
    topics = await examine(emulator)
    [call] = topics["test call"]
    assert call.level is Level.WRONG
    assert "404" in call.says


async def test_doctor_says_for_whom_a_certificate_is(start_emulator: StartEmulator, tmp_path: Path) -> None:
    authority = trustme.CA()
    shown = authority.issue_cert("phones.example.com")
    shown.private_key_pem.write_to_path(tmp_path / "key.pem")
    shown.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    emulator = await start_emulator(tls_cert=str(tmp_path / "chain.pem"), tls_key=str(tmp_path / "key.pem"))
    to = softphones.Addresses.of(emulator.ready.as_dict())
    of_name, until = await probes.certificate(to, str(tmp_path / "ca.pem"))
    assert of_name.level is Level.WRONG
    assert "mismatch" in of_name.says
    assert "--advertise-ip 127.0.0.1" in str(of_name.do)
    assert until.level is Level.WELL
    [of_chain, _] = await probes.certificate(to, emulator.ready.ca_file)
    assert of_chain.level is Level.WRONG
    assert "--tls-cert" in str(of_chain.do)
    [unjudged, _] = await probes.certificate(to, None)
    assert (unjudged.level, unjudged.do) == (Level.NOTE, "copy it here, and name it: --ca-file FILE")


async def test_doctor_notices_a_port_without_tls(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator()
    ready = emulator.ready.as_dict()
    to = softphones.Addresses.of({**ready, "sip": {"tls": emulator.ready.sip["tcp"]}})
    [finding] = await probes.certificate(to, emulator.ready.ca_file)
    assert finding.level is Level.WRONG
    assert "does not begin TLS" in finding.says


async def test_doctor_names_taken_ports_when_no_emulator_runs(tmp_path: Path) -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        taken = {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1]}
        ports = ["--sip-tls-port", "0", "--sip-tcp-port", str(taken["tcp"]), "--sip-udp-port", str(taken["udp"])]
        url = f"http://127.0.0.1:{udp.getsockname()[1]}"  # nobody has it for TCP
        status, text = await run("doctor", "--json", "--url", url, "--http-port", "0", *ports, folder=tmp_path)
    report = json.loads(text)
    assert (status, report["ok"]) == (1, False)
    found = {each["topic"]: each for each in report["findings"]}
    assert found["emulator"]["says"] == f"nothing listens at {url}"
    for transport in ("tcp", "udp"):
        assert found[f"SIP {transport}"]["says"].endswith(
            f"{taken[transport]} at 127.0.0.1 is taken by another program"
        )
        assert f"--sip-{transport}-port" in found[f"SIP {transport}"]["do"]
    assert found["SIP tls"]["level"] == "well"


@pytest.fixture
async def serve_page() -> AsyncIterator[ServePage]:
    """`await serve_page(response)` is the URL at which everybody gets it."""
    async with contextlib.AsyncExitStack() as stack:

        async def serve(response: web.Response) -> str:
            async def answer(request: web.Request) -> web.Response:
                return response

            app = web.Application()
            app.router.add_get("/{any:.*}", answer)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return f"http://127.0.0.1:{runner.addresses[0][1]}"

        yield serve


async def test_doctor_notices_another_program_in_place_of_an_emulator(serve_page: ServePage, tmp_path: Path) -> None:
    url = await serve_page(web.Response(text="hello"))
    status, text = await run("doctor", "--url", url, "--config", "kamailio", folder=tmp_path)
    assert status == 1
    assert f"another program answers at {url}" in text


async def test_doctor_says_how_an_emulator_lets_it_in(serve_page: ServePage) -> None:
    refusal = {"error": {"message": "for this machine only"}}
    url = await serve_page(web.json_response(refusal, status=403))
    [refused, *_] = await Doctor(url, Settings(), Phone, ClientError).examine()
    assert refused.says == f"{url} refuses to say where it is: for this machine only"
    assert "--control-anywhere" in str(refused.do)


async def test_doctor_prints_lines_that_fit_and_ends_well(start_emulator: StartEmulator, tmp_path: Path) -> None:
    emulator = await start_emulator(auto_accept=True)
    status, text = await run("doctor", "--url", emulator.ready.base_url, folder=tmp_path, COLUMNS="72")
    assert status == 0, text
    assert text.endswith("nothing is in a softphone's way")
    assert "\x1b" not in text  # no colours in a pipe
    lines = [line for line in text.splitlines() if "→ ringback" not in line]
    assert max(map(len, lines)) <= 72


async def test_application_is_told_of_the_doctors_call(desk: Desk) -> None:
    # It may accept it, as that of anybody else.
    url = desk.emulator.ready.admin_url.removesuffix("/_ringback")
    doctor = Doctor(url, Settings(), Phone, ClientError)

    async def application() -> None:
        delivery = await desk.receiver.wait_for(count=1)
        assert delivery.event is not None
        assert (await desk.rest.accept(delivery.event["data"]["call_id"], SESSION)).status == 200

    accepting = asyncio.create_task(application())
    topics = by_topic(await doctor.examine())
    await accepting
    assert wrong(topics) == []
    assert topics["test call"][0].says.endswith("an application or --auto-accept took it")


# What addresses mean


def addresses(host: str, srtp: str = "preferred") -> softphones.Addresses:
    ports = {"tls": 5061, "tcp": 5060, "udp": 5060}
    return softphones.Addresses(project="proj_1", host=host, ports=ports, ca_file="/nowhere/ca.pem", srtp=srtp)


def test_doctor_tells_a_private_network_and_a_foreign_address_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "in_container", lambda: False)
    monkeypatch.setattr(probes, "outward_address", lambda is_v6: "192.168.1.7")
    [loopback] = probes.address(addresses("127.0.0.1"), Settings())
    assert loopback.do == "for others: ringback serve --host 0.0.0.0 --advertise-ip 192.168.1.7"
    [foreign] = probes.address(addresses("203.0.113.9"), Settings())
    assert foreign.level is Level.NOTE
    assert "no address of this machine" in foreign.says
    [name] = probes.address(addresses("phones.example.com"), Settings())
    assert name.level is Level.WELL


def test_doctor_says_what_to_publish_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "in_container", lambda: True)
    [loopback] = probes.address(addresses("127.0.0.1"), Settings())
    assert "-p 5061:5061 -p 5060:5060/udp -p 10000-10100:10000-10100/udp" in str(loopback.do)
    [rtp] = probes.rtp_range(Settings())
    assert "--rtp-ports 10000-10100" in str(rtp.do)


def test_doctor_counts_the_ports_of_the_sound() -> None:
    [rtp] = probes.rtp_range(Settings(rtp_ports=PortRange(low=10000, high=10100)))
    assert rtp.says == "the sound has UDP 10000-10100, 101 ports"
    [narrow] = probes.rtp_range(Settings(rtp_ports=PortRange(low=10000, high=10000)))
    assert narrow.level is Level.NOTE


@pytest.mark.parametrize("kind", softphones.KINDS)
@pytest.mark.parametrize("host", ["192.168.1.7", "2001:db8::7"])
def test_configuration_names_the_emulator(kind: str, host: str) -> None:
    text = softphones.KINDS[kind](addresses(host)).as_text()
    bracketed = f"[{host}]" if ":" in host else host
    assert f"{bracketed}:5061" in text
    assert "/nowhere/ca.pem is not on this machine" in text or kind == "twilio"


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("baresip", ["module                  srtp.so\n", ";mediaenc=srtp-mand\n"]),
        ("linphone", ["media_encryption=srtp\n"]),
        ("zoiper", ["  Media encryption  SDES SRTP\n"]),
        ("asterisk", ["media_encryption=sdes\n"]),
        ("twilio", ["  Secure trunking        on\n"]),
    ],
)
def test_configuration_speaks_srtp_where_the_emulator_takes_nothing_else(kind: str, lines: list[str]) -> None:
    secure = softphones.KINDS[kind](addresses("192.168.1.7", "required")).as_text()
    plain = softphones.KINDS[kind](addresses("192.168.1.7", "refused")).as_text()
    assert [line for line in lines if line not in secure or line in plain] == []


def test_linphone_checks_names_but_not_addresses() -> None:
    # linphonec 5.1 refuses a certificate for an address: it reads only the names in it.
    assert "verify_server_cn=0\n" in softphones.linphone(addresses("192.168.1.7")).as_text()
    assert "verify_server_cn=1\n" in softphones.linphone(addresses("phones.example.com")).as_text()


# How findings look

LONG = Finding(
    topic="certificate",
    level=Level.WRONG,
    says="phones refuse it because of the name that it has, which is another one than they dial",
    do="give another\nringback serve --host 0.0.0.0 --advertise-ip 192.168.1.7 --rtp-ports 10000-10100 --tls-cert a",
)


@pytest.mark.parametrize("width", [30, 59, 60, 80, 300])
def test_findings_fit_the_terminal(width: int) -> None:
    lines = [line.head + line.rest for line in findings.as_lines([LONG], width=width)]
    [command] = [line for line in lines if "ringback serve" in line]
    assert command.endswith("--tls-cert a")
    assert max(len(line) for line in lines if line is not command) <= min(width, findings.WIDEST)
    assert " ".join(" ".join(lines).split()).count("another one than they dial") == 1


def test_summary_counts_what_is_wrong() -> None:
    note = Finding(topic="RTP", level=Level.NOTE, says="few")
    assert findings.summary([note]) == "nothing is in a softphone's way"
    assert findings.summary([LONG, note]).startswith("1 thing to mend")
    assert findings.summary([LONG, LONG]).startswith("2 things to mend")
