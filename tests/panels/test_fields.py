"""Forms from the tasks' declarations."""

import json

import pytest

from hfwidgets.panels.document.nodes import to_json
from hfwidgets.panels.form.fields import describe_panel, parameter_fields
from hfwidgets.tasks import TASKS, controls

KINDS = {kind.__name__.lower() for kind in controls.Control.__subclasses__()}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_form(name: str) -> None:
    task = TASKS[name]
    shape = to_json(describe_panel(task, "form", ()))
    assert json.loads(json.dumps(shape)) == shape
    names = [field["name"] for field in shape["fields"]]
    assert len(set(names)) == len(names)
    assert not set(names) & {*task.inputs, "model", "stream"}
    assert all(field["control"]["kind"] in KINDS for field in shape["fields"])


def test_hints_come_first_and_keep_their_bounds() -> None:
    fields = {field.name: field for field in parameter_fields(TASKS["chat-completion"])}
    assert list(fields)[:2] == ["temperature", "max_tokens"]
    assert fields["temperature"].control.high == 2.0
    assert fields["temperature"].help
    assert not fields["temperature"].advanced
    assert fields["top_p"].advanced
