"""The bodies of events, and what the official SDK reads from them."""

import json
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._models import construct_type
from openai.types.webhooks import RealtimeCallIncomingWebhookEvent, UnwrapWebhookEvent
from openai.types.webhooks.webhook_create_params import WebhookCreateParams
from ringback.emulator.webhooks.envelope import EVENT_TYPES, incoming_call_event, sample_event, to_body


def test_event_of_a_call_has_the_documented_fields_in_their_order() -> None:
    event = incoming_call_event(
        event_id="evt_1",
        created_at=1750287018,
        call_id="rtc_1",
        sip_headers=[("From", "<sip:+142555512112@sip.example.com>;tag=1")],
        sip_media_security="srtp",
    )
    assert to_body(event) == (
        b'{"object":"event","id":"evt_1","type":"realtime.call.incoming","created_at":1750287018,'
        b'"data":{"call_id":"rtc_1","sip_headers":[{"name":"From","value":"<sip:+142555512112@sip.example.com>;tag=1"}],'
        b'"sip_media_security":"srtp"}}'
    )
    RealtimeCallIncomingWebhookEvent.model_validate(event, strict=True)


def test_application_sees_headers_in_order_with_repeats_and_without_credentials() -> None:
    sent = [
        ("Via", "SIP/2.0/TLS a"),
        ("AUTHORIZATION", "Digest secret"),
        ("Via", "SIP/2.0/TLS b"),
        ("X-Authorization", "kept"),
        ("proxy-authorization ", "Digest secret"),
        ("f", "<sip:a@b>"),
        ("X-Empty", ""),
    ]
    event = incoming_call_event(
        event_id="evt_1", created_at=0, call_id="rtc_1", sip_headers=sent, sip_media_security=None
    )
    assert [(header["name"], header["value"]) for header in event["data"]["sip_headers"]] == [
        ("Via", "SIP/2.0/TLS a"),
        ("Via", "SIP/2.0/TLS b"),
        ("X-Authorization", "kept"),
        ("f", "<sip:a@b>"),
        ("X-Empty", ""),
    ]


def test_media_security_is_left_out_when_it_is_unknown() -> None:
    event = incoming_call_event(
        event_id="evt_1", created_at=0, call_id="rtc_1", sip_headers=[], sip_media_security=None
    )
    assert "sip_media_security" not in event["data"]


@given(value=st.text(st.characters(codec=None)))
def test_whatever_a_caller_writes_into_a_header_becomes_json(value: str) -> None:
    event = incoming_call_event(
        event_id="evt_1", created_at=0, call_id="rtc_1", sip_headers=[("X-Any", value)], sip_media_security=None
    )
    (header,) = json.loads(to_body(event))["data"]["sip_headers"]
    assert header["value"] == value.encode("utf-8", "replace").decode()


def test_event_types_are_those_of_the_sdk() -> None:
    (event_type,) = get_args(get_type_hints(WebhookCreateParams)["event_types"])
    assert get_args(event_type) == EVENT_TYPES


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_sdk_reads_a_sample_of_each_type(event_type: str) -> None:
    event = sample_event(event_type, event_id="evt_1", created_at=1750287018, call_id="rtc_sample")
    read = construct_type(type_=UnwrapWebhookEvent, value=json.loads(to_body(event)))
    assert (event["object"], event["id"], event["type"]) == ("event", "evt_1", event_type)
    if not event_type.startswith("video."):  # the SDK can subscribe to them, and has no type for them
        assert type(read).model_validate(event, strict=True).type == event_type  # type: ignore[attr-defined]


def test_sample_of_a_call_carries_the_call_id_it_was_given() -> None:
    event = sample_event("realtime.call.incoming", event_id="evt_1", created_at=1, call_id="rtc_sample")
    assert event["data"]["call_id"] == "rtc_sample"
