"""Read audio for the models (checked, one channel, resampled) and write it into files."""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request

if TYPE_CHECKING:
    from soundfile import SoundFile  # type: ignore[import-untyped]

Samples = NDArray[np.float32]

MAX_SECONDS = 600
"""The longest audio that is read, in seconds."""

_MAX_SAMPLES = MAX_SECONDS * 48_000 * 2
"""The most samples of all channels together: ten minutes of stereo at 48 kHz, 230 MB."""

AUDIO_FORMATS = {
    "flac": ("FLAC", "PCM_16", "audio/flac"),
    "wav": ("WAV", "PCM_16", "audio/wav"),
    "mp3": ("MP3", None, "audio/mpeg"),
    "opus": ("OGG", "OPUS", "audio/ogg"),
}
"""The formats that audio is answered in: soundfile's names for them, and their MIME types."""


def read_samples(content: bytes, rate: int) -> Samples:
    """Return an audio file as one channel of samples, -1 to 1, at this rate in hertz.

    Raises:
        RefusedError: 400, the file cannot be read, is empty or too long.
    """
    import soundfile
    import soxr

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            _check_length(file)
            channels = file.read(dtype="float32", always_2d=True)
            found: Samples = soxr.resample(channels.mean(1), file.samplerate, rate)
    except soundfile.LibsndfileError as error:
        why = error.error_string.strip(" .")
        known = "WAV, FLAC, Ogg and MP3 files can be read"
        raise bad_request(f"The audio cannot be read ({why}); {known}.", "inputs") from error
    if not len(found):
        raise bad_request("The audio is empty.", "inputs")
    if not np.isfinite(found).all():
        raise bad_request("The audio holds NaN or infinite values.", "inputs")
    return found


def _check_length(file: "SoundFile") -> None:
    """Refuse audio that is too long, by the file's header, before anything is decoded."""
    seconds = file.frames / file.samplerate
    if seconds > MAX_SECONDS:
        raise bad_request(
            f"The audio lasts {seconds:.0f} s; at most {MAX_SECONDS} s are read.", "inputs"
        )
    if file.frames * file.channels > _MAX_SAMPLES:
        raise bad_request(
            f"The audio has {file.channels} channels at {file.samplerate} Hz, which is too much "
            "for its length; send one or two channels at 48 kHz or less.",
            "inputs",
        )


def encode_audio(samples: Samples, rate: int, kind: str) -> bytes:
    """Return one channel of samples in one of AUDIO_FORMATS, or as bare 16-bit ones for "pcm"."""
    import soundfile

    samples = np.clip(samples, -1, 1)
    if kind == "pcm":
        return (samples * 32767).astype("<i2").tobytes()
    container, subtype, _ = AUDIO_FORMATS[kind]
    if kind == "opus":
        import soxr

        # Opus supports only a few rates.
        samples, rate = soxr.resample(samples, rate, 48_000), 48_000
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()
