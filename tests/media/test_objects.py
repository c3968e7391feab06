"""Objects that notebooks are full of: data sets' dicts, widgets, figures, displays, responses."""

import array
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import ipywidgets
import numpy as np
import pytest
from IPython import display
from matplotlib.figure import Figure
from PIL import Image
from traitlets import Bunch

from hfwidgets import errors, media
from hfwidgets.media import Media
from tests.plugins.sample_media import encode_image, make_wav, run_local

PNG, WAV = encode_image(), make_wav(0.1)
UPLOAD = {"name": "a.png", "type": "image/png", "size": len(PNG), "content": memoryview(PNG)}


def load(source: Any, kind: str | None = "image") -> Media:
    found: Media = run_local(media.load(source, kind))
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a boat.png"
    found.write_bytes(PNG)
    return found


@pytest.mark.parametrize(
    "source",
    [
        {"bytes": PNG, "path": None},
        {"bytes": PNG, "path": "elsewhere.png"},
        {"bytes": PNG},
        (UPLOAD,),
        [UPLOAD],
        UPLOAD,
        {"a.png": {"metadata": {"name": "a.png"}, "content": PNG}},
        ipywidgets.Image(value=PNG),
        display.Image(data=PNG),
        array.array("B", PNG),
        httpx.Response(200, content=PNG),
    ],
)
def test_the_image_inside_is_taken(source: Any) -> None:
    for kind in ("image", None):
        assert load(source, kind).read() == PNG


def test_an_upload_widget_is_its_file() -> None:
    widget = ipywidgets.FileUpload()
    with pytest.raises(errors.InputError, match="nothing was uploaded"):
        load(widget)
    file = Bunch({**UPLOAD, "last_modified": datetime.now(UTC)})
    widget.value = (file,)
    assert load(widget).read() == load(widget.value).read() == PNG
    widget.value = (file, file)
    with pytest.raises(errors.InputError, match="2 files"):
        load(widget)


def test_paths_in_every_spelling(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    spellings = [
        path.as_uri(),
        path.as_uri().replace("file:", "FILE:"),
        path.as_uri().replace("file:///", "file://localhost/"),
        f"  {path}",
        f"{path}\n",
        "a boat.png",
        {"bytes": None, "path": str(path)},
        display.Image(filename=str(path)),
    ]
    for source in spellings:
        assert load(source).read() == PNG, source
    with zipfile.ZipFile("a.zip", "w") as packed:
        packed.writestr("a.png", PNG)
    assert load(zipfile.Path("a.zip", "a.png")).read() == PNG


@pytest.mark.parametrize(
    "source",
    ["HTTPS://example.org/a.png", "  https://example.org/a.png\n", "hTTps://example.org/a.png"],
)
def test_urls_in_every_spelling(source: str) -> None:
    assert load(source).url == "https://example.org/a.png"
    assert load(display.Image(url=source)).url == "https://example.org/a.png"
    assert load(f" DATA:image/png;base64,{_base64(PNG)} ").read() == PNG


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


def test_a_file_url_of_another_machine_is_refused() -> None:
    with pytest.raises(errors.InputError, match="another machine"):
        load("file://server/share/a.png")


def test_a_figure_is_its_image() -> None:
    figure = Figure(figsize=(2, 1), dpi=50)
    with Image.open(io.BytesIO(load(figure).read())) as image:
        assert image.size == (100, 50)


class Tensor:
    """What torch's tensors do: they refuse to become arrays before they are detached."""

    __module__ = "torch"

    def __init__(self, values: Any, attached: bool = True) -> None:
        self.values, self.attached = values, attached

    def detach(self) -> "Tensor":
        return Tensor(self.values, attached=False)

    def __array__(self, *_: Any, **__: Any) -> Any:
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values


def test_tensors_are_detached_and_their_channels_moved() -> None:
    with Image.open(io.BytesIO(load(Tensor(np.ones((3, 5, 7)))).read())) as image:
        assert (image.size, image.mode) == ((7, 5), "RGB")
    assert load((Tensor(np.zeros(80)), 8000), "audio").size == 44 + 160
    with pytest.raises(errors.InputError, match="cannot be read as an array"):
        load(type("Broken", (Tensor,), {"detach": None})(np.zeros(3)))


@pytest.mark.parametrize(
    "source",
    [
        (np.zeros(800), 8000),
        (np.zeros(800), np.int64(8000)),
        (np.int64(8000), np.zeros(800)),
        (array.array("h", [0] * 800), 8000),
        {"array": np.zeros(800), "sampling_rate": np.int32(8000), "path": "a.wav"},
        {"bytes": WAV, "path": "a.wav"},
        display.Audio(np.ones(800), rate=8000),
        display.Audio(data=WAV),
        ipywidgets.Audio(value=WAV),
    ],
)
def test_the_audio_inside_is_taken(source: Any) -> None:
    for kind in ("audio", None):
        found = load(source, kind)
        assert (found.mime, found.size) == ("audio/wav", 44 + 1600)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (httpx.Response(404, content=b"no"), "HTTP 404"),
        (httpx.Response(200, stream=httpx.ByteStream(PNG)), "read it first"),
        ({"bytes": None, "path": None}, "neither"),
        ({"a": 1}, "from dict"),
        ({}, "from dict"),
        ([], "from list"),
        (array.array("d", [1.0]), "from array"),
        (ipywidgets.IntSlider(), "from IntSlider"),
        (display.HTML("<b>x</b>"), "<b>x</b>"),
    ],
)
def test_what_holds_no_file_is_refused(source: Any, words: str) -> None:
    with pytest.raises(errors.InputError, match=words):
        load(source)


class Remote:
    """A path of another storage, as universal_pathlib has them."""

    def __init__(self, read: Any) -> None:
        self.read_bytes = read

    def __fspath__(self) -> str:
        raise TypeError("not on this machine")

    def __str__(self) -> str:
        return "s3://bucket/a.png"


class BytesPath:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return bytes(self.path)


def test_paths_of_every_kind_are_read(path: Path) -> None:
    assert load(Remote(lambda: PNG)).read() == PNG
    assert load(BytesPath(path)).read() == PNG


def test_a_remote_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    def refuse() -> bytes:
        raise PermissionError("403")

    with pytest.raises(errors.InputError, match=r"s3://bucket/a.png cannot be read.*403"):
        load(Remote(refuse))
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.png", PNG)
    with pytest.raises(errors.InputError, match=r"b.png cannot be read"):
        load(zipfile.Path(archive, "b.png"))
