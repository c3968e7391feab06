"""Inputs to try the tasks with, drawn and synthesized here: all of them are free to ship.
The one spoken sentence is the embedded engine's voice, stored as a file.

A task's `example` holds plain values, and an `Example` in place of an image or audio, which is
made when it is needed. `make_arguments` does that for a whole example:

    arguments = examples.make_arguments(find("object-detection").example)
    client.object_detection(**arguments)

`MORE_EXAMPLES` holds further examples of some tasks, for menus.
"""

import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from hfwidgets.results.audio import Audio

SAMPLING_RATE = 16_000
"""The sampling rate of synthesized audio, in hertz."""


class Example:
    """An image or audio that is made when it is needed.

    Attributes:
        name: a key of `MAKERS`.
        kind: image or audio.
        alt: a description for people who cannot see or hear it.
    """

    def __init__(self, name: str, kind: str, alt: str) -> None:
        self.name, self.kind, self.alt = name, kind, alt

    def make(self) -> Any:
        """Return a PIL image or an `Audio`."""
        return MAKERS[self.name]()

    def __repr__(self) -> str:
        return f"examples.{self.name}()"


def make_arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an example's arguments with its images and audio made."""
    return {
        name: value.make() if isinstance(value, Example) else value
        for name, value in values.items()
    }


@functools.cache
def _draw_harbor() -> "Image":
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (640, 420), "#bfe3f5")
    pen = ImageDraw.Draw(image)
    pen.ellipse((500, 30, 580, 110), fill="#ffd23f")
    pen.polygon([(0, 270), (160, 150), (330, 270)], fill="#7aa874")
    pen.rectangle((0, 265, 640, 420), fill="#2f6f9f")
    for row in range(290, 420, 26):
        pen.line([(x, row + 4 * math.sin(x / 18)) for x in range(0, 641, 6)], "#5b98c2", 3)
    pen.polygon([(330, 300), (540, 300), (505, 345), (365, 345)], fill="#a63d40")
    pen.rectangle((428, 130, 434, 300), fill="#5c4033")
    pen.polygon([(438, 140), (438, 285), (525, 285)], fill="#fdf6e3")
    pen.polygon([(424, 160), (424, 285), (360, 285)], fill="#f1e3c6")
    pen.rectangle((60, 190, 110, 270), fill="#f7f7f2")
    pen.rectangle((60, 214, 110, 238), fill="#d1495b")
    pen.polygon([(52, 190), (118, 190), (85, 155)], fill="#d1495b")
    return image


def harbor() -> "Image":
    """Draw a sailing boat and a lighthouse under the sun, 640 by 420 pixels."""
    # A copy, since callers may draw on the image, and the original is cached.
    return _draw_harbor().copy()


def clock() -> "Image":
    """Draw the face of a clock at nine minutes past ten, 640 by 640 pixels."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (640, 640), "#cfd8dc")
    pen = ImageDraw.Draw(image)
    pen.ellipse((60, 60, 580, 580), fill="#fdfdf8", outline="#333333", width=18)

    def draw_hand(turn: float, begin: int, end: int, width: int) -> None:
        across, up = math.sin(turn * math.tau), math.cos(turn * math.tau)
        ends = [(320 + length * across, 320 - length * up) for length in (begin, end)]
        pen.line(ends, "#222222", width)

    for minute in range(60):
        is_hour = minute % 5 == 0
        draw_hand(minute / 60, 205 if is_hour else 230, 245, 8 if is_hour else 3)
    draw_hand(10.15 / 12, 0, 130, 14)
    draw_hand(9 / 60, 0, 190, 9)
    pen.ellipse((306, 306, 334, 334), fill="#111111")
    return image


_SKIN, _SHADE, _HAIR = (225, 182, 157), (190, 145, 122), (50, 35, 25)
_PORTRAIT = (
    (480, 1180, 430, 330, (60, 70, 100)),
    (480, 850, 80, 150, _SHADE),
    (480, 480, 300, 360, _HAIR),
    (480, 560, 236, 306, _SKIN),
    (480, 640, 44, 84, (214, 172, 148)),
    (480, 680, 48, 20, (180, 125, 105)),
    (480, 772, 84, 26, (170, 85, 80)),
    (480, 770, 80, 3, (90, 40, 40)),
)
_EYE = (
    (0, 530, 68, 40, _SHADE),
    (0, 534, 46, 20, (240, 236, 230)),
    (0, 534, 20, 20, (60, 40, 25)),
    (0, 534, 10, 10, (10, 10, 10)),
    (-6, 528, 4, 4, (255, 255, 255)),
    (0, 474, 64, 13, (60, 42, 30)),
)
"""Ellipses from back to front: center, half width and half height in pixels, color."""


def portrait() -> "Image":
    """Draw a person's head and shoulders, 480 by 560 pixels: models detect a face and a person."""
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.new("RGB", (960, 1120), (150, 190, 205))
    pen = ImageDraw.Draw(image)
    eyes = [
        (x + offset, y, wide, high, color)
        for x in (384, 576)
        for offset, y, wide, high, color in _EYE
    ]
    for x, y, wide, high, color in [*_PORTRAIT, *eyes]:
        pen.ellipse((x - wide, y - high, x + wide, y + high), fill=color)
    # Drawn at twice the size, then blurred and scaled down, to smooth the edges as in a photo.
    return image.filter(ImageFilter.GaussianBlur(6)).resize((480, 560))


