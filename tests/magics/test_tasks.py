"""All tasks from cells: inputs by $variable, path and text; outputs in notebooks and terminals."""

import re
from pathlib import Path

import pandas as pd
import pytest
from IPython.utils.io import capture_output

from hfwidgets.errors import OutputError
from hfwidgets.magics.build_call import Defaults, build_call
from hfwidgets.magics.options import parse_cell_magic
from hfwidgets.notebook import Session
from hfwidgets.tasks import TASKS, examples
from hfwidgets.tasks.controls import LabelList, TextBox
from tests.magics.conftest import last_output
from tests.plugins.sample_media import encode_image, make_image, make_wav

FILES = [name for name in TASKS if name != "chat-completion"]


@pytest.mark.parametrize("name", FILES)
def test_every_task_accepts_its_example(name):
    task = TASKS[name]
    given = examples.make_arguments(task.example)
    inputs = {key: value for key, value in given.items() if key in task.inputs}
    words = [f"-t {name}"]
    words += [f"-P {key}=${key}" for key in given if key not in inputs]
    lines = []
    for key in inputs:
        control = task.controls[key]
        if isinstance(control, LabelList):
            words.append(f"--labels ${key}")
        elif isinstance(control, TextBox):
            lines.append(f"{key}: {{{{ {key} }}}}" if len(task.inputs) > 1 else f"{{{{ {key} }}}}")
        else:
            words.append(f"-i {key}=${key}")
    options = parse_cell_magic(" ".join(words), "\n".join(lines), given.__getitem__)
    call = build_call(options, given, Session(), Defaults())
    assert call.task is task
    assert {**call.inputs, **call.params} == {
        key: str(value) if isinstance(value, str) else value for key, value in given.items()
    }


@pytest.fixture
def ask(shell, loopback):
    """Run a line with an answer and return the bundle that a notebook would store."""

    def run(line, answer):
        loopback.answer = answer
        return last_output(shell, f"-m {loopback.url} {line}").data

    return run


def test_an_image_by_path_variable_and_url(shell, loopback, ask, tmp_path):
    path = tmp_path / "a b.png"
    path.write_bytes(encode_image())
    label = [{"label": "red", "score": 0.5}]
    shown = ask(f'-t image-classification -i "{path}"', label)
    assert "red" in shown["text/html"]
    shell.push({"picture": make_image()})
    ask("-t image-classification -i $picture", label)
    ask(f"-t image-classification -i image={str(path).replace(' ', chr(92) + ' ')}", label)
    bodies = loopback.bodies
    assert [body[:4] for body in bodies] == [b"\x89PNG"] * 3


def test_a_generated_image_is_shown_as_an_image(ask):
    shown = ask("-t text-to-image a red square", encode_image())
    assert shown["text/plain"] == "<Image, 40 x 30 pixels>"
    assert '<img alt="Image, 40 x 30 pixels"' in shown["text/html"]
    assert "image/png" in shown
    assert (
        ask("-t text-to-image -f image a red square", encode_image())["image/png"]
        == shown["image/png"]
    )


def test_audio_has_a_player(ask, shell):
    shown = ask("-t text-to-speech good day", make_wav(0.1))
    assert "<audio controls" in shown["text/html"]
    assert (
        "<audio controls" in ask("-t text-to-speech -f audio good day", make_wav(0.1))["text/html"]
    )
    assert shell.user_ns["_"].sampling_rate == 8000


def test_boxes_are_drawn_and_listed(ask, shell):
    shell.push({"picture": make_image()})
    found = [
        {"label": "cup", "score": 0.9, "box": {"xmin": 1, "ymin": 2, "xmax": 9, "ymax": 8}},
    ]
    shown = ask("-t object-detection -i $picture", found)
    assert "Image with 1 objects: cup 90%" in shown["text/html"]
    assert "image/png" in ask("-t object-detection -i $picture -f image", found)
    table = ask("-t object-detection -i $picture -f table", found)["text/plain"]
    assert table.splitlines()[0].split() == ["label", "score", *(f"box.{s}" for s in SIDES)]


SIDES = ("xmin", "ymin", "xmax", "ymax")


def test_an_answer_names_its_origin_once(ask, shell):
    shown = ask("-t text-classification fine", [{"label": "good", "score": 0.9}])
    assert shown["text/html"].count("endpoint") == 1


def test_a_form_without_a_medium_in_the_answer_is_refused(ask):
    label = [{"label": "red", "score": 0.5}]
    for form in ("image", "audio", "video"):
        with pytest.raises(OutputError, match=f"has no {form}"):
            ask(f"-t text-classification -f {form} hi", label)
    with pytest.raises(OutputError, match="or image"):
        ask("-t text-to-image -f markdown a square", encode_image())


def test_a_table_is_passed_by_variable(ask, shell, loopback):
    shell.push({"frame": pd.DataFrame({"a": [1, 2]})})
    shown = ask("-t tabular-regression -i $frame", [0.5, 1.5])
    assert "1.5" in shown["text/html"]
    assert loopback.bodies[-1]["table"] == {"a": [1, 2]}


def test_a_terminal_saves_images_and_audio_as_files(shell, loopback):
    for task, data, end in (
        ("text-to-image", encode_image(), "png"),
        ("text-to-speech", make_wav(0.1), "wav"),
    ):
        loopback.answer = data
        with capture_output() as captured:
            shell.run_line_magic("infer", f"-m {loopback.url} -t {task} a square")
        found = re.search(r"Saved: (\S+)", captured.stdout)
        assert found
        path = Path(found[1])
        assert path.suffix == f".{end}"
        assert path.stat().st_size > 10
