import random
import re

import pytest
from ringback.emulator.ids import Ids


@pytest.fixture
def ids() -> Ids:
    return Ids(random.Random(7))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("call", r"rtc_u0_[A-Za-z0-9]{32}"),
        ("session", r"sess_[A-Za-z0-9]{21}"),
        ("event", r"event_[A-Za-z0-9]{21}"),
        ("media_event", r"event_[0-9a-f]{16}"),
        ("item", r"item_[A-Za-z0-9]{21}"),
        ("response", r"resp_[A-Za-z0-9]{21}"),
        ("conversation", r"conv_[A-Za-z0-9]{21}"),
        ("function_call", r"call_[A-Za-z0-9]{16}"),
        ("webhook_event", r"evt_[0-9a-f]{32}"),
        ("webhook_delivery", r"wh_[0-9a-f]{32}"),
        ("webhook_endpoint", r"we_[0-9a-f]{32}"),
        ("project", r"proj_[A-Za-z0-9]{24}"),
        ("api_key", r"sk-ringback-[A-Za-z0-9]{32}"),
        ("client_secret", r"ek_[0-9a-f]{32}"),
        ("ice_ufrag", r"[A-Za-z0-9]{6}/u0/[A-Za-z0-9]{6}"),
        ("ice_password", r"[A-Za-z0-9]{32}"),
        ("token", r"[0-9a-f]{16}"),
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
def test_ids_have_the_observed_formats(ids: Ids, name: str, shape: str) -> None:
    made = [getattr(ids, name)() for _ in range(50)]
    assert all(re.fullmatch(shape, text) for text in made)
    assert len(set(made)) == 50


def test_ids_repeat_when_the_seed_does() -> None:
    assert Ids(random.Random(1)).call() == Ids(random.Random(1)).call()


def test_session_of_a_call_has_its_id_with_another_prefix(ids: Ids) -> None:
    call_id = ids.call()
    assert ids.session_of(call_id) == "sess_" + call_id[4:]


def test_numbers_secrets_and_padding_have_the_size_asked_for(ids: Ids) -> None:
    assert 0 <= ids.number(16) < 65536
    assert len(ids.webhook_secret_bytes()) == 32
    event_id, padding = ids.padded_event(9)
    assert re.fullmatch(r"event_[A-Za-z0-9]{21}", event_id)
    assert len(padding) == 9
