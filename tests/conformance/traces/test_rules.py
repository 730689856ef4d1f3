"""Every rule has a trace that keeps it where it is nearly broken, and one that breaks it and nothing else."""

from typing import Any

import pytest
from ringback.conformance.traces import RULES, TraceEvent, judge_events
from traced import (
    Change,
    Maker,
    Trace,
    added,
    changed,
    conversation,
    dropped,
    everywhere,
    find,
    inserted,
    message,
    moved,
    repeated,
    together,
    usage,
)

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def started_later(trace: Trace) -> Trace:
    """What a channel sees that is opened after the first turn."""
    return trace[find(trace, "input_audio_buffer.speech_started") :]


def out_of_band(trace: Trace) -> Trace:
    """A response outside the conversation while another one is in progress: nothing of it is in the conversation."""
    maker = Maker()
    maker.trace = trace[: find(trace, "response.content_part.added") + 1]
    place = {"response_id": "resp_aside", "item_id": "item_aside", "output_index": 0, "content_index": 0}
    maker.begin("resp_aside", None)
    maker.open("resp_aside", 0, None, message("item_aside", "in_progress"))
    maker.got("response.content_part.added", **place, part={"type": "text", "text": ""})
    maker.got("response.output_text.done", **place, text="")
    maker.got("response.content_part.done", **place, part={"type": "text", "text": ""})
    maker.close("resp_aside", 0, None, message("item_aside", "completed"), added=False)
    maker.end("resp_aside", message("item_aside", "completed"), conversation=None)
    renamed = [
        TraceEvent(event.direction, {**event.data, "event_id": f"aside_{number}"})
        for number, event in enumerate(maker.trace)
        if event.direction == "received"
    ]
    before = [event for event in maker.trace if event.direction == "sent"]
    rest = trace[find(trace, "response.content_part.added") + 1 :]
    return [*renamed[:1], *before, *renamed[1:], *rest]


def cut_short(trace: Trace) -> Trace:
    """The client clears the buffer in mid-speech, and other speech starts."""
    number = find(trace, "input_audio_buffer.speech_started")
    clear = TraceEvent("sent", {"type": "input_audio_buffer.clear"})
    cleared = TraceEvent("received", {"type": "input_audio_buffer.cleared", "event_id": "event_cleared"})
    data = {**trace[number].data, "item_id": "item_cleared", "event_id": "event_cut"}
    return [*trace[:number], TraceEvent("received", data), clear, cleared, *trace[number:]]


def interrupted(trace: Trace) -> Trace:
    """The caller speaks into the sound: the item is incomplete, and playback is cleared before response.done."""
    for event_type in ("conversation.item.done", "response.output_item.done"):
        last = -2  # the call's is the last
        trace = changed(event_type, "item.status", "incomplete", last)(trace)
        trace = changed(event_type, "item.content.0.transcript", "One", last)(trace)
    trace = changed("response.done", "response.status", "cancelled", 1)(trace)
    trace = changed("response.done", "response.output", [], 1)(trace)
    trace = changed("response.done", "response.status_details", {"type": "cancelled", "reason": "turn_detected"}, 1)(
        trace
    )
    number = find(trace, "output_audio_buffer.stopped")
    cleared = {**trace[number].data, "type": "output_audio_buffer.cleared"}
    end = find(trace, "response.done", 1)
    rest = [event for event in trace[end:] if event is not trace[number]]
    return [*trace[:end], TraceEvent("received", cleared), *rest]


def with_reasoning() -> dict[str, Any]:
    spent = usage()
    spent["output_token_details"] |= {"audio_tokens": 10, "reasoning_tokens": 5}
    return spent


