"""What a declaration says by itself, where its author says nothing."""

from typing import Any

import pytest
from ringback.conformance.requirement import Catalogue

SECTION = "https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2"


@pytest.mark.parametrize(
    ("clause", "link"),
    [
        ("RFC 3261 8.2.6.2: the UAS MUST add a tag", SECTION),
        ("RFC 3261 8.2.6.2 and 12.1.1; RFC 3262 3", SECTION),
        ("RFC 7983 7: the first byte; RFC 3550 A.1", "https://www.rfc-editor.org/rfc/rfc7983#section-7"),
        ("RFC 3550 A.1: what is no RTP", "https://www.rfc-editor.org/rfc/rfc3550#section-A.1"),
        ("RFC 4733", "https://www.rfc-editor.org/rfc/rfc4733"),
        ("the grammar", None),
    ],
)
def test_requirement_links_to_the_section_of_its_clause(
    catalogue: Catalogue, declare: Any, passes: Any, clause: str, link: str | None
) -> None:
    declare("A-B-01", passes, evidence="RFC", clause=clause)
    assert catalogue["A-B-01"].requirement.link == link


def test_requirement_keeps_the_link_that_it_is_given(catalogue: Catalogue, declare: Any, passes: Any) -> None:
    declare("A-B-01", passes, evidence="RFC", clause="RFC 3261 7.3.1 and 25.1", link=SECTION)
    declare("A-B-02", passes, evidence="DOC", clause="a page that speaks of RFC 3261 25.1")
    assert [declared.requirement.link for declared in catalogue] == [SECTION, None]
