"""Scenarios for SIPp, put together from steps, and the packets that it plays from a pcap file."""

import struct
from pathlib import Path

from ringback.conformance.client import g711
from ringback.fixtures import tonecode

SSRC = 0x51990001
FRAME = 160
CLOCK = 8000
DIGITS = "0123456789*#"
EVENT_FRAMES = 5
"""20 ms each that a key is held."""
PORT = 6000
"""Of the pcap's packets; SIPp writes its own in its place."""

_HEADERS = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: "Caller" <sip:+14255550112@[local_ip]:[local_port]>;tag=[pid]S[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
"""
_FIRST = _HEADERS.replace("[routes]\n", "").replace("[peer_tag_param]", "")
_CONTACT = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\n"
_ANSWER = """  <send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
Content-Length: 0

]]></send>
"""
STEPS = {
    "call": f"""  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port];transport=[transport] SIP/2.0
{_FIRST}CSeq: 1 INVITE
{_CONTACT}Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
{_HEADERS}CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <sendCmd><![CDATA[
Call-ID: [call_id]
Answered: audio [media_port]
]]></sendCmd>
""",
    "wait": "  <recvCmd/>\n",
    "play": """  <nop><action><exec play_pcap_audio="sound.pcap"/></action></nop>\n""",
    "hang up": f"""  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
{_HEADERS}CSeq: 3 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
""",
    "be hung up on": f'  <recv request="BYE"/>\n{_ANSWER.format(status="200 OK")}',
    "be transferred": f"""  <recv request="REFER"/>
{_ANSWER.format(status="202 Accepted")}  <send retrans="500"><![CDATA[
NOTIFY [next_url] SIP/2.0
{_HEADERS}CSeq: 2 NOTIFY
{_CONTACT}Max-Forwards: 70
Event: refer
Subscription-State: terminated;reason=noresource
Content-Type: message/sipfrag;version=2.0
Content-Length: [len]

SIP/2.0 200 OK
]]></send>
  <recv response="200"/>
""",
}


def write_scenario(folder: Path, *steps: str) -> list[str]:
    """A scenario of these steps; returns the arguments that let SIPp play it."""
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="caller">\n'
    (folder / "scenario.xml").write_text(text + "".join(STEPS[step] for step in steps) + "</scenario>\n")
    return ["-sf", "scenario.xml", "-3pcc", "TWIN", "-m", "1"]


def write_sound(folder: Path, *, says: str = "", presses: str = "") -> None:
    """`sound.pcap`: a text as tonecode in PCMU, then keys as RFC 4733 events, one RTP stream."""
    sound = g711.encode("PCMU", tonecode.encode(says)) if says else b""
    payloads = [(0, False, sound[at : at + FRAME].ljust(FRAME, b"\xff"), 1) for at in range(0, len(sound), FRAME)]
    payloads += [(0, False, b"\xff" * FRAME, 1)] * 20  # a pause, for the end of the sentence to be noticed
    for digit in presses:
        payloads += _key(DIGITS.index(digit)) + [(0, False, b"\xff" * FRAME, 1)] * 5
    packets, timestamp = [], 1000
    at = 0.0
    for sequence, (payload_type, is_marked, payload, frames) in enumerate(payloads, start=100):
        header = struct.pack("!BBHII", 0x80, payload_type | is_marked << 7, sequence, timestamp, SSRC)
        packets.append(_record(at, header + payload))
        timestamp += frames * FRAME
        at += 0.02
    # libpcap: magic, version 2.4, time zone, accuracy, longest packet, Ethernet
    (folder / "sound.pcap").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(packets))


def _key(event: int) -> list[tuple[int, bool, bytes, int]]:
    """RFC 4733 2.5: the time stamp stays that of its beginning, the last packet comes three times."""
    updates = []
    for frame in range(1, EVENT_FRAMES + 1):
        updates.append((101, frame == 1, struct.pack("!BBH", event, 10, frame * FRAME), 0))
    end = struct.pack("!BBH", event, 0x80 | 10, EVENT_FRAMES * FRAME)
    return [*updates, (101, False, end, 0), (101, False, end, 0), (101, False, end, EVENT_FRAMES)]


def _record(at: float, rtp: bytes) -> bytes:
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(rtp), 0) + rtp
    address = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, address, address) + udp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(frame), len(frame)) + frame
