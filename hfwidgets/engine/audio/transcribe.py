"""Speech recognition: what is said in a sound, whole or with times."""

from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.audio.whisper import (
    MODEL,
    SAMPLE_RATE,
    DecodingOptions,
    SpeechSegment,
    Whisper,
)
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.runtimes import require_modules

Temperature = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TranscriptionParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How the text is generated, by the names of the Hub's task."""

    temperature: Temperature | None = None
    do_sample: bool | None = None
    num_beams: Annotated[int, msgspec.Meta(ge=1, le=5)] = 5
    max_new_tokens: Annotated[int, msgspec.Meta(ge=1, le=224)] = 224
    """Tokens a window of 30 s."""


def automatic_speech_recognition(
    kit: LoadedModels,
    inputs: bytes,
    *,
    return_timestamps: bool | Literal["word"] = False,
    generation_parameters: TranscriptionParameters | None = None,
) -> dict[str, Any]:
    """The text, and with times its segments or words as chunks."""
    asked = generation_parameters or TranscriptionParameters()
    temperature = asked.temperature
    if asked.do_sample is not None:
        temperature = (temperature or 1.0) if asked.do_sample else 0.0
    decoding = DecodingOptions(temperature, asked.num_beams, asked.max_new_tokens)
    sound = audio.read_samples(inputs, SAMPLE_RATE)
    words = return_timestamps == "word"
    found = list(kit.get(Whisper).transcribe(sound, decoding, words=words))
    answer: dict[str, Any] = {"text": join_segments(found)}
    if return_timestamps:
        answer["chunks"] = [
            {"text": part.text, "timestamp": [round(part.start, 2), round(part.end, 2)]}
            for part in found
        ]
    return answer


def join_segments(found: list[SpeechSegment]) -> str:
    """The text of all segments or words."""
    return "".join(part.text for part in found).strip()


CAPABILITY = Capability(
    name="transcribe",
    model=MODEL,
    serves={"automatic-speech-recognition": automatic_speech_recognition},
    weights=("whisper",),
    license="MIT",
    languages=("English",),
    limits=f"English; WAV, FLAC, Ogg and MP3 of at most {audio.MAX_SECONDS // 60} minutes.",
    why_unavailable=require_modules("ctranslate2", "soxr"),
)
