"""What a running service can do, as far as that shows without a call; `--capabilities` corrects a wrong guess."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..client.errors import ClientError, HandshakeRefused
from ..client.rest import RestClient
from ..client.sideband import Sideband
from ..client.webrtc import WebRtcCall
from ..tolerance import Tolerances

UNKNOWN_CALL = "rtc_ringback_probe"
MODEL = "gpt-realtime"
BEHIND = {
    "webhooks": "rest",
    "webhook-secret": "rest",
    "sip": "rest",
    "sip-tls": "rest",
    "sip-tcp": "rest",
    "sip-udp": "rest",
    "refer": "rest",
    "dtmf": "sideband",
}
"""What is taken for granted where there is a way to it, and that which it is of no use without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`refusals` say what came instead, one sentence for each probe that failed."""

    capabilities: frozenset[str]
    refusals: tuple[str, ...]


async def probe(
    rest: RestClient, offered: frozenset[str], tolerances: Tolerances, *, ca_file: str | None = None
) -> Seen:
    """Which of `offered` are there. Never raises for what the far end does."""

    async def ws() -> str | None:
        sideband = await Sideband.open(
            rest.base_url, model=MODEL, api_key=rest.api_key, ca_file=ca_file, timeout=tolerances.answer
        )
        async with sideband:
            await sideband.wait_for("session.created", timeout=tolerances.event)
        return None

    async def sideband() -> str | None:
        try:
            opened = await Sideband.open(
                rest.base_url, call_id=UNKNOWN_CALL, api_key=rest.api_key, ca_file=ca_file, timeout=tolerances.answer
            )
        except HandshakeRefused as refused:
            return None if refused.status in (401, 403, 404) and _is_json(refused) else str(refused)
        await opened.close()
        return "a WebSocket for an unknown call is accepted"

    tests: dict[str, Callable[[], Awaitable[str | None]]] = {
        "rest": lambda: _rest(rest),
        "sideband": sideband,
        "ws": ws,
        "webhook-endpoints": lambda: _webhook_endpoints(rest),
        "client-secrets": lambda: _client_secrets(rest),
        "webrtc": lambda: _webrtc(rest),
    }
    found, refusals = set(), []
    for name, test in tests.items():
        if name not in offered:
            continue
        try:
            refusal = await test()
        except ClientError as error:
            refusal = str(error)
        if refusal is None:
            found.add(name)
        else:
            refusals.append(f"{name}: {refusal}")
    found |= {name for name, needed in BEHIND.items() if name in offered and needed in found}
    return Seen(capabilities=frozenset(found), refusals=tuple(refusals))


async def _rest(rest: RestClient) -> str | None:
    """Whether an unknown call gets an error envelope with all that the documentation requires of one."""
    answer = await rest.hangup(UNKNOWN_CALL)
    if 400 <= answer.status < 500 and {"message", "type", "code", "param"} <= set(answer.error):
        return None
    return f"POST {answer.path} was answered {answer.status}"


async def _webhook_endpoints(rest: RestClient) -> str | None:
    answer = await rest.list_webhook_endpoints(limit="1")
    body = answer.json() if answer.status == 200 else None
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        return None
    return f"GET {answer.path} was answered {answer.status}"


async def _client_secrets(rest: RestClient) -> str | None:
    body = {"session": {"type": "realtime", "model": MODEL}}
    answer = await rest.request("POST", "/realtime/client_secrets", json_body=body)
    if answer.status == 200 and isinstance(answer.json(), dict) and "value" in answer.json():
        return None
    return f"POST {answer.path} was answered {answer.status}"


async def _webrtc(rest: RestClient) -> str | None:
    """Whether an offer is answered. The call that comes of it is hung up before it was connected."""
    async with WebRtcCall() as call:
        answer = await rest.create_call(await call.offer(), {"type": "realtime", "model": MODEL})
        call_id = (answer.header("Location") or "").rpartition("/")[2]
        if answer.status != 201 or not call_id:
            return f"POST {answer.path} was answered {answer.status}, Location {answer.header('Location')}"
        await rest.hangup(call_id)
    return None


def _is_json(refused: HandshakeRefused) -> bool:
    """A 404 of the API itself has the envelope or nothing; that of a server without the path mostly has a page."""
    return not refused.body.strip() or refused.body.lstrip().startswith(b"{")
