"""`sdp.offer_answer`: what an offer leads to, and the bytes of our answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import SdpError
from ringback.emulator.sdp.crypto import Crypto
from ringback.emulator.sdp.description import parse
from ringback.emulator.sdp.offer_answer import (
    NegotiatedAudio,
    SrtpUse,
    build_answer,
    build_offer,
    negotiate,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def offered(*lines: str, head: str = HEAD, **arguments: Any) -> NegotiatedAudio:
    return negotiate(parse(head + "".join(f"{line}\r\n" for line in lines)), **arguments)


def refusal(*lines: str, head: str = HEAD, **arguments: Any) -> SdpError:
    with pytest.raises(SdpError) as caught:
        offered(*lines, head=head, **arguments)
    return caught.value


# What is chosen


def test_negotiation_reads_everything_of_a_usual_offer() -> None:
    negotiated = offered(
        "m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20"
    )
    assert negotiated == NegotiatedAudio(
        codec="PCMU",
        payload_type=0,
        clock_rate=8000,
        dtmf_payload_type=101,
        dtmf_clock_rate=8000,
        ptime_ms=20,
        remote_address="192.0.2.1",
        remote_port=4000,
        rtcp_port=4001,
        direction="sendrecv",
        media_index=0,
    )


@pytest.mark.parametrize(
    ("lines", "codec", "payload_type"),
    [
        (["m=audio 4000 RTP/AVP 8 0"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP 9 18 0 8"], "PCMU", 0),
        (["m=audio 4000 RTP/AVPF 0"], "PCMU", 0),
        (["m=audio 4000 RTP/AVP 97 8", "a=rtpmap:97 pcmu/8000/1"], "PCMU", 97),
        (["m=audio 4000 RTP/AVP 97 8", "a=rtpmap:97 PCMU/16000"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP 97 8", "a=rtpmap:97 PCMU/8000/2"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP 97 8", "a=rtpmap:97  PCMU/many"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 G726-32/8000"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=rtpmap:8 PCMU/8000"], "PCMA", 8),
        (["m=audio 4000 RTP/AVP x 200 99 8", "a=rtpmap", "a=rtpmap:200 PCMU/8000"], "PCMA", 8),
    ],
)
def test_negotiation_takes_the_offerers_first_g711(lines: list[str], codec: str, payload_type: int) -> None:
    negotiated = offered(*lines)
    assert (negotiated.codec, negotiated.payload_type) == (codec, payload_type)


def test_negotiation_takes_only_codecs_that_are_allowed() -> None:
    assert offered("m=audio 4000 RTP/AVP 0 8", codecs=("PCMA",)).codec == "PCMA"
    assert refusal("m=audio 4000 RTP/AVP 0", codecs=("PCMA",)).status == 488


def test_negotiation_takes_the_first_audio_line_that_fits() -> None:
    negotiated = offered(
        "m=video 5000 RTP/AVP 31",
        "m=audio 0 RTP/AVP 0",
        "m=audio 4000 RTP/SAVP 0",
        "m=audio 4002 RTP/AVP 8",
        "m=audio 4004 RTP/AVP 0",
    )
    assert (negotiated.remote_port, negotiated.media_index) == (4002, 3)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        (["a=rtpmap:101 telephone-event/8000"], 101),
        (["a=rtpmap:96 Telephone-Event/8000", "a=fmtp:96  0-11,16"], 96),
        (["a=rtpmap:101 telephone-event/48000", "a=rtpmap:96 telephone-event/8000"], 96),
        (["a=rtpmap:96 telephone-event/8000", "a=fmtp:101 0-3", "a=fmtp:96"], 96),
        (["a=rtpmap:102 telephone-event/8000"], None),
    ],
)
def test_negotiation_finds_telephone_events_at_their_offered_type(lines: list[str], expected: int | None) -> None:
    assert offered("m=audio 4000 RTP/AVP 0 101 96", *lines).dtmf_payload_type == expected


@pytest.mark.parametrize(
    ("lines", "ptime"),
    [
        ([], 20),
        (["a=ptime:30"], 30),
        (["a=ptime:20.0"], 20),
        (["a=ptime:5"], 20),
        (["a=ptime:soon"], 20),
        (["a=ptime:200"], 20),
        (["a=maxptime:10"], 10),
        (["a=ptime:60", "a=maxptime:45"], 40),
        (["a=maxptime:5"], 10),
        (["a=ptime:40", "a=maxptime:0"], 40),
    ],
)
def test_negotiation_honours_the_packet_length_that_the_peer_wishes(lines: list[str], ptime: int) -> None:
    assert offered("m=audio 4000 RTP/AVP 0", *lines).ptime_ms == ptime


@pytest.mark.parametrize(
    ("lines", "port"),
    [
        ([], 4001),
        (["a=rtcp:4010"], 4010),
        (["a=rtcp:53020 IN IP4 126.16.64.4"], 53020),
        (["a=rtcp:0"], 4001),
        (["a=rtcp:70000"], 4001),
        (["a=rtcp:x"], 4001),
    ],
)
def test_negotiation_knows_where_rtcp_goes(lines: list[str], port: int) -> None:
    assert offered("m=audio 4000 RTP/AVP 0", *lines).rtcp_port == port


def test_negotiation_keeps_the_rtcp_port_within_the_range() -> None:
    assert offered("m=audio 65535 RTP/AVP 0").rtcp_port == 65535


@pytest.mark.parametrize(
    ("session", "media", "direction"),
    [
        ([], [], "sendrecv"),
        ([], ["a=sendrecv"], "sendrecv"),
        ([], ["a=sendonly"], "recvonly"),
        ([], ["a=recvonly"], "sendonly"),
        ([], ["a=inactive"], "inactive"),
        (["a=sendonly"], [], "recvonly"),
        (["a=inactive"], ["a=sendrecv"], "sendrecv"),
        ([], ["c=IN IP4 0.0.0.0"], "recvonly"),
        ([], ["c=IN IP4 0.0.0.0", "a=sendonly"], "recvonly"),
        ([], ["c=IN IP4 0.0.0.0", "a=recvonly"], "inactive"),
        ([], ["c=IN IP6 ::", "a=inactive"], "inactive"),
    ],
)
def test_negotiation_turns_the_direction_round(session: list[str], media: list[str], direction: str) -> None:
    head = HEAD + "".join(f"{line}\r\n" for line in session)
    negotiated = offered("m=audio 4000 RTP/AVP 0", *media, head=head)
    assert negotiated.direction == direction
    assert negotiated.sends is (direction in ("sendrecv", "sendonly"))
    assert negotiated.receives is (direction in ("sendrecv", "recvonly"))


def test_negotiation_writes_addresses_in_one_form() -> None:
    assert offered("m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:DB8:0::1").remote_address == "2001:db8::1"


# What is refused


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "the description has no audio line"),
        (["m=video 4000 RTP/AVP 0"], "the description has no audio line"),
        (["m=audio 0 RTP/AVP 0"], "'m=audio 0 RTP/AVP 0' is disabled by its port"),
        (["m=audio 4000 RTP/AVP 9 18"], "'m=audio 4000 RTP/AVP 9 18' has none of PCMU, PCMA"),
        (["m=audio 4000 RTP/SAVP 0"], "'m=audio 4000 RTP/SAVP 0' has no a=crypto with a suite and a key that we know"),
        (
            ["m=audio 4000 UDP/TLS/RTP/SAVPF 0"],
            "'m=audio 4000 UDP/TLS/RTP/SAVPF 0' wants DTLS-SRTP, here keys come by a=crypto",
        ),
        (["m=audio 4000 TCP/MRCPv2 1"], "'m=audio 4000 TCP/MRCPV2 1' is not RTP"),
        (["m=audio 4000 RTP/AVP 0", "c=IN IP4 host.example"], "c= names 'host.example': an IP address is expected"),
    ],
)
def test_negotiation_refuses_with_488_what_it_cannot_serve(lines: list[str], message: str) -> None:
    error = refusal(*lines)
    assert error.status == 488
    assert message in str(error)


def test_negotiation_tells_the_reason_of_each_audio_line() -> None:
    error = refusal("m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 9")
    assert (
        str(error) == "'m=audio 0 RTP/AVP 0' is disabled by its port; 'm=audio 4000 RTP/AVP 9' has none of PCMU, PCMA"
    )


def test_negotiation_refuses_with_400_media_without_an_address() -> None:
    error = refusal("m=audio 4000 RTP/AVP 0", head="v=0\r\n")
    assert (error.status, str(error)) == (400, "'m=audio 4000' has no c= line, nor has the session")


# What we write


def test_answer_has_the_services_shape() -> None:
    offer = parse(HEAD + "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
    answer = build_answer(
        offer, negotiate(offer), address="52.247.124.219", port=43955, session_id=2113971860, version=2113971862
    )
    assert answer == (
        "v=0\r\n"
        "o=- 2113971860 2113971862 IN IP4 52.247.124.219\r\n"
        "s=OAI\r\n"
        "c=IN IP4 52.247.124.219\r\n"
        "t=0 0\r\n"
        "m=audio 43955 RTP/AVP 0 101\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-16\r\n"
        "a=ptime:20\r\n"
        "a=rtpmap:0 PCMU/8000\r\n"
    )


def test_answer_keeps_number_order_and_protocol_of_the_media_lines() -> None:
    offer = parse(
        HEAD + "m=video 5000 RTP/AVP 31 32\r\nm=audio 4000 RTP/AVPF 8\r\na=sendonly\r\nm=audio 4002 RTP/AVP 0\r\n"
        "m=application 9 UDP/BFCP *\r\n"
    )
    lines = build_answer(offer, negotiate(offer), address="::1", port=6, session_id=1, version=2).splitlines()
    assert lines[1:4] == ["o=- 1 2 IN IP6 ::1", "s=OAI", "c=IN IP6 ::1"]
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31 32",
        "m=audio 6 RTP/AVPF 8",
        "m=audio 0 RTP/AVP 0",
        "m=application 0 UDP/BFCP *",
    ]
    assert lines[7:10] == ["a=ptime:20", "a=rtpmap:8 PCMA/8000", "a=recvonly"]


def test_offer_has_both_laws_and_events_and_can_be_negotiated() -> None:
    offer = build_offer(address="127.0.0.1", port=5004, session_id=3, version=4)
    assert offer == (
        "v=0\r\no=- 3 4 IN IP4 127.0.0.1\r\ns=OAI\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=audio 5004 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    )
    assert negotiate(parse(offer)).dtmf_payload_type == 101


_LINES = st.lists(
    st.sampled_from(
        [
            "m=audio 4000 RTP/AVP 0 101",
            "m=audio 4000 RTP/AVP 8",
            "m=audio 0 RTP/AVP 0",
            "m=audio 4000 RTP/SAVP 0",
            "m=video 4000 RTP/AVP 31",
            "a=rtpmap:101 telephone-event/8000",
            "a=rtpmap:0 G729/8000",
            "a=sendonly",
            "a=inactive",
            "c=IN IP4 0.0.0.0",
            "a=ptime:30",
        ]
    ),
    max_size=8,
)


@given(_LINES)
def test_answer_of_any_offer_is_an_answer_that_its_peer_can_negotiate(lines: list[str]) -> None:
    offer = parse(HEAD + "".join(f"{line}\r\n" for line in lines))
    try:
        negotiated = negotiate(offer)
    except SdpError:
        return
    answer = parse(build_answer(offer, negotiated, address="127.0.0.1", port=4000, session_id=1, version=1))
    assert [media.kind for media in answer.media] == [media.kind for media in offer.media]
    assert sum(media.port > 0 for media in answer.media) == 1
    mirrored = negotiate(answer)
    assert (mirrored.codec, mirrored.payload_type) == (negotiated.codec, negotiated.payload_type)
    assert (mirrored.sends, mirrored.receives) == (negotiated.receives, negotiated.sends)


# Codecs

OPUS = ("a=rtpmap:107 opus/48000/2",)


@pytest.mark.parametrize(
    ("lines", "codec", "payload_type", "clock_rate"),
    [
        (["m=audio 4000 RTP/AVP 107 0", *OPUS], "opus", 107, 48000),
        (["m=audio 4000 RTP/AVP 0 107", *OPUS], "PCMU", 0, 8000),
        (["m=audio 4000 RTP/AVP 107 0", "a=rtpmap:107 opus/48000"], "PCMU", 0, 8000),
        (["m=audio 4000 RTP/AVP 9 0"], "G722", 9, 8000),
        (["m=audio 4000 RTP/AVP 98", "a=rtpmap:98 G722/8000/1"], "G722", 98, 8000),
        (["m=audio 4000 RTP/AVP 9 0", "a=rtpmap:9 G722/16000"], "PCMU", 0, 8000),
    ],
)
def test_negotiation_takes_the_offerers_first_codec(
    lines: list[str], codec: str, payload_type: int, clock_rate: int
) -> None:
    negotiated = offered(*lines, codecs=("PCMU", "opus", "G722"))
    assert (negotiated.codec, negotiated.payload_type, negotiated.clock_rate) == (codec, payload_type, clock_rate)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a=rtpmap:101 telephone-event/8000", "a=rtpmap:102 telephone-event/48000"], (102, 48000)),
        (["a=rtpmap:101 telephone-event/8000"], (101, 8000)),
        (["a=rtpmap:101 telephone-event/16000"], (None, 48000)),
    ],
)
def test_negotiation_prefers_events_at_the_clock_of_opus(lines: list[str], expected: tuple[int | None, int]) -> None:
    negotiated = offered("m=audio 4000 RTP/AVP 107 101 102", *OPUS, *lines, codecs=("opus",))
    assert (negotiated.dtmf_payload_type, negotiated.dtmf_clock_rate) == expected


@pytest.mark.parametrize(("wish", "ptime"), [(10, 10), (20, 20), (30, 20), (40, 40), (50, 40), (60, 60), (5, 20)])
def test_negotiation_has_packets_that_opus_can_make(wish: int, ptime: int) -> None:
    assert offered("m=audio 4000 RTP/AVP 107", *OPUS, f"a=ptime:{wish}", codecs=("opus",)).ptime_ms == ptime


@pytest.mark.parametrize(
    ("lines", "noise"),
    [
        (["m=audio 4000 RTP/AVP 0 13"], True),
        (["m=audio 4000 RTP/AVP 0 13", "a=rtpmap:13 CN/8000"], True),
        (["m=audio 4000 RTP/AVP 0"], False),
        (["m=audio 4000 RTP/AVP 0 13", "a=rtpmap:13 VMR-WB/16000"], False),
        (["m=audio 4000 RTP/AVP 107 13", *OPUS], False),
    ],
)
def test_answer_takes_comfort_noise_where_it_fits(lines: list[str], noise: bool) -> None:
    offer = parse(HEAD + "".join(f"{line}\r\n" for line in lines))
    negotiated = negotiate(offer, codecs=("PCMU", "opus"))
    assert negotiated.has_comfort_noise == noise
    answer = parse(build_answer(offer, negotiated, address="127.0.0.1", port=5000, session_id=1, version=1))
    assert ("13" in answer.media[0].formats) == noise
    assert ("13 CN/8000" in answer.media[0].attributes_named("rtpmap")) == noise


def test_answer_of_opus_names_its_clock_its_channels_and_its_events() -> None:
    lines = ("m=audio 4000 RTP/AVP 107 102", *OPUS, "a=rtpmap:102 telephone-event/48000")
    offer = parse(HEAD + "".join(f"{line}\r\n" for line in lines))
    negotiated = negotiate(offer, codecs=("opus",))
    answer = build_answer(offer, negotiated, address="127.0.0.1", port=5000, session_id=1, version=1)
    assert answer.partition("m=audio")[2] == (
        " 5000 RTP/AVP 107 102\r\na=rtpmap:102 telephone-event/48000\r\na=fmtp:102 0-16\r\na=ptime:20\r\n"
        "a=rtpmap:107 opus/48000/2\r\na=fmtp:107 minptime=10;useinbandfec=1\r\n"
    )


def test_offer_has_the_codecs_in_the_order_of_the_setting() -> None:
    offer = parse(build_offer(address="::1", port=5000, session_id=1, version=1, codecs=("opus", "G722", "PCMA")))
    assert offer.media[0].formats == ("96", "9", "8", "101")
    assert negotiate(offer, codecs=("opus",)).payload_type == 96


# SRTP

KEY = bytes(range(30))
OURS = bytes(30)
CRYPTO = Crypto(tag=7, suite="AES_CM_128_HMAC_SHA1_32", key=KEY)
SECURE = ["m=audio 4000 RTP/SAVP 0", CRYPTO.line()]
PLAIN = ["m=audio 4002 RTP/AVP 8"]


@pytest.mark.parametrize(
    ("lines", "srtp", "port", "security"),
    [
        (SECURE, "preferred", 4000, "srtp"),
        (PLAIN, "preferred", 4002, "rtp"),
        ([*PLAIN, *SECURE], "preferred", 4000, "srtp"),
        ([*SECURE, *PLAIN], "preferred", 4000, "srtp"),
        ([*SECURE, *PLAIN], "required", 4000, "srtp"),
        ([*PLAIN, *SECURE], "refused", 4002, "rtp"),
        ([*SECURE, *PLAIN], "refused", 4002, "rtp"),
        (["m=audio 4000 RTP/SAVP 0", *PLAIN, *PLAIN], "preferred", 4002, "rtp"),
        ([*PLAIN, CRYPTO.line()], "preferred", 4002, "rtp"),
    ],
)
def test_negotiation_speaks_srtp_as_offer_and_setting_say(
    lines: list[str], srtp: SrtpUse, port: int, security: str
) -> None:
    negotiated = offered(*lines, srtp=srtp)
    assert (negotiated.remote_port, negotiated.security) == (port, security)
    assert negotiated.crypto == (CRYPTO if security == "srtp" else None)


@pytest.mark.parametrize(
    ("lines", "srtp", "message"),
    [
        (SECURE, "refused", "'m=audio 4000 RTP/SAVP 0' wants SRTP, only plain RTP is spoken here"),
        (PLAIN, "required", "'m=audio 4002 RTP/AVP 8' is plain RTP, only SRTP is spoken here"),
    ],
)
def test_negotiation_refuses_what_the_setting_forbids(lines: list[str], srtp: SrtpUse, message: str) -> None:
    error = refusal(*lines, srtp=srtp)
    assert (error.status, str(error)) == (488, message)


def test_answer_of_srtp_has_our_key_under_the_tag_of_the_offer() -> None:
    offer = parse(HEAD + "".join(f"{line}\r\n" for line in ("m=audio 4000 RTP/SAVPF 0", CRYPTO.line())))
    ours = Crypto(tag=7, suite=CRYPTO.suite, key=OURS)
    answer = parse(
        build_answer(offer, negotiate(offer), address="127.0.0.1", port=5000, session_id=1, version=1, crypto=ours)
    )
    assert answer.media[0].protocol == "RTP/SAVPF"
    assert answer.media[0].attribute("crypto") == f"7 AES_CM_128_HMAC_SHA1_32 inline:{40 * 'A'}"
    assert negotiate(answer).crypto == ours


def test_offer_of_srtp_is_one_that_its_peer_can_negotiate() -> None:
    ours = Crypto(tag=1, suite=CRYPTO.suite, key=OURS)
    offer = parse(build_offer(address="127.0.0.1", port=5000, session_id=1, version=1, crypto=ours))
    assert offer.media[0].protocol == "RTP/SAVP"
    assert negotiate(offer, srtp="required").crypto == ours
