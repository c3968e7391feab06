"""Load Whisper base through faster-whisper, and transcribe speech with times.

faster-whisper opens the packaged CTranslate2 folder unchanged and needs no network for it. It
splits long audio into windows of 30 s, retries unlikely or repetitive text at a higher temperature,
and skips what its voice detector does not take for speech.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hfwidgets.engine.base.audio import Samples
from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    from ctranslate2.models import Whisper as WhisperNetwork
    from faster_whisper import WhisperModel

MODEL = "openai/whisper-base"
SAMPLE_RATE = 16_000

_RETRY_TEMPERATURES = (0.0, 0.4, 0.8)
_CANDIDATES = 5  # sampled per window at a temperature above 0; the likeliest counts

Task = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """A stretch of speech, in seconds from the start of the audio."""

    start: float
    end: float
    text: str
    language: str = "en"
    """Its ISO 639-1 code, as requested or heard."""


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How tokens are chosen: without a temperature the likeliest ones, with a few retries."""

    temperature: float | None = None
    beams: int = 5
    max_tokens: int = 224
    """Tokens of the text of one 30 s window."""
    prompt: str = ""
    """Preceding text, or names that may occur, for their spelling."""
    task: Task = "transcribe"
    language: str | None = None
    """The speech's ISO 639-1 code; None finds it out from the first 30 s."""


class _CancellableNetwork:
    """CTranslate2's model, stopped between its computations once the client has left.

    faster-whisper computes up to three attempts per window before it yields anything.
    """

    def __init__(self, network: "WhisperNetwork") -> None:
        self._network = network

    def __getattr__(self, name: str) -> object:
        # faster-whisper looks up encode, generate and align on the network for each computation, so
        # every one of them starts with this check.
        raise_if_cancelled()
        return getattr(self._network, name)


class Whisper:
    """The loaded model."""

    def __init__(self, model: "WhisperModel") -> None:
        self._model = model

    @classmethod
    def load(cls) -> "Whisper":
        """Open it; about 0.7 s and 160 MB."""
        from faster_whisper import WhisperModel

        weight = WEIGHTS["whisper"]
        weight.path("model.bin")  # raises MissingWeightsError before the library would download
        logging.getLogger("faster_whisper").setLevel(logging.WARNING)
        model = WhisperModel(
            str(weight.directory),
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
            local_files_only=True,
        )
        model.model = _CancellableNetwork(model.model)
        return cls(model)

    def transcribe(
        self, samples: Samples, decoding: DecodingOptions, *, words: bool = False
    ) -> Iterator[SpeechSegment]:
        """Yield the speech in samples at SAMPLE_RATE, per segment or per word."""
        if decoding.language not in (None, *self._model.supported_languages):
            known = ", ".join(sorted(self._model.supported_languages))
            raise bad_request(
                f"Whisper does not support the language {decoding.language!r}; it has {known}.",
                "language",
            )
        retries = _RETRY_TEMPERATURES if decoding.temperature is None else [decoding.temperature]
        segments, info = self._model.transcribe(
            samples,
            language=decoding.language,
            task=decoding.task,
            beam_size=decoding.beams,
            best_of=_CANDIDATES,
            temperature=list(retries),
            initial_prompt=decoding.prompt or None,
            max_new_tokens=decoding.max_tokens,
            word_timestamps=words,
            # One window's mistake would otherwise steer all later ones.
            condition_on_previous_text=False,
            # Whisper writes words for any input, so stretches without speech never reach it.
            vad_filter=True,
        )
        for segment in segments:
            for part in (segment.words or ()) if words else (segment,):
                text = getattr(part, "word" if words else "text")
                yield SpeechSegment(float(part.start), float(part.end), text, info.language)
