import pytest
from ringback.emulator.config import PortRange, Settings, describe
from ringback.emulator.errors import UsageError


def test_port_range_reads_what_it_writes() -> None:
    ports = PortRange.parse("10000-10100")
    assert (ports.low, ports.high) == (10000, 10100)
    assert str(ports) == "10000-10100"


@pytest.mark.parametrize("text", ["", "10000", "a-b", "10-", "200-100", "0-5", "1-70000"])
def test_port_range_refuses_nonsense(text: str) -> None:
    with pytest.raises(UsageError, match="RTP port"):
        PortRange.parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tls_cert": "c.pem"}, "both of tls-cert and tls-key"),
        ({"http_port": 70000}, "http-port 70000"),
        ({"project": "mine"}, "starts with proj_"),
        ({"webhook_clock": "moon"}, "webhook-clock 'moon': give one of wall, virtual"),
        ({"refer_unreported": "maybe"}, "give one of connected, bye"),
        ({"info_dtmf": "maybe"}, "give one of always, never, fallback"),
        ({"session_refresher": "maybe"}, "give one of uac, uas"),
        ({"codecs": ()}, "give some of PCMU, PCMA, G722, opus"),
        ({"codecs": ("PCMU", "GSM")}, "codecs 'PCMU, GSM'"),
        ({"srtp": "maybe"}, "give one of required, preferred, refused"),
    ],
)
def test_settings_refuse_what_can_not_work(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(**options)  # type: ignore[arg-type]


def test_every_setting_says_what_it_is_for() -> None:
    rows = describe()
    assert rows[0][0] == "host"
    assert all(text.endswith((".", ")")) for _, _, text, _ in rows)
    assert {tag for _, _, _, tag in rows} <= {None, "DOC", "OBS", "RFC", "CHOICE"}
