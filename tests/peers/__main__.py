"""Run the tests of other people's clients: `python -m tests.peers [pytest's arguments]`.

The clients are installed once into a separate environment in the cache, because sooner or later
their requirements will conflict with ours. The engine is run by this interpreter.
"""

import os
import secrets
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfwidgets import engine_process

FOLDER = Path(__file__).parent
REQUIREMENTS = FOLDER / "requirements.txt"


def make_environment() -> Path:
    """Return the Python of the clients' environment, made again when requirements.txt changes."""
    folder = engine_process.cache_dir() / "peers"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    installed = folder / "requirements.txt"
    wanted = REQUIREMENTS.read_text()
    if not installed.exists() or installed.read_text() != wanted:
        print(f"Installing the clients into {folder} ...", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([*install_command(python), "--requirement", REQUIREMENTS], check=True)
        installed.write_text(wanted)  # last: a broken installation is not taken for a complete one
    return python


def install_command(python: Path) -> list[str | Path]:
    """Return the command that installs packages: uv's, which resolves these in seconds, or
    pip's."""
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet"]


@contextmanager
def run_engine() -> Iterator[dict[str, str]]:
    """Run the engine on a free port; yield the environment that leads clients to it."""
    key = secrets.token_urlsafe(16)
    process = subprocess.Popen(
        [*engine_process.python_command(), "serve", "--port", "0", "--api-key", key],
        stdout=subprocess.PIPE,
        text=True,
        env=engine_process.subprocess_environment(),
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[4]
    try:
        yield {**os.environ, "HFWIDGETS_PEERS_URL": url, "HFWIDGETS_PEERS_KEY": key}
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    """Install the clients if needed, and run their tests."""
    python = make_environment()
    with run_engine() as environment:
        command = [python, "-m", "pytest", "-c", FOLDER / "pytest.ini", "--confcutdir", FOLDER]
        arguments = sys.argv[1:] or [str(FOLDER)]
        done = subprocess.run([*command, *arguments], env=environment, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
