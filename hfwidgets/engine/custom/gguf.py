"""Find GGUF files: on this machine, or in a repository on the Hub.

A repository of such files usually holds one model in several precisions, sometimes split into
parts, and a projector (`mmproj*.gguf`) if the model reads images.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from hfwidgets.engine.base.hub_errors import hub_error_types
from hfwidgets.errors import ConfigurationError

PREFERRED_PRECISIONS = ("q4_k_m", "q4_0", "q5_k_m", "q8_0", "f16", "bf16", "f32")
"""The first that a repository has is chosen: small enough for a CPU, and hardly worse than all of
the original."""

PROJECTOR_PRECISIONS = ("q8_0", "f16", "bf16", "f32")

_HUB_SOURCE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<file>.+))?")
_PART = re.compile(r"-(\d{5})-of-\d{5}\.gguf$", re.IGNORECASE)
_MAGIC = b"GGUF"


def is_gguf_source(source: str) -> bool:
    """True if a source names a GGUF file, or a repository that by its name holds such files."""
    return source.lower().endswith((".gguf", "-gguf")) or "-gguf:" in source.lower()


def find_gguf(source: str) -> tuple[str, Path, Path | None]:
    """Return a model's name, its file, and its projector if its repository has one.

    Args:
        source: a file, or `ORG/REPO[:FILE]` on the Hub, where FILE may be a precision (`Q8_0`).

    Raises:
        ConfigurationError: there is no such file, or it isn't GGUF.
    """
    repo, chosen = _split_source(source)
    if repo is None:
        path = check_gguf_file(source)
        return path.stem, path, None
    files = _list_gguf(repo)
    models = [name for name in files if not _is_projector(name)]
    path = _download(repo, _choose(models, PREFERRED_PRECISIONS, chosen, repo), files)
    projectors = [name for name in files if _is_projector(name)]
    if not projectors:
        return repo, path, None
    return repo, path, _download(repo, _choose(projectors, PROJECTOR_PRECISIONS, None, repo), files)


def find_projector(source: str) -> Path:
    """Return a projector's file: a path, or `ORG/REPO[:FILE]` on the Hub."""
    repo, chosen = _split_source(source)
    if repo is None:
        return check_gguf_file(source)
    files = _list_gguf(repo)
    named = files if chosen else [name for name in files if _is_projector(name)]
    return _download(repo, _choose(named, PROJECTOR_PRECISIONS, chosen, repo), files)


def _split_source(source: str) -> tuple[str | None, str | None]:
    """Return the repository and the file after the colon; no repository for a path."""
    match = _HUB_SOURCE.fullmatch(source)
    # "models/mine.gguf" has the form of an id, but repositories are not named like files.
    if match is None or Path(source).expanduser().exists() or match["repo"].endswith(".gguf"):
        return None, None
    return match["repo"], match["file"]


def _is_projector(name: str) -> bool:
    return "mmproj" in name.lower()


def _choose(names: Sequence[str], precisions: Sequence[str], chosen: str | None, repo: str) -> str:
    """Return the chosen file, else one of the first precision that there is."""
    # Of a model in parts only the first is opened; llama.cpp finds the others by it.
    parts = ((name, _PART.search(name)) for name in names)
    firsts = [name for name, part in parts if part is None or int(part[1]) == 1]
    wanted = [chosen] if chosen else [*precisions, ""]
    for one in wanted:
        found = [name for name in firsts if name == one] or [
            name for name in firsts if one.lower() in name.lower()
        ]
        if found:
            return min(found)
    known = ", ".join(firsts) or "no GGUF files"
    raise ConfigurationError(f"{repo} has no file {chosen or ''!r}; it has {known}.")


def _list_gguf(repo: str) -> list[str]:
    """Return the names of a repository's GGUF files; offline, of those in the Hub's cache."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        names = HfApi().list_repo_files(repo)
    except hub_error_types() as error:
        try:
            folder = Path(snapshot_download(repo, local_files_only=True))
        except hub_error_types():
            raise ConfigurationError(
                f"{repo} cannot be read from the Hub, and is not in its cache: {error}."
            ) from error
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    return [name for name in names if name.lower().endswith(".gguf")]


def _download(repo: str, name: str, names: Sequence[str]) -> Path:
    """Return a file of the Hub's shared cache, downloaded with all its parts if it is not there."""
    from huggingface_hub import hf_hub_download

    stem = _PART.sub("", name)
    parts = [one for one in names if _PART.sub("", one) == stem] if stem != name else [name]
    try:
        paths = {one: hf_hub_download(repo, one) for one in parts}
    except hub_error_types() as error:
        raise ConfigurationError(f"{repo}/{name} cannot be downloaded: {error}.") from error
    return check_gguf_file(paths[name])


def check_gguf_file(file: str) -> Path:
    """Return the absolute path of a GGUF file; ConfigurationError if it isn't readable as one."""
    path = Path(file).expanduser().absolute()
    try:
        with path.open("rb") as opened:
            start = opened.read(len(_MAGIC))
    except OSError as error:
        raise ConfigurationError(f"Can't read {path}: {error.strerror}.") from error
    # Checked now, because llama.cpp would notice only when the first request loads the file.
    if start != _MAGIC:
        raise ConfigurationError(
            f"{path} is not a GGUF file, the format that llama.cpp reads. "
            "Serve models in other formats with 'hfwidgets serve --model TASK=FOLDER'."
        )
    return path
