import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.model.pattern import Pattern


@pytest.mark.parametrize(
    ("source", "text", "is_found"),
    [
        ("human", "I want a Human, please", True),
        ("a.b", "aXb", False),
        ("", "", True),
        ("/human|agent/i", "An AGENT!", True),
        ("/human|agent/", "An AGENT!", False),
        ("/^b/m", "a\nb", True),
        ("/a.b/s", "a\nb", True),
        ("/a.b/", "a\nb", False),
        ("/and/or/", "and/or", True),
    ],
)
def test_pattern_is_found(source: str, text: str, is_found: bool) -> None:
    assert (Pattern.of(source).find(text) is not None) is is_found


def test_pattern_gives_its_named_groups() -> None:
    pattern = Pattern.of("/in (?P<place>\\w+)(?P<rest> again)?/")
    assert pattern.names == {"place", "rest"}
    assert pattern.find("in London") == {"place": "London", "rest": ""}


@pytest.mark.parametrize(
    ("source", "keys", "is_found"), [("0#", "10#", True), ("0#", "0#1", False), ("/[0-9]{4}#|9/", "1234#", True)]
)
def test_pattern_is_found_at_the_end(source: str, keys: str, is_found: bool) -> None:
    assert (Pattern.of(source).find_at_end(keys) is not None) is is_found


def test_pattern_at_the_end_gives_its_named_groups() -> None:
    assert Pattern.of("/(?P<pin>[0-9]{4})#/").find_at_end("91234#") == {"pin": "1234"}


@pytest.mark.parametrize(
    ("source", "why"),
    [("/human", "does not end as one"), ("/human/x", "the flag x"), ("/(/", "no regular expression")],
)
def test_pattern_that_can_not_be_read_is_refused(source: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Pattern.of(source)


@pytest.mark.parametrize(("source", "shown"), [("human", "“human”"), ("/human/i", "/human/i")])
def test_pattern_shows_itself(source: str, shown: str) -> None:
    assert str(Pattern.of(source)) == shown
