"""The reference client: a phone, a webhook receiver, REST and sideband clients. It shares no code with the emulator."""
