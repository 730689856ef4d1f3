"""WebRTC calls that a hangup does not end as it should."""

from dataclasses import replace

from ringback.emulator.calls.effects import CloseMedia
from ringback.emulator.faults.effects import drop

from . import mutant
from .answers import of_web_calls

MUTANTS = [
    mutant(
        "hangup-of-a-page-answered-204",
        "WEBRTC-HANGUP-01",
        "A hangup of a WebRTC call is answered with 204.",
        of_web_calls(
            "",
            lambda each: (
                replace(each, status=204, body=b"") if each.status == 200 and each.path.endswith("/hangup") else each
            ),
        ),
    ),
    mutant(
        "hangup-keeps-the-connection",
        "WEBRTC-HANGUP-02",
        "A hangup leaves the peer connection as it is.",
        drop("", CloseMedia),
    ),
]
