"""The table of peers says what tests show, and leaves no cell open."""

import interop_table

PAGE = interop_table.TESTS.parents[1] / "docs" / "interop.md"


def test_page_shows_what_tests_are_marked_with() -> None:
    outcomes = {cell: [interop_table.PASSED] for cell in interop_table.marks()}
    text = "run: pytest tests/interop --interop-page docs/interop.md"
    assert PAGE.read_text(encoding="utf-8") == interop_table.page(outcomes), text


def test_every_cell_is_shown_or_has_its_reason() -> None:
    shown = set(interop_table.marks())
    every = {(peer, capability) for peer in interop_table.PEERS for capability in interop_table.CAPABILITIES}
    assert shown | set(interop_table.ABSENT) == every
    assert shown & set(interop_table.ABSENT) == set()


def test_page_shows_a_test_that_failed() -> None:
    cell = ("SIPp", "calls")
    page = interop_table.page({cell: [interop_table.PASSED, "failed"]})
    assert "| **SIPp** | ✗ failed | not tested |" in page