def with_mcp(trace: Trace) -> Trace:
    """At the end a server's tools are listed, and one is called."""
    maker = Maker()
    maker.trace = list(trace)
    tools = {"id": "item_tools", "type": "mcp_list_tools", "server_label": "docs", "tools": []}
    maker.got("mcp_list_tools.in_progress", item_id="item_tools")
    maker.got("mcp_list_tools.completed", item_id="item_tools")
    maker.item("item_call", tools)
    place = {"item_id": "item_mcp", "output_index": 0}
    called = {"id": "item_mcp", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"}
    maker.begin("resp_mcp")
    maker.open("resp_mcp", 0, "item_tools", {**called, "arguments": ""})
    maker.got("response.mcp_call_arguments.delta", response_id="resp_mcp", **place, delta="{}")
    maker.got("response.mcp_call_arguments.done", response_id="resp_mcp", **place, arguments="{}")
    maker.got("response.mcp_call.in_progress", **place)
    maker.got("response.mcp_call.completed", **place)
    maker.close("resp_mcp", 0, "item_tools", called)
    maker.end("resp_mcp", called)
    return maker.trace


def renamed(event_type: str, what: str) -> Change:
    """An event whose type ends otherwise."""
    return changed(event_type, "type", f"{event_type.rpartition('.')[0]}.{what}")


def same(trace: Trace) -> Trace:
    return trace


KEPT: dict[str, Change] = {
    "TRACE-SESSION-CREATED": started_later,
    "TRACE-SESSION-SAME": dropped("session.created"),
    "TRACE-EVENT-ID-UNIQUE": added("received", type="input_audio_buffer.dtmf_event_received", event="9", received_at=1),
    "TRACE-ERROR-ECHO": changed("error", "error.event_id", None),
    "TRACE-SERVER-SHAPE": changed("session.updated", "session.brand_new", True),
    "TRACE-CLIENT-SHAPE": changed("session.update", "session.tools", []),
    "TRACE-ITEM-ID-UNIQUE": added(
        "received",
        type="conversation.item.added",
        event_id="event_again",
        previous_item_id="item_call",
        item={"id": "item_text", "type": "message", "role": "user", "content": []},
    ),
    "TRACE-ITEM-ORDER": started_later,
    "TRACE-ITEM-KNOWN": started_later,
    "TRACE-ITEM-PREVIOUS": started_later,
    "TRACE-ITEM-PREVIOUS-KEPT": changed("conversation.item.done", "previous_item_id", "item_text", 1),
    "TRACE-RESPONSE-ID-UNIQUE": same,
    "TRACE-RESPONSE-BRACKETS": lambda trace: trace[find(trace, "response.output_text.delta") :],
    "TRACE-RESPONSE-KNOWN": lambda trace: trace[find(trace, "output_audio_buffer.stopped") :],
    "TRACE-RESPONSE-ONE-ACTIVE": out_of_band,
    "TRACE-RESPONSE-STATUS": interrupted,
    "TRACE-RESPONSE-ENDS": interrupted,
    "TRACE-USAGE-SUM": changed("response.done", "response.usage", with_reasoning()),
    "TRACE-RATE-LIMITS": together(dropped("rate_limits.updated"), started_later),
    "TRACE-OUTPUT-INDEX": out_of_band,
    "TRACE-OUTPUT-ITEM-OPEN": lambda trace: trace[find(trace, "response.output_audio.delta") :],
    "TRACE-CONTENT-INDEX": lambda trace: trace[find(trace, "response.output_audio.delta") :],
    "TRACE-CONTENT-PART-OPEN": lambda trace: trace[find(trace, "response.output_audio.delta") :],
    "TRACE-CLOSING-ORDER": out_of_band,
    "TRACE-CLOSING-COMPLETE": out_of_band,
    "TRACE-OUTPUT-BUFFER": interrupted,
    "TRACE-DELTAS": lambda trace: trace[find(trace, "response.output_text.delta", 1) :],
    "TRACE-WORDS-REPEATED": interrupted,
    "TRACE-CALL-SAME": lambda trace: trace[find(trace, "response.function_call_arguments.delta") :],
    "TRACE-OUTPUT-LISTED": interrupted,
    "TRACE-MCP-LISTING": together(
        with_mcp, lambda trace: [trace[1], *trace[find(trace, "mcp_list_tools.completed") :]]
    ),
    "TRACE-MCP-CALL": together(
        with_mcp, dropped("response.mcp_call.in_progress"), renamed("response.mcp_call.completed", "failed")
    ),
    "TRACE-SPEECH-ORDER": cut_short,
    "TRACE-TRANSCRIPTION-KNOWN": lambda trace: trace[find(trace, f"{TRANSCRIPTION}.completed") :],
    "TRACE-TRANSCRIPTION-ENDS": dropped(f"{TRANSCRIPTION}.completed"),
    "TRACE-TRANSCRIPTION-DELTAS": together(dropped(f"{TRANSCRIPTION}.delta"), dropped(f"{TRANSCRIPTION}.delta")),
}

BROKEN: dict[str, Change] = {
    "TRACE-SESSION-CREATED": repeated("session.created"),
    "TRACE-SESSION-SAME": changed("session.updated", "session.id", "sess_2"),
    "TRACE-EVENT-ID-UNIQUE": changed("session.updated", "event_id", "event_0"),
    "TRACE-ERROR-ECHO": changed("error", "error.event_id", "client_9"),
    "TRACE-SERVER-SHAPE": changed("rate_limits.updated", "rate_limits", None),
    "TRACE-CLIENT-SHAPE": changed("session.update", "session.voice", "alloy"),
    "TRACE-ITEM-ID-UNIQUE": repeated("conversation.item.added"),
    "TRACE-ITEM-ORDER": repeated("conversation.item.done"),
    "TRACE-ITEM-KNOWN": changed("conversation.item.deleted", "item_id", "item_9"),
    "TRACE-ITEM-PREVIOUS": together(
        changed("conversation.item.added", "previous_item_id", "item_9", 2),
        changed("conversation.item.done", "previous_item_id", "item_9", 2),
    ),
    "TRACE-ITEM-PREVIOUS-KEPT": changed("conversation.item.done", "previous_item_id", None, 2),
    "TRACE-RESPONSE-ID-UNIQUE": repeated("response.created"),
    "TRACE-RESPONSE-BRACKETS": repeated("response.done"),
    "TRACE-RESPONSE-KNOWN": together(
        changed("output_audio_buffer.started", "response_id", "resp_9"), dropped("output_audio_buffer.stopped")
    ),
    "TRACE-RESPONSE-ONE-ACTIVE": moved("response.created", "response.content_part.added", nth=1),
    "TRACE-RESPONSE-STATUS": changed("response.created", "response.status", "completed"),
    "TRACE-RESPONSE-ENDS": lambda trace: trace[: find(trace, "response.created", 1) + 1],
    "TRACE-USAGE-SUM": changed("response.done", "response.usage.total_tokens", 31),
    "TRACE-RATE-LIMITS": moved("rate_limits.updated", "response.created"),
    "TRACE-OUTPUT-INDEX": changed("response.output_text.delta", "output_index", 1),
    "TRACE-OUTPUT-ITEM-OPEN": inserted(
        "response.function_call_arguments.done",
        "received",
        type="response.function_call_arguments.done",
        event_id="event_more",
        response_id="resp_sound",
        item_id="item_9",
        output_index=2,
        call_id="call_9",
        name="nobody",
        arguments="",
    ),
    "TRACE-CONTENT-INDEX": everywhere("content_index", 1, item_id="item_answer"),
    "TRACE-CONTENT-PART-OPEN": moved("response.output_audio.delta", "response.content_part.done", 0, 1),
    "TRACE-CLOSING-ORDER": moved("conversation.item.done", "response.output_item.done", 1),
    "TRACE-CLOSING-COMPLETE": dropped("response.output_audio.done"),
    "TRACE-OUTPUT-BUFFER": dropped("output_audio_buffer.started"),
    "TRACE-DELTAS": dropped("response.output_text.delta"),
    "TRACE-WORDS-REPEATED": changed("response.content_part.done", "part.text", "Hello?"),
    "TRACE-CALL-SAME": changed("response.function_call_arguments.delta", "call_id", "call_9"),
    "TRACE-OUTPUT-LISTED": changed("response.done", "response.output", []),
    "TRACE-MCP-LISTING": together(with_mcp, repeated("mcp_list_tools.completed")),
    "TRACE-MCP-CALL": together(with_mcp, dropped("response.mcp_call.in_progress")),
    "TRACE-SPEECH-ORDER": moved("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"),
    "TRACE-TRANSCRIPTION-KNOWN": together(
        dropped("input_audio_buffer.speech_started"),
        dropped("input_audio_buffer.speech_stopped"),
    ),
    "TRACE-TRANSCRIPTION-ENDS": repeated(f"{TRANSCRIPTION}.completed"),
    "TRACE-TRANSCRIPTION-DELTAS": changed(f"{TRANSCRIPTION}.completed", "transcript", "How cold?"),
}


def broken(trace: Trace) -> set[str]:
    return {violation.rule for violation in judge_events(trace, complete=True, rules=RULES)}


def test_trace_that_all_examples_start_from_breaks_nothing() -> None:
    assert judge_events(conversation(), complete=True, rules=RULES) == []


def test_every_rule_has_its_examples() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) == KEPT.keys() == BROKEN.keys()


