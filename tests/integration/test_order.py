"""The order that the API promises between a request's 200 and what the caller's phone gets.

It is read off the kernel's receive time stamps of both sockets, made when a packet reaches the loopback interface: two
clocks of user space, or the order in which somebody gets round to reading, differ by more than what is measured.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from by_hand import HandCall, HandHttp, Stamped, receive, stamp
from desk import SESSION, StartEmulator
from ringback.emulator.server import Emulator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SO_TIMESTAMPNS is Linux's")

REPEATS = 20

Scenario = Callable[[HandCall, HandHttp, str], tuple[Stamped, Stamped]]
"""Of a call that rings: what must come first, and what must come after it."""


@pytest.fixture(autouse=True)
def kernel_stamps() -> Iterator[None]:
    """Linux stamps packets while any socket wants it, beginning a little later: hold one open, and wait for its first.

    TCP tells: without a stamp it has nothing to say, where UDP fills in the time of reading.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sender:
        receiver, _ = server.accept()
        with receiver:
            stamp(receiver)
            sender.send(b"?")
            while not receive(receiver).at:
                sender.send(b"?")
            yield


async def measure(start_emulator: StartEmulator, scenario: Scenario) -> list[int]:
    """How many nanoseconds what must come first was ahead, in each of the repeats."""
    emulator = await start_emulator()
    url = urlsplit(emulator.ready.base_url)
    _, _, port = emulator.ready.sip["udp"].partition(";")[0].rpartition(":")
    leads = []
    with HandHttp((str(url.hostname), int(url.port or 0)), emulator.ready.api_key) as http:
        for _ in range(REPEATS):
            with HandCall(("127.0.0.1", int(port))) as call:
                await asyncio.to_thread(call.invite)
                path = f"/v1/realtime/calls/{call_id(emulator, call)}"
                first, second = await asyncio.to_thread(scenario, call, http, path)
                assert first.at, "the kernel stamped the SIP socket"
                assert second.at, "the kernel stamped the HTTP socket"
                leads.append(second.at - first.at)
    return leads


def call_id(emulator: Emulator, call: HandCall) -> str:
    entry = next(
        entry for entry in emulator.journal.entries(kind="call.state") if entry.sip_call_id == call.sip_call_id
    )
    assert entry.call_id is not None
    return entry.call_id


def connect(call: HandCall, http: HandHttp, path: str) -> Stamped:
    http.post(f"{path}/accept", SESSION)
    assert http.answer().status == 200
    answer = call.wait_for(200)
    call.acknowledge(answer)
    return answer


def accept(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    http.post(f"{path}/accept", SESSION)
    ringing, reply = call.wait_for(180), http.answer()
    assert reply.status == 200
    answer = call.wait_for(200)
    call.acknowledge(answer)
    call.bye(answer)
    return ringing, reply


def accept_and_answer(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    http.post(f"{path}/accept", SESSION)
    reply, answer = http.answer(), call.wait_for(200)
    assert reply.status == 200
    call.acknowledge(answer)
    call.bye(answer)
    return reply, answer


def reject(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    http.post(f"{path}/reject", {"status_code": 486})
    refusal, reply = call.wait_for(486), http.answer()
    assert reply.status == 200
    call.acknowledge(refusal)
    return refusal, reply


def refer(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    answer = connect(call, http, path)
    http.post(f"{path}/refer", {"target_uri": "tel:+14155550123"})
    request, reply = call.wait_for("REFER"), http.answer()
    assert reply.status == 200
    call.answer(request, "202 Accepted")
    call.bye(answer)
    return request, reply


def refer_before_the_ack(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    http.post(f"{path}/accept", SESSION)
    assert http.answer().status == 200
    answer = call.wait_for(200)
    http.post(f"{path}/refer", {"target_uri": "tel:+14155550123"})
    call.acknowledge(answer)
    request, reply = call.wait_for("REFER"), http.answer()
    assert reply.status == 200
    call.answer(request, "202 Accepted")
    call.bye(answer)
    return request, reply


def hang_up(call: HandCall, http: HandHttp, path: str) -> tuple[Stamped, Stamped]:
    connect(call, http, path)
    http.post(f"{path}/hangup")
    request, reply = call.wait_for("BYE"), http.answer()
    assert reply.status == 200
    call.answer(request, "200 OK")
    return request, reply


@pytest.mark.parametrize(
    "scenario",
    [accept, accept_and_answer, reject, refer, refer_before_the_ack, hang_up],
    ids=[
        "the-180-then-the-200-of-accept",
        "the-200-of-accept-then-the-answer",
        "the-refusal-then-the-200-of-reject",
        "the-REFER-then-the-200-of-refer",
        "the-REFER-then-the-200-of-an-early-refer",
        "the-BYE-then-the-200-of-hangup",
    ],
)
async def test_kernel_stamps_what_comes_first_before_what_comes_second(
    start_emulator: StartEmulator, scenario: Scenario
) -> None:
    leads = await measure(start_emulator, scenario)
    assert min(leads) > 0, leads
