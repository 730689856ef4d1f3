"""Webhooks without I/O: envelope, Standard Webhooks signature, retry schedule, endpoints."""
