"""Codecs by the names that SDP gives them, for one stream each: what a codec remembers is that stream's."""

from .g711 import CODECS, Codec


def make_codec(name: str) -> Codec:
    """The codec of a stream that begins. `name` is one that `sdp` negotiates."""
    if name == "opus":
        from .opus import FACTOR, OpusDecoder, OpusEncoder

        return Codec(name=name, encode=OpusEncoder().encode, decode=OpusDecoder().decode, clock_factor=FACTOR)
    return CODECS[name]
