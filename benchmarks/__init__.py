"""Measurements: `python -m benchmarks [NAME...]`; how and on what is told in docs/performance.md."""
