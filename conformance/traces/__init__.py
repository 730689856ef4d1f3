"""Trace rules: properties that hold of any sequence of Realtime events, live or recorded.

    judge = Judge()
    for event in …:                        # TraceEvent("received", {…}), as it crosses the wire
        for violation in judge.feed(event):
            print(violation)
    judge.end()

It is right for one channel: where several are open, each sees the same events, but errors only of its own making.
`judge_events` does it with a list, `recording.judge` with recordings, HTTP exchanges included.
"""

from .event import Scope, TraceEvent, Violation
from .judge import RULES, SERVER_RULES, Judge, judge_events
from .recording import UnreadableRecording
from .rule import Rule

__all__ = [
    "RULES",
    "SERVER_RULES",
    "Judge",
    "Rule",
    "Scope",
    "TraceEvent",
    "UnreadableRecording",
    "Violation",
    "judge_events",
]
