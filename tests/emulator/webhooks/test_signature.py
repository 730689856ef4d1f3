"""Signatures, byte by byte, and what the official SDK makes of them."""

import base64
import time

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ringback.emulator.errors import UsageError
from ringback.emulator.webhooks.signature import Secret, format_secret, parse_secret, sign

SDK = openai.OpenAI(api_key="sk-none")


def headers(webhook_id: str, timestamp: int, signature: str) -> dict[str, str]:
    return {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_emulator_signs_what_standard_webhooks_publishes() -> None:
    # The example of the reference libraries of Standard Webhooks.
    key = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(
        [key], webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    body=st.text().map(str.encode),
    keys=st.lists(st.binary(min_size=1), min_size=1, max_size=3),
    webhook_id=st.text("0123456789abcdef", min_size=1).map("wh_".__add__),
)
def test_sdk_accepts_each_key_of_a_signature_and_refuses_a_changed_body(
    body: bytes, keys: list[bytes], webhook_id: str
) -> None:
    now = int(time.time())
    signed = headers(webhook_id, now, sign(keys, webhook_id=webhook_id, timestamp=now, body=body))
    for key in keys:
        SDK.webhooks.verify_signature(body, signed, secret=format_secret(key))
        with pytest.raises(openai.InvalidWebhookSignatureError):
            SDK.webhooks.verify_signature(body + b" ", signed, secret=format_secret(key))


def test_sdk_accepts_a_secret_without_prefix_as_it_is() -> None:
    now = int(time.time())
    signature = sign([parse_secret("plain words")], webhook_id="wh_1", timestamp=now, body=b"{}")
    SDK.webhooks.verify_signature(b"{}", headers("wh_1", now, signature), secret="plain words")


@given(key=st.binary(min_size=1))
def test_secret_survives_its_text_form(key: bytes) -> None:
    assert parse_secret(format_secret(key)) == key


@pytest.mark.parametrize("text", ["whsec_", "", "whsec_no base64!", "whsec_abc", "whsec_ä"])
def test_user_is_refused_a_secret_that_cannot_sign(text: str) -> None:
    with pytest.raises(UsageError, match="webhook secret"):
        parse_secret(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("whsec_" + base64.b64encode(b"0123456789").decode(), "whsec_***OQ=="),
        ("whsec_MTIz", "whsec_***"),
        ("a secret without a prefix", "***efix"),
    ],
)
def test_hint_and_representation_of_a_secret_do_not_tell_it(text: str, hint: str) -> None:
    secret = Secret.parse(text)
    assert secret.hint == hint
    assert text not in repr(secret)
