"""Sounds heard, classified, made and made anew."""

import base64
from typing import Any, Literal

import numpy as np

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.files import File
from hfwidgets.engine.base.http_errors import RefusedError, bad
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.generation_config import Writing
from hfwidgets.engine.custom.model import (
    Model,
    Pipeline,
    Text,
    Top,
    given,
    network,
    opened,
    parameters_of,
    task,
)


class Hearing(Pipeline):
    """A pipeline that hears."""

    modules = ("torch", "transformers", "soxr")

    def heard(self, content: bytes) -> dict[str, Any]:
        """A sound file as the audio pipelines take it."""
        return {"raw": audio.samples(content, self.rate), "sampling_rate": self.rate}


@task(Hearing)
def automatic_speech_recognition(
    model: Hearing,
    inputs: bytes,
    *,
    return_timestamps: bool | Literal["word", "char"] | None = None,
    generation_parameters: Writing | None = None,
) -> Any:
    """What is said, with its parts' times when they are asked for."""
    writing = generation_parameters
    if writing is not None and not model.pipe.model.can_generate():
        raise bad(
            f"The model {model.name} labels each moment of a sound (CTC) and generates nothing; "
            "leave generation_parameters out.",
            "generation_parameters",
        )
    settings = writing.settings(model.pipe.model) if writing else None
    options = given(return_timestamps=return_timestamps or None, generate_kwargs=settings)
    return model(model.heard(inputs), **options)


@task(Hearing)
def audio_classification(
    model: Hearing, inputs: bytes, *, function_to_apply: Transform | None = None, top_k: Top = 5
) -> Any:
    """The likeliest labels with scores."""
    options = given(function_to_apply=function_to_apply)
    return model(model.heard(inputs), top_k=top_k, **options)


class Speaker(Pipeline):
    """A model that speaks by itself; one that needs a second, a vocoder, is refused."""

    modules = ("torch", "transformers", "soundfile")

    def __init__(self) -> None:
        from transformers import AutoConfig  # pyright: ignore[reportMissingImports]

        if AutoConfig.from_pretrained(self.source).model_type == "speecht5":
            raise ValueError("SpeechT5 draws spectrograms and needs a vocoder beside it")
        super().__init__()


@task(Speaker)
def text_to_speech(model: Speaker, inputs: Text, parameters: Writing) -> File:
    """The text spoken, as a FLAC file."""
    asked = parameters.asked()
    net = model.pipe.model
    if asked and not net.can_generate():
        name = next(iter(asked))
        raise bad(f"The model {model.name} speaks without drawing tokens: no {name}.", name)
    spoken = model(inputs, **given(generate_kwargs=parameters.settings(net) or None))
    sound = spoken["audio"].reshape(-1, spoken["audio"].shape[-1]).mean(0)
    if not sound.size:
        raise RefusedError(500, f"The model {model.name} made no sound.", kind="generation")
    return File(audio.encoded(sound, int(spoken["sampling_rate"]), "flac"), "audio/flac")


class Codec(Model):
    """A neural codec (EnCodec, DAC, Mimi): it packs a sound small and makes it anew from that."""

    modules = ("torch", "transformers", "soxr")

    def __init__(self) -> None:
        super().__init__()
        self.net = network("AutoModel", self.source)
        if not hasattr(self.net, "decode") or not hasattr(self.net, "encode"):
            raise ValueError("audio-to-audio is served by codecs alone: EnCodec, DAC, Mimi")
        self.read = opened("AutoFeatureExtractor", self.source)

    def anew(self, content: bytes) -> Any:
        """A sound file packed and unpacked; shape (samples,) at the model's rate."""
        import torch  # pyright: ignore[reportMissingImports]

        rate = self.read.sampling_rate
        sound = audio.samples(content, rate)
        count = self.read.feature_size  # EnCodec at 48 kHz hears two channels, as an array only
        channels = sound if count == 1 else np.stack([sound] * count)
        ids = self.read(raw_audio=channels, sampling_rate=rate, return_tensors="pt")
        takes = parameters_of(self.net.forward)
        known = {name: ids[name].to(self.net.device) for name in ids if name in takes}
        with torch.inference_mode():
            found = self.net(**known).audio_values
        values = found.reshape(-1, found.shape[-1]).mean(0).float().cpu().numpy()
        return values[: len(sound)]


@task(Codec)
def audio_to_audio(model: Codec, inputs: bytes) -> list[dict[str, Any]]:
    """The sound as the codec keeps it, as one FLAC file of one channel."""
    file = audio.encoded(model.anew(inputs), int(model.read.sampling_rate), "flac")
    blob = base64.b64encode(file).decode()
    return [{"label": "decoded", "blob": blob, "content-type": "audio/flac"}]
