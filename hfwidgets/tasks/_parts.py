"""Images and audio in a conversation: any form becomes the wire's parts.

A part may be `{"type": "image_url", "image_url": {"url": X}}`, `{"type": "image", "image": X}`,
`{"type": "input_audio", "input_audio": {"data": X}}`, `{"type": "audio", "audio": X}`, or X alone,
where X is anything that `media.load` takes: a PIL image, a path, bytes, an array, a URL.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from hfwidgets import errors, media
from hfwidgets.core.flow import Flow
from hfwidgets.media import Media

_PART_KINDS = {
    "image_url": "image",
    "image": "image",
    "video_url": "video",
    "video": "video",
    "audio_url": "audio",
    "audio": "audio",
    "input_audio": "audio",
}
_DEFAULT_MIMES = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}
_AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/x-caf": "caf"}


def inline_media(messages: list[dict[str, Any]]) -> Flow[list[dict[str, Any]]]:
    """Return the messages with every image and audio as a part that servers understand.

    Raises:
        InputError: A file is missing, damaged or of another type.
    """
    inlined = []
    for message in messages:
        # The whole conversation comes here with every turn: no generator for a message of texts.
        is_text = type(message.get("content")) is str
        inlined.append(message if is_text else (yield from _inline_message(message)))
    return inlined


def _map_flow(turn: Callable[[Any], Flow[Any]], items: Iterable[Any]) -> Flow[list[Any]]:
    done = []
    for item in items:
        made = yield from turn(item)
        done.append(made)
    return done


def _inline_message(message: dict[str, Any]) -> Flow[dict[str, Any]]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return message
    # A numpy scalar is a rate too, so a pair is told from two parts by both of its values.
    if not isinstance(content, (list, tuple)) or _is_samples_pair(content):
        content = [content]
    return {**message, "content": (yield from _map_flow(_inline_part, content))}


def _is_samples_pair(content: object) -> bool:
    """True if this is (array, rate) rather than parts."""
    if not isinstance(content, tuple) or any(isinstance(item, (str, Mapping)) for item in content):
        return False
    return media.parse_samples(content) is not None


def _inline_part(part: Any) -> Flow[Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if hasattr(part, "model_dump"):  # pydantic objects, as openai's client makes them
        part = part.model_dump(exclude_none=True)
    if media.holds_file(part):  # an upload has a type as well, that of its file
        return (yield from _media_part((yield from media.load(part)), {}))
    if isinstance(part, Mapping) and "type" in part:
        return (yield from _inline_typed_part(part))
    if isinstance(part, PurePath) or not isinstance(part, Mapping):
        return (yield from _media_part((yield from media.load(part)), {}))
    return part


def _inline_typed_part(part: Mapping[str, Any]) -> Flow[Mapping[str, Any]]:
    """Load the medium of a part with a type; return other parts unchanged."""
    name = part["type"]
    kind = _PART_KINDS.get(name)
    if kind is None:
        return part
    # OpenAI's parts hold the medium under their own type, those of chat
    # templates under url or path.
    content = part.get(name, part.get("url", part.get("path")))
    more: dict[str, Any] = {}
    if isinstance(content, Mapping) and "array" not in content:
        source = content.get("url", content.get("data"))
        more = {key: value for key, value in content.items() if key not in ("url", "data")}
        if isinstance(source, str) and _is_ready(name, source, more):
            return part
    else:
        source = content
    if source is None:
        raise errors.InputError(f"A message's part of type {name!r} holds no {kind}: {part!r}.")
    # The other keys, such as an image's detail, belong to the server and travel along.
    return (yield from _media_part((yield from media.load(source, kind)), more))


def _is_ready(name: str, source: str, more: Mapping[str, Any]) -> bool:
    """True if a text in a part is what the wire needs there: a URL, or base64 with its format."""
    if name == "input_audio":
        return "format" in more
    return name.endswith("_url") and source.startswith(("http://", "https://", "data:"))


def _media_part(found: Media, more: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    # A URL that was not fetched has neither kind nor type: it is most likely an image.
    kind = found.kind or (found.mime or "image").partition("/")[0]
    if kind == "audio":
        # input_audio has no field for a URL, so the bytes are fetched here.
        yield from media.ensure_bytes(found)
        data = {"data": found, "format": _audio_format(found.mime or ""), **more}
        return {"type": "input_audio", "input_audio": data}
    url = yield from media.to_url(found, _DEFAULT_MIMES[kind])
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url, **more}}


def _audio_format(mime: str) -> str:
    """Return the field's short name of an audio type: wav, mp3, flac ..."""
    return _AUDIO_FORMATS.get(mime) or mime.partition("/")[2].removeprefix("x-")
