"""Every task's declaration makes a form."""

import json

import pytest

from hfwidgets.panels.form.fields import describe_panel, parameter_fields
from hfwidgets.tasks import TASKS, controls

KINDS = {kind.__name__.lower() for kind in controls.Control.__subclasses__()}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_form(name: str) -> None:
    task = TASKS[name]
    made = describe_panel(task, "form", ())
    assert json.loads(json.dumps(made)) == made
    names = [field["name"] for field in made["fields"]]
    assert len(set(names)) == len(names)
    assert not set(names) & {*task.inputs, "model", "stream"}
    assert all(field["control"]["kind"] in KINDS for field in made["fields"])


def test_hints_come_first_and_keep_their_bounds() -> None:
    made = {field["name"]: field for field in parameter_fields(TASKS["chat-completion"])}
    assert list(made)[:2] == ["temperature", "max_tokens"]
    assert made["temperature"]["control"]["high"] == 2.0
    assert made["temperature"]["help"]
    assert not made["temperature"]["advanced"]
    assert made["top_p"]["advanced"]
