"""Votes of people and of judges: which of several models' results for the same input is better."""

import json
import os
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.counts import format_count
from hfwidgets.core.paths import to_path
from hfwidgets.core.significance import holm, sign_test
from hfwidgets.results import html_table, show
from hfwidgets.results.record import Elements, Record

SAME = "same"
"""The vote for neither."""

PERSON = "you"
"""The voter of panels and of `vote()`."""

ALPHA = 0.05


class Vote(Record):
    """A choice between the results of `models` for one input.

    `winner` is one of them, or "same"; `key` tells inputs apart, so that a second vote of the same
    voter replaces the first.
    """

    task: str
    key: str
    input: str
    models: list[str]
    winner: str
    voter: str


class VoteCount(Record):
    """Two models on the inputs that both were voted on, with the sign test's p after Holm."""

    a: str
    b: str
    a_better: int
    b_better: int
    same: int
    p: float

    @property
    def verdict(self) -> str:
        """Return who was preferred, or that it may be chance, in one sentence."""
        counts = f"{self.a} better {self.a_better}, {self.b} better {self.b_better}"
        p = f"{self.p:.3f}" if self.p >= 0.001 else "below 0.001"
        counts += f", same {self.same}; sign test p {p}"
        if self.p >= ALPHA:
            return f"{self.a} and {self.b} are not distinguishable by the votes ({counts})"
        winner = self.a if self.a_better > self.b_better else self.b
        return f"{winner} is preferred ({counts})"


class Votes(Elements[Vote]):
    """Votes in the order in which they were cast.

    Args:
        votes: the first votes.
        path: a file of JSON lines; its votes are read, and each new one is added to it.

    Raises:
        ConfigurationError: the file holds something else, or cannot be read.
    """

    def __init__(
        self, votes: Iterable[Vote] = (), path: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__(votes)
        self._path = None if path is None else to_path("votes", path)
        if self._path is not None and self._path.exists():
            for vote in _read_votes(self._path):
                self._replace(vote)

    def add(self, vote: Vote) -> None:
        """Keep a vote in place of an earlier one of the same voter on the same input.

        Raises:
            ConfigurationError: the winner is not one of the models, or the file cannot be written.
        """
        if vote.winner not in (*vote.models, SAME):
            raise errors.ConfigurationError(
                f"A vote is {SAME!r} or one of the models, not {vote.winner!r}."
                f"{errors.did_you_mean(vote.winner, vote.models)} Models: {', '.join(vote.models)}."
            )
        self._replace(vote)
        if self._path is not None:
            _append_line(self._path, vote)

    def find(self, key: str, models: Sequence[str], voter: str = PERSON) -> Vote | None:
        """Return a voter's vote on an input; None without one."""
        wanted = (key, sorted(models), voter)
        return next((vote for vote in self if _identity(vote) == wanted), None)

    def _replace(self, vote: Vote) -> None:
        wanted = _identity(vote)
        self[:] = [*(old for old in self if _identity(old) != wanted), vote]

    def tally(self) -> list[VoteCount]:
        """Return the wins of each two models, those of all voters together."""
        wins: dict[tuple[str, str], list[int]] = {}
        for vote in self:
            for a, b in combinations(sorted(vote.models), 2):
                # A model that won beats each of the others, whose order stays unknown.
                if vote.winner in (a, b, SAME):
                    wins.setdefault((a, b), [0, 0, 0])[[a, b, SAME].index(vote.winner)] += 1
        ps = holm([sign_test(a, b) for a, b, _ in wins.values()])
        return [
            VoteCount(a=a, b=b, a_better=found[0], b_better=found[1], same=found[2], p=p)
            for ((a, b), found), p in zip(wins.items(), ps, strict=True)
        ]

    def __repr__(self) -> str:
        lines = [format_count(len(self), "vote"), *(f"{one.verdict}." for one in self.tally())]
        return "\n".join(lines)

    def _html_(self) -> str:
        counts = self.tally()
        if not counts:
            return "<p>No votes.</p>"
        titles = ["A", "B", "A better", "B better", "same", "p"]
        rows = [
            [one.a, one.b, one.a_better, one.b_better, one.same, round(one.p, 3)] for one in counts
        ]
        verdicts = "".join(f"<p>{show.escape_html(one.verdict)}.</p>" for one in counts)
        return html_table.to_html_table(titles, rows) + verdicts

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html_()}


def _identity(vote: Vote) -> tuple[str, list[str], str]:
    return vote.key, sorted(vote.models), vote.voter


def _read_votes(path: Path) -> list[Vote]:
    try:
        # Not `splitlines`: an input may hold other characters that end a line for it.
        lines = path.read_text("utf-8").split("\n")
        votes = [Vote(json.loads(line)) for line in lines if line.strip()]
        # Only a whole vote counts: a file of something else must not be written to.
        if any(not {"key", "models", "winner", "voter"} <= vote.keys() for vote in votes):
            raise ValueError("a line is not a vote")
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(f"{path} is not a file of votes: {error}.") from None
    return votes


def _append_line(path: Path, vote: Vote) -> None:
    data = f"{json.dumps(vote, ensure_ascii=False)}\n".encode("utf-8", "replace")
    try:
        with path.open("ab", buffering=0) as file:
            start = file.seek(0, os.SEEK_END)
            try:
                if file.write(data) < len(data):
                    raise OSError("the disk is full")
            except OSError:
                file.truncate(start)  # half a line would make the whole file unreadable
                raise
    except OSError as error:
        raise errors.ConfigurationError(f"The vote was not written to {path}: {error}.") from None
