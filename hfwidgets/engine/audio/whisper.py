"""Whisper tiny.en: English speech as text, with times, by CTranslate2.

What the network wants and gives is that of the Whisper paper and its reference: windows of 30 s as
80 log-mel bands every 10 ms, text tokens between time tokens of 20 ms, the next window starting
where the last whole segment ended, and another try at a higher temperature when a window's text
repeats itself or is unlikely.
"""

import functools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from hfwidgets.engine.base.audio import Samples
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    import ctranslate2

MODEL = "openai/whisper-tiny.en"
SAMPLE_RATE = 16_000
WINDOW_SECONDS = 30
"""Seconds that the network hears at once."""

_FFT, _HOP, _BANDS = 400, 160, 80
_TIME_STEP = 0.02
_RETRY_TEMPERATURES = (0.0, 0.4, 0.8)
_SAMPLES = 5  # drawn at a temperature; the likeliest counts
_MAX_COMPRESSION, _MIN_SCORE, _MAX_NO_SPEECH = 2.4, -1.0, 0.6
_MAX_PROMPT_TOKENS = 200  # tokens; the network's memory holds 448 in all
_SILENCE_LEVEL = 1e-3


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """A stretch of speech, in seconds from the sound's start."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How tokens are chosen; without a temperature the likeliest, and a few retries."""

    temperature: float | None = None
    beams: int = 5
    max_tokens: int = 224
    """Tokens of a window's text."""
    prompt: str = ""
    """What was said before, or names that may occur, for their spelling."""


