import pytest
from ringback.emulator.calls.call import Call, CloseCodes
from ringback.emulator.calls.inputs import Accept, ReplyToken
from ringback.emulator.calls.leg import MemoryLeg
from ringback.emulator.ids import CallId
from ringback.emulator.realtime.session_config import SessionConfig, parse_session_config


@pytest.fixture
def config() -> SessionConfig:
    return parse_session_config({"type": "realtime"})


@pytest.fixture
def call() -> Call:
    return Call(call_id=CallId("rtc_1"), project_id="proj_1", leg=MemoryLeg(), close_codes=CloseCodes())


@pytest.fixture
def accept(config: SessionConfig) -> Accept:
    return Accept(config=config, reply=ReplyToken(1))
