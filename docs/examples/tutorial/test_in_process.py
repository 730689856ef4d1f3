"""The same without a port or a process: the application is called where it is."""

import re

import pytest
from fastapi_app import app as on_fastapi
from flask_app import app as on_flask


@pytest.fixture
def application():
    """In place of the process that `conftest.py` starts."""


@pytest.mark.parametrize(("app", "via"), [(on_flask, "memory"), (on_fastapi, "sip")], ids=["flask", "fastapi"])
def test_caller_is_transferred_to_a_human(ringback, app, via):
    ringback.webhook(app, path="/openai")
    ringback.scenario.when(heard="human").call("transfer", target="tel:+14155550123")
    call = ringback.dial(from_="+14255550112", via=via)
    call.hears(re.compile("how can I help"), within=10)
    call.say("I would like to talk to a human")
    call.transferred_to("tel:+14155550123")
    ringback.journal.assert_no_errors()
