"""Damage: from bytes that mean something to bytes that almost do. All of it follows from one random source."""

import copy
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

LARGEST: Final = 70_000
TOKENS: Final[Sequence[bytes]] = (
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b"\0",
        b"\r\n ",
        b"\t",
        b" ",
        b";",
        b",",
        b":",
        b"=",
        b"?",
        b"@",
        b"%",
        b"%00",
    ),
    *(b'"', b"\\", b'\\"', b"<", b">", b"[", b"]", b"[::1]", b"*", b"/", b"{", b"}", b"[]", b"null", b"true", b'""'),
    *(b"-1", b"0", b"4294967296", b"99999999999999999999", b"1e999", b"NaN", b"255", b"65536", b"\xff", b"\xc3\x28"),
    *(
        b"sip:",
        b"sips:",
        b"tel:",
        b"SIP/2.0",
        b"z9hG4bK",
        b"tag=",
        b"branch=",
        b"Content-Length: ",
        b"Via: ",
        b"CSeq: ",
    ),
    *(b"Contact: *", b"Route: ", b"Record-Route: ", b"Require: ", b"INVITE", b"ACK", b"CANCEL", b"BYE", b"PRACK"),
    *(b"m=audio 9 RTP/AVP 0", b"a=rtpmap:", b"a=fmtp:", b"a=crypto:", b"a=ptime:", b"c=IN IP4 ", b"application/sdp"),
    *("\u2028".encode(), "\ud800".encode("utf-8", "surrogatepass"), b"\x80\x00\x00\x01", b"\xc8", b"\x90", b"\x7f"),
)
VALUES: Final[Sequence[Any]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        0.5,
        1e308,
        2**63,
        "",
        "x",
        "\ud800",
        "x" * 1000,
        [],
        {},
        [[]],
        {"": {}},
        "inf",
        "auto",
    ),
    *("realtime", "transcription", "AAAA", "!", "root", "server_vad", "function", "message", "audio", "text", "none"),
)


class Mutator:
    """`mutate` gives a damaged copy of one seed, with pieces of another."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ways: Sequence[Callable[[bytearray, bytes], None]] = (
            self._flip,
            self._put_token,
            self._put_token,
            self._cut,
            self._repeat,
            self._splice,
            self._overwrite,
        )

    def mutate(self, data: bytes, other: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._rng.choice((1, 1, 2, 3, 5, 9))):
            self._rng.choice(self._ways)(changed, other)
        return bytes(changed[:LARGEST])

    def mutate_json(self, document: Any) -> Any:
        """Another document of nearly the same shape."""
        changed = copy.deepcopy(document)
        for _ in range(self._rng.choice((1, 1, 2, 4))):
            changed = self._change(changed)
        return changed

    def pieces(self, data: bytes) -> list[bytes]:
        """The same bytes, cut anywhere."""
        cuts = sorted(self._rng.randrange(len(data) + 1) for _ in range(self._rng.randrange(6)))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    # Private

    def _place(self, data: bytearray) -> int:
        return self._rng.randrange(len(data) + 1)

    def _flip(self, data: bytearray, _: bytes) -> None:
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)

    def _overwrite(self, data: bytearray, _: bytes) -> None:
        if data:
            data[self._rng.randrange(len(data))] = self._rng.randrange(256)

    def _put_token(self, data: bytearray, _: bytes) -> None:
        place = self._place(data)
        data[place:place] = self._rng.choice(TOKENS)

    def _cut(self, data: bytearray, _: bytes) -> None:
        place = self._place(data)
        del data[place : place + self._rng.choice((1, 2, 8, 64, 1000))]

    def _repeat(self, data: bytearray, _: bytes) -> None:
        place = self._place(data)
        piece = data[place : place + self._rng.choice((1, 2, 5, 40, 200))]
        times = min(self._rng.choice((2, 3, 30, 3000)), LARGEST // max(1, len(piece)))
        data[place:place] = bytes(piece) * times

    def _splice(self, data: bytearray, other: bytes) -> None:
        place, start = self._place(data), self._rng.randrange(len(other) + 1)
        data[place:place] = other[start : start + self._rng.choice((8, 64, 1000))]

    def _change(self, node: Any) -> Any:
        if isinstance(node, dict) and node and self._rng.random() < 0.85:
            key = self._rng.choice(list(node))
            way = self._rng.random()
            if way < 0.1:
                del node[key]
            elif way < 0.2:
                node[self._rng.choice((key + "x", "", "type", "id"))] = copy.deepcopy(node[key])
            else:
                node[key] = self._change(node[key])
            return node
        if isinstance(node, list) and node and self._rng.random() < 0.85:
            place = self._rng.randrange(len(node))
            if self._rng.random() < 0.2:
                node.extend(copy.deepcopy(node[place]) for _ in range(self._rng.choice((1, 50))))
            else:
                node[place] = self._change(node[place])
            return node
        return copy.deepcopy(self._rng.choice(VALUES))
