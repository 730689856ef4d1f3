"""Codecs by the names that SDP gives them, for one stream each: what a codec remembers is that stream's."""

from .g711 import CODECS, Codec


def make_codec(name: str, ptime_ms: int = 20) -> Codec:
    """The codec of a stream that begins. `name` is one that `sdp` negotiates; Opus makes packets of `ptime_ms`."""
    if name == "opus":
        from .opus import FACTOR, OpusDecoder, OpusEncoder

        encode = OpusEncoder(ptime_ms).encode
        return Codec(name=name, encode=encode, decode=OpusDecoder().decode, clock_factor=FACTOR, has_memory=True)
    if name == "G722":
        from .g722 import G722Decoder, G722Encoder

        return Codec(name=name, encode=G722Encoder().encode, decode=G722Decoder().decode, has_memory=True)
    return CODECS[name]
