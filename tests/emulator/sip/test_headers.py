"""Header fields: their list, and the values of those that the emulator acts on."""

import pytest
from ringback.emulator.errors import SipError, UsageError
from ringback.emulator.sip.headers import CSeq, Headers, NameAddress, Via, check_line, quote, split_list, unquote


def make() -> Headers:
    return Headers([("Via", "one"), ("v", "two"), ("X-Custom", "a, b"), ("VIA", "three"), ("x-custom", "c")])


def test_headers_keep_order_names_and_duplicates() -> None:
    assert list(make()) == [("Via", "one"), ("v", "two"), ("X-Custom", "a, b"), ("VIA", "three"), ("x-custom", "c")]
    assert len(make()) == 5


def test_headers_are_found_by_any_form_of_their_name() -> None:
    headers = make()
    assert headers.get("via") == headers.get("V") == "one"
    assert headers.get_all("Via") == ["one", "two", "three"]
    assert headers.get_list("X-CUSTOM") == ["a", "b", "c"]
    assert "v" in headers
    assert "From" not in headers
    assert 5 not in headers
    assert headers.get("From") is None
    assert headers.get_all("From") == headers.get_list("From") == []


@pytest.mark.parametrize(("compact", "name"), [("f", "From"), ("l", "Content-Length"), ("x", "Session-Expires")])
def test_compact_forms_are_known(compact: str, name: str) -> None:
    assert Headers([(compact, "1")]).get(name) == "1"


def test_headers_are_added_at_the_end() -> None:
    headers = make()
    assert headers.get("To") is None
    headers.add("To", "x")
    assert headers.get("To") == "x"
    headers.add("V", "four")
    assert headers.get_all("Via") == ["one", "two", "three", "four"]


def test_header_is_set_where_its_first_was() -> None:
    headers = make()
    headers.set("Via", "new")
    assert list(headers) == [("Via", "new"), ("X-Custom", "a, b"), ("x-custom", "c")]
    headers.set("To", "x")
    assert list(headers)[-1] == ("To", "x")


def test_headers_are_removed_by_name() -> None:
    headers = make()
    headers.remove("v")
    headers.remove("Unknown")
    assert list(headers) == [("X-Custom", "a, b"), ("x-custom", "c")]


def test_change_of_headers_forgets_what_was_made_of_them() -> None:
    headers = make()
    headers.parsed["via"] = "old"
    headers.set("Via", "new")
    assert headers.parsed == {}


def test_copy_of_headers_goes_its_own_way() -> None:
    headers = make()
    copy = headers.copy()
    assert copy == headers
    copy.add("To", "x")
    assert copy != headers
    assert "To" not in headers
    assert headers != list(headers)
    assert repr(Headers([("A", "b")])) == "Headers([('A', 'b')])"


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("A b", "x"), ("A:", "x"), ("A\n", "x"), ("A", "x\r\nB: y"), ("A", "x\ny")]
)
def test_header_is_refused_when_it_would_break_the_message(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        Headers([(name, value)])
    with pytest.raises(UsageError):
        Headers().add(name, value)


def test_line_is_refused_when_it_has_a_line_break() -> None:
    check_line("the reason", "Busy Here")
    with pytest.raises(UsageError, match="the reason"):
        check_line("the reason", "Busy\rHere")


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("", []),
        ("  a\t", ["a"]),
        ("a,b , c", ["a", "b", "c"]),
        (",a,,b,", ["a", "b"]),
        ('"a,b" <sip:x>, <sip:y;p=1,2>', ['"a,b" <sip:x>', "<sip:y;p=1,2>"]),
        (r'"a\",b" <sip:x>,c', [r'"a\",b" <sip:x>', "c"]),
    ],
)
def test_list_is_split_outside_of_quotes_and_brackets(value: str, elements: list[str]) -> None:
    assert split_list(value) == elements


@pytest.mark.parametrize("value", ['a, "b', "<sip:a, b", 'a, "b\\"'])
def test_list_is_refused_when_something_is_never_closed(value: str) -> None:
    with pytest.raises(SipError, match="never closed"):
        split_list(value)


def test_quoted_string_reads_as_what_was_quoted() -> None:
    assert quote('a "b" \\') == '"a \\"b\\" \\\\"'
    assert unquote(quote('a "b" \\')) == 'a "b" \\'
    assert unquote('"plain"') == "plain"
    assert unquote("token") == "token"
    assert unquote('"') == '"'


