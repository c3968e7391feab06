"""A limit of what a run may cost, in US dollars and in tokens, held between rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from hfwidgets.core.counts import format_count
from hfwidgets.errors import ConfigurationError
from hfwidgets.errors.excerpt import show_value
from hfwidgets.evaluation.answers import Answerer

FIRST_ROWS = 8
"""Rows that are asked of each model before anything is known about their cost."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls cost: US dollars and tokens; what is not known counts as nothing."""

    dollars: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may cost.

    Attributes:
        dollars: US dollars; None sets no limit.
        tokens: prompt and completion tokens; None sets no limit.

    Raises:
        ConfigurationError: a limit is not above 0.
    """

    dollars: float | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if self.dollars is not None and not _is_above_0(self.dollars):
            raise ConfigurationError(
                f"budget is {show_value(self.dollars)}; it is US dollars, above 0."
            )
        if self.tokens is not None and not _is_above_0(self.tokens):
            raise ConfigurationError(
                f"token_budget is {show_value(self.tokens)}; it is a number of tokens, above 0."
            )

    @property
    def is_limited(self) -> bool:
        return self.dollars is not None or self.tokens is not None

    def check_prices(self, answerers: Sequence[Answerer]) -> None:
        """Fetch the prices if dollars are limited.

        Raises:
            ConfigurationError: a model has none, so its cost would not be counted.
        """
        if self.dollars is None:
            return
        for answerer in answerers:
            if answerer.client is None or answerer.candidate.is_local:
                continue
            model = str(answerer.candidate.model or answerer.client.model or "").partition(":")[0]
            priced = {
                row.id
                for row in answerer.client.models(answerer.task)
                if row.input_price is not None and row.output_price is not None
            }
            if model not in priced:
                raise ConfigurationError(
                    f"{answerer.candidate.name} has no known price, so a budget cannot hold it. "
                    "Leave budget= out, or leave the model out."
                )

    def subtract(self, spent: Spent) -> "Budget | None":
        """Return what is left; None if that is nothing."""
        dollars = None if self.dollars is None else self.dollars - spent.dollars
        tokens = None if self.tokens is None else self.tokens - spent.tokens
        is_spent = any(left is not None and left <= 0 for left in (dollars, tokens))
        return None if is_spent else Budget(dollars, tokens)

    def plan_rows(self, answerers: Sequence[Answerer], count: int) -> int:
        """Return how many more rows the budget surely allows after `count`; 0 ends the run.

        A step is expected to cost at most half of what is left, so that a run in sight of its limit
        takes small steps, and any other run few: each step reads the file of answers again.
        """
        spent, known = measure_spent(answerers), measure_known(answerers)
        costs = [
            (limit - used, total / count)
            for limit, used, total in (
                (self.dollars, spent.dollars, known.dollars),
                (self.tokens, float(spent.tokens), float(known.tokens)),
            )
            if limit is not None
        ]
        if any(left <= 0 or left < cost * FIRST_ROWS for left, cost in costs):
            return 0
        # While nothing has cost anything, as where all rows failed, the steps double.
        steps = [int(left / (2 * cost)) if cost > 0 else count for left, cost in costs]
        return max(FIRST_ROWS, min(steps))

    def describe_end(self, answerers: Sequence[Answerer], count: int) -> str:
        """Return why a run ended, in one sentence."""
        spent = measure_spent(answerers)
        parts = []
        if self.dollars is not None:
            parts.append(f"${spent.dollars:.4f} of the budget of ${self.dollars:g}")
        if self.tokens is not None:
            parts.append(f"{spent.tokens:,} of {self.tokens:,} tokens")
        return f"{' and '.join(parts)} is spent after {format_count(count, 'row')}."


def _is_above_0(value: object) -> bool:
    return isinstance(value, Real) and float(value) > 0


def measure_spent(answerers: Sequence[Answerer]) -> Spent:
    """Return what this run has cost; resumed and recorded answers were paid for before."""
    return _sum(answerers, only_fresh=True)


def measure_known(answerers: Sequence[Answerer]) -> Spent:
    """Return what all answers have cost, in this run or before; the next ones cost as much."""
    return _sum(answerers, only_fresh=False)


def _sum(answerers: Sequence[Answerer], *, only_fresh: bool) -> Spent:
    # Recorded and resumed answers have no time.
    answers = [
        answer
        for one in answerers
        for answer in one.answers.values()
        if answer.seconds is not None or not only_fresh
    ]
    dollars = sum(answer.dollars or 0.0 for answer in answers)
    return Spent(dollars, sum(answer.tokens or 0 for answer in answers))