@pytest.mark.parametrize("rule", KEPT)
def test_rule_accepts_what_is_right(rule: str) -> None:
    violations = judge_events(KEPT[rule](conversation()), rules=RULES)
    assert [str(violation) for violation in violations] == []


@pytest.mark.parametrize("rule", BROKEN)
def test_rule_alone_reports_what_breaks_it(rule: str) -> None:
    assert broken(BROKEN[rule](conversation())) == {rule}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("TRACE-MCP-LISTING", together(with_mcp, repeated("mcp_list_tools.in_progress"))),
        ("TRACE-MCP-LISTING", together(with_mcp, moved("mcp_list_tools.in_progress", "mcp_list_tools.completed"))),
        ("TRACE-MCP-CALL", together(with_mcp, repeated("response.mcp_call.in_progress"))),
        ("TRACE-MCP-CALL", together(with_mcp, repeated("response.mcp_call.completed"))),
        (
            "TRACE-MCP-CALL",
            together(with_mcp, moved("response.mcp_call_arguments.done", "response.mcp_call.completed")),
        ),
        ("TRACE-SPEECH-ORDER", repeated("input_audio_buffer.speech_started")),
        ("TRACE-SPEECH-ORDER", repeated("input_audio_buffer.speech_stopped")),
        ("TRACE-SPEECH-ORDER", repeated("input_audio_buffer.committed")),
        ("TRACE-SPEECH-ORDER", changed("input_audio_buffer.speech_stopped", "audio_end_ms", 900)),
        ("TRACE-SPEECH-ORDER", changed("input_audio_buffer.speech_stopped", "item_id", "item_text")),
        ("TRACE-SESSION-CREATED", moved("session.created", "session.updated")),
        ("TRACE-ITEM-ORDER", moved("conversation.item.added", "conversation.item.done")),
        ("TRACE-RESPONSE-BRACKETS", dropped("response.created", 1)),
        ("TRACE-RESPONSE-STATUS", changed("response.done", "response.status", "in_progress")),
        ("TRACE-RESPONSE-STATUS", changed("response.done", "response.status_details", {"type": "failed"})),
        ("TRACE-USAGE-SUM", changed("response.done", "response.usage.input_token_details.text_tokens", 7)),
        ("TRACE-USAGE-SUM", changed("response.done", "response.usage.output_token_details.audio_tokens", 7)),
        ("TRACE-USAGE-SUM", changed("response.done", "response.usage.input_token_details.cached_tokens", 7)),
        ("TRACE-RATE-LIMITS", repeated("rate_limits.updated", 1)),
        ("TRACE-OUTPUT-INDEX", changed("response.output_item.done", "output_index", 1)),
        ("TRACE-CONTENT-PART-OPEN", moved("response.output_audio.delta", "response.output_audio.done")),
        ("TRACE-CLOSING-ORDER", moved("response.output_audio.done", "response.output_audio_transcript.done")),
        ("TRACE-CLOSING-ORDER", moved("response.output_text.done", "response.content_part.done")),
        ("TRACE-CLOSING-COMPLETE", dropped("response.content_part.done")),
        ("TRACE-CLOSING-COMPLETE", dropped("conversation.item.done", -1)),
        ("TRACE-CLOSING-COMPLETE", dropped("response.output_item.done")),
        ("TRACE-CLOSING-COMPLETE", dropped("response.function_call_arguments.done")),
        ("TRACE-OUTPUT-BUFFER", repeated("output_audio_buffer.started")),
        ("TRACE-OUTPUT-BUFFER", moved("output_audio_buffer.stopped", "output_audio_buffer.started")),
        ("TRACE-WORDS-REPEATED", changed("response.done", "response.output.0.content.0.text", "Bye")),
        ("TRACE-WORDS-REPEATED", changed("response.output_item.done", "item.arguments", "{}", 2)),
        ("TRACE-CALL-SAME", changed("response.function_call_arguments.done", "name", "get_time")),
        ("TRACE-TRANSCRIPTION-ENDS", moved(f"{TRANSCRIPTION}.delta", f"{TRANSCRIPTION}.completed", -1)),
    ],
)
def test_rule_reports_each_way_to_break_it(rule: str, change: Change) -> None:
    assert rule in broken(change(conversation()))


