"""SDP (RFC 8866) and its offer/answer (RFC 3264), without I/O."""
