"""Session hosts: one session, one model and its event channels, with or without a call."""