def invoice() -> "Image":
    """Draw an invoice with three items and a total, 640 by 480 pixels."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(image)
    large, plain = ImageFont.load_default(30), ImageFont.load_default(18)
    pen.text((40, 30), "Harbor Supplies", "black", font=large)
    pen.text((40, 80), "Invoice 2026-0142", "black", font=plain)
    pen.text((40, 106), "Date: 3 March 2026", "black", font=plain)
    rows = [("Rope, 20 m", "18.00"), ("Lantern", "42.50"), ("Paint, 5 l", "39.90")]
    for at, (item, price) in enumerate(rows):
        pen.text((40, 170 + 36 * at), item, "black", font=plain)
        pen.text((500, 170 + 36 * at), price, "black", font=plain)
    pen.line((40, 290, 600, 290), "black", 2)
    pen.text((40, 304), "Total", "black", font=plain)
    pen.text((500, 304), "100.40", "black", font=plain)
    pen.text((40, 400), "Payable within 14 days.", "black", font=plain)
    return image


def tone() -> "Audio":
    """Synthesize three rising notes in two seconds, mono, 16 kHz."""
    from hfwidgets.results.audio import Audio

    notes = (440.0, 554.37, 659.26)
    length = 2 * SAMPLING_RATE // len(notes)
    return Audio.of(
        [_note_sample(hertz, at, length) for hertz in notes for at in range(length)], SAMPLING_RATE
    )


def _note_sample(hertz: float, at: int, length: int) -> float:
    """Return one sample of a note that swells and fades."""
    return (
        0.4 * math.sin(2 * math.pi * hertz * at / SAMPLING_RATE) * math.sin(math.pi * at / length)
    )


SPEECH_TEXT = "The boat leaves at noon and comes back before dark."
"""The sentence in `speech`."""

SPEECH_FILE = Path(__file__).with_name("speech.mp3")
"""Its audio file: `python -m tests.panels.store_examples` has the embedded engine speak it."""


def speech() -> "Audio":
    """Return a spoken sentence of three seconds, MP3, mono, 22,050 Hz."""
    from hfwidgets.results.audio import Audio

    return Audio(SPEECH_FILE.read_bytes())


def noise() -> "Audio":
    """Return the sentence of `speech` under a hiss, WAV, mono, 22,050 Hz."""
    import random

    from hfwidgets.results.audio import Audio

    hiss = random.Random(7)  # noqa: S311 - the same hiss each time
    clean = speech()
    mixed = [0.8 * sample + hiss.uniform(-0.04, 0.04) for sample in clean.array.tolist()]
    return Audio.of(mixed, clean.sampling_rate)


MAKERS: dict[str, Callable[[], Any]] = {
    "harbor": harbor,
    "portrait": portrait,
    "invoice": invoice,
    "clock": clock,
    "tone": tone,
    "speech": speech,
    "noise": noise,
}

HARBOR = Example("harbor", "image", "A sailing boat and a lighthouse under the sun")
PORTRAIT = Example("portrait", "image", "A person's head and shoulders")
CLOCK = Example("clock", "image", "The face of a clock at nine minutes past ten")
INVOICE = Example("invoice", "image", "An invoice with three items and a total")
TONE = Example("tone", "audio", "Three rising notes")
SPEECH = Example("speech", "audio", "A spoken sentence")
NOISE = Example("noise", "audio", "A spoken sentence under a hiss")

STORY = (
    "The lighthouse of Ar-Men stands on a rock far out at sea. Building it took fourteen years, "
    "because the rock is dry for only a few hours at low tide. The lamp was lit for the first "
    "time in 1881."
)
"""A text to answer questions about and to summarize."""

MORE_EXAMPLES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "text-classification": (
        {"text": "I have never been so bored in my life."},
        {"text": "The room was clean, the bed was fine and breakfast was until ten."},
    ),
    "token-classification": (
        {"text": "Charles Babbage showed his machine in London in July 1833."},
        {"text": "The train from Germany reached Vienna and Budapest on Monday."},
    ),
    "zero-shot-classification": (
        {
            "text": "The ministers agreed on new rules for fishing in the North Sea.",
            "candidate_labels": ["politics", "sport", "cooking"],
        },
    ),
    "fill-mask": (
        {"text": "She poured a cup of [MASK] and sat down by the window."},
        {"text": "The opposite of hot is [MASK]."},
    ),
    "question-answering": (
        {
            "question": "Who repaired the clock?",
            "context": "The clock in the tower had stood still since the storm. In spring Ines, "
            "a watchmaker from the next village, climbed up and repaired it in one afternoon.",
        },
    ),
    "sentence-similarity": (
        {
            "sentence": "How do I reset my password?",
            "other_sentences": [
                "I forgot my login details.",
                "The password must have twelve letters.",
                "Where can I park my car?",
            ],
        },
    ),
    "feature-extraction": ({"text": "A red kite circles above the field."},),
    "summarization": (
        {
            "text": "Bees tell each other where flowers are by dancing. A bee that has found "
            "nectar walks in a straight line on the comb, waggling, and then returns to where it "
            "began. The angle of the line tells the direction from the sun, its length the "
            "distance. The others follow the dancer in the dark of the hive and then fly out. "
            "Karl von Frisch described the dance in the first half of the last century."
        },
    ),
    "translation": ({"text": "Where is the nearest bakery?", "src_lang": "en", "tgt_lang": "es"},),
    "text-generation": (
        {"prompt": "The recipe for a good day is simple: first,", "max_new_tokens": 60},
    ),
    "table-question-answering": (
        {
            "table": {
                "City": ["Lisbon", "Oslo", "Athens", "Riga"],
                "Country": ["Portugal", "Norway", "Greece", "Latvia"],
                "Inhabitants": ["545000", "709000", "643000", "605000"],
            },
            "query": "How many inhabitants do all cities have together?",
        },
    ),
    "tabular-classification": (
        {
            "table": {
                "sepal length (cm)": [5.9, 4.8, 6.0],
                "sepal width (cm)": [3.0, 3.1, 2.2],
                "petal length (cm)": [4.2, 1.6, 5.0],
                "petal width (cm)": [1.5, 0.2, 1.5],
            }
        },
    ),
    "object-detection": ({"image": HARBOR},),
    "image-segmentation": ({"image": HARBOR},),
    "zero-shot-image-classification": (
        {"image": PORTRAIT, "candidate_labels": ["person", "dog", "car"]},
    ),
    "image-to-text": ({"image": HARBOR},),
    "document-question-answering": (
        {"image": INVOICE, "question": "What is the number of the invoice?"},
    ),
    "visual-question-answering": ({"image": PORTRAIT, "question": "What color is the hair?"},),
    "image-to-image": ({"image": HARBOR, "prompt": "The same scene at night"},),
    "text-to-image": ({"prompt": "A fox reading a newspaper, woodcut"},),
    "text-to-video": ({"prompt": "Clouds move over a wheat field, seen from above"},),
    "text-to-speech": ({"text": "Mind the gap between the train and the platform."},),
    "audio-classification": ({"audio": TONE},),
}
"""Further examples by the task's name, each with the arguments that the task requires."""
