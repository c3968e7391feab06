"""Make images and audio with known content, and load two photos of scikit-learn's package."""

import dataclasses
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.install import fetch

Samples = NDArray[np.float32]
Color = tuple[int, int, int]

GRAY, WHITE, BLACK = (150, 160, 165), (255, 255, 255), (0, 0, 0)
INVOICE = (
    "ACME Tools Ltd.",
    "Invoice No: 2024-0173",
    "Date: 14 March 2024",
    "Customer: Maria Lopez",
    "2 x Hammer 18.00",
    "1 x Power drill 64.50",
    "Total: 100.50 EUR",
    "Due date: 28 March 2024",
)


def load_photos(directory: Path) -> dict[str, bytes]:
    """Load the photos in scikit-learn's package: a Chinese palace and a flower."""
    members = {f"sklearn/datasets/images/{name}.jpg": name for name in ("china", "flower")}
    folder = directory / "photos"
    if not folder.is_dir():
        weight = dataclasses.replace(WEIGHTS["tables"], members=members)
        wheel = fetch.download_package(weight, directory, lambda _: None)
        fetch.verify_checksum(weight.package, weight.sha256, wheel)
        folder.mkdir()
        fetch.unpack_members(weight.members, wheel, folder)
    return {name: (folder / name).read_bytes() for name in members.values()}


def encode_image(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Encode an image as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def open_image(content: bytes) -> Image.Image:
    """Open an image file."""
    return Image.open(io.BytesIO(content))


def draw_text(lines: Iterable[str], size: int = 28, color: Color = BLACK) -> Image.Image:
    """Draw lines of text on white."""
    lines = list(lines)
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
    image = Image.new("RGB", (700, int(30 + size * 2.2 * len(lines))), WHITE)
    draw = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        draw.text((40, 20 + index * size * 2.2), line, fill=color, font=font)
    return image


def draw_person() -> Image.Image:
    """Draw a person in flat colors in front of a blue sky, 480 x 640."""
    image = Image.new("RGB", (480, 640), (120, 170, 220))
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 420, 420, 900), fill=(40, 60, 110))
    draw.rectangle((205, 330, 275, 450), fill=(220, 175, 145))
    draw.ellipse((150, 120, 330, 380), fill=(230, 185, 155))
    draw.pieslice((140, 90, 340, 330), 180, 360, fill=(60, 40, 30))
    for x in (195, 265):
        draw.ellipse((x, 230, x + 28, 246), fill=WHITE)
        draw.ellipse((x + 8, 230, x + 20, 246), fill=(50, 30, 20))
    draw.ellipse((208, 315, 272, 338), fill=(170, 70, 70))
    return image


# Soft ellipses: center, radii, color, softness of the edge (0 to 1), opacity (0 to 1).
_FACE: tuple[tuple[float, float, float, float, Color, float, float], ...] = (
    (256, 560, 230, 180, (60, 70, 100), 0.1, 1),
    (256, 400, 60, 90, (190, 145, 120), 0.1, 1),
    (256, 215, 150, 185, (50, 35, 25), 0.1, 1),
    (256, 265, 118, 155, (214, 170, 145), 0.08, 1),
    (215, 235, 110, 140, (232, 192, 168), 1, 0.7),
    (256, 300, 20, 45, (222, 180, 155), 0.8, 1),
    (256, 322, 24, 10, (180, 125, 105), 0.8, 1),
    (256, 365, 42, 13, (170, 85, 80), 0.4, 1),
    (256, 364, 40, 2.5, (90, 40, 40), 0.6, 1),
    (256, 395, 30, 10, (200, 150, 128), 0.9, 1),
)
_EYE = (
    (0, 250, 34, 20, (180, 130, 110), 0.6, 1),
    (0, 252, 23, 10, (240, 236, 230), 0.3, 1),
    (0, 252, 10, 10, (60, 40, 25), 0.3, 1),
    (0, 252, 5, 5, (10, 10, 10), 0.4, 1),
    (-3, 249, 2, 2, (255, 255, 255), 0.5, 1),
    (0, 222, 32, 7, (60, 42, 30), 0.6, 1),
)


def draw_face(side: int) -> Image.Image:
    """Draw a softly shaded face in a gray square; the head spans 0.2 to 0.85 of its side."""
    eyes = [(x + dx, *rest) for x in (208, 304) for dx, *rest in _EYE]
    canvas = np.full((512, 512, 3), GRAY, float)
    rows, columns = np.mgrid[0:512, 0:512]
    for x, y, wide, high, color, soft, opaque in [*_FACE, *eyes]:  # type: ignore[misc]
        inside = 1 - ((columns - x) / wide) ** 2 - ((rows - y) / high) ** 2
        share = (np.clip(inside / soft, 0, 1) * opaque)[..., None]
        canvas = canvas * (1 - share) + np.array(color) * share
    drawn = Image.fromarray(canvas.astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.2))
    return drawn.resize((side, side))


def draw_shapes() -> Image.Image:
    """Draw many overlapping shapes with sharp edges, 400 x 300."""
    random = np.random.default_rng(0)
    image = Image.new("RGB", (1600, 1200), WHITE)
    draw = ImageDraw.Draw(image)
    for index in range(60):
        x, y = (int(random.integers(0, side)) for side in (1500, 1100))
        wide = int(random.integers(40, 320))
        color = tuple(int(value) for value in random.integers(0, 255, 3))
        form = draw.ellipse if index % 2 else draw.rectangle
        form((x, y, x + wide, y + int(wide * 0.7)), fill=color)  # type: ignore[operator]
    return image.resize((400, 300), Image.Resampling.LANCZOS)


def compute_psnr(one: Image.Image, other: Image.Image) -> float:
    """Return the similarity of two images (PSNR), in dB."""
    difference = np.asarray(one, float) - np.asarray(other, float)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


def decode_audio(content: bytes) -> tuple[Samples, int]:
    """Return an audio file's samples, mixed to mono, and their rate in Hz."""
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    return samples.mean(1), rate


def encode_audio(samples: NDArray[np.floating], rate: int, kind: str = "WAV") -> bytes:
    """Encode samples as an audio file."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind)
    return out.getvalue()


def make_noise(seconds: float, rate: int = 16_000, loudness: float = 0.1) -> Samples:
    """Make white noise."""
    random = np.random.default_rng(0)
    return (random.standard_normal(round(seconds * rate)) * loudness).astype(np.float32)


def compute_snr(estimate: Samples, truth: Samples) -> float:
    """Return the scale-invariant signal-to-noise ratio (SI-SNR), in dB."""
    estimate, truth = estimate - estimate.mean(), truth - truth.mean()
    signal = (estimate @ truth) / (truth @ truth) * truth
    noise = estimate - signal
    return float(10 * np.log10((signal @ signal) / (noise @ noise)))


def split_words(text: str) -> list[str]:
    """Return a text's words in lower case, without punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def count_word_errors(expected: Sequence[str], actual: Sequence[str]) -> int:
    """Count the words to insert, delete or replace to get from one text to the other."""
    row = list(range(len(actual) + 1))
    for index, word in enumerate(expected, 1):
        steps = itertools.pairwise(row)
        new = [index]
        for (corner, above), other in zip(steps, actual, strict=True):
            new.append(min(above + 1, new[-1] + 1, corner + (word != other)))
        row = new
    return row[-1]
