"""Serve OpenAI's audio routes: speech, transcriptions and translations.

Source: OpenAI's API reference, Audio.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hfwidgets.engine.audio import transcribe, voice
from hfwidgets.engine.audio.voice import SpeechText, Speed
from hfwidgets.engine.audio.whisper import (
    SAMPLE_RATE,
    DecodingOptions,
    SpeechSegment,
    Task,
    Whisper,
)
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.registry import choose_capability
from hfwidgets.engine.server.bodies import open_form, read_json_body
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import build_reply, model_header, run_unless_gone
from hfwidgets.errors import did_you_mean
from hfwidgets.results import subtitles

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
DEFAULT_VOICE = "joe"
OPENAI_VOICES = frozenset(
    [
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "fable",
        "marin",
        "nova",
        "onyx",
        "sage",
        "shimmer",
        "verse",
    ]
)
NOTICE_HEADER = "x-inference-notice"


class SpeechBody(msgspec.Struct):
    """A request for speech."""

    input: SpeechText
    voice: str = DEFAULT_VOICE
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Speed = 1.0
    stream_format: Literal["audio"] = "audio"

    def find_notice(self) -> dict[str, str]:
        """Return the header that names the voice used instead; 400 for an unknown voice.

        Every example names a voice of OpenAI's, so those are taken for the only voice there is.
        """
        if self.voice in (DEFAULT_VOICE, "default"):
            return {}
        if self.voice in OPENAI_VOICES:
            return {NOTICE_HEADER: f"voice {self.voice} is not available; {DEFAULT_VOICE} was used"}
        raise bad_request(
            f"Unknown voice {self.voice!r}.{did_you_mean(self.voice, [DEFAULT_VOICE])} The local "
            f"engine has the voice {DEFAULT_VOICE!r}, which also stands for OpenAI's voices.",
            "voice",
        )


class TranslationBody(msgspec.Struct):
    """A request for a translation into English, apart from its file."""

    prompt: str = ""
    response_format: TranscriptFormat = "json"
    temperature: transcribe.Temperature | None = None


class TranscriptionBody(TranslationBody):
    """A request for a transcript, apart from its file."""

    language: str | None = None
    timestamp_granularities: list[Literal["segment", "word"]] = []
    stream: Literal[False] = False


async def create_speech(request: Request) -> Response:
    """POST /v1/audio/speech."""
    body = await read_json_body(request)
    capability = _find_capability(body.pop("model", None), "text-to-speech")
    settings = parse_body(SpeechBody, body, "speech", frozenset())
    notice = settings.find_notice()
    engine: Engine = request.app.state.engine

    def synthesize() -> FileResult:
        return voice.synthesize_file(
            engine.models, settings.input, settings.response_format, settings.speed
        )

    speech = await run_unless_gone(request, engine.run_in_thread(capability, synthesize))
    return build_reply(speech, capability.model, notice)


async def create_transcription(request: Request) -> Response:
    """POST /v1/audio/transcriptions."""
    content, fields = await _read_audio_form(request)
    capability = _find_capability(fields.pop("model", None), "automatic-speech-recognition")
    settings = parse_body(TranscriptionBody, fields, "transcriptions", frozenset())
    if settings.timestamp_granularities and settings.response_format != "verbose_json":
        raise bad_request(
            "timestamp_granularities need response_format='verbose_json'.",
            "timestamp_granularities",
        )
    kinds = settings.timestamp_granularities
    return await _reply_with_transcript(request, capability, content, settings, "transcribe", kinds)


async def create_translation(request: Request) -> Response:
    """POST /v1/audio/translations."""
    content, fields = await _read_audio_form(request)
    capability = _find_capability(fields.pop("model", None), "automatic-speech-recognition")
    settings = parse_body(TranslationBody, fields, "translations", frozenset())
    return await _reply_with_transcript(request, capability, content, settings, "translate", [])


async def _read_audio_form(request: Request) -> tuple[bytes, dict[str, Any]]:
    """Return the audio file of a form, and its other fields."""
    async with open_form(request) as form:
        file, fields = form.get("file"), _form_fields(form)
        if not isinstance(file, UploadFile):
            raise bad_request("file must be an audio file.", "file")
        return await file.read(), fields


async def _reply_with_transcript(
    request: Request,
    capability: Capability,
    content: bytes,
    settings: TranslationBody,
    task: Task,
    granularities: list[Literal["segment", "word"]],
) -> Response:
    engine: Engine = request.app.state.engine
    language = settings.language if isinstance(settings, TranscriptionBody) else None
    options = DecodingOptions(
        settings.temperature, prompt=settings.prompt, task=task, language=language
    )

    def transcribe_content() -> SpeechTranscript:
        return _transcribe(engine.models, content, options, granularities)

    transcript = await run_unless_gone(
        request, engine.run_in_thread(capability, transcribe_content)
    )
    return _render_transcript(settings.response_format, transcript, capability, task)


@dataclass(frozen=True, slots=True)
class SpeechTranscript:
    """A transcript: its segments, its words if requested, and the audio's length in seconds."""

    segments: list[SpeechSegment]
    words: list[SpeechSegment] | None
    duration: float


