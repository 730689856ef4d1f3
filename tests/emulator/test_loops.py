import asyncio
import importlib.util
import sys
from types import SimpleNamespace

import pytest
from ringback.emulator.errors import UsageError
from ringback.emulator.loops import loop_factory


def test_asyncio_is_what_is_asked_for() -> None:
    assert loop_factory("asyncio") is None


def test_auto_takes_asyncio_where_uvloop_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert loop_factory("auto") is None
    with pytest.raises(UsageError, match=r"ringback\[fast\]"):
        loop_factory("uvloop")


@pytest.mark.parametrize("kind", ["auto", "uvloop"])
def test_uvloop_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(name=name))
    monkeypatch.setitem(sys.modules, "uvloop", SimpleNamespace(new_event_loop=asyncio.new_event_loop))
    assert loop_factory(kind) is asyncio.new_event_loop  # type: ignore[arg-type]
