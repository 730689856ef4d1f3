"""SIP messages as journal entries. Most are never read: what takes time is done when somebody looks."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..journal import Journal
from ..redaction import redacted_sip
from ..sip.events import Flow, MessageDropped, MessageReceived, MessageSent

DROPPED_TEXT_LIMIT = 500
_KEYS = ("summary", "transport", "peer", "text")


class SipData(Mapping[str, Any]):
    """The `data` of `sip.received` and `sip.sent`; `text` is made of the bytes on each look, credentials hidden."""

    __slots__ = ("_bytes", "_flow", "_summary")

    def __init__(self, summary: str, flow: Flow, data: bytes) -> None:
        self._summary = summary
        self._flow = flow
        self._bytes = data

    def __getitem__(self, key: str) -> Any:
        match key:
            case "summary":
                return self._summary
            case "transport":
                return self._flow.transport
            case "peer":
                return address_text(self._flow.remote)
            case "text":
                return redacted_sip(self._bytes.decode("utf-8", "replace"))
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)


def record_message(journal: Journal, event: MessageReceived | MessageSent, now: float) -> None:
    """Journal a message that came or went."""
    message = event.message
    journal.record(
        "sip.received" if isinstance(event, MessageReceived) else "sip.sent",
        SipData(message.summary, event.flow, event.data),
        now=now,
        sip_call_id=message.call_id_text,
    )


def record_dropped(journal: Journal, event: MessageDropped, now: float) -> None:
    """Journal what nobody can answer."""
    journal.add(
        "sip.dropped",
        now=now,
        transport=event.flow.transport,
        peer=address_text(event.flow.remote),
        reason=event.reason,
        text=redacted_sip(event.data[:DROPPED_TEXT_LIMIT].decode("utf-8", "replace")),
    )


def address_text(address: tuple[str, int]) -> str:
    """An address as people write it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
