"""File objects in every state that a notebook leaves them in."""

import asyncio
import gzip
import io
import warnings
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import errors, media
from hfwidgets.media import Media
from tests.plugins.sample_media import encode_image, make_noise_png, run_local

PNG = encode_image()
PACKED = gzip.compress(PNG)


def load(source: Any) -> Media:
    found: Media = run_local(media.load(source, "image"))
    return found


class Reader:
    """A file-like object with a read() of its own making."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def read(self, size: int = -1) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class BareReader:
    """A file-like object whose read() takes no size."""

    def read(self) -> bytes:
        return PNG


class AsyncReader:
    """An upload as asynchronous servers hold it."""

    async def read(self, size: int = -1) -> bytes:
        return PNG


def closed_file(tmp_path: Path) -> Any:
    (tmp_path / "a.png").write_bytes(PNG)
    with (tmp_path / "a.png").open("rb") as file:
        pass
    return file


def written_file(tmp_path: Path, mode: str) -> Any:
    file = (tmp_path / "a.png").open(mode)
    file.write(PNG)
    return file


def test_readers_without_seeking_are_read() -> None:
    assert load(Reader(PNG)).read() == PNG
    assert load(Reader(bytearray(PNG))).read() == PNG
    assert load(BareReader()).read() == PNG


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (closed_file, "closed: open it again"),
        (lambda path: written_file(path, "wb"), "mode 'rb'"),
        (lambda path: written_file(path, "ab"), "mode 'rb'"),
        (lambda path: written_file(path, "wb+"), r"seek\(0\)"),
        (lambda path: Reader(OSError("the pipe broke")), "the pipe broke"),
        (lambda path: Reader(RuntimeError("boom")), "boom"),
        (lambda path: Reader(KeyError("k")), "KeyError"),
        (lambda path: Reader(None), "NoneType"),
        (lambda path: Reader([1]), "list"),
        (lambda path: Reader("text"), "'rb'"),
        (lambda path: Reader(b""), "empty"),
        (lambda path: AsyncReader(), r"await file\.read"),
        (lambda path: io.BytesIO, "BytesIO is a class"),
        (lambda path: Path, "Path is a class"),
        (lambda path: gzip.GzipFile(fileobj=io.BytesIO(PACKED[:-20])), "EOFError"),
        (lambda path: gzip.GzipFile(fileobj=io.BytesIO(b"not gzip")), "BadGzipFile"),
    ],
)
def test_a_reader_in_a_wrong_state_gets_one_clear_error(
    make: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.InputError, match=words):
        load(make(tmp_path))


def test_a_whole_gzip_file_is_read() -> None:
    with gzip.GzipFile(fileobj=io.BytesIO(PACKED)) as file:
        assert load(file).read() == PNG


def test_a_coroutine_that_is_not_awaited_leaves_no_warning() -> None:
    class Hidden:
        def read(self, size: int = -1) -> Any:
            return AsyncReader().read(size)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match=r"await file\.read"):
            load(Hidden())
        asyncio.run(asyncio.sleep(0))


def test_a_file_that_breaks_while_it_is_sent_is_an_input_error() -> None:
    class Breaking(io.BytesIO):
        broken = False

        def read(self, size: int | None = -1) -> bytes:
            if self.broken:
                raise OSError("the disk is gone")
            return super().read(size)

    file = Breaking(make_noise_png(100))
    found = load(file)
    file.broken = True
    with pytest.raises(errors.InputError, match="the disk is gone"):
        found.read()
    file.close()
    with pytest.raises(errors.InputError, match="no longer"):
        found.read()
