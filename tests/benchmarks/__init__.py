"""Measure the overhead of hfwidgets as ratios to its peers: `python -m tests.benchmarks`."""
