"""Test the parts of custom models that need no torch: declarations, settings, decoding."""

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


def test_declarations_import_no_torch() -> None:
    heavy = ("torch", "transformers", "diffusers", "sklearn", "pandas", "av")
    code = (
        "import sys; from hfwidgets.engine.custom import folder; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'fill-mask'"):
        folder.build_custom_capability("fill-masks", "x/y")


@pytest.mark.skipif(explain_missing_modules("torch") is None, reason="torch is installed")
def test_a_missing_library_names_the_extra(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"torch.*hfwidgets\[transformers\]"):
        folder.build_custom_capability("fill-mask", str(tmp_path))


def test_sampling_parameters_turn_sampling_on() -> None:
    assert GenerationParameters(top_p=0.5).build_settings(None) == {"top_p": 0.5, "do_sample": True}
    assert GenerationParameters(temperature=0).build_settings(None) == {"do_sample": False}
    assert (
        GenerationParameters(num_beams=2, length_penalty=2.0).build_settings(None)["length_penalty"]
        == 2
    )


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        (GenerationParameters(top_k=3, do_sample=False), "top_k"),
        (GenerationParameters(temperature=0, do_sample=True), "do_sample"),
        (GenerationParameters(early_stopping=True), "early_stopping"),
    ],
)
def test_settings_without_effect_are_refused(
    parameters: GenerationParameters, refused: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        parameters.build_settings(None)
    assert refusal.value.parameter == refused


def decode_pieces(pieces: list[bytes], *stops: str) -> tuple[list[str | None], IncrementalDecoder]:
    """Return the text that is final after each token."""
    decoder = IncrementalDecoder(
        lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace"), stops
    )
    return [decoder.add(index) for index in range(len(pieces))], decoder


def test_multi_token_characters_are_emitted_whole() -> None:
    texts, _ = decode_pieces([b"a", "é".encode()[:1], "é".encode()[1:], b"b"])
    assert texts == ["a", None, "é", "b"]


def test_a_possible_stop_sequence_is_held_back() -> None:
    texts, decoder = decode_pieces([b"one ", b"en", b"tity"], "end")
    assert texts == ["one ", "", "entity"]
    assert not decoder.is_stopped
    texts, decoder = decode_pieces([b"one ", b"en", b"d of"], "end")
    assert (texts, decoder.is_stopped, decoder.flush()) == (["one ", "", ""], True, "")
    texts, decoder = decode_pieces([b"one ", b"en"], "end")
    assert decoder.flush() == "en"
