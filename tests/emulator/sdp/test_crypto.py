"""`sdp.crypto`: which `a=crypto` lines are taken, by RFC 4568."""

import base64

import pytest
from ringback.emulator.sdp.crypto import Crypto, first_usable
from ringback.emulator.sdp.description import parse

KEY = bytes(range(30))
INLINE = base64.b64encode(KEY).decode()
EIGHTY, THIRTY_TWO = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"


def taken(*values: str) -> Crypto | None:
    lines = "".join(f"a=crypto:{value}\r\n" for value in values)
    return first_usable(parse(f"v=0\r\nm=audio 4000 RTP/SAVP 0\r\n{lines}").media[0])


@pytest.mark.parametrize(
    ("value", "tag", "suite"),
    [
        (f"1 {EIGHTY} inline:{INLINE}", 1, EIGHTY),
        (f"1  {THIRTY_TWO}   inline:{INLINE}", 1, THIRTY_TWO),
        (f"12 aes_cm_128_hmac_sha1_80 INLINE:{INLINE}", 12, EIGHTY),
        (f"1 {EIGHTY} inline:{INLINE}|2^20", 1, EIGHTY),
        (f"1 {EIGHTY} inline:{INLINE}|1048576", 1, EIGHTY),
        (f"1 {EIGHTY} inline:{INLINE} WSH=64", 1, EIGHTY),
        (f"1 {EIGHTY} inline:{INLINE} -UNKNOWN=1 wsh=128", 1, EIGHTY),
    ],
)
def test_line_is_taken(value: str, tag: int, suite: str) -> None:
    assert taken(value) == Crypto(tag=tag, suite=suite, key=KEY)


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"x {EIGHTY} inline:{INLINE}",
        f"1234567890 {EIGHTY} inline:{INLINE}",
        f"1 AES_CM_256_HMAC_SHA1_80 inline:{INLINE}",
        f"1 F8_128_HMAC_SHA1_80 inline:{INLINE}",
        f"1 {EIGHTY}",
        f"1 {EIGHTY} uri:{INLINE}",
        f"1 {EIGHTY} inline:{INLINE[:-4]}",
        f"1 {EIGHTY} inline:{INLINE[:-1]}",
        f"1 {EIGHTY} inline:!{INLINE[1:]}",
        f"1 {EIGHTY} inline:ä{INLINE[1:]}",
        f"1 {EIGHTY} inline:{INLINE}|2^20|1:4",
        f"1 {EIGHTY} inline:{INLINE}|1:4;inline:{INLINE}|2:4",
        f"1 {EIGHTY} inline:{INLINE};inline:{INLINE}",
        f"1 {EIGHTY} inline:{INLINE} UNENCRYPTED_SRTP",
        f"1 {EIGHTY} inline:{INLINE} WSH=64 KDR=10",
    ],
)
def test_line_that_cannot_be_done_exactly_is_skipped(value: str) -> None:
    assert taken(value) is None
    assert taken(value, f"2 {THIRTY_TWO} inline:{INLINE}") == Crypto(tag=2, suite=THIRTY_TWO, key=KEY)


def test_first_usable_line_is_taken() -> None:
    assert taken(f"3 {THIRTY_TWO} inline:{INLINE}", f"1 {EIGHTY} inline:{INLINE}") == Crypto(
        tag=3, suite=THIRTY_TWO, key=KEY
    )
    assert taken() is None


def test_key_is_not_in_what_people_see() -> None:
    crypto = taken(f"1 {EIGHTY} inline:{INLINE}")
    assert "x02" not in repr(crypto)
    assert EIGHTY in repr(crypto)
