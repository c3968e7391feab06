"""The arguments of map: one declaration for hf.map and both clients."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.batch import MapOptions
from hfwidgets.tasks import TASKS
from hfwidgets.testing import answers

MAPS: dict[str, Callable[..., Any]] = {
    "hf.map": hf.map,
    "client": InferenceClient().map,
    "async client": AsyncInferenceClient().map,
}


@pytest.mark.parametrize("name", MAPS)
def test_every_map_has_the_declared_arguments_with_their_defaults(name: str) -> None:
    found = dict(inspect.signature(MAPS[name]).parameters)
    own = [found.pop(key) for key in ("client", "provider") if key in found]
    assert list(found.items()) == list(inspect.signature(MapOptions).parameters.items())
    assert bool(own) == (name == "hf.map")


@pytest.mark.parametrize("name", MAPS)
def test_help_describes_every_argument(name: str) -> None:
    described = inspect.getdoc(MAPS[name]) or ""
    for argument in inspect.signature(MapOptions).parameters:
        assert f"{argument}: " in described


def test_no_task_has_a_parameter_of_map() -> None:
    own = set(inspect.signature(hf.map).parameters) - {"parameters"}
    for task in TASKS.values():
        assert not own & set(task.signature.parameters), task


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("on_eror", "on_error"), ("colunm", "column"), ("resume_", "resume"), ("limits", "limit")],
)
@pytest.mark.parametrize("name", MAPS)
def test_a_misspelled_argument_is_an_error_with_the_nearest_name(
    name: str, wrong: str, right: str
) -> None:
    with pytest.raises(errors.UnknownParameterError, match=f"Did you mean '{right}'"):
        MAPS[name]("text-classification", ["a"], **{wrong: 1})


def test_an_unknown_argument_without_a_near_name_lists_what_the_task_accepts() -> None:
    with pytest.raises(errors.UnknownParameterError, match="top_k"):
        hf.map("text-classification", ["a"], zzz=1)
    with pytest.raises(errors.UnknownParameterError, match="Did you mean 'top_k'"):
        hf.map("text-classification", ["a"], top=1)


@pytest.mark.parametrize("argument", ["limit", "concurrency"])
@pytest.mark.parametrize("value", [-1, 1.5, "2", True, np.float64(2.0), np.bool_(True), [1]])
def test_counts_are_whole_numbers(argument: str, value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"{argument} must be a whole number"):
        hf.map("text-classification", ["a"], **{argument: value})


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.int32])
def test_counts_may_be_numpy_integers(kind: type) -> None:
    with answers(text_classification=[{"label": "A", "score": 1.0}]):
        result = hf.map(
            "text-classification", [*"abc"], limit=kind(2), concurrency=kind(1), progress=False
        )
    assert result.counts == {"done": 2, "failed": 0, "pending": 0}
    assert InferenceClient(max_retries=kind(2)) is not None


def test_concurrency_of_zero_and_other_modes_of_on_error_are_refused() -> None:
    with pytest.raises(errors.ConfigurationError, match="at least 1"):
        hf.map("text-classification", ["a"], concurrency=0)
    with pytest.raises(errors.ConfigurationError, match="'keep' or 'raise'"):
        hf.map("text-classification", ["a"], on_error="ignore")  # type: ignore[arg-type]


def test_limit_zero_processes_no_row() -> None:
    with answers(text_classification=[{"label": "A", "score": 1.0}]):
        assert len(hf.map("text-classification", [*"abc"], limit=0, progress=False)) == 0


@pytest.mark.parametrize("resume", [True, 5, "", " ", b"x", "a\0b", "\ud800", ["a"]])
def test_a_file_of_answers_is_a_path(resume: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="resume must be a path"):
        hf.map("text-classification", ["a"], resume=resume)