def _transcribe(
    models: LoadedModels,
    content: bytes,
    options: DecodingOptions,
    granularities: list[Literal["segment", "word"]],
) -> SpeechTranscript:
    samples = audio.read_samples(content, SAMPLE_RATE)
    model = models.get(Whisper)
    # Segments and words need separate passes, since word times change the segments.
    words = (
        list(model.transcribe(samples, options, words=True)) if "word" in granularities else None
    )
    segments = [] if granularities == ["word"] else list(model.transcribe(samples, options))
    return SpeechTranscript(segments, words, len(samples) / SAMPLE_RATE)


def _form_fields(form: FormData) -> dict[str, Any]:
    """Return a form's fields in JSON's types: on the wire, all of them are strings."""
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        # OpenAI's clients send a list as several fields whose names end in "[]".
        if name == "timestamp_granularities" or name.endswith("[]"):
            fields.setdefault(name.removesuffix("[]"), []).append(value)
        # Any other text stays a string, which the usual check of types refuses.
        elif name == "temperature" and value.replace(".", "", 1).isdecimal():
            fields[name] = float(value)
        elif name == "stream":
            fields[name] = value.lower() not in ("false", "0", "")
        else:
            fields[name] = value
    return fields


def _render_transcript(
    kind: TranscriptFormat, transcript: SpeechTranscript, capability: Capability, task: Task
) -> Response:
    """Build the reply for a transcript in the requested format."""
    text = transcribe.join_segments(transcript.segments or transcript.words or [])
    if kind == "json":
        return build_reply({"text": text}, capability.model)
    if kind == "verbose_json":
        details = _to_verbose_json(transcript, task)
        return build_reply({"text": text} | details, capability.model)
    cues = [(part.start, part.end, part.text) for part in transcript.segments]
    if kind == "srt":
        content = subtitles.to_srt(cues)
    elif kind == "vtt":
        content = subtitles.to_vtt(cues)
    else:
        content = text + "\n"
    return PlainTextResponse(content, headers=model_header(capability.model))


def _to_verbose_json(transcript: SpeechTranscript, task: Task) -> dict[str, Any]:
    details: dict[str, Any] = {
        "task": task,
        "language": _name_language(transcript.segments or transcript.words or []),
        "duration": transcript.duration,
        "segments": [
            {"id": index} | _start_and_end(part) | {"text": part.text}
            for index, part in enumerate(transcript.segments)
        ],
    }
    if transcript.words is not None:
        details["words"] = [
            {"word": part.text.strip()} | _start_and_end(part) for part in transcript.words
        ]
    return details


def _name_language(parts: list[SpeechSegment]) -> str:
    """Return "english", as OpenAI does, or another language's code; "english" without speech."""
    code = parts[0].language if parts else "en"
    return "english" if code == "en" else code


def _start_and_end(part: SpeechSegment) -> dict[str, float]:
    return {"start": part.start, "end": part.end}


# The names by which OpenAI's clients ask for a speech or transcription model.
_OPENAI_MODELS = frozenset(
    [
        "tts-1",
        "tts-1-hd",
        "gpt-4o-mini-tts",
        "whisper-1",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
    ]
)


def _find_capability(name: object, task: str) -> Capability:
    """Return the capability for a model's name; OpenAI's names stand for the default one."""
    if name is not None and not isinstance(name, str):
        raise bad_request("model must be a string.", "model")
    return choose_capability(
        "" if name is None or name in _OPENAI_MODELS else name, task, builtin=True
    )[0]
