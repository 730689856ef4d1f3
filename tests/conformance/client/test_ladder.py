"""The ladder as text."""

from ringback.conformance.client.ladder import ladder


def test_ladder_shows_direction_time_and_summary() -> None:
    lines = ladder(
        [(10.0, "sent", "INVITE sip:a@b"), (10.0031, "received", "100 Trying"), (10.25, "sent", "ACK sip:a@b")],
        left="phone",
        right="server",
    )
    assert lines == [
        "        phone                 server",
        "  0 ms  │──── INVITE sip:a@b ─────▶│",
        "  3 ms  │◀─── 100 Trying ──────────│",
        "250 ms  │──── ACK sip:a@b ────────▶│",
    ]


def test_ladder_is_never_wider_than_told() -> None:
    lines = ladder([(0.0, "sent", "INVITE " + "x" * 300), (99.0, "received", "200 OK")], width=60)
    assert max(map(len, lines)) <= 60
    assert "…" in lines[1]
    assert len({len(line) for line in lines[1:]}) == 1


def test_ladder_of_nothing_is_nothing() -> None:
    assert ladder([]) == []
