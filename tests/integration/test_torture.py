"""The torture messages of RFC 4475 and RFC 5118, and the project's own, as bytes to a running emulator.

Each gets what the RFC wants of a server that has no such user: an answer with this status, or silence, over UDP and
over a stream. A message whose Content-Length cuts its body short, as some of the corpus do, leaves bytes on a stream
that are no message: the connection is closed behind the answer.
"""

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from desk import StartEmulator
from wire import CLOSED, call_id_of, over_tcp, over_udp

Verdict = tuple[list[int], list[int]]
"""Over UDP and over TCP."""

NOBODY: Final = [100, 404]
OWN: Final = Path(__file__).parents[2] / "fixtures" / "sip" / "messages.toml"


def same(*statuses: int) -> Verdict:
    return list(statuses), list(statuses)


def then_closed(*statuses: int) -> Verdict:
    return list(statuses), [*statuses, CLOSED]


RFC4475: Final[dict[str, Verdict]] = {
    # 3.1.1: valid
    "wsinv": same(481),  # its To has a tag, and no dialog is there
    "intmeth": same(501),
    "esc01": same(*NOBODY),
    "escnull": same(200),
    "esc02": same(501),
    "lwsdisp": same(200),
    "longreq": same(*NOBODY),
    "dblreq": ([200], [200, 400, CLOSED]),  # the second is no part of the datagram; it has no Contact
    "semiuri": same(200),
    "transports": same(200),
    "mpart01": same(405),
    "unreason": same(),
    "noreason": same(),
    # 3.1.2: invalid
    "badinv01": same(400),
    "clerr": ([400], [CLOSED]),  # the rest of its body never comes
    "ncl": then_closed(400),
    "scalar02": same(400),
    "scalarlg": same(),
    "quotbal": same(400),
    "ltgtruri": same(400),
    "lwsruri": same(400),
    "lwsstart": same(400),
    "trws": same(400),
    "escruri": same(400),
    "baddate": same(400),
    "regbadct": same(400),
    "badaspec": same(400),
    "baddn": same(400),
    "badvers": same(505),
    "mismatch01": same(400),
    "mismatch02": same(400),
    "bigcode": same(),
    # 3.2 and 3.3: transaction and application layer
    "badbranch": same(200),
    "insuf": same(400),
    "unkscm": same(416),
    "novelsc": same(416),
    "unksm2": same(400),
    "bext01": same(420),
    "invut": same(415),
    "regaut01": same(200),
    "multi01": same(400),
    "mcl01": then_closed(400),
    "bcast": same(),
    "zeromf": same(200),
    "cparam01": same(200),
    "cparam02": same(200),
    "regescrt": same(200),
    "sdp01": same(406),
    # 3.4: backward compatibility; RFC 3261 20.14 wants a Content-Length on a stream
    "inv2543": (NOBODY, [400, CLOSED]),
}

RFC5118: Final[dict[str, Verdict]] = {
    "ipv6-good": same(200),
    "ipv6-bad": same(400),
    "port-ambiguous": same(200),
    "port-unambiguous": same(200),
    "via-received-param-with-delim": same(481),
    "via-received-param-no-delim": same(200),
    "ipv6-in-sdp": then_closed(*NOBODY),
    "mult-ip-in-header": same(481),
    "mult-ip-in-sdp": then_closed(*NOBODY),
    "ipv4-mapped-ipv6": then_closed(*NOBODY),
    "ipv6-bug-abnf-3-colons": same(200),
    "ipv6-correct-abnf-2-colons": same(200),
}

CORPUS: Final = [
    *((f"rfc4475/{name}.dat", verdict) for name, verdict in RFC4475.items()),
    *((f"rfc5118/{name}", verdict) for name, verdict in RFC5118.items()),
]
MESSAGES: Final[dict[str, dict[str, Any]]] = tomllib.loads(OWN.read_text(encoding="utf-8"))


async def judge(start_emulator: StartEmulator, data: bytes, transport: str, expected: list[int]) -> None:
    emulator = await start_emulator(sip_message_timeout=0.2)
    send = over_udp if transport == "udp" else over_tcp
    answers = await send(emulator, data, len([status for status in expected if status != CLOSED]))
    assert [status for status, _ in answers] == expected
    own = call_id_of(data)
    if own is not None and answers and answers[0][0] != CLOSED:
        assert answers[0][1] == own


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("path", "verdict"), CORPUS, ids=[path for path, _ in CORPUS])
async def test_torture_message_gets_the_verdict_of_its_rfc(
    start_emulator: StartEmulator, shared: Path, transport: str, path: str, verdict: Verdict
) -> None:
    data = (shared / "sip-corpus" / path).read_bytes()
    await judge(start_emulator, data, transport, verdict[transport == "tcp"])


def test_every_torture_message_has_a_verdict(shared: Path) -> None:
    corpus = shared / "sip-corpus"
    found = {f"{folder}/{path.name}" for folder in ("rfc4475", "rfc5118") for path in (corpus / folder).iterdir()}
    assert found == {path for path, _ in CORPUS}
    assert len(CORPUS) == 61


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name", MESSAGES)
async def test_message_of_our_own_gets_the_verdict_of_its_clause(
    start_emulator: StartEmulator, transport: str, name: str
) -> None:
    entry = MESSAGES[name]
    data = entry["message"].replace("\n", "\r\n").encode("latin-1")
    await judge(start_emulator, data, transport, entry[transport] if transport in entry else entry["both"])
