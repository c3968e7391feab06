"""Synthesize speech with the Piper voice "joe" (VITS), on phonemes by eSpeak NG.

eSpeak NG (GPL-3.0) is optional, is loaded in the engine's process alone, and is called through its
C interface, speak_lib.h. Source for the voice's input, Piper: each sentence is "^", its phonemes
with a "_" after each, "$".
"""

import ctypes
import json
import re
import threading
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import audio
from hfwidgets.engine.base.audio import Samples
from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.weights import WEIGHTS

MODEL = "rhasspy/piper-voices/en_US-joe-medium"
PAUSE_SECONDS = 0.2
"""Seconds of silence after a sentence."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
# A clause and the marks after it; a mark before a digit stays inside, as in "3.5" and "10:30".
_CLAUSE = re.compile(r"([^.,;:!?]*(?:[.,:](?=\d)[^.,;:!?]*)*)([.,;:!?]*)")
_MAX_CHARACTERS = 400  # per run of the network, whose memory grows with them

SpeechText = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
Speed = Annotated[float, msgspec.Meta(ge=0.25, le=4)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]


class Phonemizer:
    """eSpeak NG as a phonemizer; its library has one global state, so one thread uses it at a
    time."""

    _RETRIEVAL, _UTF8, _IPA = 1, 1, 2  # AUDIO_OUTPUT_RETRIEVAL, espeakCHARS_UTF8, phoneme mode

    def __init__(self, voice: str) -> None:
        import espeakng_loader

        self._library = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        # It returns the sample rate, or a negative error. Retrieval mode opens no audio device.
        if self._library.espeak_Initialize(self._RETRIEVAL, 0, data, 0) < 0:
            raise RuntimeError(f"eSpeak NG could not read its data at {data!r}")
        self._library.espeak_SetVoiceByName(voice.encode())
        # ctypes takes results for C ints by default, which would cut a pointer of 64 bits.
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lock = threading.Lock()

    def phonemize(self, sentence: str) -> str:
        """Return a sentence in IPA, with its punctuation, which eSpeak drops and the voice
        needs."""
        with self._lock:
            parts = [
                self._phonemize_clause(match[1]) + match[2][:1]
                for match in _CLAUSE.finditer(sentence)
            ]
        return " ".join(part for part in parts if part)

    def _phonemize_clause(self, text: str) -> str:
        rest = ctypes.c_char_p(text.strip().encode())
        parts = []
        # Each call reads one clause, by eSpeak's own rules, and moves the pointer to what follows.
        while rest.value:
            part = self._library.espeak_TextToPhonemes(ctypes.byref(rest), self._UTF8, self._IPA)
            parts.append((part or b"").decode())
        return " ".join(parts)


class VoiceConfig(TypedDict):
    """The parts of the voice's settings file that are read."""

    audio: dict[str, int]
    espeak: dict[str, str]
    inference: dict[str, float]
    phoneme_id_map: dict[str, list[int]]


class Voice:
    """The loaded voice."""

    def __init__(self, network: OnnxModel, config: VoiceConfig) -> None:
        self.rate = int(config["audio"]["sample_rate"])
        self._network = network
        self._ids = config["phoneme_id_map"]
        self._default_settings = config["inference"]
        self._phonemizer = Phonemizer(config["espeak"]["voice"])

    @classmethod
    def load(cls) -> "Voice":
        """Open it; about 1 s and 150 MB."""
        weight = WEIGHTS["voice"]
        config = json.loads(weight.path("voice.onnx.json").read_bytes())
        return cls(OnnxModel(weight.path("voice.onnx")), config)

    def synthesize(self, text: str, speed: float = 1.0, temperature: float = 1.0) -> Samples:
        """Speak the text; samples of -1 to 1 at `rate`, always the same at temperature 0."""
        pause = np.zeros(int(PAUSE_SECONDS * self.rate), np.float32)
        sentences = [
            self._synthesize_sentence(part, speed, temperature) for part in split_text(text)
        ]
        # One peak for the whole text, or quiet sentences would become as loud as the others.
        peak = max((float(np.abs(part).max()) for part in sentences if part.size), default=0.0)
        if not peak:
            raise bad_request("The text has nothing that can be spoken.", "inputs")
        joined = np.concatenate([part for samples in sentences for part in (samples, pause)])
        return joined * np.float32(0.9 / peak)

    def _synthesize_sentence(self, sentence: str, speed: float, temperature: float) -> Samples:
        raise_if_cancelled()
        phonemes = self._phonemizer.phonemize(sentence)
        if not re.search(r"\w", phonemes):
            return np.zeros(0, np.float32)
        gap = self._ids["_"]
        # Signs that the voice was not trained on are skipped rather than mispronounced.
        known = [self._ids[sign] + gap for sign in phonemes if sign in self._ids]
        ids = [*self._ids["^"], *gap, *(id_ for pair in known for id_ in pair), *self._ids["$"]]
        noise, length, rhythm = (
            self._default_settings[name] for name in ("noise_scale", "length_scale", "noise_w")
        )
        # Noise and rhythm are the two random inputs of VITS; at 0 the speech always repeats.
        scales = [noise * temperature, length / speed, rhythm * temperature]
        inputs: dict[str, NDArray[Any]] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        samples: Samples = np.asarray(self._network(inputs)[0]).reshape(-1)
        return samples


def split_text(text: str) -> Iterator[str]:
    """Yield the sentences of a text, over-long ones cut between words."""
    for sentence in _SENTENCE.split(text.strip()):
        rest = sentence
        while len(rest) > _MAX_CHARACTERS:
            cut = rest.rfind(" ", 1, _MAX_CHARACTERS)
            cut = cut if cut > 0 else _MAX_CHARACTERS
            yield rest[:cut]
            rest = rest[cut:].lstrip()
        yield rest


def text_to_speech(
    models: LoadedModels,
    inputs: SpeechText,
    *,
    speed: Speed = 1.0,
    temperature: Temperature = 1.0,
    do_sample: bool = True,
) -> FileResult:
    """Speak the text, as a FLAC file; without sampling, or at temperature 0, always the same."""
    return synthesize_file(models, inputs, "flac", speed, temperature if do_sample else 0.0)


def synthesize_file(
    models: LoadedModels, text: str, kind: str, speed: float, temperature: float = 1.0
) -> FileResult:
    """Speak the text, as a file of one of the formats of audio.AUDIO_MIMES."""
    voice = models.get(Voice)
    samples = voice.synthesize(text, speed, temperature)
    return FileResult(audio.encode_audio(samples, voice.rate, kind), audio.AUDIO_MIMES[kind])


CAPABILITY = Capability(
    name="voice",
    model=MODEL,
    serves={"text-to-speech": text_to_speech},
    weights=("voice",),
    measured={"text-to-speech": (29, 30)},
    license="CC0-1.0 (the voice); needs eSpeak NG, GPL-3.0-or-later",
    languages=("English",),
    limits="English, one male voice, at most 5,000 characters; slightly different each time.",
    why_unavailable=require_modules("onnxruntime", "espeakng_loader", "soxr"),
)
