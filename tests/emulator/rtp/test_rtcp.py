"""`rtp.rtcp`: reports on the wire, and the counts behind them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import PeerError
from ringback.emulator.rtp.rtcp import (
    Arrival,
    Goodbye,
    ReceiverReport,
    Reception,
    ReportBlock,
    SenderReport,
    SourceDescription,
    compound,
    middle_32,
    ntp_time,
    parse_compound,
)

WORD = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        ssrc=WORD,
        fraction_lost=st.integers(0, 255),
        lost=st.integers(-0x800000, 0x7FFFFF),
        highest_sequence=WORD,
        jitter=WORD,
        last_sender_report=WORD,
        delay_since=WORD,
    ),
    max_size=3,
).map(tuple)
PACKETS = st.one_of(
    st.builds(
        SenderReport,
        ssrc=WORD,
        ntp=st.integers(0, 2**64 - 1),
        timestamp=WORD,
        packets=WORD,
        octets=WORD,
        blocks=BLOCKS,
    ),
    st.builds(ReceiverReport, ssrc=WORD, blocks=BLOCKS),
    st.builds(SourceDescription, ssrc=WORD, cname=st.text("abcdef@.", max_size=40)),
    st.builds(Goodbye, ssrcs=st.lists(WORD, max_size=4).map(tuple)),
)


# The wire


@given(st.lists(PACKETS, max_size=4))
def test_reports_survive_the_wire(packets: list[SenderReport | ReceiverReport | SourceDescription | Goodbye]) -> None:
    data = compound(packets)
    assert len(data) % 4 == 0
    assert parse_compound(data) == packets


def test_sender_report_has_the_layout_of_rfc_3550() -> None:
    report = SenderReport(ssrc=1, ntp=0x0000000200000003, timestamp=4, packets=5, octets=6)
    assert report.to_bytes().hex() == "80c80006" + "".join(f"{word:08x}" for word in range(1, 7))


def test_block_keeps_loss_within_24_bits() -> None:
    for lost, kept in [(2**30, 0x7FFFFF), (-(2**30), -0x800000)]:
        block = ReportBlock(ssrc=1, fraction_lost=0, lost=lost, highest_sequence=0, jitter=0)
        assert ReportBlock.parse(block.to_bytes()).lost == kept


def test_parser_skips_types_and_items_that_nobody_acts_upon() -> None:
    application = b"\x80\xcc\x00\x01" + b"abcd"
    empty_description = b"\x80\xca\x00\x00"
    note = b"\x81\xca\x00\x03" + struct.pack("!IBB", 9, 7, 2) + b"hi" + bytes(4)
    assert parse_compound(application + empty_description + note) == [SourceDescription(ssrc=9, cname="")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80", "1 bytes are left over"),
        (b"\x00\xc8\x00\x00", "version 0"),
        (b"\x80\xc8\x00\x06" + bytes(8), "type 200 needs 28 bytes, 12 came"),
        (b"\x80\xc8\x00\x01" + bytes(4), "type 200 with 4 bytes is too short"),
        (b"\x80\xc9\x00\x00", "type 201 with 0 bytes is too short"),
        (b"\x81\xc9\x00\x01" + bytes(4), "type 201 with 4 bytes is too short"),
        (b"\x82\xcb\x00\x01" + bytes(4), "type 203 with 4 bytes is too short"),
        (b"\x81\xca\x00\x01" + bytes(4), "type 202 with 4 bytes is too short"),
    ],
)
def test_parser_refuses_what_is_cut_short(data: bytes, message: str) -> None:
    with pytest.raises(PeerError, match=message):
        parse_compound(data)


@given(st.binary(max_size=80))
def test_parser_raises_nothing_but_peer_errors(data: bytes) -> None:
    for candidate in (data, b"\x81\xc8" + data, b"\x9f\xca\x00\x03" + data):
        try:
            parse_compound(candidate)
        except PeerError:
            continue


def test_ntp_time_counts_from_1900() -> None:
    assert ntp_time(0.5) == (2208988800 << 32) + (1 << 31)
    assert middle_32(0x1111222233334444) == 0x22223333


# The counts


def feed(reception: Reception, *sequences: int) -> list[Arrival]:
    return [reception.update(sequence & 0xFFFF, sequence * 160, sequence * 0.02) for sequence in sequences]


def test_reception_counts_what_comes_in_order_across_the_wrap() -> None:
    reception = Reception(1)
    assert set(feed(reception, *range(65530, 65550))) == {Arrival.IN_ORDER}
    assert (reception.received, reception.expected, reception.lost) == (20, 20, 0)
    assert reception.block(0.0).highest_sequence == 65549


def test_reception_counts_losses_and_takes_late_ones_back() -> None:
    reception = Reception(1)
    feed(reception, 1, 2, 5)
    assert reception.lost == 2
    assert feed(reception, 4) == [Arrival.REORDERED]
    assert (reception.lost, reception.reordered) == (1, 1)


def test_reception_counts_duplicates_once_each() -> None:
    reception = Reception(1)
    assert feed(reception, 1, 2, 2, 1, 3) == [
        Arrival.IN_ORDER,
        Arrival.IN_ORDER,
        Arrival.DUPLICATE,
        Arrival.DUPLICATE,
        Arrival.IN_ORDER,
    ]
    assert (reception.received, reception.duplicates, reception.lost) == (3, 2, 0)


def test_reception_accepts_packets_from_before_the_first() -> None:
    reception = Reception(1)
    assert feed(reception, 0, -2, 1) == [Arrival.IN_ORDER, Arrival.REORDERED, Arrival.IN_ORDER]
    assert (reception.expected, reception.lost) == (4, 1)


def test_reception_ignores_a_stray_number_and_follows_a_source_that_counts_anew() -> None:
    reception = Reception(1)
    feed(reception, 1, 2, 3)
    assert feed(reception, 20000, 4, 40000, 40001, 40002) == [
        Arrival.ASTRAY,
        Arrival.IN_ORDER,
        Arrival.ASTRAY,
        Arrival.RESTART,
        Arrival.IN_ORDER,
    ]
    assert (reception.received, reception.expected, reception.lost) == (6, 6, 0)


def test_block_tells_the_loss_since_the_last_block() -> None:
    reception = Reception(7)
    assert reception.block(0.0).fraction_lost == 0
    feed(reception, *range(10))
    assert reception.block(0.0).fraction_lost == 0
    feed(reception, 10, 13)
    block = reception.block(0.0)
    assert (block.ssrc, block.fraction_lost, block.lost) == (7, 128, 2)
    feed(reception, 11, 12)
    assert reception.block(0.0).fraction_lost == 0
    assert reception.block(0.0).lost == 0


def test_block_tells_how_long_ago_the_sender_reported() -> None:
    reception = Reception(7)
    feed(reception, 1)
    assert (reception.block(9.0).last_sender_report, reception.block(9.0).delay_since) == (0, 0)
    ntp = ntp_time(1000.0)
    reception.sender_report_received(SenderReport(ssrc=7, ntp=ntp, timestamp=0, packets=1, octets=1), 10.0)
    block = reception.block(10.5)
    assert (block.last_sender_report, block.delay_since) == (middle_32(ntp), 0x8000)


def test_jitter_is_nothing_when_packets_come_at_their_times() -> None:
    reception = Reception(1)
    for index in range(100):
        reception.update(index, (0xFFFFFF00 + 160 * index) & 0xFFFFFFFF, 50.0 + 0.02 * index)
    assert reception.jitter_seconds == pytest.approx(0.0, abs=1e-5)


def test_jitter_follows_rfc_3550_a_8() -> None:
    reception = Reception(1)
    naive, transit = 0.0, None
    for index in range(50):
        late = 0.01 if index % 2 else 0.0
        now = index * 0.02 + late
        reception.update(index, index * 160, now)
        arrived = now * 8000 - index * 160
        if transit is not None:
            naive += (abs(arrived - transit) - naive) / 16
        transit = arrived
    assert reception.jitter_seconds * 8000 == pytest.approx(naive)
    assert reception.block(1.0).jitter == int(naive)


def test_jitter_takes_no_notice_of_events() -> None:
    reception = Reception(1)
    for index in range(50):
        reception.update(index, None if index % 2 else index * 160, index * 0.02)
    assert reception.jitter_seconds == pytest.approx(0.0, abs=1e-9)


@given(st.integers(0, 0xFFFF), st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=6))
def test_counts_agree_with_a_set_of_numbers(base: int, order: list[int], lost: list[int]) -> None:
    reception = Reception(1)
    came = [number for number in order if number not in lost]
    for number in [*came, *came]:
        reception.update((base + number) & 0xFFFF, 0, 0.0)
    assert reception.received == len(came)
    assert reception.duplicates == len(came)
    assert reception.expected == (max(came) - min(came) + 1 if came else 0)
