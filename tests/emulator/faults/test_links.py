from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.faults import links
from ringback.emulator.faults.links import Link, MessageCutter, SipLinks, cut, duplicate, loss, reorder
from ringback.emulator.faults.plan import Fault, FaultPlan, Faults, Strike

Plan = Callable[..., FaultPlan]


def message(
    start: str = "INVITE sip:proj_1@host SIP/2.0", *, call_id: str = "abc", to: str = "", body: str = ""
) -> bytes:
    lines = [start, f"Call-ID: {call_id}", f"To: <{to or 'sip:proj_1@host'}>", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


INVITE, BYE = message(), message("BYE sip:OAI@host SIP/2.0", body="v=0\r\n\r\n")
DEAF = Fault(name="deaf", sip_in=lambda data: [] if data.startswith(b"BYE") else [data])
MUTE = Fault(name="mute", sip_out=lambda data: [])


# Messages out of streams


def test_cutter_gives_whole_messages_and_what_is_between_them() -> None:
    cutter = MessageCutter()
    assert cutter.feed(INVITE + b"\r\n\r\n" + BYE + b"BY") == [INVITE, b"\r\n\r\n", BYE]
    assert not cutter.is_empty


@given(st.lists(st.sampled_from([INVITE, BYE, b"\r\n\r\n"]), max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_cutter_loses_nothing_however_a_stream_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    cutter, pieces, start = MessageCutter(), [], 0
    for end in [*sorted(min(each, len(stream)) for each in cuts), len(stream)]:
        pieces += cutter.feed(stream[start:end])
        start = end
    assert b"".join(pieces) == stream
    assert [piece for piece in pieces if piece.strip()] == [part for part in parts if part.strip()]
    assert cutter.is_empty


def test_cutter_passes_everything_on_behind_a_message_without_a_length() -> None:
    cutter = MessageCutter()
    assert cutter.feed(b"BYE sip:x SIP/2.0\r\n\r\n") == [b"BYE sip:x SIP/2.0\r\n\r\n"]
    assert cutter.feed(INVITE[:9]) == [INVITE[:9]]
    assert cutter.feed(b"") == []


def test_cutter_passes_on_what_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LONGEST_MESSAGE", 20)
    assert MessageCutter().feed(b"x" * 20) == []
    assert MessageCutter().feed(b"x" * 21) == [b"x" * 21]
    assert MessageCutter().feed(INVITE[:-4]) == [INVITE[:-4]]
    assert MessageCutter().feed(INVITE) == [INVITE]


# Whose a message is


def test_links_pass_everything_while_there_are_no_faults(faults: Faults) -> None:
    sip = SipLinks(faults)
    assert list(sip.incoming(BYE, None)) == [BYE]
    assert list(sip.incoming(BYE[:5], 1)) == [BYE[:5]]
    assert list(sip.outgoing(BYE)) == [BYE]
    assert not sip.holds(1)


def test_request_belongs_to_the_project_that_its_uri_names(faults: Faults) -> None:
    faults.put("proj_1", [Fault(name="deaf", sip_in=lambda data: [])])
    sip = SipLinks(faults)
    assert list(sip.incoming(INVITE, None)) == []
    other = message("INVITE sips:proj_2:secret@host SIP/2.0", call_id="other", to="sip:proj_2@host")
    assert list(sip.incoming(other, None)) == [other]


def test_request_without_a_user_belongs_to_the_project_in_its_to(faults: Faults) -> None:
    faults.put("proj_1", [Fault(name="deaf", sip_in=lambda data: [])])
    assert list(SipLinks(faults).incoming(message("REGISTER sip:host SIP/2.0"), None)) == []


def test_messages_of_a_dialog_belong_to_the_project_that_it_began_with(faults: Faults, strikes: list[Strike]) -> None:
    faults.put("proj_1", [DEAF, MUTE])
    sip = SipLinks(faults)
    assert list(sip.incoming(INVITE, None)) == [INVITE]
    bye = message("BYE sip:OAI@host SIP/2.0", to="sip:OAI@host")
    assert list(sip.incoming(bye, None)) == []
    assert list(sip.outgoing(message("SIP/2.0 180 Ringing", to="sip:OAI@host"))) == []
    assert [(strike.name, strike.sip_call_id) for strike in strikes] == [("deaf", "abc"), ("mute", "abc")]


def test_message_of_nobody_is_struck_by_the_faults_of_everybody(faults: Faults) -> None:
    faults.put(None, [MUTE])
    sip = SipLinks(faults)
    stranger = message("INVITE sip:nobody@host SIP/2.0", to="sip:nobody@host")
    assert list(sip.incoming(stranger, None)) == [stranger]
    assert list(sip.outgoing(message("SIP/2.0 404 Not Found"))) == []


def test_bytes_without_a_call_id_pass(faults: Faults) -> None:
    faults.put("proj_1", [MUTE, Fault(name="deaf", sip_in=lambda data: [])])
    sip = SipLinks(faults)
    assert list(sip.incoming(b"\r\n\r\n", None)) == [b"\r\n\r\n"]
    assert list(sip.outgoing(b"\r\n")) == [b"\r\n"]


def test_message_of_another_project_passes(faults: Faults) -> None:
    faults.put("proj_1", [MUTE])
    assert list(SipLinks(faults).outgoing(message("SIP/2.0 200 OK", call_id="unseen"))) == [
        message("SIP/2.0 200 OK", call_id="unseen")
    ]


def test_links_forget_the_oldest_dialog_when_there_are_too_many(
    faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_CALLS", 1)
    faults.put("proj_1", [MUTE])
    sip = SipLinks(faults)
    sip.incoming(message(call_id="old"), None)
    sip.incoming(message(call_id="new"), None)
    assert list(sip.outgoing(message("SIP/2.0 180 Ringing", call_id="old"))) != []
    assert list(sip.outgoing(message("SIP/2.0 180 Ringing", call_id="new"))) == []


def test_links_cut_streams_into_messages(faults: Faults) -> None:
    faults.put("proj_1", [DEAF])
    sip = SipLinks(faults)
    assert list(sip.incoming(INVITE + BYE[:10], 1)) == [INVITE]
    assert sip.holds(1)
    assert list(sip.incoming(BYE[10:] + INVITE, 1)) == [INVITE]
    sip.incoming(BYE[:10], 1)
    sip.closed(1)
    assert not sip.holds(1)


def test_streams_are_struck_by_the_faults_of_everybody_before_they_are_cut(faults: Faults) -> None:
    faults.put(None, [Fault(name="stutter", sip_stream=lambda data: [data] if data.startswith(b"INVITE") else [])])
    sip = SipLinks(faults)
    assert list(sip.incoming(BYE, 1)) == []
    assert list(sip.incoming(INVITE + BYE, 1)) == [INVITE, BYE]
    assert list(sip.incoming(BYE, None)) == [BYE]


def test_links_give_back_what_they_hold_when_the_faults_are_gone(faults: Faults) -> None:
    faults.put("proj_1", [DEAF])
    sip = SipLinks(faults)
    sip.incoming(BYE[:10], 1)
    faults.forget("proj_1")
    assert list(sip.incoming(BYE[10:], 1)) == [BYE]
    assert list(sip.incoming(BYE[:3], 1)) == [BYE[:3]]


# Bad links


def passed(plan: FaultPlan, link: Link, count: int) -> list[int]:
    """Which of so many pieces arrive, in the order of their arrival."""
    pieces = [bytes([index]) for index in range(count)]
    second = "rtc_1"
    return [after[0] for piece in pieces for after in getattr(plan, link)(piece, second)]


@pytest.mark.parametrize("link", ["sip_in", "sip_out", "rtp_in", "rtp_out", "rtcp_out"])
def test_every_link_can_be_cut(plan: Plan, link: Link) -> None:
    assert passed(plan(cut(link, after=3)), link, 6) == [0, 1, 2]


def test_loss_is_the_same_for_the_same_seed_and_has_its_share(plan: Plan) -> None:
    first = passed(plan(loss("rtp_out", share=0.25, seed=1)), "rtp_out", 200)
    assert first == passed(plan(loss("rtp_out", share=0.25, seed=1)), "rtp_out", 200)
    assert first != passed(plan(loss("rtp_out", share=0.25, seed=2)), "rtp_out", 200)
    assert 130 <= len(first) <= 170


def test_loss_has_no_share_or_all_of_it(plan: Plan) -> None:
    assert len(passed(plan(loss("rtp_in", share=0.0)), "rtp_in", 50)) == 50
    assert passed(plan(loss("rtp_in", share=1.0)), "rtp_in", 50) == []


def test_reorder_swaps_neighbours(plan: Plan) -> None:
    assert passed(plan(reorder("rtp_in", every=3)), "rtp_in", 7) == [0, 1, 3, 2, 4, 6, 5]


def test_reorder_of_every_piece_holds_one_at_a_time(plan: Plan) -> None:
    assert passed(plan(reorder("rtp_in", every=1)), "rtp_in", 4) == [1, 0, 3, 2]


def test_duplicate_doubles_all_or_the_nth(plan: Plan) -> None:
    assert passed(plan(duplicate("rtp_in")), "rtp_in", 2) == [0, 0, 1, 1]
    assert passed(plan(duplicate("rtp_in", nth=2)), "rtp_in", 3) == [0, 1, 1, 2]


def test_bad_link_has_the_name_that_it_is_given(plan: Plan, strikes: list[Strike]) -> None:
    passed(plan(cut("rtp_in", after=0, name="wifi"), duplicate("rtp_out")), "rtp_in", 1)
    assert [strike.name for strike in strikes] == ["wifi"]
