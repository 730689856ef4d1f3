"""Wrong sidebands."""

from dataclasses import replace

from ringback.emulator.faults.plan import Event

from . import EVERYTHING, mutant

RTP_HEADER = 12
SILENCE = b"\xff"
"""PCMU."""


def _with_old_instructions(event: Event) -> list[Event]:
    if event["type"] != "session.updated":
        return [event]
    return [{**event, "session": {**event["session"], "instructions": "You are a support agent."}}]


MUTANTS = [
    mutant(
        "sideband-not-found",
        "SIDEBAND-ATTACH-01",
        "The handshake for a call that goes on is answered with 404.",
        also=EVERYTHING,
        http=lambda each: replace(each, status=404) if each.status == 101 and "call_id=" in each.path else each,
    ),
    mutant(
        "update-without-effect",
        "SIDEBAND-CONTROL-01",
        "A session.updated shows what was before.",
        event=_with_old_instructions,
    ),
    mutant(
        "caller-hears-nothing",
        "SIDEBAND-CONTROL-02",
        "The sound of responses is silence.",
        rtp_out=lambda data: [data[:RTP_HEADER] + SILENCE * (len(data) - RTP_HEADER)],
    ),
]
