"""`rtp.latch`: media goes to where the peer is, and stays there while it speaks."""

from ringback.emulator.rtp.latch import PATIENCE, Latch

SIGNALLED, REAL, OTHER = ("10.0.0.1", 4000), ("192.0.2.9", 61000), ("192.0.2.66", 5)


def test_media_goes_to_the_signalled_address_until_a_packet_came() -> None:
    latch = Latch(SIGNALLED)
    assert (latch.target, latch.latched) == (SIGNALLED, False)


def test_media_goes_to_where_the_first_packet_came_from() -> None:
    latch = Latch(SIGNALLED)
    assert latch.accepts(REAL, 100.0)
    assert (latch.target, latch.latched) == (REAL, True)


def test_second_source_is_refused_while_the_first_one_speaks() -> None:
    latch = Latch(SIGNALLED)
    for tick in range(500):
        assert latch.accepts(REAL, tick * 0.02)
        assert not latch.accepts(OTHER, tick * 0.02 + 0.01)
    assert latch.target == REAL


def test_second_source_takes_over_after_a_silence() -> None:
    latch = Latch(SIGNALLED)
    latch.accepts(REAL, 0.0)
    assert not latch.accepts(OTHER, PATIENCE - 0.01)
    assert latch.accepts(OTHER, PATIENCE)
    assert latch.target == OTHER
    assert not latch.accepts(REAL, PATIENCE + 0.1)


def test_patience_can_be_longer() -> None:
    latch = Latch(SIGNALLED, patience=15.0)
    latch.accepts(REAL, 0.0)
    assert not latch.accepts(OTHER, 14.0)
