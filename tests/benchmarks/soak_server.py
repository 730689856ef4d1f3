"""The emulator under a soak, in a process of its own, which is asked what it has open."""

import asyncio
import gc
import os
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ringback.emulator.config import Settings
from ringback.emulator.journal import Entry
from ringback.emulator.server import Emulator

T1 = 0.05
"""RFC 3261's timers ten times as fast: a caller that vanished is given up after 3.2 s."""
JOURNAL = 2000
PROJECT = "proj_soak"


@dataclass
class Accounts:
    """Each call by what the journal said of it, and every entry by where it is now."""

    began: int = 0
    ended: int = 0
    bugs: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    open: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        if entry.kind == "call.offered" or (entry.kind == "call.state" and entry.data["from"] is None):
            assert entry.call_id is not None
            self.began += 1
            self.open.add(entry.call_id)
        elif entry.kind == "call.ended":
            assert entry.call_id is not None
            self.ended += 1
            self.reasons[f"{entry.data['by']}: {entry.data['reason']}"] += 1
            self.open.remove(entry.call_id)  # each ends once
        elif entry.kind == "emulator.bug":
            self.bugs += 1


def serve(pipe: Connection, folder: str, limit: float) -> None:
    """`limit` ends the calls whose caller was cut off; nobody says goodbye for them."""
    asyncio.run(_serve(pipe, folder, limit))


async def _serve(pipe: Connection, folder: str, limit: float) -> None:
    settings: dict[str, Any] = {f"{name}_port": 0 for name in ("http", "https", "sip_tls", "sip_tcp", "sip_udp")}
    settings |= {"project": PROJECT, "auto_accept": True, "sip_t1": T1, "sip_t2": 8 * T1, "sip_t4": 10 * T1}
    accounts = Accounts()
    settings |= {"webrtc_connect_timeout": 8.0, "webrtc_consent_timeout": 5.0}
    async with Emulator(
        Settings(session_limit=limit, journal_limit=JOURNAL, journal_folder=folder, **settings)
    ) as emulator:
        emulator.journal.subscribe(accounts.take)
        waiting = emulator.add_project().id  # whose calls nobody decides
        pipe.send((emulator.ready, waiting))
        while (asked := await asyncio.to_thread(pipe.recv)) != "stop":
            if asked == "trace":
                tracemalloc.start()
            pipe.send(_state(emulator, accounts))
    state = _state(emulator, accounts)
    state["leaks"] = emulator.leaks()
    state["written"] = sum(1 for _ in (Path(folder) / "journal.jsonl").open()) if emulator.journal.dropped else 0
    pipe.send(state)


def _state(emulator: Emulator, accounts: Accounts) -> dict[str, Any]:
    gc.collect()
    tasks = len(asyncio.all_tasks())
    return {
        "memory": _resident(),
        "traced": tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None,
        "tasks": tasks,
        "sockets": sum(1 for name in _descriptors() if name.startswith("socket:")),
        "calls": emulator.performer.open_calls,
        "legs": emulator.performer.playing_legs,
        "endpoint": emulator.endpoint.describe(),
        "began": accounts.began,
        "ended": accounts.ended,
        "open": len(accounts.open),
        "bugs": accounts.bugs,
        "reasons": dict(accounts.reasons),
        "entries": emulator.journal.last_sequence,
        "kept": len(emulator.journal),
        "dropped": emulator.journal.dropped,
    }


def _resident() -> int:
    """Bytes of memory that this process really has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors() -> list[str]:
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(descriptor.readlink()))
        except FileNotFoundError:  # the one that lists the folder
            continue
    return names
