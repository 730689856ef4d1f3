"""RTP (RFC 3550), telephone events (RFC 4733) and the jitter buffer, without I/O."""
