import pytest
from ringback.emulator.calls.inputs import VERBS
from ringback.emulator.calls.verbs import ATTACH, TABLE, Row, refusal
from ringback.emulator.errors import CallNotFound, DecisionAlreadyMade, InvalidRequest


def test_table_has_every_cell() -> None:
    assert TABLE.keys() == {(row, verb) for row in Row for verb in [*(kind.value for kind in VERBS), ATTACH]}


@pytest.mark.parametrize(
    ("row", "verb", "error"),
    [
        (Row.UNDECIDED, "hangup", CallNotFound),
        (Row.ALIVE, "accept", DecisionAlreadyMade),
        (Row.ENDED, ATTACH, CallNotFound),
        (Row.WEBRTC, "refer", InvalidRequest),
    ],
)
def test_refusal_is_the_error_of_the_cell(row: Row, verb: str, error: type[Exception]) -> None:
    assert isinstance(refusal(row, verb), error)


def test_allowed_verb_is_not_refused() -> None:
    assert refusal(Row.ALIVE, VERBS[2]) is None
