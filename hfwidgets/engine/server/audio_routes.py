"""OpenAI's audio routes: speech and transcriptions. Facts: OpenAI's API reference, Audio."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hfwidgets.engine.audio import transcribe, voice
from hfwidgets.engine.audio.voice import SpeechText, Speed
from hfwidgets.engine.audio.whisper import SAMPLE_RATE, DecodingOptions, SpeechSegment, Whisper
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.base.runtimes import explain_missing_modules
from hfwidgets.engine.registry import choose_capability
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import build_reply, model_header, read_json_body, run_unless_gone
from hfwidgets.results import subtitles

TranscriptFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
_MAX_FIELDS = 20


class SpeechBody(msgspec.Struct):
    """A request for speech; the engine has the one voice "joe"."""

    input: SpeechText
    voice: Literal["joe", "default"] = "joe"
    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"
    speed: Speed = 1.0
    stream_format: Literal["audio"] = "audio"


class TranscriptionBody(msgspec.Struct):
    """A request for a transcription, apart from its file."""

    language: Literal["en"] = "en"
    prompt: str = ""
    response_format: TranscriptFormat = "json"
    temperature: transcribe.Temperature | None = None
    timestamp_granularities: list[Literal["segment", "word"]] = []
    stream: Literal[False] = False


async def create_speech(request: Request) -> Response:
    """POST /v1/audio/speech."""
    body = await read_json_body(request)
    capability = _find_capability(body.pop("model", None), "text-to-speech")
    asked = parse_body(SpeechBody, body, "speech", frozenset())
    engine: Engine = request.app.state.engine

    def work() -> FileResult:
        return voice.synthesize_file(engine.models, asked.input, asked.response_format, asked.speed)

    spoken = await run_unless_gone(request, engine.run_in_thread(capability, work))
    return build_reply(spoken, capability.model)


async def create_transcription(request: Request) -> Response:
    """POST /v1/audio/transcriptions."""
    if why := explain_missing_modules("python_multipart"):
        raise RefusedError(501, f"The engine cannot read forms: {why}.", kind="not_served")
    async with request.form(max_files=1, max_fields=_MAX_FIELDS) as form:
        file, fields = form.get("file"), _form_fields(form)
        if not isinstance(file, UploadFile):
            raise bad_request("file must be the sound to be transcribed.", "file")
        content = await file.read()
    capability = _find_capability(fields.pop("model", None), "automatic-speech-recognition")
    asked = _parse_transcription_body(fields)
    engine: Engine = request.app.state.engine
    found = await run_unless_gone(
        request,
        engine.run_in_thread(capability, lambda: _transcribe(engine.models, content, asked)),
    )
    return _render_transcript(asked.response_format, found, capability)


@dataclass(frozen=True, slots=True)
class SpeechTranscript:
    """What was said: the segments, the words when they were asked for, and the sound's seconds."""

    segments: list[SpeechSegment]
    words: list[SpeechSegment] | None
    duration: float


def _transcribe(kit: LoadedModels, content: bytes, asked: TranscriptionBody) -> SpeechTranscript:
    sound = audio.read_samples(content, SAMPLE_RATE)
    model = kit.get(Whisper)
    decoding = DecodingOptions(asked.temperature, prompt=asked.prompt)
    kinds = asked.timestamp_granularities
    words = list(model.transcribe(sound, decoding, words=True)) if "word" in kinds else None
    parts = [] if kinds == ["word"] else list(model.transcribe(sound, decoding))
    return SpeechTranscript(parts, words, len(sound) / SAMPLE_RATE)


def _parse_transcription_body(fields: dict[str, Any]) -> TranscriptionBody:
    """The form's fields; they are all texts on the wire."""
    fields |= {
        name: float(fields[name]) for name in ("temperature",) if _is_number(fields.get(name))
    }
    if "stream" in fields:
        fields["stream"] = fields["stream"].lower() not in ("false", "0", "")
    asked = parse_body(TranscriptionBody, fields, "transcriptions", frozenset())
    if asked.timestamp_granularities and asked.response_format != "verbose_json":
        raise bad_request(
            "timestamp_granularities need response_format='verbose_json'.",
            "timestamp_granularities",
        )
    return asked


def _is_number(text: Any) -> bool:
    return isinstance(text, str) and text.replace(".", "", 1).isdecimal()


def _form_fields(form: FormData) -> dict[str, Any]:
    """The form's texts; those whose name ends in [] as lists."""
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            continue
        if name == "timestamp_granularities" or name.endswith("[]"):
            fields.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            fields[name] = value
    return fields


def _render_transcript(
    kind: TranscriptFormat, found: SpeechTranscript, capability: Capability
) -> Response:
    """A transcription in the form that was asked for."""
    text = transcribe.join_segments(found.segments or found.words or [])
    if kind == "json":
        return build_reply({"text": text}, capability.model)
    if kind == "verbose_json":
        return build_reply({"text": text} | _to_verbose_json(found), capability.model)
    cues = [(part.start, part.end, part.text) for part in found.segments]
    whole = {"srt": subtitles.to_srt, "vtt": subtitles.to_vtt}.get(kind, lambda _: text + "\n")(
        cues
    )
    return PlainTextResponse(whole, headers=model_header(capability.model))


def _to_verbose_json(found: SpeechTranscript) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": found.duration,
        "segments": [
            {"id": index} | _start_and_end(part) | {"text": part.text}
            for index, part in enumerate(found.segments)
        ],
    }
    if found.words is not None:
        whole["words"] = [
            {"word": part.text.strip()} | _start_and_end(part) for part in found.words
        ]
    return whole


def _start_and_end(part: SpeechSegment) -> dict[str, Any]:
    return {"start": part.start, "end": part.end}


# The names by which OpenAI's clients ask for a speech or transcription model.
_OPENAI_MODELS = frozenset({"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "whisper-1"})


def _find_capability(name: Any, task: str) -> Capability:
    """The capability of this name for the task; OpenAI's usual names stand for the engine's own."""
    if name is not None and not isinstance(name, str):
        raise bad_request("model must be a text.", "model")
    return choose_capability(
        "" if name is None or name in _OPENAI_MODELS else name, task, builtin=True
    )[0]
