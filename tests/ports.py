"""A port that a program insists on: of all the tests on one machine, one has it at a time."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def turn_at(port: int) -> Iterator[None]:
    """Wait for the turn. Fails when somebody else listens there, or what had the turn still does at its end."""
    with open(Path(tempfile.gettempdir()) / f"ringback-port-{port}-{os.getuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _expect_free(port)
        yield
        _expect_free(port)


def _expect_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            pytest.fail(f"port {port} is needed, and somebody else has it: {error}")
