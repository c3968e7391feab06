"""Virtual environments with the package's dependencies, some of its extras, and nothing else.

Their packages are links to the installed ones: making one takes a second and no package registry.
"""

import importlib.metadata
import tomllib
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

COMMAND = """#!{python}
from hfwidgets.cli import main
main()
"""


def required_distributions(*extras: str) -> dict[str, importlib.metadata.Distribution]:
    """Return the distributions that `pip install ".[EXTRAS]"` brings, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [*_own_requirements(""), *(one for name in extras for one in _own_requirements(name))]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        if name == "hfwidgets":
            waiting += [one for extra in requirement.extras for one in _own_requirements(extra)]
            continue
        found[name] = importlib.metadata.distribution(name)
        waiting += _matching(found[name].requires or (), requirement.extras)
    return found


def _own_requirements(extra: str) -> list[Requirement]:
    """Return what pyproject.toml lists for an extra, or without one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return _matching(listed, ())


def _matching(texts: Iterable[str], extras: Iterable[str]) -> list[Requirement]:
    """Return the requirements that hold on this machine, with these extras."""
    return [
        one
        for one in map(Requirement, texts)
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in (*extras, ""))
    ]


def top_level_paths(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    """Yield the files and folders that a distribution puts into site-packages."""
    names = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for name in names - {"__pycache__"}:
        yield Path(str(distribution.locate_file(name)))


def make_environment(folder: Path, *extras: str, package: Path = ROOT / "hfwidgets") -> Path:
    """Make an environment with the package and its command; return its interpreter."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    [packages] = folder.glob("lib/python*/site-packages")
    for distribution in required_distributions(*extras).values():
        for path in top_level_paths(distribution):
            if not (packages / path.name).exists():
                (packages / path.name).symlink_to(path)
    (packages / "hfwidgets").symlink_to(package)
    python = folder / "bin" / "python"
    command = folder / "bin" / "hfwidgets"
    command.write_text(COMMAND.format(python=python))
    command.chmod(0o755)
    return python
