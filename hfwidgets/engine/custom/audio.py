"""Sounds heard, classified, made and made anew."""

import base64
from typing import Any, Literal

import numpy as np

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.generation_config import GenerationParameters
from hfwidgets.engine.custom.model import (
    CustomModel,
    PipelineModel,
    Text,
    TopK,
    custom_task,
    drop_none,
    load_network,
    load_pretrained,
    parameter_names,
)


class AudioPipelineModel(PipelineModel):
    """A pipeline that hears."""

    required_modules = ("torch", "transformers", "soxr")

    def build_audio_input(self, content: bytes) -> dict[str, Any]:
        """A sound file as the audio pipelines take it."""
        return {
            "raw": audio.read_samples(content, self.sampling_rate),
            "sampling_rate": self.sampling_rate,
        }


@custom_task(AudioPipelineModel)
def automatic_speech_recognition(
    model: AudioPipelineModel,
    inputs: bytes,
    *,
    return_timestamps: bool | Literal["word", "char"] | None = None,
    generation_parameters: GenerationParameters | None = None,
) -> Any:
    """What is said, with its parts' times when they are asked for."""
    writing = generation_parameters
    if writing is not None and not model.pipe.model.can_generate():
        raise bad_request(
            f"The model {model.name} labels each moment of a sound (CTC) and generates nothing; "
            "leave generation_parameters out.",
            "generation_parameters",
        )
    settings = writing.build_settings(model.pipe.model) if writing else None
    options = drop_none(return_timestamps=return_timestamps or None, generate_kwargs=settings)
    return model(model.build_audio_input(inputs), **options)


@custom_task(AudioPipelineModel)
def audio_classification(
    model: AudioPipelineModel,
    inputs: bytes,
    *,
    function_to_apply: Transform | None = None,
    top_k: TopK = 5,
) -> Any:
    """The likeliest labels with scores."""
    options = drop_none(function_to_apply=function_to_apply)
    return model(model.build_audio_input(inputs), top_k=top_k, **options)


class SpeechPipelineModel(PipelineModel):
    """A model that speaks by itself; one that needs a second, a vocoder, is refused."""

    required_modules = ("torch", "transformers", "soundfile")

    def __init__(self) -> None:
        from transformers import AutoConfig  # pyright: ignore[reportMissingImports]

        if AutoConfig.from_pretrained(self.source).model_type == "speecht5":
            raise ValueError("SpeechT5 draws spectrograms and needs a vocoder beside it")
        super().__init__()


@custom_task(SpeechPipelineModel)
def text_to_speech(
    model: SpeechPipelineModel, inputs: Text, parameters: GenerationParameters
) -> FileResult:
    """The text spoken, as a FLAC file."""
    asked = parameters.to_dict()
    net = model.pipe.model
    if asked and not net.can_generate():
        name = next(iter(asked))
        raise bad_request(f"The model {model.name} speaks without drawing tokens: no {name}.", name)
    spoken = model(inputs, **drop_none(generate_kwargs=parameters.build_settings(net) or None))
    sound = spoken["audio"].reshape(-1, spoken["audio"].shape[-1]).mean(0)
    if not sound.size:
        raise RefusedError(500, f"The model {model.name} made no sound.", kind="generation")
    return FileResult(audio.encode_audio(sound, int(spoken["sampling_rate"]), "flac"), "audio/flac")


class CodecModel(CustomModel):
    """A neural codec (EnCodec, DAC, Mimi): it packs a sound small and makes it anew from that."""

    required_modules = ("torch", "transformers", "soxr")

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network("AutoModel", self.source)
        if not hasattr(self.net, "decode") or not hasattr(self.net, "encode"):
            raise ValueError("audio-to-audio is served by codecs alone: EnCodec, DAC, Mimi")
        self.feature_extractor = load_pretrained("AutoFeatureExtractor", self.source)

    def reconstruct(self, content: bytes) -> Any:
        """A sound file packed and unpacked; shape (samples,) at the model's rate."""
        import torch  # pyright: ignore[reportMissingImports]

        rate = self.feature_extractor.sampling_rate
        sound = audio.read_samples(content, rate)
        count = (
            self.feature_extractor.feature_size
        )  # EnCodec at 48 kHz hears two channels, as an array only
        channels = sound if count == 1 else np.stack([sound] * count)
        ids = self.feature_extractor(raw_audio=channels, sampling_rate=rate, return_tensors="pt")
        takes = parameter_names(self.net.forward)
        known = {name: ids[name].to(self.net.device) for name in ids if name in takes}
        with torch.inference_mode():
            found = self.net(**known).audio_values
        values = found.reshape(-1, found.shape[-1]).mean(0).float().cpu().numpy()
        return values[: len(sound)]


@custom_task(CodecModel)
def audio_to_audio(model: CodecModel, inputs: bytes) -> list[dict[str, Any]]:
    """The sound as the codec keeps it, as one FLAC file of one channel."""
    file = audio.encode_audio(
        model.reconstruct(inputs), int(model.feature_extractor.sampling_rate), "flac"
    )
    blob = base64.b64encode(file).decode()
    return [{"label": "decoded", "blob": blob, "content-type": "audio/flac"}]
