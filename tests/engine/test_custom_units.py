"""The parts of models of the user's own that need no torch: declarations, settings, spelling."""

import subprocess
import sys
from pathlib import Path

import pytest

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.runtimes import explain_missing_modules
from hfwidgets.engine.custom import folder
from hfwidgets.engine.custom.generation_config import GenerationParameters
from hfwidgets.engine.custom.sampler import IncrementalDecoder
from hfwidgets.errors import ConfigurationError
from hfwidgets.tasks import TASKS


def test_every_task_is_declared() -> None:
    assert folder.MODEL_CLASSES.keys() == TASKS.keys()


def test_nothing_heavy_is_imported_for_the_declarations() -> None:
    heavy = ("torch", "transformers", "diffusers", "sklearn", "pandas", "av")
    code = (
        "import sys; from hfwidgets.engine.custom import folder; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_task_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'fill-mask'"):
        folder.build_custom_capability("fill-masks", "x/y")


@pytest.mark.skipif(explain_missing_modules("torch") is None, reason="torch is installed")
def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"torch.*hfwidgets\[transformers\]"):
        folder.build_custom_capability("fill-mask", str(tmp_path))


def test_settings_that_mean_drawing_turn_it_on() -> None:
    assert GenerationParameters(top_p=0.5).build_settings(None) == {"top_p": 0.5, "do_sample": True}
    assert GenerationParameters(temperature=0).build_settings(None) == {"do_sample": False}
    assert (
        GenerationParameters(num_beams=2, length_penalty=2.0).build_settings(None)["length_penalty"]
        == 2
    )


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        (GenerationParameters(top_k=3, do_sample=False), "top_k"),
        (GenerationParameters(temperature=0, do_sample=True), "do_sample"),
        (GenerationParameters(early_stopping=True), "early_stopping"),
    ],
)
def test_settings_without_effect_are_refused(asked: GenerationParameters, parameter: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        asked.build_settings(None)
    assert refusal.value.parameter == parameter


def spelt(pieces: list[bytes], *stops: str) -> tuple[list[str | None], IncrementalDecoder]:
    """What is certain after each token."""
    speller = IncrementalDecoder(
        lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace"), stops
    )
    return [speller.add(index) for index in range(len(pieces))], speller


def test_characters_of_several_tokens_come_whole() -> None:
    given, _ = spelt([b"a", "é".encode()[:1], "é".encode()[1:], b"b"])
    assert given == ["a", None, "é", "b"]


def test_what_may_begin_a_stop_sequence_is_held_back() -> None:
    given, speller = spelt([b"one ", b"en", b"tity"], "end")
    assert given == ["one ", "", "entity"]
    assert not speller.is_stopped
    given, speller = spelt([b"one ", b"en", b"d of"], "end")
    assert (given, speller.is_stopped, speller.flush()) == (["one ", "", ""], True, "")
    given, speller = spelt([b"one ", b"en"], "end")
    assert speller.flush() == "en"
