"""A project's own part of the journal is what the journal says that it is."""

from hypothesis import given
from hypothesis import strategies as st
from ringback.conformance.targets.embedded import _Kept
from ringback.emulator.journal import Journal

DIALOGS = {"mine": "proj_mine", "mine too": "proj_mine", "theirs": "proj_theirs"}
STEPS = st.lists(
    st.tuples(st.sampled_from(["sip.received", "call.state", "webhook.attempt"]), st.sampled_from(sorted(DIALOGS))),
    max_size=40,
)


def add(journal: Journal, kind: str, dialog: str) -> None:
    """As the emulator does: SIP messages know their dialog alone, a webhook its call, and a call both."""
    if kind == "sip.received":
        journal.add(kind, now=0.0, sip_call_id=dialog)
    else:
        named = {"sip_call_id": dialog} if kind == "call.state" else {}
        journal.add(kind, now=0.0, project_id=DIALOGS[dialog], call_id=f"rtc_{dialog}", **named)


@given(before=STEPS, steps=STEPS)
def test_project_has_its_entries_and_those_of_its_dialogs_in_order(
    before: list[tuple[str, str]], steps: list[tuple[str, str]]
) -> None:
    journal = Journal(limit=1000)
    for kind, dialog in before:
        add(journal, kind, dialog)
    kept = _Kept(journal, "proj_mine", 0)
    for kind, dialog in steps:
        add(journal, kind, dialog)
        assert kept.entries() == list(journal.entries(project_id="proj_mine"))
    assert kept.entries(10) == list(journal.entries(project_id="proj_mine", after=10))


def test_project_lets_go_of_what_the_journal_does() -> None:
    journal = Journal(limit=3)
    kept = _Kept(journal, "proj_mine", 0)
    for _ in range(5):
        add(journal, "call.state", "mine")
    assert [entry.sequence for entry in kept.entries()] == [3, 4, 5]


def test_listener_is_told_of_sip_messages_too() -> None:
    journal = Journal(limit=10)
    kept = _Kept(journal, "proj_mine", 0)
    told: list[int] = []
    kept.listener = lambda: told.append(journal.last_sequence)
    for kind, dialog in (("sip.received", "mine"), ("call.state", "mine"), ("sip.received", "theirs")):
        add(journal, kind, dialog)
    add(journal, "sip.received", "mine")
    kept.close()
    add(journal, "sip.received", "mine")
    assert told == [2, 4]
