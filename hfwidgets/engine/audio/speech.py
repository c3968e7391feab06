"""Detect speech with Silero VAD, a network that reads 32 ms at a time.

Sources, from the model's authors: 16 kHz, 512 samples per step with the 64 before them, and the
state of an LSTM carried along.
"""

import math
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.audio import Samples
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.scores import LabelScore, Transform, rank_labels
from hfwidgets.engine.base.weights import WEIGHTS

SAMPLE_RATE = 16_000
_STEP, _CONTEXT, _STATE = 512, 64, 128
_LABELS = ("speech", "no speech")
_CERTAIN = 0.999  # shares stay below 1 and above 0, where the logit would be infinite


class SpeechDetector:
    """The loaded network."""

    def __init__(self, network: OnnxModel) -> None:
        self._network = network

    @classmethod
    def load(cls) -> "SpeechDetector":
        """Open it; about 0.1 s and 10 MB."""
        return cls(OnnxModel(WEIGHTS["silero"].path("model.onnx")))

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Return how likely each 32 ms of samples at SAMPLE_RATE are speech, 0 to 1."""
        padded = np.pad(samples, (_CONTEXT, -len(samples) % _STEP))
        # Views, not copies: the overlapping steps of ten minutes would take 44 MB.
        steps = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + _STEP)[::_STEP]
        # This export steps through the whole file in one call and carries the state inside; the
        # zeros only start it.
        state = np.zeros((1, 1, _STATE), np.float32)
        inputs = {"input": np.ascontiguousarray(steps), "h": state, "c": state}
        return np.asarray(self._network(inputs)[0])


def audio_classification(
    models: LoadedModels,
    inputs: bytes,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None,
    function_to_apply: Transform = "softmax",
) -> list[LabelScore]:
    """Return "speech" and "no speech"; by softmax the scores are their shares of the time."""
    likely = models.get(SpeechDetector).probabilities(audio.read_samples(inputs, SAMPLE_RATE))
    share = min(max(float((likely > 0.5).mean()), 1 - _CERTAIN), _CERTAIN)
    # Two opposite logits with this distance softmax back to the share.
    logit = math.log(share / (1 - share)) / 2
    return rank_labels(_LABELS, (logit, -logit), function_to_apply, top_k)


CAPABILITY = Capability(
    name="speech",
    model="snakers4/silero-vad",
    serves={"audio-classification": audio_classification},
    weights=("silero",),
    license="MIT",
    languages=(),
    limits="Tells speech from anything else, by its share of the time; no other kind of audio.",
    why_unavailable=require_modules("onnxruntime", "soxr"),
)
