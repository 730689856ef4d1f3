"""Emulators that are wrong on purpose, in one thing each: they prove that a check can fail."""
