from ringback.emulator.sdp.webrtc_answer import HostCandidate, LocalTransport, build_answer
from ringback.emulator.sdp.webrtc_offer import parse_offer
from webrtc_sample import AUDIO, DATA, HEAD, OFFER, TRANSPORT, VIDEO

LOCAL = LocalTransport(
    ice_ufrag="HqBApb/u0/3oMrw2",
    ice_password="y1UgIcaK8DKd7LDygYbnTV12DYsMEWCA",
    fingerprint="7E:0E",
    candidates=(HostCandidate(foundation="7", priority=2130706431, address="127.0.0.1", port=4000),),
    ssrc=42,
    max_message_size=262144,
)


def answer(offer: str) -> str:
    return build_answer(parse_offer(offer), LOCAL, session_id=5, now=1784852417.9)


def test_answer_has_the_recorded_lines_in_their_order() -> None:
    assert answer(OFFER) == "\r\n".join(
        [
            "v=0",
            "o=- 5 1784852417 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=msid-semantic:WMS *",
            "a=fingerprint:sha-256 7E:0E",
            "a=group:BUNDLE 0 1",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8",
            "c=IN IP4 0.0.0.0",
            "a=setup:active",
            "a=mid:0",
            "a=ice-ufrag:HqBApb/u0/3oMrw2",
            "a=ice-pwd:y1UgIcaK8DKd7LDygYbnTV12DYsMEWCA",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=ssrc:42 cname:realtimeapi",
            "a=ssrc:42 msid:realtimeapi audio",
            "a=ssrc:42 mslabel:realtimeapi",
            "a=ssrc:42 label:audio",
            "a=msid:realtimeapi audio",
            "a=sendrecv",
            "a=candidate:7 1 udp 2130706431 127.0.0.1 4000 typ host ufrag HqBApb/u0/3oMrw2",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP4 0.0.0.0",
            "a=setup:active",
            "a=mid:1",
            "a=sendrecv",
            "a=sctp-port:5000",
            "a=max-message-size:262144",
            "a=ice-ufrag:HqBApb/u0/3oMrw2",
            "a=ice-pwd:y1UgIcaK8DKd7LDygYbnTV12DYsMEWCA",
            "",
        ]
    )


def test_answer_has_no_data_section_where_none_was_offered() -> None:
    text = answer(HEAD.replace("BUNDLE 0 1", "BUNDLE 0") + AUDIO + TRANSPORT)
    assert "m=application" not in text
    assert "a=group:BUNDLE 0\r\n" in text


def test_answer_refuses_other_sections_by_their_port() -> None:
    text = answer(HEAD.replace("0 1", "0 1 2") + AUDIO + TRANSPORT + VIDEO + DATA)
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\n" in text
    assert "a=group:BUNDLE 0 1\r\n" in text


def test_answer_of_a_dtls_server_is_passive() -> None:
    text = answer(OFFER.replace("actpass", "active"))
    assert "a=setup:passive" in text
    assert "a=setup:active" not in text


def test_answer_names_no_mid_that_the_offer_did_not() -> None:
    text = answer(
        HEAD.replace("a=group:BUNDLE 0 1\r\n", "")
        + AUDIO.replace("a=mid:0\r\n", "")
        + TRANSPORT
        + VIDEO.replace("a=mid:2\r\n", "")
    )
    assert "a=mid" not in text
    assert "BUNDLE" not in text
