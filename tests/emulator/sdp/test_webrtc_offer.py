import pytest
from ringback.emulator.errors import SdpError
from ringback.emulator.sdp.webrtc_offer import AgreedCodec, DataChannelOffer, parse_offer
from webrtc_sample import AUDIO, DATA, FINGERPRINT, HEAD, OFFER, PASSWORD, TRANSPORT, UFRAG, VIDEO


def test_offer_of_a_browser_is_read() -> None:
    offer = parse_offer(OFFER)
    assert offer.codecs == (
        AgreedCodec(codec="opus", payload_type=111, parameters="minptime=10;useinbandfec=1"),
        AgreedCodec(codec="PCMU", payload_type=0),
        AgreedCodec(codec="PCMA", payload_type=8),
    )
    assert [(section.use, section.mid) for section in offer.sections] == [("audio", "0"), ("data", "1")]
    assert offer.data == DataChannelOffer(sctp_port=5000, max_message_size=262144)
    assert (offer.ice_ufrag, offer.ice_password) == (UFRAG, PASSWORD)
    assert offer.fingerprints == (("sha-256", FINGERPRINT),)
    assert (offer.is_bundled, offer.direction, offer.dtls_role) == (True, "sendrecv", "client")


def test_codecs_keep_the_order_and_the_numbers_of_the_offer() -> None:
    offer = parse_offer(OFFER.replace("111 63 9 0 8 13", "8 111").replace("a=rtpmap:8 PCMA/8000\r\n", ""))
    assert [(agreed.codec, agreed.payload_type) for agreed in offer.codecs] == [("PCMA", 8), ("opus", 111)]


def test_payload_type_that_is_none_is_left_out() -> None:
    odd = OFFER.replace("SAVPF 111 ", "SAVPF 111 200 x ").replace(
        "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtpmap:200 opus/48000/2\r\na=rtpmap:x opus/48000/2\r\na=rtpmap:7 opus\r\n"
    )
    assert [agreed.payload_type for agreed in parse_offer(odd).codecs] == [111, 0, 8]


@pytest.mark.parametrize(
    ("setup", "role"), [("actpass", "client"), ("passive", "client"), ("active", "server"), ("ACTPASS", "client")]
)
def test_we_are_the_dtls_client_unless_the_offer_is(setup: str, role: str) -> None:
    assert parse_offer(OFFER.replace("setup:actpass", f"setup:{setup}")).dtls_role == role


def test_offer_without_a_setup_leaves_it_to_us() -> None:
    assert parse_offer(OFFER.replace("a=setup:actpass\r\n", "")).dtls_role == "client"


@pytest.mark.parametrize(
    ("theirs", "ours"), [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")]
)
def test_direction_is_seen_from_our_side(theirs: str, ours: str) -> None:
    assert parse_offer(OFFER.replace("sendrecv", theirs)).direction == ours


def test_direction_may_stand_for_the_session_or_nowhere() -> None:
    silent = AUDIO.replace("a=sendrecv\r\n", "")
    assert parse_offer(HEAD + "a=sendonly\r\n" + silent + TRANSPORT).direction == "recvonly"
    assert parse_offer(HEAD + silent + TRANSPORT).direction == "sendrecv"


def test_data_channel_is_taken_only_where_it_was_offered_in_the_bundle() -> None:
    assert parse_offer(HEAD + AUDIO + TRANSPORT).data is None
    apart = parse_offer(OFFER.replace("a=group:BUNDLE 0 1\r\n", "a=group:LS 0 1\r\n"))
    assert (apart.data, apart.is_bundled) == (None, False)
    assert [section.use for section in apart.sections] == ["audio", "refused"]


@pytest.mark.parametrize(
    "other", [DATA.replace("webrtc-datachannel", "5000"), DATA.replace("m=application 9", "m=application 0")]
)
def test_data_section_of_another_kind_is_refused(other: str) -> None:
    assert parse_offer(HEAD + AUDIO + TRANSPORT + other).data is None


def test_data_channel_has_the_numbers_of_the_standard_where_it_says_none() -> None:
    bare = DATA.replace("a=sctp-port:5000\r\n", "").replace("a=max-message-size:262144\r\n", "")
    assert parse_offer(HEAD + AUDIO + TRANSPORT + bare).data == DataChannelOffer(sctp_port=5000, max_message_size=65536)


def test_second_audio_and_video_are_refused_in_their_place() -> None:
    offer = parse_offer(HEAD + VIDEO + AUDIO + TRANSPORT + AUDIO.replace("mid:0", "mid:3") + DATA)
    assert [section.use for section in offer.sections] == ["refused", "audio", "refused", "data"]


def test_transport_of_a_bundle_may_stand_elsewhere() -> None:
    waiting = AUDIO.replace("m=audio 9", "m=audio 0") + "a=bundle-only\r\n"
    assert parse_offer(HEAD + DATA + TRANSPORT + waiting).ice_ufrag == UFRAG
    assert parse_offer(HEAD + TRANSPORT + AUDIO + DATA).fingerprints == (("sha-256", FINGERPRINT),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OFFER.removesuffix("\r\n"), "the last line of the SDP does not end"),
        ("not an SDP\r\n", "not of the form"),
        (HEAD + DATA + TRANSPORT, "no audio section"),
        (OFFER.replace("m=audio 9", "m=audio 0"), "no audio section"),
        (OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "no audio section"),
        (OFFER.replace("111 63 9 0 8 13", "63 9 13"), "none of our codecs"),
        (OFFER.replace("a=rtcp-mux\r\n", ""), "a=rtcp-mux"),
        (OFFER.replace(f"a=ice-ufrag:{UFRAG}\r\n", ""), "ice-ufrag is None"),
        (OFFER.replace(PASSWORD, "short"), "ice-pwd is 'short'"),
        (OFFER.replace("sha-256", "sha-1"), "a=fingerprint with one of"),
        (OFFER.replace(FINGERPRINT, "AB:CD"), "a=fingerprint with one of"),
        (OFFER.replace("actpass", "holdconn"), "a=setup is 'holdconn'"),
        (OFFER.replace("sctp-port:5000", "sctp-port:65536"), "has the number '65536'"),
        (OFFER.replace("size:262144", "size:much"), "has the number 'much'"),
    ],
)
def test_offer_that_can_become_no_call_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse_offer(text)


def test_cut_off_offer_is_read_when_told_to() -> None:
    assert parse_offer(OFFER.removesuffix("\r\n"), needs_final_newline=False).data is not None
