"""DeepInfra: OpenAI's wire for text, embeddings and audio."""

import json
import mimetypes
import secrets
from collections.abc import Iterator
from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.media import Media
from hfwidgets.providers._answers import get_value, parse_json
from hfwidgets.providers._openai import openai_compatible

ROOT = "/v1/openai"

provider = openai_compatible(
    "https://api.deepinfra.com", ROOT, "text-generation", "feature-extraction", "text-to-speech"
)


class MultipartForm:
    """Build a `multipart/form-data` body with one file, which is read while it is sent."""

    def __init__(self, file: Media, fields: dict[str, Any]) -> None:
        self._file = file
        self._boundary = secrets.token_hex(16)
        mime = file.mime or "application/octet-stream"
        suffix = mimetypes.guess_extension(mime) or ".wav"
        self._head = self._build_part(
            f'name="file"; filename="audio{suffix}"\r\nContent-Type: {mime}', ""
        ).removesuffix(b"\r\n")
        texts = b"".join(self._build_part(f'name="{n}"', _to_text(v)) for n, v in fields.items())
        self._tail = b"\r\n" + texts + f"--{self._boundary}--\r\n".encode()
        self.size = len(self._head) + (file.size or 0) + len(self._tail)
        self.content_type = f"multipart/form-data; boundary={self._boundary}"

    def _build_part(self, head: str, text: str) -> bytes:
        lines = (f"--{self._boundary}", f"Content-Disposition: form-data; {head}", "", text, "")
        return "\r\n".join(lines).encode()

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file.chunks()
        yield self._tail


def _to_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@provider.serves("automatic-speech-recognition")
def transcribe(request: Infer) -> Flow[Any]:
    file = yield from media.ensure_bytes(request.inputs)
    form = MultipartForm(file, {**request.parameters, "model": request.served_as})
    headers = {"content-type": form.content_type}
    path = f"{ROOT}/audio/transcriptions"
    raw = parse_json((yield Send("POST", path, content=form, headers=headers)))
    chunks = [
        {"text": part.get("text"), "timestamp": [part.get("start"), part.get("end")]}
        for part in raw.get("segments") or ()
    ]
    return {"text": get_value(raw, "text"), **({"chunks": chunks} if chunks else {})}
