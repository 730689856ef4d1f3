"""`POST /v1/realtime/calls` on the wire: every way in which an offer is sent, and everything that is wrong with one."""

import json
from pathlib import Path
from typing import Any

import pytest
from desk import StartEmulator, wait_for_entry
from ringback.conformance.client import RestClient
from ringback.conformance.client.forms import Form
from ringback.conformance.client.rest import RestAnswer
from ringback.emulator.clock import ManualClock
from ringback.emulator.config import PortRange, Settings
from ringback.emulator.server import Emulator
from webrtc_sample import AUDIO, DATA, FINGERPRINT, HEAD, OFFER, TRANSPORT

SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime", "instructions": "Be brief."}
PATH = "/realtime/calls"


async def secret(rest: RestClient, **body: Any) -> str:
    answer = await rest.request("POST", "/realtime/client_secrets", json_body=body)
    return str(answer.json()["value"])


def instructions_of(emulator: Emulator, answer: RestAnswer) -> str:
    call_id = (answer.header("Location") or "").rpartition("/")[2]
    call = emulator.performer.control.calls.of_project(call_id, emulator.ready.project_id)
    host = emulator.performer.session_of(call)
    assert host is not None
    return str(host.host.session.config.instructions)


@pytest.mark.parametrize("form", ["typed", "bare", "file"])
async def test_offer_is_taken_in_every_form_that_clients_send(emulator: Emulator, rest: RestClient, form: Form) -> None:
    answer = await rest.create_call(OFFER, SESSION, form=form)
    assert (answer.status, answer.reason) == (201, "Created")
    assert instructions_of(emulator, answer) == "Be brief."


async def test_offer_without_a_session_gets_a_session_of_defaults(emulator: Emulator, rest: RestClient) -> None:
    for form in ("raw", "typed"):
        answer = await rest.create_call(OFFER, form=form)
        assert answer.status == 201
        assert "helpful" in instructions_of(emulator, answer)


async def test_offer_with_a_client_secret_gets_the_session_of_the_secret(emulator: Emulator, rest: RestClient) -> None:
    key = await secret(rest, session=SESSION)
    async with RestClient(emulator.ready.base_url, key) as browser:
        bound = await browser.create_call(OFFER)
        assert instructions_of(emulator, bound) == "Be brief."
        overridden = await browser.create_call(OFFER, SESSION | {"instructions": "Be long."})
        assert instructions_of(emulator, overridden) == "Be long."
        kept = await browser.create_call(OFFER, {"type": "realtime"})
        assert instructions_of(emulator, kept) == "Be brief."


async def test_call_inherits_the_safety_identifier_of_its_secret(emulator: Emulator, rest: RestClient) -> None:
    made = await rest.request(
        "POST", "/realtime/client_secrets", json_body={}, headers={"OpenAI-Safety-Identifier": "user-1"}
    )
    async with RestClient(emulator.ready.base_url, made.json()["value"]) as browser:
        await browser.create_call(OFFER)
    offered = await wait_for_entry(emulator, "call.offered")
    assert (offered.data["safety_identifier"], offered.data["key"]) == ("user-1", "client_secret")


async def test_answer_has_the_recorded_headers(rest: RestClient) -> None:
    answer = await rest.create_call(OFFER, SESSION)
    assert answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert answer.header("Access-Control-Allow-Origin") == "*"
    assert answer.header("Timing-Allow-Origin") == "*"
    exposed = [value for name, value in answer.headers if name.lower() == "access-control-expose-headers"]
    assert exposed == ["Location, X-Request-Id", "CF-Ray"]
    assert (answer.header("Location") or "").startswith("/v1/realtime/calls/rtc_")
    assert {"strict-transport-security", "alt-svc"} & {name.lower() for name, _ in answer.headers} == set()


async def test_content_type_of_the_answer_is_a_setting(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(answer_content_type="application/sdp")
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        assert (await rest.create_call(OFFER)).header("Content-Type") == "application/sdp"


async def test_page_of_another_origin_may_ask_and_post(rest: RestClient) -> None:
    asked = await rest.request(
        "OPTIONS",
        PATH,
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-openai-agents-sdk",
        },
        has_key=False,
    )
    assert asked.status == 204
    assert asked.header("Access-Control-Allow-Origin") == "*"
    assert asked.header("Access-Control-Allow-Headers") == "authorization,content-type,x-openai-agents-sdk"
    assert "POST" in (asked.header("Access-Control-Allow-Methods") or "")


def form_of(*parts: tuple[str, bytes], end: str = "--") -> bytes:
    lines = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return lines + b"--b" + end.encode() + b"\r\n"


FORM = "multipart/form-data; boundary=b"
SDP = "application/sdp"


