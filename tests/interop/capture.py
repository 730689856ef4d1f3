"""What went over loopback, for peers that can't tell what they heard."""

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self

import numpy as np
from ringback.conformance.client.g711 import Samples
from ringback.conformance.client.rtp import RtpReceiver
from ringback.fixtures import tonecode

IPV4 = 0x0800
UDP = 17
OUTGOING = 4  # linux/if_packet.h: loopback shows each packet twice, and this is the first time
BUFFER = 32 * 1024 * 1024


class Capture:
    """UDP datagrams on the interface lo, by the port that they went to. Raises `PermissionError` without the right."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind(("lo", IPV4))
        self._socket.setblocking(False)
        self._datagrams: dict[int, list[tuple[bytes, tuple[str, int]]]] = {}

    def __enter__(self) -> Self:
        asyncio.get_event_loop().add_reader(self._socket, self._readable)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_event_loop().remove_reader(self._socket)
        self._socket.close()

    def heard_at(self, port: int) -> list[str]:
        """What the RTP to that port says, PCMU and tonecode."""
        receiver = RtpReceiver(payload_types={0: "PCMU"}, dtmf_payload_types=frozenset())
        sounds: list[Samples] = []
        for data, source in self._datagrams.get(port, []):
            sounds += receiver.feed(data, source, 0.0)[0]
        sounds += receiver.flush()[0]
        return [each.text for each in tonecode.decode(np.concatenate(sounds)) if each.complete] if sounds else []

    def _readable(self) -> None:
        for _ in range(256):
            try:
                packet, (_, _, kind, *_) = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            if kind != OUTGOING and packet[9] == UDP:
                header = 4 * (packet[0] & 15)
                source, target, length, _ = struct.unpack_from("!HHHH", packet, header)
                data = packet[header + 8 : header + length]
                self._datagrams.setdefault(target, []).append((data, (socket.inet_ntoa(packet[12:16]), source)))