@pytest.mark.parametrize(
    ("text", "display", "uri", "parameters"),
    [
        ("<sip:a@b>", None, "sip:a@b", ()),
        ("<sip:a@b;lr>;tag=1;x", None, "sip:a@b;lr", (("tag", "1"), ("x", None))),
        ("sip:a@b;tag=1", None, "sip:a@b", (("tag", "1"),)),
        ("sip:a@b ; tag = 1 ;\tx", None, "sip:a@b", (("tag", "1"), ("x", None))),
        ("tel:+1555;tag=1", None, "tel:+1555", (("tag", "1"),)),
        ("Alice <sip:a@b>", "Alice", "sip:a@b", ()),
        ("Dr. Alice  B\t<sip:a@b>", "Dr. Alice  B", "sip:a@b", ()),
        ("Jürgen <sip:a@b>", "Jürgen", "sip:a@b", ()),
        ('"Bell, \\"A\\" <x>"<sip:a@b>;q="a;\\"b"', 'Bell, "A" <x>', "sip:a@b", (("q", '"a;\\"b"'),)),
        ('"" <sip:a@b?X=y>', "", "sip:a@b?X=y", ()),
        ("<sip:a@[2001:db8::1]>;received=[::1]", None, "sip:a@[2001:db8::1]", (("received", "[::1]"),)),
    ],
)
def test_address_has_name_uri_and_parameters(
    text: str, display: str | None, uri: str, parameters: tuple[tuple[str, str | None], ...]
) -> None:
    address = NameAddress.parse(text)
    assert (address.display, str(address.uri), address.parameters) == (display, uri, parameters)
    assert NameAddress.parse(str(address)) == address


def test_address_comes_back_as_it_was_with_brackets() -> None:
    assert str(NameAddress.parse("Bob  <sip:b@c>;tag=1")) == "Bob  <sip:b@c>;tag=1"
    assert str(NameAddress.parse("sip:b@c;tag=1")) == "<sip:b@c>;tag=1"


def test_address_is_asked_for_parameters() -> None:
    address = NameAddress.parse("<sip:a@b>;Tag=1;ob")
    assert address.tag == address.parameter("TAG") == "1"
    assert address.has_parameter("ob")
    assert NameAddress.parse("<sip:a@b;tag=2>").tag is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Alice",
        "<>",
        "<sip:a@b",
        "< sip:a@b>",
        "<sip:a@b >",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b>;;tag=1",
        "<sip:a@b>;tag=",
        '<sip:a@b>;tag="1',
        "Bell, A <sip:a@b>",
        '"Bell <sip:a@b>',
        "sip:a@b?X=y",
        "sip:a@b, sip:c@d",
        '"Bell" sip:a@b',
        "not a uri;tag=1",
    ],
)
def test_address_is_refused_when_malformed(text: str) -> None:
    with pytest.raises(SipError):
        NameAddress.parse(text)


def test_uri_of_address_is_read_when_asked_for() -> None:
    address = NameAddress.parse("<sip:2001:db8::10>")
    with pytest.raises(SipError):
        _ = address.uri


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SIP/2.0/UDP host", Via("UDP", "host")),
        ("SIP/2.0/TLS h:5061;branch=z9;rport", Via("TLS", "h", 5061, (("branch", "z9"), ("rport", None)))),
        ("sip / 2.0 / tcp  [2001:db8::1] : 9 ; x = y", Via("tcp", "[2001:db8::1]", 9, (("x", "y"),))),
        ("SIP/2.0/UDP h;received=2001:db8::9", Via("UDP", "h", None, (("received", "2001:db8::9"),))),
    ],
)  # fmt: skip
def test_via_has_all_its_parts(text: str, expected: Via) -> None:
    via = Via.parse(text)
    assert via == expected
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text",
    ["", "SIP/3.0/UDP host", "SIP/2.0/UDP", "UDP host", "SIP/2.0/UDP host;;", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h x"],
)  # fmt: skip
def test_via_is_refused_when_malformed(text: str) -> None:
    with pytest.raises(SipError):
        Via.parse(text)


def test_via_is_asked_for_parameters() -> None:
    via = Via.parse("SIP/2.0/UDP host;Branch=z9hG4bK1;rport")
    assert via.branch == via.parameter("branch") == "z9hG4bK1"
    assert via.has_parameter("RPORT")


def test_via_gets_a_parameter_in_its_place_or_at_the_end() -> None:
    via = Via.parse("SIP/2.0/TLS host:1;RPort;branch=z9")
    via = via.with_parameter("rport", "61954").with_parameter("received", "192.0.2.1")
    assert str(via) == "SIP/2.0/TLS host:1;RPort=61954;branch=z9;received=192.0.2.1"


def test_cseq_has_number_and_method() -> None:
    assert CSeq.parse("0009  INVITE") == CSeq(number=9, method="INVITE")
    assert str(CSeq.parse("2147483647\tBYE")) == "2147483647 BYE"


@pytest.mark.parametrize(
    "text", ["", "INVITE", "1", "-1 INVITE", "1 IN VITE", "2147483648 INVITE", "99999999999 A", "١ BYE"]
)
def test_cseq_is_refused_when_malformed(text: str) -> None:
    with pytest.raises(SipError):
        CSeq.parse(text)
