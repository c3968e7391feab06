"""Decode audio files to the mono samples that models read, and encode samples to files."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.runtimes import explain_missing_modules
from hfwidgets.media import mix_channels

if TYPE_CHECKING:
    from av.container import InputContainer
    from soundfile import SoundFile  # type: ignore[import-untyped]

Samples = NDArray[np.float32]

MAX_SECONDS = 600
"""The longest audio that is read, in seconds."""

_MAX_SAMPLES = MAX_SECONDS * 48_000 * 2
"""Samples of all channels together: ten minutes of stereo at 48 kHz, 230 MB."""

_SOUNDFILE_FORMATS = {
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
    "mp3": ("MP3", None),
    "opus": ("OGG", "OPUS"),
}

AUDIO_MIMES = {
    "flac": "audio/flac",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
}
"""The formats that are written, and their MIME types."""

READABLE_FORMATS = "WAV, FLAC, Ogg, MP3, M4A, AAC, WebM, MKA, MOV and AVI"

# The demuxers that may look at a file. FFmpeg has others (playlists, "concat") that open further
# files and addresses named in the content.
_DEMUXERS = "mov,mp4,m4a,matroska,webm,aac,avi,mp3,ogg,wav,flac,aiff,caf"


def read_samples(content: bytes, rate: int) -> Samples:
    """Decode an audio file, or a video's audio, to mono samples in -1..1 at this rate in hertz.

    Raises:
        RefusedError: 400 if it cannot be decoded, is empty or longer than MAX_SECONDS.
    """
    import soxr

    channels, source_rate = _decode(content)
    if not len(channels):
        raise bad_request("The audio is empty.", "inputs")
    # Mixed first, since resampling costs as much for each channel.
    samples: Samples = soxr.resample(mix_channels(channels), source_rate, rate)
    # Float formats can hold NaN and infinity, which a network spreads over its whole answer.
    if not np.isfinite(samples).all():
        raise bad_request("The audio holds values that are not finite numbers.", "inputs")
    return samples


def _decode(content: bytes) -> tuple[Samples, int]:
    """Return samples of shape (length, channels) and their rate."""
    import soundfile

    try:
        # libsndfile first: it works without the optional PyAV, and its headers state the length.
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            _check_length(file)
            samples = np.asarray(file.read(dtype="float32", always_2d=True), np.float32)
            return samples, int(file.samplerate)
    except soundfile.LibsndfileError as error:
        # libsndfile knows neither AAC nor the containers of videos and browser recordings.
        if why := explain_missing_modules("av"):
            raise bad_request(
                f"The audio cannot be read ({error.error_string.strip(' .')}). WAV, FLAC, Ogg and "
                f"MP3 work here; others need {why}",
                "inputs",
            ) from error
        return _decode_with_av(content)


def _decode_with_av(content: bytes) -> tuple[Samples, int]:
    import av
    from av.error import FFmpegError

    try:
        # A whitelist, since the content is a stranger's: see _DEMUXERS.
        options = {"format_whitelist": _DEMUXERS}
        with av.open(io.BytesIO(content), "r", options=options) as container:
            if not container.streams.audio:
                raise bad_request("The file holds no audio.", "inputs")
            rate = container.streams.audio[0].rate
            parts = list(_decode_frames(container, rate))
    except (FFmpegError, ValueError) as error:
        raise bad_request(
            f"The audio cannot be read ({error}); supported are {READABLE_FORMATS}.", "inputs"
        ) from error
    # A stream without frames then meets the same refusal as an empty file.
    empty = np.zeros((1, 0), np.float32)
    return np.concatenate(parts or [empty], axis=1).T, rate


def _decode_frames(container: "InputContainer", rate: int) -> Iterator[Samples]:
    """Yield the decoded frames, shape (channels, length); refuse what grows too long."""
    import av

    # Planar floats: one row per channel, whatever the codec's own sample format was.
    resampler = av.AudioResampler(format="fltp")
    length = size = 0
    for frame in container.decode(audio=0):
        for part in resampler.resample(frame):
            samples = np.asarray(part.to_ndarray(), np.float32)
            length, size = length + samples.shape[1], size + samples.size
            # Headers of these containers often lack the length, so it is counted while decoding.
            if length > MAX_SECONDS * rate or size > _MAX_SAMPLES:
                raise bad_request(
                    f"The audio is longer than {MAX_SECONDS} s, the most that is read.", "inputs"
                )
            yield samples


def _check_length(file: "SoundFile") -> None:
    """Refuse what is too long, by the file's header, before anything is decoded."""
    seconds = file.frames / file.samplerate
    if seconds > MAX_SECONDS:
        raise bad_request(
            f"The audio lasts {seconds:.0f} s; the limit is {MAX_SECONDS} s.", "inputs"
        )
    if file.frames * file.channels > _MAX_SAMPLES:
        raise bad_request(
            f"The audio has {file.channels} channels at {file.samplerate} Hz, too much for its "
            "length; send one or two channels at 48 kHz or less.",
            "inputs",
        )


def encode_audio(samples: Samples, rate: int, kind: str) -> bytes:
    """Encode mono samples in -1..1 as one of AUDIO_MIMES; "pcm" is bare 16-bit little-endian."""
    import soundfile

    samples = np.clip(samples, -1, 1)
    if kind == "pcm":
        # Not 32768: at full scale that would wrap around to the most negative value.
        return (samples * 32767).astype("<i2").tobytes()
    if kind == "aac":
        return _encode_aac(samples, rate)
    container, subtype = _SOUNDFILE_FORMATS[kind]
    if kind == "opus":
        import soxr

        samples, rate = soxr.resample(samples, rate, 48_000), 48_000  # Opus supports few rates
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def _encode_aac(samples: Samples, rate: int) -> bytes:
    if why := explain_missing_modules("av"):
        raise bad_request(
            f"AAC cannot be written here: {why}. Or choose mp3, opus, flac, wav or pcm.",
            "response_format",
        )
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="adts") as container:
        # ADTS frames can be played while they arrive, unlike an MP4 file around the same codec.
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        # None flushes what the encoder still holds back.
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()
