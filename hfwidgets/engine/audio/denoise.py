"""Suppress noise with NSNet2, a small recurrent network that rates each frequency band over time.

Sources, from the model's authors (the DNS challenge's baseline): 16 kHz, frames of 20 ms every
10 ms under the root of a Hann window, log power in, gains out.
"""

import base64
from typing import TypedDict

import numpy as np

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.audio import Samples
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.weights import WEIGHTS

SAMPLE_RATE = 16_000
_FRAME, _HOP = 320, 160
_MIN_POWER, _MIN_GAIN = 1e-12, 1e-4


class Denoiser:
    """The loaded network."""

    def __init__(self, network: OnnxModel) -> None:
        self._network = network
        # One sample more, then dropped, makes the window periodic: only then do the squares of
        # overlapping halves add up to exactly 1.
        self._window = np.sqrt(np.hanning(_FRAME + 1)[:-1])

    @classmethod
    def load(cls) -> "Denoiser":
        """Open it; about 0.1 s and 30 MB."""
        return cls(OnnxModel(WEIGHTS["nsnet2"].path("model.onnx")))

    def clean(self, samples: Samples) -> Samples:
        """Return samples at SAMPLE_RATE without their noise, of the same length."""
        # One hop before and a whole frame after, so that every sample lies in two frames.
        padded = np.pad(samples, (_HOP, _FRAME + -len(samples) % _HOP))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
        spectrum = np.fft.rfft(frames * self._window)
        power = np.log10(np.maximum(np.abs(spectrum) ** 2, _MIN_POWER)).astype(np.float32)
        # The network reads the whole file at once: its recurrent state runs through all frames.
        gains = np.asarray(self._network({"input": power[None]})[0])[0]
        cleaned = np.fft.irfft(spectrum * np.clip(gains, _MIN_GAIN, 1)) * self._window
        whole = np.zeros((len(cleaned) + 1) * _HOP)
        # Each frame's halves overlap those of its neighbors, and the squared windows add up to 1.
        for half in (0, 1):
            at = half * _HOP
            whole[at : at + len(cleaned) * _HOP] += cleaned[:, at : at + _HOP].ravel()
        return np.asarray(whole[_HOP : _HOP + len(samples)], np.float32)


AudioBlob = TypedDict("AudioBlob", {"label": str, "blob": str, "content-type": str})
"""A file in base64, as the Hub's wire has it."""


def audio_to_audio(models: LoadedModels, inputs: bytes) -> list[AudioBlob]:
    """Return the audio without its noise, as a mono FLAC file at 16 kHz."""
    clean = models.get(Denoiser).clean(audio.read_samples(inputs, SAMPLE_RATE))
    blob = base64.b64encode(audio.encode_audio(clean, SAMPLE_RATE, "flac")).decode()
    return [{"label": "denoised", "blob": blob, "content-type": "audio/flac"}]


CAPABILITY = Capability(
    name="denoise",
    model="microsoft/nsnet2",
    serves={"audio-to-audio": audio_to_audio},
    weights=("nsnet2",),
    license="MIT (code) and CC-BY-4.0 (model)",
    languages=(),
    limits="Removes noise from speech, as mono at 16 kHz; it does not separate voices.",
    why_unavailable=require_modules("onnxruntime", "soxr"),
)
