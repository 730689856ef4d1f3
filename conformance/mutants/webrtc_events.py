"""WebRTC calls that don't connect, that are silent or deaf, or that tell their page something else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import EVERYTHING, mutant
from .answers import sdp_changed, to_offer
from .speech import _detects, _stops_at_once
from .told import PAGE, Event, channel_of_a_page, put, unheard

UPDATED = {f"WEBRTC-CREATE-{number:02d}" for number in (6, 8, 13)} | {"WEBRTC-EVENT-10"}
"""What waits for a session.updated."""


def _with_audio(event: Event) -> Sequence[Event]:
    delta: Mapping[str, Any] = {**event, "type": "response.output_audio.delta", "delta": "AAAA"}
    return [delta, event]


def _failed(event: Event) -> Sequence[Event]:
    return [put(event, "failed", "response", "status")]


MUTANTS = [
    mutant(
        "certificate-of-another",
        "WEBRTC-CONNECT-01",
        "The fingerprint is that of another certificate.",
        sdp_changed("", lambda sdp: re.sub(r"(sha-256 )\S+", r"\1" + ":".join(["00"] * 32), sdp)),
        also=EVERYTHING,
    ),
    mutant(
        "candidates-demanded",
        "WEBRTC-CONNECT-02",
        "An offer without candidates is refused.",
        to_offer("", lambda each: each if b"a=candidate:" in each.request_body else replace(each, status=400)),
    ),
    mutant(
        "page-without-session",
        "WEBRTC-EVENT-01",
        "The page gets no session.created.",
        channel_of_a_page(PAGE, "session.created", lambda event: []),
    ),
    mutant(
        "page-not-updated",
        "WEBRTC-EVENT-02",
        "The page gets no session.updated.",
        channel_of_a_page(PAGE, "session.updated", lambda event: []),
        also=UPDATED,
    ),
    mutant(
        "responses-fail-for-the-page",
        "WEBRTC-EVENT-03",
        "Every response of the page is told as failed.",
        channel_of_a_page(PAGE, "response.done", _failed),
    ),
    mutant(
        "audio-for-the-page",
        "WEBRTC-EVENT-04",
        "Audio is sent as events, too.",
        channel_of_a_page(PAGE, "response.output_audio.done", _with_audio),
    ),
    mutant(
        "page-told-of-silence-at-once",
        "WEBRTC-EVENT-05",
        "output_audio_buffer.stopped comes right behind output_audio_buffer.started.",
        also={"SPEECH-OUT-04", "EVENT-PLAYBACK-03"},
        event=_stops_at_once,
    ),
    mutant(
        "index-as-text-for-the-page",
        "WEBRTC-EVENT-10",
        "The page gets the output_index of response.output_item.added as a string.",
        channel_of_a_page(
            PAGE, "response.output_item.added", lambda event: [{**event, "output_index": str(event["output_index"])}]
        ),
    ),
    mutant(
        "silent-answer",
        "WEBRTC-SOUND-01",
        "The answer takes sound and sends none.",
        sdp_changed("", lambda sdp: sdp.replace("a=sendrecv", "a=recvonly", 1)),
        also={"WEBRTC-SOUND-03", "WEBRTC-SOUND-04", "WEBRTC-SOUND-05"},
    ),
    mutant(
        "deaf-answer",
        "WEBRTC-SOUND-02",
        "The answer sends sound and takes none.",
        sdp_changed("", lambda sdp: sdp.replace("a=sendrecv", "a=sendonly", 1)),
        also={"WEBRTC-SOUND-03", "WEBRTC-SOUND-04"},
    ),
    mutant(
        "page-without-answer",
        "WEBRTC-SOUND-03",
        "The model never answers.",
        _detects(create_response=False),
        also={"SPEECH-IN-05", "EVENT-TURN-01", "EVENT-TURN-02"},
    ),
    mutant(
        "page-never-interrupts",
        "WEBRTC-SOUND-04",
        "Nobody can interrupt the model.",
        _detects(interrupt_response=False),
        also={"SPEECH-IN-07", "SPEECH-IN-08"},
    ),
    mutant(
        "clear-unheard-from-the-page",
        "WEBRTC-SOUND-05",
        "output_audio_buffer.clear is not heard.",
        also={"SPEECH-OUT-05", "EVENT-PLAYBACK-04"},
        **unheard("output_audio_buffer.clear"),
    ),
]
