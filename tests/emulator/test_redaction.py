from typing import Any

import pytest
from ringback.emulator.redaction import redacted_event, redacted_key, redacted_sip


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


@pytest.mark.parametrize(
    "line", ["A=CRYPTO : 1  X inline:key", "a= crypto:01\tX  inline:key", "a=crypto:x y z inline:key;inline:key"]
)
def test_key_is_hidden_however_its_line_is_written(line: str) -> None:
    assert "key" not in redacted_sip(f"v=0\r\n{line}\r\nb=AS:64\r\n")


@pytest.mark.parametrize("name", ["session", "response"])
def test_event_keeps_everything_but_its_tools_credentials(name: str) -> None:
    tools: list[Any] = [
        {"type": "function", "name": "f"},
        {"type": "mcp", "server_label": "a", "authorization": "secret"},
        {"type": "mcp", "server_label": "b", "headers": {"X-Key": "secret"}},
        None,
    ]
    event = {"type": "x", name: {"voice": "alloy", "tools": tools}}
    kept = redacted_event(event)[name]
    assert (kept["voice"], kept["tools"][0], kept["tools"][3]) == ("alloy", tools[0], None)
    assert kept["tools"][1] == {"type": "mcp", "server_label": "a", "authorization": "…"}
    assert kept["tools"][2] == {"type": "mcp", "server_label": "b", "headers": {"X-Key": "…"}}
    assert tools[1]["authorization"] == "secret"


@pytest.mark.parametrize("event", [{}, {"session": None}, {"session": {"tools": "x"}}, {"response": {"tools": [{}]}}])
def test_event_without_credentials_stays_the_same(event: dict[str, Any]) -> None:
    assert redacted_event(event) is event
