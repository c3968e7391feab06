"""A chat model as a judge: it compares two models' answers, each pair in both orders.

Judges prefer the answer that stands first, or second, in about one comparison of eight. So each
pair is shown in both orders, and a judge that changes its mind with the order votes "same".
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

from hfwidgets.errors import ConfigurationError
from hfwidgets.evaluation.answers import ModelAnswer
from hfwidgets.evaluation.candidates import Candidate
from hfwidgets.evaluation.predictions import read_text
from hfwidgets.evaluation.rows import EvaluationRow, row_key
from hfwidgets.evaluation.scores import ScoredRow, same
from hfwidgets.results.votes import SAME, Vote

PROMPT = """\
Two systems answered the same input. Decide which answer is better: more correct first, then more
helpful. Length and order do not matter.

Input:
{input}

{reference}Answer 1:
{first}

Answer 2:
{second}

Reply with one word: 1, 2, or same."""

REFERENCE = "Right answer:\n{label}\n\n"

_SLOT = re.compile(r"\{(input|reference|first|second)\}")
_VERDICT = re.compile(r"\b(1|2|same|tie|both|neither)\b", re.IGNORECASE)

MAX_INPUT_LENGTH = 200
"""Characters of an input that a vote keeps."""


class Judge:
    """A chat model that compares answers; it must not be one of the models that are compared.

    Args:
        model: as for `Candidate`: an id, `MODEL:PROVIDER`, a URL, "local", or a function from the
            prompt to "1", "2" or "same".
        prompt: the question, with `{first}` and `{second}` for the two answers; `{input}` and
            `{reference}` stand for the row's input and its right answer, if it has one.
        options: as for `Candidate`: `name`, `client`, and parameters of `chat_completion`.

    Raises:
        ConfigurationError: the prompt does not show both answers.
    """

    def __init__(
        self,
        model: "str | Callable[[Any], Any] | None" = None,
        *,
        prompt: str = PROMPT,
        **options: Any,
    ) -> None:
        if not {"first", "second"} <= set(_SLOT.findall(prompt)):
            raise ConfigurationError("A judge's prompt shows both answers: {first} and {second}.")
        self.prompt = prompt
        self.candidate = Candidate(model, **{"name": f"judge {model or 'default'}", **options})

    @property
    def name(self) -> str:
        return self.candidate.name

    def __repr__(self) -> str:
        return f"Judge({self.name!r})"

    def write_prompt(self, row: ScoredRow, first: object, second: object) -> str:
        """Return the question about two answers of a row."""
        known = "" if row.label is None else REFERENCE.format(label=_to_text(row.label))
        slots = {
            "input": describe_inputs(row.inputs),
            "reference": known,
            "first": _to_text(first),
            "second": _to_text(second),
        }
        # In one pass: an answer may hold braces, which are not slots.
        return _SLOT.sub(lambda found: slots[found[1]], self.prompt)


JudgeLike: TypeAlias = "str | Callable[[Any], Any] | Judge"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a judge was asked and how often it was of use.

    Attributes:
        judge: its name.
        prompt: the question that it was asked, before a row's texts were put in.
        compared: pairs of answers that it was shown, each in both orders.
        flipped: pairs on which its choice changed with the order; they count as "same".
        failed: pairs without a readable verdict; they do not count.
        dollars: what it cost; None where a price is not known.
    """

    judge: str
    prompt: str
    compared: int
    flipped: int
    failed: int
    dollars: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """A pair of models on one row, in one order."""

    row: ScoredRow
    first: str
    second: str


def find_judge(judge: JudgeLike, entrants: Sequence[Candidate]) -> Judge:
    """Return the judge.

    Raises:
        ConfigurationError: it is one of the entrants, whose own answers it would prefer.
    """
    found = judge if isinstance(judge, Judge) else Judge(judge)
    model = found.candidate.model
    for one in entrants:
        if model is not None and one.model == model and one.client is found.candidate.client:
            raise ConfigurationError(
                f"{one.name} is compared itself, and judges prefer their own answers. Choose "
                "another model as the judge."
            )
    return found


def list_questions(rows: Sequence[ScoredRow], models: Sequence[str]) -> list[Question]:
    """Return the pairs to ask about, each in both orders; equal answers need no judge."""
    return [
        question
        for row in rows
        for a, b in combinations(models, 2)
        if None not in (row.predictions[a], row.predictions[b])
        and not same(row.predictions[a], row.predictions[b])
        for question in (Question(row, a, b), Question(row, b, a))
    ]


def to_judge_rows(judge: Judge, questions: Sequence[Question]) -> list[EvaluationRow]:
    """Return the questions as rows of a chat."""
    prompts = [
        judge.write_prompt(one.row, one.row.predictions[one.first], one.row.predictions[one.second])
        for one in questions
    ]
    is_function = judge.candidate.function is not None
    return [
        EvaluationRow(
            at, {"messages": text if is_function else [{"role": "user", "content": text}]}, None
        )
        for at, text in enumerate(prompts)
    ]


def read_votes(
    judge: Judge,
    task: str,
    questions: Sequence[Question],
    answers: Mapping[int, ModelAnswer],
    dollars: float | None,
) -> tuple[list[Vote], Ruling]:
    """Return the judge's votes and how it did; pairs that were not asked are left out."""
    votes, compared, flipped, failed = list[Vote](), 0, 0, 0
    # Both orders of a pair follow each other.
    for at in range(0, len(questions), 2):
        if at not in answers or at + 1 not in answers:
            continue
        compared += 1
        asked = questions[at]
        winners = [_read_winner(answers[at + order], questions[at + order]) for order in (0, 1)]
        if None in winners:
            failed += 1
            continue
        flipped += winners[0] != winners[1]
        winner = winners[0] if winners[0] == winners[1] else SAME
        votes.append(
            Vote(
                task=task,
                key=row_key(asked.row.inputs),
                input=describe_inputs(asked.row.inputs)[:MAX_INPUT_LENGTH],
                models=[asked.first, asked.second],
                winner=winner,
                voter=judge.name,
            )
        )
    return votes, Ruling(judge.name, judge.prompt, compared, flipped, failed, dollars)


def _read_winner(answer: ModelAnswer, question: Question) -> str | None:
    """Return the model that a reply names, "same", or None if it cannot be read."""
    if answer.state != "scored":
        return None
    found = _VERDICT.search(read_text(answer.result))
    if found is None:
        return None
    return {"1": question.first, "2": question.second}.get(found[1], SAME)


def describe_inputs(inputs: Mapping[str, Any]) -> str:
    """Return a row's inputs as text; what is not text is named by its kind."""
    parts = {name: _to_text(value) for name, value in inputs.items()}
    if len(parts) == 1:
        return next(iter(parts.values()))
    return "\n".join(f"{name}: {text}" for name, text in parts.items())


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=_name_kind)
    except (TypeError, ValueError):  # keys other than texts, or a circle
        return _name_kind(value)


def _name_kind(value: object) -> str:
    return f"({type(value).__name__})"
