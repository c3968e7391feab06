"""Measure the static HTML of Markdown: hostile texts, and texts that quadratic parsers stall on."""

import time
from collections.abc import Iterator

from hfwidgets.results.markdown import markdown_to_html
from tests.benchmarks.measure import Figure, choose_size
from tests.browser.talker import RICH
from tests.plugins.hostile_markdown import STALLING, make_hostile

PROSE = (
    "The tide comes in twice a day, and **nobody** waits for it. The [tables](https://example.org) "
    "tell when, the `moon` tells why, and the wind decides how high it really gets.\n\n"
)


def measure_rate(*texts: str, rounds: int = 3) -> float:
    """Return the CPU milliseconds per KB of these texts, the best of several rounds."""
    size = sum(map(len, texts)) / 1024
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for text in texts:
            markdown_to_html(text)
        best = min(best, time.process_time() - started)
    return 1000 * best / size


def figures() -> Iterator[Figure]:
    """Measure all of it."""
    markdown_to_html(RICH)
    yield Figure("prose", measure_rate(PROSE * 300), 1.0, "ms/KB")
    yield Figure("an answer with code, a table and formulas", measure_rate(RICH * 60), 3.0, "ms/KB")
    hostile = [make_hostile(seed)[0] for seed in range(choose_size(1500, 20))]
    yield Figure("1,500 hostile texts", measure_rate(*hostile), None, "ms/KB")
    rates = {name: measure_rate(text, rounds=1) for name, text in STALLING.items()}
    slowest = max(rates, key=lambda name: rates[name])
    yield Figure("the slowest stalling text", rates[slowest], 12.0, "ms/KB", note=slowest)
    growth = {
        name: measure_rate(text * 2, rounds=1) / rates[name] for name, text in STALLING.items()
    }
    steepest = max(growth, key=lambda name: growth[name])
    note = f"{steepest}; quadratic would be 2"
    yield Figure("rate of two stalling texts / of one", growth[steepest], 1.6, note=note)