def test_client_may_commit_while_the_caller_speaks() -> None:
    """Its commit crosses speech_started; then the speech may stop as well, and other speech may start."""
    commit = TraceEvent("sent", {"type": "input_audio_buffer.commit"})
    trace = conversation()
    number = find(trace, "input_audio_buffer.speech_started")
    trace = [*trace[:number], commit, *trace[number:]]
    assert broken(moved("input_audio_buffer.speech_stopped", "input_audio_buffer.committed")(trace)) == set()
    assert broken(dropped("input_audio_buffer.speech_stopped")(trace)) == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_says_what_it_demands_in_a_sentence_and_names_its_source(rule: Any) -> None:
    assert rule.id.startswith("TRACE-")
    assert rule.says.endswith(".")
    assert len(rule.says.split()) <= 20
    assert rule.evidence in ("DOC", "SDK", "OBS")
    assert rule.clause


def test_violation_says_where_and_what() -> None:
    first = judge_events(changed("error", "error.event_id", "client_9")(conversation()))[0]
    number = find(conversation(), "error") + 1
    assert str(first) == f"event {number}: TRACE-ERROR-ECHO: no client event has the event_id 'client_9'"
    assert first.event is not None
    assert first.event.type == "error"


@pytest.mark.parametrize("nonsense", [None, "x", [{}], {"id": 7}])
def test_rules_survive_any_value_anywhere(nonsense: object) -> None:
    trace = conversation()
    rules = [rule for rule in RULES if not rule.id.endswith("-SHAPE")]  # those are the schemas' tests
    for number, event in enumerate(trace):
        for name in event.data:
            spoiled = TraceEvent(event.direction, {**event.data, name: nonsense})
            judge_events([*trace[:number], spoiled, *trace[number + 1 :]], complete=True, rules=rules)
        judge_events([*trace[:number], TraceEvent(event.direction, {}), *trace[number + 1 :]], rules=rules)
