"""The 2xx that waits for its ACK: RFC 3261 13.3.1.4."""

from ringback.emulator.sip.acceptance import Acceptance
from ringback.emulator.sip.events import DialogId, InviteId
from ringback.emulator.sip.timers import Timers


def acceptance() -> Acceptance:
    return Acceptance(
        dialog=DialogId("d"), invite=InviteId(1), cseq=1, has_offer=False, data=b"200", timers=Timers(), now=100.0
    )


def test_acceptance_repeats_its_2xx_from_t1_to_t2_until_64_t1() -> None:
    each = acceptance()
    sent = []
    while (now := each.next_deadline()) is not None:
        if each.handle_timer(now) is not None:
            sent.append(now - 100.0)
        else:
            ended_at = now
    assert sent == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert ended_at == 132.0
    assert each.is_timed_out


def test_acceptance_is_silent_before_its_time() -> None:
    each = acceptance()
    assert each.handle_timer(100.4) is None
    assert each.next_deadline() == 100.5
    assert not each.is_timed_out


def test_acceptance_stops_with_the_ack() -> None:
    each = acceptance()
    each.stop()
    assert each.next_deadline() is None
    assert each.handle_timer(1000.0) is None
    assert not each.is_timed_out