@pytest.mark.parametrize(
    ("kind", "body", "status", "code", "message"),
    [
        (SDP, b"", 400, "invalid_value", "An SDP offer is required."),
        (SDP, b"\r\n", 400, "invalid_value", "An SDP offer is required."),
        (FORM, form_of(("session", b"{}")), 400, "invalid_value", "An SDP offer is required."),
        (SDP, b"not an SDP\r\n", 400, "invalid_offer", "not of the form"),
        (SDP, b"v=0\r\ns=\xff\r\n", 400, "invalid_offer", "not UTF-8"),
        (SDP, OFFER.removesuffix("\r\n").encode(), 400, "invalid_offer", "does not end"),
        (SDP, (HEAD + DATA + TRANSPORT).encode(), 400, "invalid_offer", "no audio section"),
        (SDP, OFFER.replace(FINGERPRINT, "?").encode(), 400, "invalid_offer", "fingerprint"),
        (SDP, (OFFER.encode() + b"a=x\r\n" * 220_000)[: 1 << 20], 413, None, "SDP offer has"),
        ("application/json", json.dumps({"sdp": OFFER}).encode(), 400, None, "Unsupported content type"),
        ("", OFFER.encode(), 400, None, "Unsupported content type"),
        ("multipart/form-data", form_of(("sdp", OFFER.encode())), 400, None, "names no boundary"),
        (FORM, form_of(("sdp", OFFER.encode()), end=""), 400, None, "does not end with its boundary"),
        (FORM, b"", 400, None, "does not end with its boundary"),
        (FORM, b"--b\r\n\r\nnameless\r\n--b--\r\n", 400, None, "a part has no name"),
        (FORM, form_of(("sdp", OFFER.encode()), ("model", b"x")), 400, "unknown_parameter", "'model'"),
        (FORM, form_of(("sdp", OFFER.encode()), ("session", b"{")), 400, None, "Invalid 'session'"),
        (
            FORM,
            form_of(("sdp", OFFER.encode()), ("session", b"{}")),
            400,
            "missing_required_parameter",
            "'session.type'",
        ),
        (
            FORM,
            form_of(("sdp", OFFER.encode()), ("session", b'{"type": "realtime", "x": 1}')),
            400,
            "unknown_parameter",
            "Unknown parameter: 'session.x'.",
        ),
    ],
)
async def test_request_that_can_become_no_call_gets_an_error_that_a_page_can_read(
    emulator: Emulator, rest: RestClient, kind: str, body: bytes, status: int, code: str | None, message: str
) -> None:
    answer = await rest.request("POST", PATH, body=body, headers={"Content-Type": kind})
    assert (answer.status, answer.error["code"]) == (status, code)
    assert message in answer.error["message"]
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.header("Access-Control-Allow-Origin") == "*"
    assert emulator.performer.open_calls == 0


async def test_cut_off_offer_is_taken_when_the_setting_says_so(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(offer_needs_final_newline=False)
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        assert (await rest.create_call(OFFER.removesuffix("\r\n"))).status == 201


@pytest.mark.parametrize(("key", "code"), [(None, "invalid_api_key"), ("ek_unknown", "invalid_api_key")])
async def test_request_without_a_key_of_a_project_gets_401(emulator: Emulator, key: str | None, code: str) -> None:
    async with RestClient(emulator.ready.base_url, key) as rest:
        answer = await rest.create_call(OFFER)
    assert (answer.status, answer.error["code"]) == (401, code)
    assert answer.header("Access-Control-Allow-Origin") == "*"


async def test_expired_secret_gets_401() -> None:
    clock = ManualClock()
    settings = Settings(http_port=0, https_port=0, sip_tls_port=0, sip_tcp_port=0, sip_udp_port=0)
    async with Emulator(settings, clock=clock) as emulator:
        async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
            key = await secret(rest, expires_after={"anchor": "created_at", "seconds": 60})
        clock.advance(61)
        async with RestClient(emulator.ready.base_url, key) as browser:
            answer = await browser.create_call(OFFER)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


async def test_offer_that_no_port_is_free_for_gets_a_reason(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(webrtc_addresses=("192.0.2.1",))
    async with RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest:
        answer = await rest.create_call(OFFER)
    assert answer.status == 502
    assert "no media" in answer.error["message"]
    assert emulator.performer.open_calls == 0


async def test_answer_names_the_advertised_address_and_a_port_of_the_range(start_emulator: StartEmulator) -> None:
    emulator = await start_emulator(advertise_ip="192.0.2.7", rtp_ports=PortRange.parse("42000-42999"))
    bound = emulator.ready.base_url.replace("192.0.2.7", "127.0.0.1")
    async with RestClient(bound, emulator.ready.api_key) as rest:
        answer = await rest.create_call(HEAD.replace("0 1", "0") + AUDIO + TRANSPORT)
    (candidate,) = [line for line in answer.body.decode().split("\r\n") if line.startswith("a=candidate")]
    host, port = candidate.split()[4:6]
    assert host == "192.0.2.7"
    assert 42000 <= int(port) <= 42999
    assert "m=application" not in answer.body.decode()


def recorded(shared: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    line = json.loads((shared / "recordings" / "openai-http-answer-webrtc-offer.jsonl").read_text())
    return line["request"], line["response"]


def shape(sdp: str) -> list[str]:
    """The lines without what is of one call, one host or one moment, and without what aiortc can't do."""
    values = {"o=": 0, "a=fingerprint": 1, "a=ice-": 0, "a=ssrc": 2, "a=max-message-size": 0}
    lines = []
    for line in sdp.split("\r\n"):
        if line.startswith(("a=candidate", "a=ice-lite")):
            continue
        name = next((name for name in values if line.startswith(name)), None)
        if name == "a=ssrc":
            line = "a=ssrc " + line.partition(" ")[2]
        elif name == "a=fingerprint":
            line = line.partition(" ")[0]
        elif name is not None:
            line = line.partition(":")[0] if name.startswith("a=") else "o=-"
        lines.append(line)
    return lines


async def test_recorded_offer_gets_an_answer_of_the_recorded_shape(rest: RestClient, shared: Path) -> None:
    request, response = recorded(shared)
    answer = await rest.request(
        "POST",
        PATH,
        body=request["body"].encode(),
        headers={"Content-Type": request["headers"]["content-type"][0], "Accept": "application/sdp"},
    )
    assert (answer.status, answer.reason) == (response["status"]["code"], response["status"]["message"])
    assert shape(answer.body.decode()) == shape(response["body"]["string"])
    ours = {name.lower() for name, _ in answer.headers}
    theirs = set(response["headers"]) - {"alt-svc", "strict-transport-security", "connection"}
    assert theirs <= ours
    for name in ("access-control-allow-origin", "content-type", "timing-allow-origin"):
        assert [answer.header(name)] == response["headers"][name]
