"""SIP without I/O: RFC 3261 messages, transactions, dialogs, and the endpoint that joins them."""
