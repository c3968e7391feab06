"""Transcribe, classify, generate and re-encode audio with custom models."""

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
    """Open a pipeline whose input is audio."""

    required_modules = ("torch", "transformers", "soxr")

    def build_audio_input(self, content: bytes) -> dict[str, Any]:
        """Convert an audio file to the input of the audio pipelines, at the model's rate."""
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
    """Transcribe speech; `return_timestamps` adds the times of segments, words or characters."""
    net = model.pipe.model
    if generation_parameters is not None and not net.can_generate():
        raise bad_request(
            f"The model {model.name} labels each moment of the audio (CTC) and generates nothing; "
            "leave generation_parameters out.",
            "generation_parameters",
        )
    settings = generation_parameters.build_settings(net) if generation_parameters else None
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
    """Classify audio: the `top_k` most likely labels with scores."""
    options = drop_none(function_to_apply=function_to_apply)
    return model(model.build_audio_input(inputs), top_k=top_k, **options)


class SpeechPipelineModel(PipelineModel):
    """Open a speech model that needs no separate vocoder."""

    required_modules = ("torch", "transformers", "soundfile")

    def __init__(self) -> None:
        from transformers import AutoConfig  # pyright: ignore[reportMissingImports]

        if AutoConfig.from_pretrained(self.source).model_type == "speecht5":
            raise ValueError("SpeechT5 outputs spectrograms and needs a separate vocoder model")
        super().__init__()


@custom_task(SpeechPipelineModel)
def text_to_speech(
    model: SpeechPipelineModel, inputs: Text, parameters: GenerationParameters
) -> FileResult:
    """Speak the text, as a mono FLAC file."""
    net = model.pipe.model
    if not net.can_generate() and (name := next(iter(parameters.to_dict()), None)):
        raise bad_request(f"The model {model.name} generates no tokens: no {name}.", name)
    output = model(inputs, **drop_none(generate_kwargs=parameters.build_settings(net) or None))
    # Models answer (samples,), (channels, samples) or (1, channels, samples).
    samples = output["audio"].reshape(-1, output["audio"].shape[-1]).mean(0)
    if not samples.size:
        raise RefusedError(500, f"The model {model.name} generated no audio.", kind="generation")
    rate = int(output["sampling_rate"])
    return FileResult(audio.encode_audio(samples, rate, "flac"), "audio/flac")


class CodecModel(CustomModel):
    """Open a neural codec (EnCodec, DAC, Mimi), which compresses and reconstructs audio."""

    required_modules = ("torch", "transformers", "soxr")

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network("AutoModel", self.source)
        if not hasattr(self.net, "decode") or not hasattr(self.net, "encode"):
            raise ValueError("audio-to-audio supports only codecs: EnCodec, DAC, Mimi")
        self.feature_extractor = load_pretrained("AutoFeatureExtractor", self.source)

    def reconstruct(self, content: bytes) -> Any:
        """Encode and decode an audio file; shape (samples,) at the model's rate, -1 to 1."""
        import torch  # pyright: ignore[reportMissingImports]

        rate = self.feature_extractor.sampling_rate
        samples = audio.read_samples(content, rate)
        # EnCodec at 48 kHz expects two channels, and only as one array.
        count = self.feature_extractor.feature_size
        channels = samples if count == 1 else np.stack([samples] * count)
        features = self.feature_extractor(
            raw_audio=channels, sampling_rate=rate, return_tensors="pt"
        )
        # Extractors also return masks, which only some of the codecs take.
        accepted = parameter_names(self.net.forward)
        ids = {name: features[name].to(self.net.device) for name in features if name in accepted}
        with torch.inference_mode():
            output = self.net(**ids).audio_values
        values = output.reshape(-1, output.shape[-1]).mean(0).float().cpu().numpy()
        return values[: len(samples)]  # codecs pad to whole frames


@custom_task(CodecModel)
def audio_to_audio(model: CodecModel, inputs: bytes) -> list[dict[str, Any]]:
    """Reconstruct audio from the codec's compressed form, as one mono FLAC file."""
    file = audio.encode_audio(
        model.reconstruct(inputs), int(model.feature_extractor.sampling_rate), "flac"
    )
    blob = base64.b64encode(file).decode()
    return [{"label": "decoded", "blob": blob, "content-type": "audio/flac"}]
