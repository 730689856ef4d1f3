import pytest
from ringback.emulator.errors import EmulatorBug
from ringback.emulator.journal import Entry, Journal


def fill(journal: Journal) -> None:
    journal.add("sip.received", now=1.0, sip_call_id="a@phone", summary="INVITE")
    journal.add("call.state", now=1.1, project_id="proj_1", call_id="rtc_1", sip_call_id="a@phone")
    journal.add("call.state", now=1.2, project_id="proj_2", call_id="rtc_2", sip_call_id="b@phone")
    journal.add("sip.sent", now=1.3, sip_call_id="b@phone", summary="180 Ringing")
    journal.add("media.dtmf", now=1.4, project_id="proj_1", call_id="rtc_1", digit="5")


def sequences(entries: object) -> list[int]:
    return [entry.sequence for entry in entries]  # type: ignore[attr-defined]


def test_journal_keeps_entries_in_order_and_gives_them_as_json() -> None:
    journal = Journal(limit=10)
    assert journal.last_sequence == 0
    entry = journal.add("media.dtmf", now=5.0, project_id="proj_1", call_id="rtc_1", digit="#")
    assert entry.as_dict() == {
        "sequence": 1,
        "at": 5.0,
        "kind": "media.dtmf",
        "project_id": "proj_1",
        "call_id": "rtc_1",
        "sip_call_id": None,
        "data": {"digit": "#"},
    }
    assert list(journal.entries()) == [entry]
    assert journal.last_sequence == 1


def test_journal_filters_by_kind_call_project_and_position() -> None:
    journal = Journal(limit=10)
    fill(journal)
    assert sequences(journal.entries(kind="call.state")) == [2, 3]
    assert sequences(journal.entries(kind="sip")) == [1, 4]
    assert sequences(journal.entries(after=3)) == [4, 5]
    assert sequences(journal.entries(limit=2)) == [1, 2]
    assert sequences(journal.entries(project_id="proj_1")) == [1, 2, 5]
    assert sequences(journal.entries(project_id="proj_1", call_id="rtc_2")) == []


def test_a_call_has_the_sip_messages_of_its_dialog() -> None:
    journal = Journal(limit=10)
    fill(journal)
    assert sequences(journal.entries(call_id="rtc_1")) == [1, 2, 5]
    assert sequences(journal.entries(call_id="rtc_2", kind="sip")) == [4]


def test_journal_refuses_a_kind_that_nobody_described() -> None:
    with pytest.raises(EmulatorBug, match=r"unknown kind 'sip\.sung'"):
        Journal(limit=1).add("sip.sung", now=0.0)


def test_journal_counts_and_hands_over_what_it_lets_go() -> None:
    dropped: list[Entry] = []
    journal = Journal(limit=3, on_drop=dropped.append)
    fill(journal)
    assert len(journal) == 3
    assert journal.dropped == 2
    assert sequences(dropped) == [1, 2]
    silent = Journal(limit=1)
    fill(silent)
    assert silent.dropped == 4


def test_listener_hears_every_entry_until_it_unsubscribes() -> None:
    journal = Journal(limit=1)
    heard: list[Entry] = []
    stop = journal.subscribe(heard.append)
    fill(journal)
    stop()
    journal.add("emulator.stopping", now=2.0)
    assert sequences(heard) == [1, 2, 3, 4, 5]


def test_bug_is_recorded_with_its_traceback_and_its_call() -> None:
    journal = Journal(limit=1)
    try:
        raise EmulatorBug("two and two are five")
    except EmulatorBug as error:
        entry = journal.add_bug(error, now=1.0, call_id="rtc_1")
    assert (entry.kind, entry.call_id, entry.project_id) == ("emulator.bug", "rtc_1", None)
    assert entry.data["error"] == "EmulatorBug('two and two are five')"
    assert "test_journal.py" in entry.data["traceback"]
