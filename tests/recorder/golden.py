"""The calls behind the golden recordings in `tests/recorder/golden/`.

    python -m tests.recorder.golden

records them again, which is right only when the format changes on purpose: people have committed
recordings of the old one.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

import hfwidgets as hf
from hfwidgets import InferenceClient

FOLDER = Path(__file__).parent / "golden"
URL = "https://golden.example/path?api_key=not-in-the-file"

# A 1x1 PNG, written out: what Pillow writes may change.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cf"
    "c0000003010100c9fe92ef0000000049454e44ae426082"
)
HELLO = [{"role": "user", "content": "Grüß Gott"}]


def answer(request: httpx.Request) -> httpx.Response:
    """Answer as a server of many tasks."""
    headers = {"x-inference-model": "org/golden"}
    body = json.loads(request.content)
    if body.get("stream"):
        pieces = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Hi", "!")]
        events = "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces)
        headers["content-type"] = "text/event-stream"
        return httpx.Response(200, headers=headers, text=f"{events}data: [DONE]\n\n")
    if "messages" in body:
        message = {"role": "assistant", "content": "Hi!"}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return httpx.Response(200, headers=headers, json={"choices": choices})
    if body["inputs"] == "an image":
        return httpx.Response(200, headers={**headers, "content-type": "image/png"}, content=PNG)
    return httpx.Response(200, headers=headers, json=[{"label": body["inputs"], "score": 0.25}])


CALLS: dict[str, Callable[[InferenceClient], Any]] = {
    "text": lambda client: client.text_classification("Fine! 模型", top_k=1),
    "other text": lambda client: client.text_classification("Bad."),
    "image": lambda client: client.text_to_image("an image"),
    "chat": lambda client: client.chat_completion(HELLO, max_tokens=5),
    "stream": lambda client: client.chat_completion(HELLO, stream=True),
}


def make_client(folder: Path, mode: str) -> InferenceClient:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return InferenceClient(
        URL, token="hf_" + "g" * 34, recordings=hf.recordings(folder, mode=mode), http_client=http
    )


def read(result: Any) -> Any:
    """Return a result as plain data: chunks for a stream, pixels for an image."""
    if hasattr(result, "tobytes"):
        return result.tobytes()
    return list(result) if hasattr(result, "close") and not isinstance(result, dict) else result


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    for call in CALLS.values():
        read(call(make_client(FOLDER, "record")))
