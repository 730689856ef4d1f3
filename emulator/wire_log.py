"""The wire at debug level, in one grammar: `<` came in, `>` went out, `=` is a call's new state."""

import logging

from .journal import Entry

log = logging.getLogger("ringback.wire")


def log_entry(entry: Entry) -> None:
    """A listener of the journal: one line for each message, none for what is no message."""
    text = line(entry)
    if text is not None:
        log.debug("%s", text)


def line(entry: Entry) -> str | None:
    """`< INVITE sip:proj_1@…`, `> 180 Ringing`, `= call rtc_9 connected`; None for entries that are no message."""
    data = entry.data
    match entry.kind:
        case "sip.received":
            return f"< {data['summary']}"
        case "sip.sent":
            return f"> {data['summary']}"
        case "sip.dropped":
            return f"< dropped from {data['peer']}: {data['reason']}"
        case "rest.request":
            return f"< {data['method']} {data['path']}"
        case "rest.response":
            return f"> {data['status']} to {data['method']} {data['path']}"
        case "webhook.attempt":
            outcome = data.get("status") or data.get("error")
            return f"> webhook {data['event']} to {data['url']}: {outcome}"
        case "event.client":
            return f"< {data['channel']} {data['event'].get('type')}"
        case "event.server":
            return f"> {data['channel'] or 'all channels'} {data['event'].get('type')}"
        case "call.state":
            return f"= call {entry.call_id} {data['to']}"
    return None
