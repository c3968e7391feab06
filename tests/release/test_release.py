"""A release: the packages build, their metadata is valid, and the wheel works on its own."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from hfwidgets import __version__
from tests.docs.test_notebooks import NAMES
from tests.plugins.engine import make_cache
from tests.plugins.linked_environment import make_environment

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **settings: object) -> str:
    """Return what a command prints; a failure shows it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it, with the tools of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check"]
    run(*command, "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def test_both_packages_have_valid_metadata(dist: Path) -> None:
    names = {f"hfwidgets-{__version__}.tar.gz", f"hfwidgets-{__version__}-py3-none-any.whl"}
    assert {path.name for path in dist.iterdir()} == names
    run(sys.executable, "-m", "twine", "check", "--strict", *(str(path) for path in dist.iterdir()))


def test_the_wheel_has_what_users_need_and_no_more(unpacked: Path) -> None:
    package = unpacked / "hfwidgets"
    notebooks = {path.name for path in (package / "_notebooks").rglob("*")}
    assert notebooks == {f"{name}.ipynb" for name in NAMES}
    assert {path.name for path in unpacked.iterdir()} == {
        "hfwidgets",
        f"hfwidgets-{__version__}.dist-info",
    }
    assert not (package / "frontend").exists()
    assert {path.name for path in (package / "static").glob("panel*")} >= {"panel.js"}
    assert (package / "py.typed").is_file()
    assert (package / "MIGRATION.md").is_file()


def test_the_wheel_works_without_anything_else(unpacked: Path, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "venv", package=unpacked / "hfwidgets")
    assert run(python.parent / "hfwidgets", "--version") == f"hfwidgets {__version__}\n"
    code = "import hfwidgets as hf; print(hf.chat(base_url='http://127.0.0.1:1/v1'))"
    assert "ChatPanel" in run(python, "-I", "-c", code)


def test_the_wheels_engine_answers(unpacked: Path, tmp_path: Path, full_weights: Path) -> None:
    python = make_environment(tmp_path / "venv", "local", package=unpacked / "hfwidgets")
    cache = make_cache(tmp_path / "cache", full_weights)
    code = (
        "import hfwidgets as hf\n"
        "with hf.InferenceClient(provider='local') as client:\n"
        "    print(client.text_classification('I like it.')[0].label)"
    )
    environment = {"HFWIDGETS_CACHE": str(cache), "HOME": str(tmp_path)}
    assert run(python, "-I", "-c", code, env=environment) == "POSITIVE\n"
    run(python.parent / "hfwidgets", "engine", "stop", env=environment)


def test_the_changelog_and_the_citation_are_of_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    release = re.search(r"^## (\S+) - (\d{4}-\d\d-\d\d)$", changes, re.MULTILINE)
    assert release
    citation = yaml.safe_load((ROOT / ".github" / "CITATION.cff").read_text("utf-8"))
    assert (citation["version"], str(citation["date-released"])) == release.groups()
    assert release[1] == __version__


def test_hosted_tests_run_on_all_systems_and_versions() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8"))["jobs"]
    versions = ["3.11", "3.12", "3.13", "3.14"]
    assert jobs["all"]["strategy"]["matrix"]["python"] == versions
    assert jobs["systems"]["strategy"]["matrix"]["python"] == versions
    assert jobs["systems"]["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    assert jobs["all"]["steps"][-1] == {"run": ".ci/run"}
