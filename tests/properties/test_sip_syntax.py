"""What holds for every SIP message: it comes back as it was, cuts don't matter, and garbage is refused in words."""

import string
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import SipError
from ringback.emulator.sip.headers import CSeq, Headers, NameAddress, Via, quote, split_list, unquote
from ringback.emulator.sip.message import Request, Response, response_to
from ringback.emulator.sip.parser import StreamParser, parse_datagram
from ringback.emulator.sip.uri import Uri

ALPHANUMERIC = string.ascii_letters + string.digits
tokens = st.text(ALPHANUMERIC + "-.!%*_+`'~", min_size=1, max_size=12)
hosts = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
ports = st.none() | st.integers(0, 65535)
uri_parameters = st.lists(
    st.tuples(
        st.text(ALPHANUMERIC + "-_.!~*'()[]/:&+$", min_size=1, max_size=8),
        st.none() | st.text(ALPHANUMERIC + "-_.!~*'()[]/:&+$", max_size=8),
    ),
    max_size=3,
).map(tuple)
passwords = st.none() | st.text(ALPHANUMERIC + "&=+$,", max_size=8)


@st.composite
def uris(draw: st.DrawFn) -> Uri:
    user = draw(st.none() | st.text(ALPHANUMERIC + "-_.!~*'()&=+$,;?/#", min_size=1, max_size=12))
    return Uri(
        scheme=draw(st.sampled_from(["sip", "sips"])),
        user=user,
        password=None if user is None else draw(passwords),
        host=draw(hosts),
        port=draw(ports),
        parameters=draw(uri_parameters),
        headers=draw(
            st.none()
            | st.text(ALPHANUMERIC + "=&%", min_size=1, max_size=12).map(lambda text: text.replace("%", "%41"))
        ),
    )


display_texts = st.one_of(
    st.just(""),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12).map(lambda text: quote(text) + " "),
    st.lists(tokens, min_size=1, max_size=3).map(lambda words: " ".join(words) + " "),
)
parameter_texts = st.lists(
    st.tuples(tokens, st.none() | tokens | st.text(" ,;<>=ab", max_size=5).map(quote)), max_size=3
).map(lambda items: "".join(f";{name}" if value is None else f";{name}={value}" for name, value in items))
addresses = st.builds(NameAddress, display_texts, uris().map(str), parameter_texts)
vias = st.builds(Via, tokens, hosts, ports, st.lists(st.tuples(tokens, st.none() | tokens), max_size=3).map(tuple))
values = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20).map(
    lambda text: text.strip(" \t")
)
extra_fields = st.lists(st.tuples(tokens.map(lambda name: f"X-{name}"), values), max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> Request | Response:
    method = draw(tokens)
    body = draw(st.binary(max_size=40))
    fields = [
        ("Via", str(draw(vias))),
        ("From", str(draw(addresses))),
        ("To", str(draw(addresses))),
        ("Call-ID", draw(tokens)),
        ("CSeq", str(CSeq(draw(st.integers(0, 2**31 - 1)), method))),
        ("Content-Length", str(len(body))),
        *draw(extra_fields),
    ]
    headers = Headers(draw(st.permutations(fields)))
    if draw(st.booleans()):
        uri = draw(uris().filter(lambda uri: uri.headers is None))
        return Request(method=method, uri=uri, headers=headers, body=body)
    return Response(status=draw(st.integers(100, 699)), reason=draw(values), headers=headers, body=body)


@given(uris())
def test_uri_comes_back_as_it_was(uri: Uri) -> None:
    assert Uri.parse(str(uri)) == uri


@given(st.text(ALPHANUMERIC + ':@;?&=%[].- <>"', max_size=30))
def test_uri_is_its_text_when_it_is_one(text: str) -> None:
    try:
        uri = Uri.parse(f"sip:{text}")
    except SipError:
        return
    assert Uri.parse(str(uri)) == uri


@given(addresses)
def test_address_comes_back_as_it_was(address: NameAddress) -> None:
    assert NameAddress.parse(str(address)) == address
    assert str(Uri.parse(address.uri_text)) == str(address.uri)


@given(vias)
def test_via_comes_back_as_it_was(via: Via) -> None:
    assert Via.parse(str(via)) == via


@given(st.text())
def test_quoted_text_reads_as_it_was(text: str) -> None:
    assert unquote(quote(text)) == text


@given(st.lists(addresses.map(str), max_size=4))
def test_list_is_split_where_it_was_joined(elements: list[str]) -> None:
    assert split_list(", ".join(elements)) == elements


@given(messages())
def test_message_comes_back_as_it_was(message: Request | Response) -> None:
    data = message.to_bytes()
    parsed = parse_datagram(data)
    assert parsed == message
    assert parsed.to_bytes() == data


@given(st.lists(messages(), min_size=1, max_size=3), st.lists(st.integers(1, 60), min_size=1))
def test_stream_gives_the_same_messages_whatever_its_cuts(sent: list[Request | Response], cuts: list[int]) -> None:
    stream = b"".join(message.to_bytes() for message in sent)
    parser = StreamParser()
    received = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        parser.feed(stream[position : position + size])
        position += size
        turn += 1
        while (message := parser.next_message()) is not None:
            received.append(message)
    assert received == sent


@given(messages(), st.data())
def test_damaged_message_is_read_or_refused_in_words(message: Request | Response, data: st.DataObject) -> None:
    """Whatever the bytes are, the parser raises nothing but `SipError`, and what it gives can be answered."""
    octets = bytearray(message.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.sampled_from(b'\r\n\0 \t:;,<>"\\/@%1Z\xff'))
    try:
        read: Request | Response | None = parse_datagram(bytes(octets))
    except SipError as error:
        read = error.message_head
    if isinstance(read, Request):
        response_to(read, 400, to_tag="t").to_bytes()


@given(st.binary(max_size=200), st.integers(1, 20))
def test_garbage_on_a_stream_is_refused_in_words(garbage: bytes, size: int) -> None:
    parser = StreamParser(limit=100)
    for start in range(0, len(garbage), size):
        parser.feed(garbage[start : start + size])
        with suppress(SipError):
            while parser.next_message() is not None:
                pass
        assert parser.buffered <= 100 + size
    assert not parser.is_broken or not parser.buffered