class Whisper:
    """The loaded model."""

    def __init__(self, model: "ctranslate2.models.Whisper", tokenizer: Tokenizer) -> None:
        self._model = model
        self._tokenizer = tokenizer
        ids = tokenizer.get_vocab()
        self._start_token, self._previous_token = (
            ids["<|startoftranscript|>"],
            ids["<|startofprev|>"],
        )
        self._end_token = ids["<|endoftext|>"]
        self._first_time_token = ids["<|notimestamps|>"] + 1  # the token of time 0

    @classmethod
    def load(cls) -> "Whisper":
        """Open it; about 0.5 s and 120 MB."""
        import ctranslate2

        weight = WEIGHTS["whisper"]
        tokenizer = Tokenizer.from_file(str(weight.path("tokenizer.json")))
        model = ctranslate2.models.Whisper(
            str(weight.directory), device="cpu", compute_type="int8", intra_threads=1
        )
        return cls(model, tokenizer)

    def transcribe(
        self, sound: Samples, decoding: DecodingOptions, *, words: bool = False
    ) -> Iterator[SpeechSegment]:
        """What is said in a sound at RATE, segment by segment or word by word."""
        at = 0
        while at < len(sound):
            part = sound[at : at + WINDOW_SECONDS * SAMPLE_RATE]
            found, dealt_with = self._transcribe_window(part, decoding, words=words)
            for piece in found:
                yield SpeechSegment(
                    at / SAMPLE_RATE + piece.start, at / SAMPLE_RATE + piece.end, piece.text
                )
            at += round(dealt_with * SAMPLE_RATE)

    def _transcribe_window(
        self, part: Samples, decoding: DecodingOptions, *, words: bool
    ) -> tuple[list[SpeechSegment], float]:
        """What is said in one window, and up to which second it is dealt with."""
        length = len(part) / SAMPLE_RATE
        if np.abs(part).max() < _SILENCE_LEVEL:  # the network would hear words
            return [], length
        features = self._encode_window(part)
        pieces, dealt_with = self._split_segments(self._decode_window(features, decoding), length)
        if words and pieces:
            ids = [token for piece in pieces for token in piece[2]]
            return list(self._align_words(features, ids, length)), dealt_with
        texts = [self._tokenizer.decode(ids) for _, _, ids in pieces]
        return [
            SpeechSegment(start, end, text)
            for (start, end, _), text in zip(pieces, texts, strict=True)
        ], dealt_with

    def _encode_window(self, part: Samples) -> "ctranslate2.StorageView":
        """The window as the network's encoder hears it."""
        import ctranslate2

        padded = np.pad(part, (0, WINDOW_SECONDS * SAMPLE_RATE - len(part)))
        return self._model.encode(ctranslate2.StorageView.from_array(_log_mel(padded)[None]))

    def _decode_window(
        self, features: "ctranslate2.StorageView", decoding: DecodingOptions
    ) -> list[int]:
        """A window's tokens, time tokens among them; none when nothing is said."""
        given = decoding.temperature
        tokens: list[int] = []
        for temperature in _RETRY_TEMPERATURES if given is None else (given,):
            result = self._generate(features, decoding, temperature)
            tokens = result.sequences_ids[0][: decoding.max_tokens]
            unlikely = result.scores[0] < _MIN_SCORE
            if unlikely and result.no_speech_prob > _MAX_NO_SPEECH:
                return []
            if not unlikely and _compression_ratio(self._decode_text(tokens)) <= _MAX_COMPRESSION:
                break
        return tokens

    def _generate(
        self, features: "ctranslate2.StorageView", decoding: DecodingOptions, temperature: float
    ) -> "ctranslate2.models.WhisperGenerationResult":
        opening = self._opening_tokens(decoding.prompt)
        return self._model.generate(
            features,
            [opening],
            beam_size=1 if temperature else decoding.beams,
            sampling_topk=0 if temperature else 1,
            sampling_temperature=temperature or 1.0,
            num_hypotheses=_SAMPLES if temperature else 1,
            max_length=min(448, len(opening) + decoding.max_tokens),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]

    def _opening_tokens(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(" " + prompt, add_special_tokens=False).ids
        return (
            [self._previous_token, *ids[-_MAX_PROMPT_TOKENS:], self._start_token]
            if prompt
            else [self._start_token]
        )

    def _decode_text(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode([token for token in tokens if token < self._end_token])
        return text

    def _split_segments(
        self, tokens: Sequence[int], length: float
    ) -> tuple[list[tuple[float, float, list[int]]], float]:
        """A window's segments as (start, end, text tokens), and up to where it is dealt with."""
        pieces: list[tuple[float, float, list[int]]] = []
        start, ids = 0.0, list[int]()
        for token in tokens:
            if token < self._first_time_token:
                ids += [token] if token < self._end_token else []
                continue
            time = min((token - self._first_time_token) * _TIME_STEP, length)
            if ids:
                pieces.append((start, time, ids))
                ids = []
            start = time
        if ids and pieces:  # cut off by the window's end: heard again in the next one
            return pieces, pieces[-1][1] or length
        if ids:
            return [(start, length, ids)], length
        again = len(tokens) > 1 and min(tokens[-2:]) >= self._first_time_token
        return pieces, (start or length) if again else length

    def _align_words(
        self, features: "ctranslate2.StorageView", ids: list[int], length: float
    ) -> Iterator[SpeechSegment]:
        """A window's words, each where the network paid attention while it wrote it."""
        frames = max(1, round(length * SAMPLE_RATE / _HOP))
        aligned = self._model.align(features, [self._start_token], [ids], [frames])[0]
        places = np.array(aligned.alignments)
        starts = places[np.diff(places[:, 0], prepend=-1) > 0, 1] * _TIME_STEP
        texts = [self._tokenizer.decode([token]) for token in ids]
        first = [index for index, text in enumerate(texts) if text.startswith(" ") or not index]
        for begin, end in zip(first, [*first[1:], len(ids)], strict=True):
            last = min(length, float(starts[end])) if end < len(starts) else length
            yield SpeechSegment(float(starts[begin]), last, self._tokenizer.decode(ids[begin:end]))


def _compression_ratio(text: str) -> float:
    """How much shorter a text gets by compression: high when it repeats itself."""
    content = text.encode()
    return len(content) / len(zlib.compress(content)) if content else 0.0


def _log_mel(sound: Samples) -> NDArray[np.float32]:
    """The log-mel bands of a window, shape (80, 3000)."""
    padded = np.pad(sound, _FFT // 2, "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[:-1:_HOP]
    window = np.hanning(_FFT + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32) ** 2
    bands = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    scaled = (np.maximum(bands, bands.max() - 8) + 4) / 4
    return np.ascontiguousarray(scaled, np.float32)


@functools.cache
def _mel_filters() -> NDArray[np.float32]:
    """Triangles on Slaney's mel scale, of equal area: shape (80, 201)."""
    frequencies = np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1)
    edges = _mel_to_hertz(np.linspace(0, _hertz_to_mel(SAMPLE_RATE / 2), _BANDS + 2))
    widths = np.diff(edges)
    slopes = edges[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float32)


_HERTZ_PER_MEL, _MEL_GROWTH = 200 / 3, np.log(6.4) / 27  # Hz a mel below 1 kHz; growth a mel above


def _hertz_to_mel(hertz: float) -> float:
    return float(15 + np.log(hertz / 1000) / _MEL_GROWTH)  # above 1 kHz


def _mel_to_hertz(mels: NDArray[Any]) -> NDArray[Any]:
    return np.where(mels < 15, mels * _HERTZ_PER_MEL, 1000 * np.exp(_MEL_GROWTH * (mels - 15)))
