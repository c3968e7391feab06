"""Sounds as the models want them: checked, mixed to one channel, resampled; and back into files."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request

Samples = NDArray[np.float32]

MAX_SECONDS = 600
"""The longest sound that is read."""

_MAX_SAMPLES = MAX_SECONDS * 48_000 * 2
"""The most samples of all channels together: ten minutes of stereo at 48 kHz, 230 MB."""

AUDIO_FORMATS = {
    "flac": ("FLAC", "PCM_16", "audio/flac"),
    "wav": ("WAV", "PCM_16", "audio/wav"),
    "mp3": ("MP3", None, "audio/mpeg"),
    "opus": ("OGG", "OPUS", "audio/ogg"),
}
"""The formats that sounds are answered in: soundfile's names for them, and their MIME types."""


def read_samples(content: bytes, rate: int) -> Samples:
    """A sound file as one channel of samples, -1 to 1, at this rate; 400 when it cannot be read."""
    import soundfile  # type: ignore[import-untyped]
    import soxr

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            _check_length(file)
            channels = file.read(dtype="float32", always_2d=True)
            found: Samples = soxr.resample(channels.mean(1), file.samplerate, rate)
    except soundfile.LibsndfileError as error:
        why = error.error_string.strip(" .")
        known = "WAV, FLAC, Ogg and MP3 files can be read"
        raise bad_request(f"The sound cannot be read ({why}); {known}.", "inputs") from error
    if not len(found):
        raise bad_request("The sound is empty.", "inputs")
    if not np.isfinite(found).all():
        raise bad_request("The sound holds values that are no numbers.", "inputs")
    return found


def _check_length(file: Any) -> None:
    """Refuse what is too long, by the file's header, before anything is decoded."""
    seconds = file.frames / file.samplerate
    if seconds > MAX_SECONDS:
        raise bad_request(
            f"The sound lasts {seconds:.0f} s; at most {MAX_SECONDS} s are read.", "inputs"
        )
    if file.frames * file.channels > _MAX_SAMPLES:
        raise bad_request(
            f"The sound has {file.channels} channels at {file.samplerate} Hz, which is too much "
            "for its length; send one or two channels at 48 kHz or less.",
            "inputs",
        )


def encode_audio(sound: Samples, rate: int, kind: str) -> bytes:
    """One channel of samples as a file of one of FORMATS, or as bare 16-bit samples for "pcm"."""
    import soundfile

    sound = np.clip(sound, -1, 1)
    if kind == "pcm":
        return (sound * 32767).astype("<i2").tobytes()
    container, subtype, _ = AUDIO_FORMATS[kind]
    if kind == "opus":
        import soxr

        sound, rate = soxr.resample(sound, rate, 48_000), 48_000  # one of the few rates Opus knows
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=container, subtype=subtype)
    return file.getvalue()
