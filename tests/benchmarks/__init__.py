"""What hfwidgets costs, as ratios against peers in one run: `python -m tests.benchmarks`."""
