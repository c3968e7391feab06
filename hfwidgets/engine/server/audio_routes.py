"""OpenAI's audio routes: speech and transcriptions. Facts: OpenAI's API reference, Audio."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hfwidgets.engine.audio import transcribe, voice
from hfwidgets.engine.audio.voice import Speed, Text
from hfwidgets.engine.audio.whisper import RATE, Decoding, Segment, Whisper
from hfwidgets.engine.base import audio
from hfwidgets.engine.base.capability import Capability, Kit
from hfwidgets.engine.base.files import File
from hfwidgets.engine.base.http_errors import RefusedError, bad
from hfwidgets.engine.base.runtimes import absent
from hfwidgets.engine.registry import chosen
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import record
from hfwidgets.engine.server.wire import json_body, named, reply, unless_gone
from hfwidgets.results import subtitles

Kind = Literal["json", "text", "srt", "verbose_json", "vtt"]
_FIELDS = 20


class SpeechBody(msgspec.Struct):
    """A request for speech; the engine has the one voice "joe"."""

    input: Text
    voice: Literal["joe", "default"] = "joe"
    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"
    speed: Speed = 1.0
    stream_format: Literal["audio"] = "audio"


class TranscriptionBody(msgspec.Struct):
    """A request for a transcription, apart from its file."""

    language: Literal["en"] = "en"
    prompt: str = ""
    response_format: Kind = "json"
    temperature: transcribe.Temperature | None = None
    timestamp_granularities: list[Literal["segment", "word"]] = []
    stream: Literal[False] = False


async def speech(request: Request) -> Response:
    """POST /v1/audio/speech."""
    body = await json_body(request)
    capability = _model(body.pop("model", None), "text-to-speech")
    asked = record(SpeechBody, body, "speech", frozenset())
    engine: Engine = request.app.state.engine

    def work() -> File:
        return voice.spoken(engine.kit, asked.input, asked.response_format, asked.speed)

    spoken = await unless_gone(request, engine.compute(capability, work))
    return reply(spoken, capability.model)


async def transcriptions(request: Request) -> Response:
    """POST /v1/audio/transcriptions."""
    if why := absent("python_multipart"):
        raise RefusedError(501, f"The engine cannot read forms: {why}.", kind="not_served")
    async with request.form(max_files=1, max_fields=_FIELDS) as form:
        file, fields = form.get("file"), _fields(form)
        if not isinstance(file, UploadFile):
            raise bad("file must be the sound to be transcribed.", "file")
        content = await file.read()
    capability = _model(fields.pop("model", None), "automatic-speech-recognition")
    asked = _transcription(fields)
    engine: Engine = request.app.state.engine
    found = await unless_gone(
        request, engine.compute(capability, lambda: _heard(engine.kit, content, asked))
    )
    return _written(asked.response_format, found, capability)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said: the segments, the words when they were asked for, and the sound's seconds."""

    segments: list[Segment]
    words: list[Segment] | None
    duration: float


def _heard(kit: Kit, content: bytes, asked: TranscriptionBody) -> Heard:
    sound = audio.samples(content, RATE)
    model = kit.get(Whisper)
    decoding = Decoding(asked.temperature, prompt=asked.prompt)
    kinds = asked.timestamp_granularities
    words = list(model.segments(sound, decoding, words=True)) if "word" in kinds else None
    parts = [] if kinds == ["word"] else list(model.segments(sound, decoding))
    return Heard(parts, words, len(sound) / RATE)


def _transcription(fields: dict[str, Any]) -> TranscriptionBody:
    """The form's fields; they are all texts on the wire."""
    fields |= {name: float(fields[name]) for name in ("temperature",) if _number(fields.get(name))}
    if "stream" in fields:
        fields["stream"] = fields["stream"].lower() not in ("false", "0", "")
    asked = record(TranscriptionBody, fields, "transcriptions", frozenset())
    if asked.timestamp_granularities and asked.response_format != "verbose_json":
        raise bad(
            "timestamp_granularities need response_format='verbose_json'.",
            "timestamp_granularities",
        )
    return asked


def _number(text: Any) -> bool:
    return isinstance(text, str) and text.replace(".", "", 1).isdecimal()


def _fields(form: FormData) -> dict[str, Any]:
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


def _written(kind: Kind, found: Heard, capability: Capability) -> Response:
    """A transcription in the form that was asked for."""
    text = transcribe.text_of(found.segments or found.words or [])
    if kind == "json":
        return reply({"text": text}, capability.model)
    if kind == "verbose_json":
        return reply({"text": text} | _verbose(found), capability.model)
    cues = [(part.start, part.end, part.text) for part in found.segments]
    whole = {"srt": subtitles.srt, "vtt": subtitles.vtt}.get(kind, lambda _: text + "\n")(cues)
    return PlainTextResponse(whole, headers=named(capability.model))


def _verbose(found: Heard) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": found.duration,
        "segments": [
            {"id": index} | _times(part) | {"text": part.text}
            for index, part in enumerate(found.segments)
        ],
    }
    if found.words is not None:
        whole["words"] = [{"word": part.text.strip()} | _times(part) for part in found.words]
    return whole


def _times(part: Segment) -> dict[str, Any]:
    return {"start": part.start, "end": part.end}


# The names by which OpenAI's clients ask for a speech or transcription model.
_OPENAI = frozenset({"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "whisper-1"})


def _model(name: Any, task: str) -> Capability:
    """The capability of this name for the task; OpenAI's usual names stand for the engine's own."""
    if name is not None and not isinstance(name, str):
        raise bad("model must be a text.", "model")
    return chosen("" if name is None or name in _OPENAI else name, task, own=True)[0]
