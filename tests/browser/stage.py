"""A played service that answers every task: the browser tests' other side for task panels.

A panel's `base_url` ends in the task's name, so the path says which task is asked.
"""

import base64
import json
import threading
from typing import Any

from PIL import Image, ImageDraw

from hfwidgets.tasks import TASKS, examples
from tests.plugins.loopback import Answer, Loopback, Seen, chat_events
from tests.plugins.sample_media import encode_image

SCORES = [{"label": "calm", "score": 0.75}, {"label": "rough", "score": 0.25}]
BOXES = [
    {"label": "boat", "score": 0.93, "box": {"xmin": 320, "ymin": 120, "xmax": 545, "ymax": 350}},
    {"label": "sun", "score": 0.61, "box": {"xmin": 500, "ymin": 30, "xmax": 580, "ymax": 110}},
]
VECTOR = [round(0.1 * (-1) ** at * (at % 7), 3) for at in range(64)]


def mask(*box: int) -> str:
    """Return a mask for an image of 640 x 420 pixels, light inside the box, in half its size.

    Masks may be smaller than their image, and this one is smaller than every example image.
    """
    image = Image.new("L", (320, 210))
    ImageDraw.Draw(image).rectangle([side // 2 for side in box], fill=255)
    return base64.b64encode(encode_image(image)).decode()


def video_file() -> bytes:
    """What begins like an MP4 file."""
    return b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(200)


def image_answer() -> Answer:
    return Answer(
        body=encode_image(examples.harbor().rotate(180)), headers={"content-type": "image/png"}
    )


def spoken() -> Answer:
    return Answer(body=bytes(examples.tone()), headers={"content-type": "audio/wav"})


def transcript() -> Answer:
    chunks = [
        {"text": "The ferry", "timestamp": [0.0, 0.9]},
        {"text": "leaves at noon.", "timestamp": [0.9, 2.0]},
    ]
    return Answer(json={"text": "The ferry leaves at noon.", "chunks": chunks})


def cleaned() -> Answer:
    blob = base64.b64encode(bytes(examples.tone())).decode()
    sounds = [("clean", blob), ("noise", base64.b64encode(bytes(examples.noise())).decode())]
    return Answer(
        json=[{"label": n, "content-type": "audio/wav", "blob": sound} for n, sound in sounds]
    )


def continued(seen: Seen) -> Answer:
    words = [" there", " was", " a", " lighthouse."]
    events = [{"index": i, "token": {"id": i, "text": w, "logprob": -1.0, "special": False}}
              for i, w in enumerate(words)]  # fmt: skip
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return Answer(headers={"content-type": "text/event-stream"}, chunks=[data])


PLAYED: dict[str, Any] = {
    "audio-classification": Answer(json=SCORES),
    "audio-to-audio": cleaned(),
    "automatic-speech-recognition": transcript(),
    "text-to-speech": spoken(),
    "chat-completion": lambda _: chat_events("Waves ", "come ", "and go."),
    "document-question-answering": Answer(json=[{"answer": "100.40", "score": 0.9}]),
    "visual-question-answering": Answer(json=[{"answer": "a boat", "score": 0.8}]),
    "tabular-classification": Answer(json=["setosa", "virginica"]),
    "tabular-regression": Answer(json=[151.5, 90.25]),
    "text-classification": Answer(json=[SCORES]),
    "zero-shot-classification": Answer(
        json=[{"label": "complaint", "score": 0.9}, {"label": "praise", "score": 0.1}]
    ),
    "token-classification": Answer(
        json=[
            {"entity_group": "PER", "score": 0.99, "word": "Marie Curie", "start": 0, "end": 11},
            {"entity_group": "LOC", "score": 0.9, "word": "Warsaw", "start": 23, "end": 29},
        ]
    ),
    "fill-mask": Answer(
        json=[{"score": 0.9, "token": 3, "token_str": "Paris", "sequence": "… is Paris."}]
    ),
    "question-answering": Answer(json={"answer": "1881", "score": 0.97, "start": 192, "end": 196}),
    "table-question-answering": Answer(
        json={
            "answer": "Cordouan",
            "cells": ["Cordouan"],
            "coordinates": [[1, 0]],
            "aggregator": "NONE",
        }
    ),
    "sentence-similarity": Answer(json=[0.9, 0.2, 0.1]),
    "feature-extraction": Answer(json=VECTOR),
    "summarization": Answer(json=[{"summary_text": "A lighthouse was built."}]),
    "translation": Answer(json=[{"translation_text": "El ferry sale al mediodía."}]),
    "text-generation": continued,
    "image-classification": Answer(json=SCORES),
    "image-segmentation": Answer(
        json=[
            {"label": "boat", "score": 0.9, "mask": mask(320, 120, 545, 350)},
            {"label": "sun", "score": 0.8, "mask": mask(500, 30, 580, 110)},
        ]
    ),
    "image-to-image": image_answer(),
    "image-to-text": Answer(json=[{"generated_text": "a boat on the water"}]),
    "image-to-video": Answer(body=video_file(), headers={"content-type": "video/mp4"}),
    "object-detection": Answer(json=BOXES),
    "text-to-image": image_answer(),
    "text-to-video": Answer(body=video_file(), headers={"content-type": "video/mp4"}),
    "zero-shot-image-classification": Answer(json=SCORES),
    "zero-shot-object-detection": Answer(json=BOXES),
}

SHOWN = {
    "audio-classification": "calm",
    "audio-to-audio": "clean",
    "automatic-speech-recognition": "leaves at noon.",
    "text-to-speech": "2.00 s",
    "chat-completion": "Waves come and go.",
    "document-question-answering": "100.40",
    "visual-question-answering": "a boat",
    "tabular-classification": "virginica",
    "tabular-regression": "151.50",
    "text-classification": "rough",
    "zero-shot-classification": "complaint",
    "token-classification": "Marie Curie",
    "fill-mask": "Paris",
    "question-answering": "1881",
    "table-question-answering": "Cordouan",
    "sentence-similarity": "0.900",
    "feature-extraction": "64",
    "summarization": "A lighthouse was built.",
    "translation": "El ferry sale al mediodía.",
    "text-generation": "there was a lighthouse.",
    "image-classification": "calm",
    "image-segmentation": "boat",
    "image-to-image": "640 × 420",
    "image-to-text": "a boat on the water",
    "object-detection": "sun",
    "text-to-image": "640 × 420",
    "zero-shot-image-classification": "calm",
    "zero-shot-object-detection": "boat",
}
"""A word of each task's played result; films have none."""


class Stage:
    """Plays all tasks; `hold` keeps answers back until `let_go`, `fail` answers with an error."""

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.released = threading.Event()
        self.released.set()
        self.failing = False
        for name in TASKS:
            path = (
                "/chat-completion/v1/chat/completions" if name == "chat-completion" else f"/{name}"
            )
            loopback.route("POST", path, lambda seen, name=name: self.answer(name, seen))

    def url(self, task: str) -> str:
        return f"{self.loopback.url}/{task}"

    def hold(self) -> None:
        self.released.clear()

    def let_go(self) -> None:
        self.released.set()

    def answer(self, name: str, seen: Seen) -> Answer:
        self.released.wait(60)
        if self.failing:
            return Answer(status=400, json={"error": "The model refused this input"})
        made = PLAYED[name]
        return made(seen) if callable(made) else made
