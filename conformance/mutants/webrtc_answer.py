"""Answers to WebRTC offers that no browser should take."""

import re

from . import EVERYTHING, mutant
from .answers import sdp_changed, without_lines

DATA = (
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=setup:active\r\n"
    "a=sctp-port:5000\r\n"
)


def _with_data(sdp: str) -> str:
    return sdp if "m=application" in sdp else sdp + DATA


def _other_mid(sdp: str) -> str:
    return sdp.replace("a=mid:1\r\n", "a=mid:other\r\n").replace("BUNDLE 0 1", "BUNDLE 0 other")


def _with_codec(sdp: str) -> str:
    return re.sub(r"(m=audio [^\r]*)\r\n", r"\1 77\r\na=rtpmap:77 iSAC/16000\r\n", sdp, count=1)


MUTANTS = [
    mutant(
        "answer-of-other-sections",
        "WEBRTC-ANSWER-01",
        "The data channel's section has another mid than in the offer.",
        sdp_changed("", _other_mid),
        also=EVERYTHING,
    ),
    mutant(
        "data-unasked",
        "WEBRTC-ANSWER-02",
        "An answer has a data channel that was not offered.",
        sdp_changed("", _with_data),
    ),
    mutant(
        "codec-unasked",
        "WEBRTC-ANSWER-03",
        "An answer has a codec that was not offered.",
        sdp_changed("", _with_codec),
    ),
    mutant(
        "setup-undecided",
        "WEBRTC-ANSWER-05",
        "An answer leaves open who begins DTLS.",
        sdp_changed("", lambda sdp: re.sub("a=setup:.*?\r", "a=setup:actpass\r", sdp)),
        also=EVERYTHING,
    ),
    mutant(
        "fingerprint-missing",
        "WEBRTC-ANSWER-07",
        "An answer has no fingerprint.",
        sdp_changed("", without_lines("a=fingerprint:")),
        also=EVERYTHING,
    ),
    mutant(
        "short-ice-password",
        "WEBRTC-ANSWER-08",
        "The password of ICE has ten characters.",
        sdp_changed("", lambda sdp: re.sub(r"a=ice-pwd:(.{10}).*?\r", r"a=ice-pwd:\1\r", sdp)),
        also=EVERYTHING,
    ),
    mutant(
        "unbundled",
        "WEBRTC-ANSWER-09",
        "An answer does not bundle.",
        sdp_changed("", without_lines("a=group:BUNDLE")),
        also=EVERYTHING,
    ),
    mutant(
        "rtcp-elsewhere",
        "WEBRTC-ANSWER-10",
        "An answer wants RTCP on a port of its own.",
        sdp_changed("", without_lines("a=rtcp-mux")),
        also=EVERYTHING,
    ),
    mutant(
        "sctp-port-missing",
        "WEBRTC-ANSWER-11",
        "The data channel has no SCTP port.",
        sdp_changed("", without_lines("a=sctp-port:")),
        also=EVERYTHING,
    ),
    mutant(
        "lines-of-unix",
        "WEBRTC-ANSWER-12",
        "Lines of an answer end with LF.",
        sdp_changed("", lambda sdp: sdp.replace("\r\n", "\n")),
    ),
]
