"""Tests in which other people's clients drive `hfwidgets serve`; `python -m tests.peers` runs
them."""
