"""What the fuzzer begins with: messages of our own, and those of a corpus where there is one."""

import tomllib
from pathlib import Path
from typing import Any, Final

import numpy as np
from ringback.emulator.rtp.packet import RtpPacket
from ringback.emulator.rtp.rtcp import Goodbye, ReceiverReport, ReportBlock, SenderReport, SourceDescription, compound
from webrtc_sample import OFFER

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
SDP: Final = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 9 96 101 13\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:96 opus/48000/2\r\n"
    b"a=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
    b"a=ptime:20\r\na=maxptime:60\r\na=rtcp:40001\r\na=sendrecv\r\n"
)
SECURE_SDP: Final = SDP.replace(b"RTP/AVP", b"RTP/SAVP") + (
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n"
    b"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
)
EVENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "type": "session.update",
        "event_id": "e1",
        "session": {
            "type": "realtime",
            "instructions": "Be brief.",
            "output_modalities": ["audio"],
            "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "whisper-1", "language": "en"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200},
                },
                "output": {"voice": "marin", "speed": 1.0},
            },
        },
    },
    {"type": "input_audio_buffer.append", "audio": "AAAA" * 400},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "output_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {
            "id": "i1",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "audio": "AAAA"}],
        },
    },
    {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c", "output": "12"}},
    {"type": "conversation.item.retrieve", "item_id": "i1"},
    {"type": "conversation.item.truncate", "item_id": "i1", "content_index": 0, "audio_end_ms": 100},
    {"type": "conversation.item.delete", "item_id": "i1"},
    {
        "type": "response.create",
        "response": {
            "instructions": "say exactly 'one two'",
            "conversation": "none",
            "metadata": {"a": "b"},
            "input": [{"type": "item_reference", "id": "i1"}],
            "max_output_tokens": 10,
        },
    },
    {"type": "response.cancel"},
)
BODIES: Final[tuple[dict[str, Any], ...]] = (
    EVENTS[0]["session"],
    {"status_code": 486},
    {"target_uri": "sip:agent@example.com;transport=tls"},
    {"target_uri": "tel:+14155550123"},
    {"expires_after": {"anchor": "created_at", "seconds": 600}, "session": EVENTS[0]["session"]},
    {"session": {"type": "transcription", "audio": {"input": {"turn_detection": None}}}},
)
RTP: Final[tuple[bytes, ...]] = (
    *(RtpPacket(0, 7 + step, 160 * step, 5, bytes(np.full(160, 0x80, np.uint8))).to_bytes() for step in range(3)),
    *(RtpPacket(101, 20 + step, 3200, 5, bytes((5, 0x8A, 0, 160 * step % 256))).to_bytes() for step in range(4)),
    RtpPacket(13, 40, 6400, 5, b"\x40").to_bytes(),
    RtpPacket(96, 41, 6560, 5, bytes.fromhex("fcfffe")).to_bytes(),
    bytes.fromhex("000100002112a442") + bytes(12),
)
RTCP: Final[tuple[bytes, ...]] = (
    compound(
        [
            SenderReport(
                ssrc=5,
                ntp=1 << 40,
                timestamp=160,
                packets=3,
                octets=480,
                blocks=(ReportBlock(ssrc=9, fraction_lost=1, lost=2, highest_sequence=3, jitter=4),),
            ),
            SourceDescription(ssrc=5, cname="caller"),
        ]
    ),
    compound([ReceiverReport(ssrc=5), SourceDescription(ssrc=5, cname="c"), Goodbye(ssrcs=(5,))]),
)


def sip(corpus: Path | None) -> list[bytes]:
    own = tomllib.loads((FIXTURES / "sip" / "messages.toml").read_text(encoding="utf-8"))
    found = [entry["message"].replace("\n", "\r\n").encode("latin-1") for entry in own.values()]
    if corpus is not None:
        found += [
            path.read_bytes() for folder in ("rfc4475", "rfc5118") for path in sorted((corpus / folder).iterdir())
        ]
    return found


def offers() -> list[bytes]:
    return [SDP, SECURE_SDP, OFFER.encode()]
