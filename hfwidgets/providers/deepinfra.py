"""DeepInfra: OpenAI's wire for text, vectors and sound."""

import json
import mimetypes
import secrets
from collections.abc import Iterator
from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.media import Media
from hfwidgets.providers._answers import at
from hfwidgets.providers._hub import parsed
from hfwidgets.providers._openai import compatible

ROOT = "/v1/openai"

provider = compatible(
    "https://api.deepinfra.com", ROOT, "text-generation", "feature-extraction", "text-to-speech"
)


class Form:
    """A `multipart/form-data` body with one file, which is read while it is sent."""

    def __init__(self, file: Media, fields: dict[str, Any]) -> None:
        self._file = file
        self._mark = secrets.token_hex(16)
        mime = file.mime or "application/octet-stream"
        suffix = mimetypes.guess_extension(mime) or ".wav"
        self._head = self._part(
            f'name="file"; filename="audio{suffix}"\r\nContent-Type: {mime}', ""
        ).removesuffix(b"\r\n")
        texts = b"".join(self._part(f'name="{n}"', _text(v)) for n, v in fields.items())
        self._tail = b"\r\n" + texts + f"--{self._mark}--\r\n".encode()
        self.size = len(self._head) + (file.size or 0) + len(self._tail)
        self.type = f"multipart/form-data; boundary={self._mark}"

    def _part(self, head: str, text: str) -> bytes:
        lines = (f"--{self._mark}", f"Content-Disposition: form-data; {head}", "", text, "")
        return "\r\n".join(lines).encode()

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file.chunks()
        yield self._tail


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@provider.serves("automatic-speech-recognition")
def transcribe(ask: Infer) -> Flow[Any]:
    file = yield from media.as_bytes(ask.inputs)
    form = Form(file, {**ask.given, "model": ask.served_as})
    headers = {"content-type": form.type}
    path = f"{ROOT}/audio/transcriptions"
    raw = parsed((yield Send("POST", path, content=form, headers=headers)))
    chunks = [
        {"text": part.get("text"), "timestamp": [part.get("start"), part.get("end")]}
        for part in raw.get("segments") or ()
    ]
    return {"text": at(raw, "text"), **({"chunks": chunks} if chunks else {})}
