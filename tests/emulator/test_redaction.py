from ringback.emulator.redaction import redacted_key, redacted_sip


def test_key_is_recognisable_and_useless() -> None:
    assert redacted_key("sk-ringback-0123456789abcdef") == "sk-ringb…cdef"
    assert redacted_key("short") == "…"


def test_sip_message_keeps_everything_but_its_secrets() -> None:
    text = (
        "INVITE sip:a@b SIP/2.0\r\n"
        'Authorization: Digest username="u", response="secret"\r\n'
        "proxy-authorization : Basic c2VjcmV0\r\n"
        "X-Authorization-Note: kept\r\n\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secretsecret|2^20\r\na=rtpmap:0 PCMU/8000\r\n"
    )
    assert redacted_sip(text) == (
        "INVITE sip:a@b SIP/2.0\r\n"
        "Authorization: Digest …\r\n"
        "proxy-authorization : Basic …\r\n"
        "X-Authorization-Note: kept\r\n\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline: …\r\na=rtpmap:0 PCMU/8000\r\n"
    )
