import pytest
from ringback.emulator import errors


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (
            errors.InvalidRequest("Unknown parameter: 'x'.", param="x", code="unknown_parameter"),
            400,
            "unknown_parameter",
        ),
        (errors.Unauthorized("no key"), 401, "invalid_api_key"),
        (errors.CallNotFound(), 404, "call_id_not_found"),
        (errors.MethodNotAllowed("no"), 405, None),
        (errors.DecisionAlreadyMade("late"), 409, "decision_already_made"),
        (errors.WrongMoment("early"), 409, "wrong_moment"),
        (errors.PayloadTooLarge("big"), 413, None),
        (errors.NotAsExpected("it rings"), 417, "not_as_expected"),
        (errors.InternalError(ValueError("why")), 500, None),
        (errors.UpstreamFailed("gone"), 502, None),
    ],
)
def test_error_carries_its_wire_form(error: errors.ApiError, status: int, code: str | None) -> None:
    assert error.status == status
    assert error.body() == {
        "error": {"message": str(error), "type": error.type, "param": error.param, "code": code},
    }


def test_call_not_found_says_what_the_service_says() -> None:
    assert errors.CallNotFound().message == "No session found for the provided call_id"


def test_decision_already_made_tells_sdks_not_to_retry() -> None:
    assert errors.DecisionAlreadyMade.headers == {"x-should-retry": "false"}


def test_protocol_errors_carry_the_status_to_answer_with() -> None:
    assert errors.SipError("garbage").status == 400
    assert errors.SipError("nobody to answer", status=None).status is None
    assert errors.FlowGone("closed").status is None
    assert errors.SdpError("nothing in common", status=488).status == 488


def test_every_error_is_in_the_docstring_of_the_tree() -> None:
    names = [
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    assert errors.__doc__ is not None
    assert [name for name in names if name not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_message_names_the_json_type(value: object, kind: str) -> None:
    assert errors.kind_of(value) == kind
