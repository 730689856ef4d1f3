"""One Realtime session without I/O: events, validation, conversation, responses, audio."""
