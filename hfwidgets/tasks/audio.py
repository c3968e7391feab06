"""The audio tasks: classify, transform, transcribe and synthesize audio."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results import Elements
from hfwidgets.results import audio as results
from hfwidgets.tasks._media import AudioInput, decode_audio
from hfwidgets.tasks.controls import Checkbox, Choice, Number, Slider, TextBox
from hfwidgets.tasks.controls import MediaInput as Upload
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.examples import NOISE, SPEECH
from hfwidgets.tasks.shape import as_options, to_record, to_records

Transform: TypeAlias = Literal["sigmoid", "softmax", "none"]


class AudioTasks:
    """Audio in; labels, text or audio out. Text in; audio out."""

    @task(
        "Audio classification",
        {"audio": SPEECH},
        audio=Upload("audio"),
        top_k=Number(1, None, 1, whole=True),
        function_to_apply=Choice(("sigmoid", "softmax", "none"), advanced=True),
    )
    def audio_classification(
        self,
        audio: AudioInput,
        *,
        model: str | None = None,
        top_k: int | None = None,
        function_to_apply: Transform | None = None,
    ) -> Flow[Elements[results.AudioClassificationOutputElement]]:
        """Classify audio.

        Args:
            audio: The audio: bytes, a binary file, a path, a URL, or (array, sampling rate).
            model: The model's id on the Hub, or the URL of an endpoint.
            top_k: The number of labels to return, at least 1.
            function_to_apply: The function that turns the model's outputs into scores.
        """
        source = yield from media.load(audio, "audio")
        options = {"top_k": top_k, "function_to_apply": function_to_apply}
        raw = yield Infer(source, model, options)
        return to_records(results.AudioClassificationOutputElement, raw)

    @task("Audio to audio", {"audio": NOISE}, audio=Upload("audio"))
    def audio_to_audio(
        self, audio: AudioInput, *, model: str | None = None
    ) -> Flow[results.AudioTracks[results.AudioToAudioOutputElement]]:
        """Transform audio: remove noise, or separate it into several tracks.

        Each track of the result is an `Audio`: the bytes of a file, with its samples in `.array`.

        Args:
            audio: The audio: bytes, a binary file, a path, a URL, or (array, sampling rate).
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        source = yield from media.load(audio, "audio")
        raw = yield Infer(source, model)
        if isinstance(raw, bytes):  # a server that sends its only track as a bare file
            raw = {"label": "audio", "blob": raw}
        found = to_records(results.AudioToAudioOutputElement, raw)
        for item in found:
            if "content-type" in item:
                item["content_type"] = item.pop("content-type")
            item["blob"] = yield from decode_audio(item.get("blob"), item.get("content_type"))
        return results.AudioTracks(found)

    @task(
        "Automatic speech recognition",
        {"audio": SPEECH},
        known_as=("asr", "speech-recognition"),
        audio=Upload("audio"),
        return_timestamps=Checkbox(),
    )
    def automatic_speech_recognition(
        self,
        audio: AudioInput,
        *,
        model: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        return_timestamps: bool | Literal["word", "char"] | None = None,
        generation_parameters: Mapping[str, Any] | None = None,
    ) -> Flow[results.AutomaticSpeechRecognitionOutput]:
        """Transcribe speech.

        Args:
            audio: The audio: bytes, a binary file, a path, a URL, or (array, sampling rate).
            model: The model's id on the Hub, or the URL of an endpoint.
            extra_body: More parameters for the server.
            return_timestamps: Return chunks with their times; "word" or "char" for finer ones.
                Needed for subtitles.
            generation_parameters: Parameters of the text's generation (temperature, num_beams ...).
        """
        source = yield from media.load(audio, "audio")
        options = {
            "return_timestamps": return_timestamps,
            "generation_parameters": generation_parameters,
            **as_options("extra_body", extra_body),
        }
        raw = yield Infer(source, model, options)
        output = to_record(results.AutomaticSpeechRecognitionOutput, raw)
        return results.link_source_audio(output, source)

    @task(
        "Text to speech",
        {"text": "The ferry leaves at noon."},
        known_as=("tts", "text-to-audio"),
        text=TextBox(4),
        temperature=Slider(0.0, 2.0, 0.05, advanced=True),
        top_p=Slider(0.0, 1.0, 0.01, advanced=True),
    )
    def text_to_speech(
        self,
        text: str,
        *,
        model: str | None = None,
        do_sample: bool | None = None,
        early_stopping: bool | Literal["never"] | None = None,
        epsilon_cutoff: float | None = None,
        eta_cutoff: float | None = None,
        max_length: int | None = None,
        max_new_tokens: int | None = None,
        min_length: int | None = None,
        min_new_tokens: int | None = None,
        num_beam_groups: int | None = None,
        num_beams: int | None = None,
        penalty_alpha: float | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        typical_p: float | None = None,
        use_cache: bool | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Flow[results.Audio]:
        """Synthesize speech from text.

        The result is the bytes of an audio file, with its samples in `.array`.

        Args:
            text: The text to speak.
            model: The model's id on the Hub, or the URL of an endpoint.
            do_sample: Sample tokens at random instead of taking the likeliest.
            early_stopping: When a beam search ends.
            epsilon_cutoff: Tokens less likely than this, 0 to 1, are never sampled.
            eta_cutoff: As epsilon_cutoff, but adapted to the entropy of the distribution.
            max_length: The longest output, prompt included, in tokens.
            max_new_tokens: The longest output, in tokens; wins over max_length.
            min_length: The shortest output, prompt included, in tokens.
            min_new_tokens: The shortest output, in tokens; wins over min_length.
            num_beam_groups: The number of groups that the beams are divided into.
            num_beams: The number of beams to search with.
            penalty_alpha: The penalty for repetition in contrastive search, 0 to 1.
            temperature: Above 0; higher values make the output more random.
            top_k: The number of likeliest tokens to sample from.
            top_p: Sample from the likeliest tokens whose probabilities add up to this, 0 to 1.
            typical_p: The share of typical tokens to sample from, 0 to 1.
            use_cache: Keep the attention's past keys and values to speed up decoding.
            extra_body: More parameters for the server, such as a voice.
        """
        options = {
            "do_sample": do_sample,
            "early_stopping": early_stopping,
            "epsilon_cutoff": epsilon_cutoff,
            "eta_cutoff": eta_cutoff,
            "max_length": max_length,
            "max_new_tokens": max_new_tokens,
            "min_length": min_length,
            "min_new_tokens": min_new_tokens,
            "num_beam_groups": num_beam_groups,
            "num_beams": num_beams,
            "penalty_alpha": penalty_alpha,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "typical_p": typical_p,
            "use_cache": use_cache,
            **as_options("extra_body", extra_body),
        }
        return (yield from decode_audio((yield Infer(text, model, options))))
