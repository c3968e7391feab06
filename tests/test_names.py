"""The public face: every name that is offered can be imported, and what users meet is there."""

import ast
import inspect
from pathlib import Path

import pytest

import hfwidgets
from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback


@pytest.mark.parametrize("name", hfwidgets.__all__)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert getattr(hfwidgets, name) is not None
    assert name in dir(hfwidgets)


def test_type_checkers_see_the_names_that_exist() -> None:
    tree = ast.parse(Path(str(hfwidgets.__file__)).read_text())
    imported = {
        alias.name
        for check in tree.body
        if isinstance(check, ast.If)
        for node in ast.walk(check)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(hfwidgets.__all__) == set(hfwidgets._MODULES)
    assert hfwidgets.__all__ == sorted(hfwidgets.__all__)


def test_every_error_can_be_caught_by_a_name_of_the_package() -> None:
    tree = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.HfWidgetsError)
    }
    assert tree - set(hfwidgets.__all__) == set()


def test_what_calls_return_can_be_named(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(json=[{"label": "A", "score": 1.0}]))
    client = InferenceClient(base_url=loopback.url)
    found = client.map("text-classification", ["a"], progress=False)
    for thing in (found, found[0], client.explain("text-classification", text="a")):
        assert getattr(hfwidgets, type(thing).__name__) is type(thing)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chart'"):
        _ = hfwidgets.chart
