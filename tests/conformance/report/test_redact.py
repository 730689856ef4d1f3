"""No key, secret or telephone number gets into a report."""

import pytest
from ringback.conformance.report.redact import Redactor


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer sk-proj-abcd1234", "Authorization: Bearer [key]"),
        ("key sk-proj-abcd1234 is wrong", "key sk-[key] is wrong"),
        ("ek_68af296e8e408191a1120ab6383263c2", "ek_[key]"),
        ("whsec_aGVsbG8gd29ybGQ=", "whsec_[secret]"),
        ("openai-insecure-api-key.sk-abcd1234", "openai-insecure-api-key.[key]"),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", None),
        ("<sip:+14255550112@sip.example.com>;tag=9", "<sip:[number]@sip.example.com>;tag=9"),
        ("tel:+1-425-555-0112", "tel:[number]"),
        ("from +14255550112 to him", "from [number] to him"),
        ("sip:proj_1@127.0.0.1:5061;transport=tls", "sip:proj_1@127.0.0.1:5061;transport=tls"),
        ("created_at 1763605109, 5.0 s, 192.168.1.20:50611", "created_at 1763605109, 5.0 s, 192.168.1.20:50611"),
    ],
)
def test_redactor_hides_what_others_must_not_read(text: str, redacted: str | None) -> None:
    shown = Redactor().text(text)
    if redacted is None:
        assert "inline:[key]" in shown
        assert "d0Rm" not in shown
    else:
        assert shown == redacted


def test_redactor_hides_given_secrets_the_longest_first() -> None:
    assert Redactor(["open", "open sesame", "ab"]).text("say open sesame, ab") == "say [secret], ab"


def test_redactor_goes_through_structures() -> None:
    shown = Redactor(["hush"]).everything({"a": ["hush", {"b": ("hush", 1, None)}]})
    assert shown == {"a": ["[secret]", {"b": ("[secret]", 1, None)}]}
