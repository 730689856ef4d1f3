from ringback.emulator.model.builder import ScenarioBuilder
from ringback.emulator.model.summary import summary

LINES = [
    "x, 7 turns, strict: What it is for.",
    "1 at the start | says “hello”, after 0.3 s says “there”",
    '2 heard “human”, 2 times | calls transfer({"to": "tel:+1"}), calls f(), calls f({)',
    "3 keys “1”, by itself, again and again | says “aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…”",
    "4 asked | says nothing",
    "5 asked | says “b” for 1 characters, ends incomplete: max_output_tokens",
    "6 asked | after 0.1 s waits, says “b” for 5 ms, ends incomplete: max_output_tokens",
    "7 asked | sends an error: m, closes every channel with 1011, hangs up, calls s’s f(), fails: no",
]


def test_summary_has_a_line_for_each_turn() -> None:
    builder = ScenarioBuilder("x", strict=True, description="What it is for.")
    builder.when(start=True).say("hello").say("there", after_ms=300)
    builder.when(heard="human", times=2).call("transfer", to="tel:+1").call("f").call_with("f", "{")
    builder.when(dtmf="1", repeat=True).say("a" * 70)
    builder.always().silent()
    builder.always().say("b", stop_after=1)
    builder.always().wait(100).say("b", stop_after_ms=5)
    builder.always().error("m").disconnect().hang_up().call_mcp("s", "f").fail("no")
    lines = [" ".join(line.split()) for line in summary(builder.build()).splitlines()]
    assert lines == [line.replace(" | ", " ") for line in LINES]


def test_summary_says_what_ends_a_turn() -> None:
    scenario = ScenarioBuilder("x").end_of_turn("/\\?$/").end_of_turn("over").build()
    assert summary(scenario) == "x, 0 turns\n  semantic_vad ends a turn by /\\?$/ or “over”"


def test_summary_of_nothing_is_its_name() -> None:
    assert summary(ScenarioBuilder("x").build()) == "x, 0 turns"
