from ringback.emulator.journal import Journal
from ringback.emulator.timeline import ladder, steps


def journal_of_a_call() -> Journal:
    journal = Journal(limit=100)
    journal.add("sip.received", now=1.0, summary="INVITE sip:proj_1@h;transport=tls")
    journal.add("call.state", now=1.0, to="undecided")
    journal.add("webhook.attempt", now=1.001, event="realtime.call.incoming", status=200)
    journal.add("rest.request", now=1.002, method="POST", path="/v1/realtime/calls/rtc_1/accept")
    journal.add("rest.request", now=1.002, method="GET", path="/v1/realtime?call_id=rtc_1")
    journal.add("sip.sent", now=1.003, summary="180 Ringing")
    journal.add("rest.response", now=1.003, path="/v1/realtime/calls/rtc_1/accept", status=200)
    journal.add("channel.attached", now=1.004, channel="sideband-1")
    journal.add("event.client", now=1.004, event={"type": "response.create"})
    for _ in range(3):
        journal.add("event.server", now=1.005, event={"type": "response.output_text.delta"})
    journal.add("media.said", now=1.006, text="hello")
    journal.add("media.heard", now=1.007, text="x" * 80)
    journal.add("media.dtmf", now=1.008, digit="5")
    journal.add("channel.detached", now=1.009, channel="sideband-1", code=1006, by="us")
    journal.add("emulator.bug", now=1.010, error="ValueError()")
    journal.add("media.opened", now=1.010)
    return journal


def test_ladder_draws_one_arrow_for_each_message() -> None:
    lines = ladder(journal_of_a_call().entries())
    assert lines[0].split() == ["caller", "ringback", "application"]
    drawn = "\n".join(lines)
    assert "─ INVITE sip:proj_1@h ─" in drawn
    assert "180 Ringing ─│" in drawn
    assert "realtime.call.incoming → 200" in drawn
    assert "POST …/accept" in drawn
    assert "realtime?call_id" not in drawn
    assert "response.output_text.delta ×3" in drawn
    assert "♪ “hello”" in drawn
    assert "x…" in drawn
    assert "♪ key 5" in drawn
    assert "sideband-1 closed (1006)" in drawn
    assert "emulator.bug: ValueError()" in drawn
    assert len({len(line) for line in lines[1:]}) == 1


def test_times_count_from_the_first_step() -> None:
    lines = ladder(journal_of_a_call().entries())
    assert lines[1].split()[0] == "0.0"
    assert lines[-1].split()[0] == "10.0"


def test_empty_journal_has_no_steps() -> None:
    assert list(steps([])) == []
