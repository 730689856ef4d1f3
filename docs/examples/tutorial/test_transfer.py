def test_caller_is_transferred_to_a_human(ringback):
    ringback.webhook("http://127.0.0.1:8000/openai")
    ringback.scenario.when(heard="human").call("transfer", target="tel:+14155550123")
    call = ringback.dial(from_="+14255550112", headers={"X-Account": "42"})
    call.answered(within=2)
    call.say("I would like to talk to a human")
    call.transferred_to("tel:+14155550123", within=5)
    assert call.heard == ["Thank you for calling, how can I help you?"]
