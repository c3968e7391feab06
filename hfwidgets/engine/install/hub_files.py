"""Take pinned files from the Hub's shared cache, or download them from the Hub.

HF_TOKEN, HF_ENDPOINT, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE hold as people have them:
huggingface_hub reads them. An interrupted download continues where it stopped.
"""

import hashlib
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from hfwidgets.engine.base.hub_errors import hub_error_types
from hfwidgets.engine.base.weights import HubFile
from hfwidgets.errors.secrets import redact

REACH_TIMEOUT = 3.0
"""How long the Hub's first answer is waited for, in seconds; huggingface_hub would retry for 24."""

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Files of the Hub.

    Attributes:
        paths: where they are on this machine; None if the Hub cannot give them.
        source: where they came from, or why not from the Hub, as a phrase.
    """

    paths: list[str] | None
    source: str

    def __post_init__(self) -> None:
        # HF_ENDPOINT may be an address with a key.
        object.__setattr__(self, "source", redact(self.source))


def find_files(files: Sequence[HubFile], size: int, progress: Callable[[int], None]) -> FoundFiles:
    """Return files of one repository from the cache or from the Hub.

    Args:
        files: the files.
        size: about how many bytes a download takes, for the progress.
        progress: takes the number of bytes since its last call.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    found = [try_to_load_from_cache(one.repo, one.filename, revision=one.revision) for one in files]
    cached = {one: path for one, path in zip(files, found, strict=True) if isinstance(path, str)}
    damaged = {one for one, path in cached.items() if hash_file(path) != one.sha256}
    if len(cached) == len(files) and not damaged:
        progress(size)
        return FoundFiles(list(cached.values()), f"the Hugging Face cache ({files[0].repo})")
    note = f", and the Hugging Face cache has a damaged {files[0].repo}" if damaged else ""
    if constants.HF_HUB_OFFLINE:
        return FoundFiles(None, f"HF_HUB_OFFLINE is set{note}")
    if not _is_reachable(constants.ENDPOINT):
        return FoundFiles(None, f"{constants.ENDPOINT} cannot be reached{note}")
    return _download(files, damaged, size, progress)


def hash_file(path: str | Path) -> str:
    """Return a file's sha256 in hexadecimal."""
    with open(path, "rb") as content:  # noqa: PTH123 (huggingface_hub's paths are strings)
        return hashlib.file_digest(content, "sha256").hexdigest()


def _is_reachable(endpoint: str) -> bool:
    try:
        # Any reply will do, an error status included.
        httpx.head(endpoint, timeout=REACH_TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return False
    return True


def _download(
    files: Sequence[HubFile],
    damaged: Collection[HubFile],
    size: int,
    progress: Callable[[int], None],
) -> FoundFiles:
    from huggingface_hub import constants, hf_hub_download

    repo, revision = files[0].repo, files[0].revision
    done = threading.Event()
    watcher = threading.Thread(target=_watch_growth, args=(repo, size, progress, done), daemon=True)
    watcher.start()
    try:
        paths = [
            # Without force, the damaged file in the cache would be returned again.
            hf_hub_download(repo, one.filename, revision=revision, force_download=one in damaged)
            for one in files
        ]
    except hub_error_types() as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return FoundFiles(None, f"{constants.ENDPOINT} did not give it ({reason})")
    finally:
        done.set()
        watcher.join()
    return FoundFiles(paths, f"{constants.ENDPOINT}/{repo} at {revision[:8]}")


def _watch_growth(
    repo: str, size: int, progress: Callable[[int], None], done: threading.Event
) -> None:
    """Report how much of the file has arrived, by the growth of the cache's folder."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}" / "blobs"
    begin, reported = _folder_size(folder), 0
    while not done.wait(_POLL_SECONDS):
        arrived = min(size, max(reported, _folder_size(folder) - begin))
        progress(arrived - reported)
        reported = arrived


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue  # it was renamed after it was listed
    return total
