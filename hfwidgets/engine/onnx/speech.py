"""Speech recognition by CTC models, such as wav2vec 2.0."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.onnx_repository import first_logits
from hfwidgets.engine.onnx.model import OnnxTaskModel, onnx_task

SAMPLE_RATE = 16_000


class CtcModel(OnnxTaskModel):
    """A model that gives each frame of audio a letter."""

    required_modules = ("onnxruntime", "soxr")

    @functools.cached_property
    def vocabulary(self) -> dict[int, str]:
        """The letters by their numbers."""
        found = {
            int(at): str(letter) for letter, at in self.repository.read_json("vocab.json").items()
        }
        if not found:
            raise ValueError("it has no vocab.json; only CTC models are served")
        return found

    @functools.cached_property
    def blank(self) -> int:
        """The number that stands for no letter."""
        return int(self.config.get("pad_token_id") or 0)

    @functools.cached_property
    def is_normalizing(self) -> bool:
        """True if the model was trained on audio of mean 0 and variance 1."""
        settings = self.repository.read_json("preprocessor_config.json")
        return bool(settings.get("do_normalize", True))

    def spell(self, ids: NDArray[np.intp]) -> str:
        """Return the text of the frames' letters: repeats are one, blanks part them."""
        letters, last = [], self.blank
        for number in ids:
            if number not in (last, self.blank):
                letters.append(self.vocabulary.get(int(number), ""))
            # A blank counts as well: the same letter after it is a new one, as in "hello".
            last = number
        text = "".join(" " if letter == "|" else letter for letter in letters)
        return " ".join(text.replace("<unk>", "").split())


@onnx_task(CtcModel)
def automatic_speech_recognition(model: CtcModel, inputs: bytes) -> Any:
    """Transcribe speech."""
    samples = audio.read_samples(inputs, SAMPLE_RATE)
    if model.is_normalizing:
        samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    values = samples[None].astype(np.float32)
    found = model.session.run(input_values=values, attention_mask=np.ones(values.shape, np.int64))
    return {"text": model.spell(first_logits(found).argmax(-1))}
