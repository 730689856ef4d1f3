"""A bounded fuzzer: `PYTHONPATH=tests python -m fuzz --minutes 10`."""
