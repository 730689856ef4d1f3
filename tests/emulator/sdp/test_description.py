"""`sdp.description`: what telephones write is understood, what can't be used is refused with its line."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import SdpError
from ringback.emulator.sdp.description import Connection, parse

PLAIN = (
    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendonly\r\n"
    "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=recvonly\r\n"
)


def test_parser_reads_every_part_of_a_description() -> None:
    description = parse(PLAIN)
    assert description.origin == "alice 1 2 IN IP4 192.0.2.1"
    assert description.name == "call"
    assert description.connection == Connection(address_type="IP4", address="192.0.2.1")
    assert description.attributes == (("sendonly", None),)
    (media,) = description.media
    assert (media.kind, media.port, media.protocol, media.formats) == ("audio", 4000, "RTP/AVP", ("0", "101"))
    assert media.connection == description.connection
    assert media.attribute("rtpmap") == "101 telephone-event/8000"
    assert media.attribute("recvonly") is None
    assert media.attribute("missing") is None
    assert media.attributes_named("fmtp") == ["101 0-15"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN.replace("\r\n", "\n"), id="line feeds only"),
        pytest.param(PLAIN.replace("\r\n", "\r"), id="carriage returns only"),
        pytest.param("\r\n" + PLAIN.replace("\r\n", " \r\n\r\n"), id="blank lines and trailing spaces"),
        pytest.param(PLAIN.rstrip(), id="no line end at the end"),
        pytest.param(PLAIN.replace("t=0 0\r\n", ""), id="no t="),
        pytest.param(
            PLAIN.replace("t=0 0\r\n", "b=AS:64\r\nk=clear:x\r\nz=0 1h\r\nX=y\r\ni=info\r\n"), id="more lines"
        ),
        pytest.param(PLAIN.replace("a=rtpmap", "b=TIAS:64000\r\ny=unknown\r\na=rtpmap"), id="more lines in the media"),
        pytest.param(PLAIN.replace("m=audio 4000", "m=AUDIO   4000/2"), id="port count, upper case"),
        pytest.param(PLAIN.replace("c=IN", "c=in").replace("192.0.2.1\r\nt", "192.0.2.1/127\r\nt"), id="ttl"),
        pytest.param(PLAIN.encode().replace(b"s=call", b"s=call"), id="bytes"),
    ],
)
def test_parser_accepts_what_telephones_write(text: str | bytes) -> None:
    assert parse(text).media == parse(PLAIN).media
    assert parse(text).connection == parse(PLAIN).connection


def test_parser_accepts_a_description_without_origin_and_name() -> None:
    description = parse("v=0\nm=audio 1 RTP/AVP 0\n")
    assert (description.origin, description.name, description.connection) == ("", "", None)
    assert description.media[0].connection is None


def test_first_of_two_lines_counts() -> None:
    assert parse(PLAIN.replace("s=call", "s=call\r\ns=another")).name == "call"


def test_parser_accepts_a_subject_that_is_not_utf8() -> None:
    assert parse(PLAIN.encode().replace(b"s=call", b"s=Z\xfcrich")).name == "Z�rich"


def test_media_prefers_its_own_connection() -> None:
    description = parse(PLAIN + "c=IN IP6 2001:db8::1\r\nm=video 5 RTP/AVP 31\r\n")
    assert [media.connection.address for media in description.media if media.connection] == ["2001:db8::1", "192.0.2.1"]


@pytest.mark.parametrize(
    ("address", "is_null"), [("0.0.0.0", True), ("::", True), ("192.0.2.1", False), ("host.example", False)]
)
def test_connection_knows_the_null_address(address: str, is_null: bool) -> None:
    assert Connection(address_type="IP4", address=address).is_null is is_null


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\r\n\r\n", "empty"),
        ("v=1\r\n", "'v=1' instead of 'v=0'"),
        ("o=- 1 1 IN IP4 1.2.3.4\r\n", "instead of 'v=0'"),
        ("hello\r\n", "'hello' is not of the form"),
        ("v=0\r\nattribute=1\r\n", "'attribute=1' is not of the form"),
        ("v=0\r\nm=audio 4000 RTP/AVP\r\n", "'m=audio 4000 RTP/AVP' lacks"),
        ("v=0\r\nm=audio x RTP/AVP 0\r\n", "has the port 'x'"),
        ("v=0\r\nm=audio 65536 RTP/AVP 0\r\n", "has the port '65536'"),
        ("v=0\r\nm=audio -1 RTP/AVP 0\r\n", "has the port '-1'"),
        ("v=0\r\nm=audio ² RTP/AVP 0\r\n", "has the port '²'"),
        ("v=0\r\nm=audio " + "9" * 5000 + " RTP/AVP 0\r\n", "has the port"),
        ("v=0\r\nc=IN IP4\r\n", "'c=IN IP4' is not"),
        ("v=0\r\nc=IN IP5 1.2.3.4\r\n", "'c=IN IP5 1.2.3.4' is not"),
        ("v=0\r\nc=ATM NSAP 47\r\n", "is not"),
        ("v=0\r\nm=audio 1 RTP/AVP 0\r\nc=nonsense\r\n", "'c=nonsense' is not"),
    ],
)
def test_parser_refuses_what_it_cannot_use_and_names_it(text: str, message: str) -> None:
    with pytest.raises(SdpError, match=message.replace("(", r"\(")) as caught:
        parse(text)
    assert caught.value.status == 400


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_parser_raises_nothing_but_sdp_errors(text: bytes | str) -> None:
    for candidate in (text, b"v=0\r\n" + (text if isinstance(text, bytes) else text.encode("utf-8", "replace"))):
        with contextlib.suppress(SdpError):
            parse(candidate)


@pytest.mark.parametrize("name", ["rfc4475/sdp01.dat", "rfc5118/ipv6-in-sdp", "rfc5118/mult-ip-in-sdp"])
def test_parser_reads_the_bodies_of_the_torture_messages(shared: Path, name: str) -> None:
    _, _, body = (shared / "sip-corpus" / name).read_bytes().partition(b"\r\n\r\n")
    assert any(media.kind == "audio" for media in parse(body).media)
