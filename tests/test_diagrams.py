"""The page of state machines in the docs is what the tables say."""

import diagrams


def test_docs_show_the_state_machines_as_they_are() -> None:
    assert diagrams.PAGE.read_text(encoding="utf-8") == diagrams.page(), "run: python tests/diagrams.py --write"
