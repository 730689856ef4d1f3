"""The connection of a running call is closed: what the emulator still has to say goes by another one."""

import asyncio
import ssl

import pytest
import trustme
from desk import PATIENCE, SESSION, Desk, StartEmulator, wait_for_entry
from ringback.conformance.client import Call, Phone, RestClient, WebhookReceiver
from ringback.conformance.client.records import ReferPlan
from ringback.emulator.journal import Entry

STAYS = ReferPlan(status=202, notifies=(), hangs_up=False)


def listener() -> ssl.SSLContext:
    """Of a phone with a certificate that nobody signed whom we trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


async def lose_connection(call: Call, phone: Phone) -> None:
    await phone.drop(call.link)


@pytest.mark.parametrize("transport", ["tls", "tcp"])
async def test_caller_whose_connection_is_lost_receives_refer_and_bye_where_it_listens(
    desk: Desk, transport: str
) -> None:
    await desk.phone.listen(transport, listener() if transport == "tls" else None)
    call, call_id = await desk.connect(transport, on_refer=STAYS)
    await lose_connection(call, desk.phone)
    assert (await desk.rest.refer(call_id, "tel:+14155550123")).status == 200
    refer = await call.wait_for_request("REFER")
    assert str(desk.emulator.ready.sip[transport].partition("@")[2].partition(";")[0]) in refer.message.headers["Via"]
    assert (await desk.rest.hangup(call_id)).status == 200
    assert await call.ended() == "callee"
    ways = desk.emulator.journal.entries(kind="sip.way")
    assert [entry.data["error"] for entry in ways] == [None]


async def test_application_is_told_that_a_caller_can_not_be_reached_any_more(desk: Desk) -> None:
    call, call_id = await desk.connect("tcp")  # its Contact has a port where nobody listens
    await lose_connection(call, desk.phone)
    answer = await desk.rest.refer(call_id, "tel:+14155550123")
    assert answer.status == 502
    assert "behind NAT" in answer.error["message"]
    assert (await desk.rest.hangup(call_id)).status == 200
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert ended.data["by"] == "application"
    call.end("callee")


async def test_caller_comes_back_by_another_connection_and_the_call_goes_on(desk: Desk) -> None:
    call, call_id = await desk.connect("tcp")
    await lose_connection(call, desk.phone)
    call.link = await desk.phone.link_to(desk.emulator.ready.sip["tcp"])
    assert (await call.request("OPTIONS")).code == 200
    await desk.rest.hangup(call_id)
    assert await call.ended() == "callee"
    assert list(desk.emulator.journal.entries(kind="sip.way")) == []


async def test_trunk_is_reached_by_udp_when_its_contact_says_so(desk: Desk) -> None:
    udp = await desk.phone.link_to(desk.emulator.ready.sip["udp"])
    contact = f"<sip:phone@127.0.0.1:{udp.local[1]};transport=udp>"
    call, call_id = await desk.connect("tcp", replace={"Contact": contact})
    await lose_connection(call, desk.phone)
    await desk.rest.hangup(call_id)
    bye = await call.wait_for_request("BYE")
    assert "SIP/2.0/UDP" in bye.message.headers["Via"]


def closes_when_a_bye_comes(desk: Desk, call: Call) -> None:
    """The caller's end is closed in the moment in which our BYE is about to be written: it can't arrive."""

    def look(entry: Entry) -> None:
        if entry.kind == "sip.sent" and entry.data["summary"].startswith("BYE"):
            call.link.close()

    desk.emulator.journal.subscribe(look)


@pytest.mark.parametrize("transport", ["tls", "tcp"])
async def test_caller_receives_the_bye_where_it_listens_when_its_connection_closes_under_it(
    desk: Desk, transport: str
) -> None:
    await desk.phone.listen(transport, listener() if transport == "tls" else None)
    call, call_id = await desk.connect(transport)
    closes_when_a_bye_comes(desk, call)
    assert (await desk.rest.hangup(call_id)).status == 200
    assert await call.ended() == "callee"
    sent = [entry for entry in desk.emulator.journal.entries(kind="sip.sent") if "BYE" in entry.data["summary"]]
    assert len(sent) == 2


async def test_call_ends_when_its_connection_closes_under_the_bye_and_there_is_no_other(desk: Desk) -> None:
    call, call_id = await desk.connect("tcp")  # its Contact has a port where nobody listens
    closes_when_a_bye_comes(desk, call)
    assert (await desk.rest.hangup(call_id)).status == 200
    await wait_for_entry(desk.emulator, "call.ended")
    call.end("callee")


async def test_caller_receives_its_200_when_it_hangs_up_by_the_connection_that_was_opened_for_it(desk: Desk) -> None:
    await desk.phone.listen("tcp")
    call, call_id = await desk.connect("tcp", on_refer=STAYS)
    await lose_connection(call, desk.phone)
    await desk.rest.refer(call_id, "tel:+14155550123")
    await call.wait_for_request("REFER")
    ours = call.messages.received("REFER")[0].remote
    call.link = await desk.phone.link_to(f"sip:127.0.0.1:{ours[1]};transport=tcp")  # which is open
    await call.hang_up()
    await wait_for_entry(desk.emulator, "call.ended")
    assert call.messages.received("200")[-1].message.headers["CSeq"].endswith(" BYE")


async def test_call_ends_when_whoever_listens_for_its_caller_closes_each_connection(desk: Desk) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    contact = f"<sip:phone@127.0.0.1:{server.sockets[0].getsockname()[1]};transport=tcp>"
    call, call_id = await desk.connect("tcp", replace={"Contact": contact})
    await lose_connection(call, desk.phone)
    assert (await desk.rest.hangup(call_id)).status == 200
    ended = await wait_for_entry(desk.emulator, "call.ended")
    assert ended.data["by"] == "application"
    call.end("callee")
    server.close()
    await server.wait_closed()


async def test_two_calls_share_the_connection_that_is_opened_for_them(desk: Desk) -> None:
    await desk.phone.listen("tcp")
    calls = [await desk.connect("tcp", on_refer=STAYS) for _ in range(2)]
    await lose_connection(calls[0][0], desk.phone)
    for call, call_id in calls:
        await desk.rest.refer(call_id, "tel:+14155550123")
        await call.wait_for_request("REFER")
    for call, call_id in calls:
        await desk.rest.hangup(call_id)
        await call.ended()
    ports = {record.remote for call, _ in calls for record in call.messages if record.summary.startswith("REFER")}
    assert len(ports) == 1


async def test_phone_with_a_certificate_of_its_own_is_refused_when_certificates_are_verified(
    start_emulator: StartEmulator, receiver: WebhookReceiver
) -> None:
    emulator = await start_emulator(webhook_urls=(receiver.url,), sip_peer_verify=True)
    receiver.secrets = [emulator.ready.webhook_secret]
    async with (
        Phone(ca_file=emulator.ready.ca_file) as phone,
        RestClient(emulator.ready.base_url, emulator.ready.api_key) as rest,
    ):
        await phone.listen("tls", listener())
        call = await phone.dial(emulator.ready.sip["tls"])
        delivery = await receiver.wait_for(timeout=PATIENCE)
        assert delivery.event is not None
        call_id = delivery.event["data"]["call_id"]
        await rest.accept(call_id, SESSION)
        await call.answered()
        await lose_connection(call, phone)
        answer = await rest.refer(call_id, "tel:+14155550123")
        assert (answer.status, "certificate" in answer.error["message"]) == (502, True)
        await rest.hangup(call_id)
        await wait_for_entry(emulator, "call.ended")
        call.end("callee")


@pytest.mark.parametrize("allow", ["INVITE, ACK, BYE, UPDATE", "INVITE, ACK, BYE"])
async def test_caller_whose_connection_is_lost_receives_refreshes_where_it_listens(
    start_emulator: StartEmulator, allow: str
) -> None:
    emulator = await start_emulator(auto_accept=True, session_min_se=1)
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        await phone.listen("tcp")
        headers = [("Supported", "timer"), ("Session-Expires", "4;refresher=uas")]
        call = await phone.dial(emulator.ready.sip["tcp"], headers=headers, replace={"Allow": allow})
        await call.answered()
        await lose_connection(call, phone)
        refresh = await call.wait_for_request("UPDATE" if "UPDATE" in allow else "INVITE")
        assert refresh.status == 200
        assert bool(refresh.message.body) is ("UPDATE" not in allow)
        if refresh.message.body:
            await wait_for_entry(emulator, "media.changed")
        assert [entry.data["error"] for entry in emulator.journal.entries(kind="sip.way")] == [None]
        call.link = await phone.link_to(emulator.ready.sip["tcp"])


async def silent_server() -> tuple[asyncio.Server, list[asyncio.StreamWriter]]:
    """Takes connections, and never says a word of TLS."""
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    return server, writers


@pytest.mark.parametrize("timeout", [0.2, 30.0])
async def test_emulator_stops_while_a_caller_is_not_reached(start_emulator: StartEmulator, timeout: float) -> None:
    emulator = await start_emulator(auto_accept=True, sip_connect_timeout=timeout)
    server, writers = await silent_server()
    contact = f"<sip:phone@127.0.0.1:{server.sockets[0].getsockname()[1]};transport=tls>"
    async with Phone(ca_file=emulator.ready.ca_file) as phone:
        call = await phone.dial(emulator.ready.sip["tls"], replace={"Contact": contact})
        await call.answered()
        await lose_connection(call, phone)
        await emulator.stop()
        assert emulator.leaks() == []
        assert len(writers) == 1
        call.end("callee")
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()
