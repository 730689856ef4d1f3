import socket

import pytest
from ringback.emulator.config import PortRange
from ringback.emulator.transports.webrtc_ice import HostConnection, IceSettings, NoAddress, addresses_of


def connection(*addresses: str, ports: PortRange | None = None, advertised: str | None = None) -> HostConnection:
    settings = IceSettings(addresses=addresses, advertised=advertised, ports=ports, consent_timeout=30)
    return HostConnection(settings, ufrag="abcd/u0/efgh", password=32 * "x", on_lost=lambda: None)


def test_host_stands_for_itself_and_a_name_for_its_address() -> None:
    assert addresses_of("192.0.2.1") == ("192.0.2.1",)
    assert addresses_of("localhost") in (("127.0.0.1",), ("::1",))


def test_wildcard_stands_for_every_address_loopback_too() -> None:
    assert "127.0.0.1" in addresses_of("0.0.0.0")
    assert "127.0.0.1" in addresses_of("::")
    assert not any(address.startswith("fe80") for address in addresses_of("::"))


async def test_each_address_has_a_candidate_and_one_that_can_not_be_bound_has_none() -> None:
    ice = connection("127.0.0.1", "192.0.2.1", "127.0.0.2")
    await ice.gather_candidates()
    assert [candidate.host for candidate in ice.local_candidates] == ["127.0.0.1", "127.0.0.2"]
    assert len({candidate.foundation for candidate in ice.local_candidates}) == 2
    await ice.close()


async def test_advertised_address_stands_in_place_of_the_bound_one() -> None:
    ice = connection("127.0.0.1", advertised="192.0.2.7")
    await ice.gather_candidates()
    assert [candidate.host for candidate in ice.local_candidates] == ["192.0.2.7"]
    await ice.close()


async def test_range_without_a_free_port_gives_no_candidate() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        ice = connection("127.0.0.1", ports=PortRange(low=port, high=port))
        with pytest.raises(NoAddress, match=r"no UDP port is free on 127\.0\.0\.1"):
            await ice.gather_candidates()
        await ice.close()
