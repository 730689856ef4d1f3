"""Fake models: what decides what is said next."""
