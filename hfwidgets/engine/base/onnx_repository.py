"""Find the files of an ONNX model, in a folder or on the Hub, in the layout of Transformers.js.

    onnx/model.onnx             and variants: model_quantized.onnx, model_fp16.onnx, ...
    config.json                 id2label, problem_type, max_position_embeddings
    tokenizer.json              for text
    preprocessor_config.json    for images and audio

Source of the layout: https://huggingface.co/docs/transformers.js/custom_usage.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfwidgets.engine.base.hub_errors import hub_error_types
from hfwidgets.engine.base.runtimes import OnnxModel
from hfwidgets.errors import ConfigurationError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VARIANTS = (
    *("onnx/model.onnx", "model.onnx", "onnx/model_quantized.onnx", "model_quantized.onnx"),
    *("onnx/model_int8.onnx", "onnx/model_uint8.onnx", "onnx/model_fp16.onnx"),
)
"""A folder's model files, the preferred first: what is there was put there on purpose."""

HUB_VARIANTS = ("onnx/model_quantized.onnx", "onnx/model_int8.onnx", "onnx/model.onnx")
"""The Hub's, the preferred first: a quarter of the download, and faster on a CPU."""

MAX_JSON_BYTES = 64 * 1024 * 1024


class OnnxRepository:
    """The files of one model.

    Args:
        source: a folder, or `ORG/REPO` on the Hub, either with `:FILE` for another model file.
    """

    def __init__(self, source: str) -> None:
        self.source, self._chosen = _split_file(source)
        self.folder = _existing_folder(self.source)

    @property
    def name(self) -> str:
        """The id that users see."""
        return self.folder.resolve().name if self.folder is not None else self.source

    def find(self, name: str) -> Path | None:
        """Return one of the model's files; None if it has no such file.

        Raises:
            ConfigurationError: the Hub cannot be asked.
        """
        if self.folder is not None:
            path = self.folder / name
            return path if path.is_file() else None
        return _download(self.source, name)

    def read_json(self, name: str) -> dict[str, Any]:
        """Return one of the model's JSON files; an empty dict if it has no such file."""
        path = self.find(name)
        if path is None:
            return {}
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError(f"its {name} is too large")
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise ValueError(f"its {name} is not a JSON object")
        return found

    @functools.cached_property
    def config(self) -> Mapping[str, Any]:
        """The model's own configuration."""
        return self.read_json("config.json")

    @functools.cached_property
    def labels(self) -> list[str]:
        """The labels of the model's outputs, in their order."""
        names = self.config.get("id2label") or {}
        if not names:
            raise ValueError("its config.json has no id2label")
        # JSON has strings as keys: sorted as text, "10" would come before "2".
        return [str(names[key]) for key in sorted(names, key=int)]

    def open_tokenizer(self) -> "Tokenizer":
        """Open the model's tokenizer; ValueError if it has none."""
        from tokenizers import Tokenizer

        path = self.find("tokenizer.json")
        if path is None:
            raise ValueError("it has no tokenizer.json")
        return Tokenizer.from_file(str(path))

    def model_file(self) -> Path:
        """Return the model file to open; ValueError if there is none."""
        known = (self._chosen,) if self._chosen else VARIANTS if self.folder else HUB_VARIANTS
        for name in known:
            if (path := self.find(name)) is not None:
                self._fetch_weights_beside(name)
                return path
        raise ValueError(f"it has none of {', '.join(known)}")

    def _fetch_weights_beside(self, name: str) -> None:
        """Download the file in which large models keep their weights, if there is one."""
        # An ONNX file holds at most 2 GB. Larger models store their tensors in a second file, which
        # the runtime looks for in the same folder.
        if self.folder is None:
            _download(self.source, f"{name}_data")

    def open_session(self) -> "OnnxSession":
        """Open the model."""
        return OnnxSession(OnnxModel(self.model_file()))


class OnnxSession:
    """An open model whose inputs and outputs are known by name.

    Args:
        model: the model.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.inputs = model.input_names
        self.outputs = model.output_names

    def run(self, **inputs: Any) -> dict[str, Any]:
        """Return the outputs by name; inputs that the model does not have are left out."""
        missing = [name for name in self.inputs if name not in inputs]
        if missing:
            raise ValueError(f"the model needs {', '.join(missing)}, which this task does not have")
        found = self._model({name: inputs[name] for name in self.inputs})
        return dict(zip(self.outputs, found, strict=True))


def first_logits(outputs: Mapping[str, Any]) -> Any:
    """Return the logits, or what a model with another name for them gives first, for one input."""
    return outputs.get("logits", next(iter(outputs.values())))[0]


def is_onnx_source(source: str) -> bool:
    """True if a folder holds an ONNX model, or a Hub id names an ONNX file or an ONNX repository.

    A Hub id is asked for its files only if nothing else tells.
    """
    name, chosen = _split_file(source)
    if chosen is not None:
        return True
    folder = _existing_folder(name)
    if folder is not None:
        return any((folder / variant).is_file() for variant in VARIANTS)
    return "/" in name and _lists_onnx(name)


def _split_file(source: str) -> tuple[str, str | None]:
    """The folder or id, and the file after a colon; a drive letter's colon is not one."""
    head, colon, tail = source.rpartition(":")
    return (head, tail) if colon and len(head) > 1 and tail.endswith(".onnx") else (source, None)


def _existing_folder(source: str) -> Path | None:
    path = Path(source).expanduser()
    if path.is_file():
        raise ConfigurationError(f"{path} is a file; pass the folder that holds its config.json.")
    return path if path.is_dir() else None


def _lists_onnx(source: str) -> bool:
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        # What is in the cache needs no network, and what was put there is used again.
        if any(isinstance(try_to_load_from_cache(source, name), str) for name in HUB_VARIANTS):
            return True
        # Not `list_repo_files`, which tries for 23 seconds where the Hub cannot be reached.
        found = [file.rfilename for file in HfApi().model_info(source, timeout=10).siblings or ()]
    except hub_error_types():
        return False  # the next loader names what is wrong with the id
    return any(name in HUB_VARIANTS for name in found)


def _download(source: str, name: str) -> Path | None:
    """Return a file of the Hub's shared cache, downloaded if it is not there yet."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source, name))
    except LocalEntryNotFoundError as error:
        # Offline, it is unknown whether a file exists. A model whose config was downloaded is there
        # with all that it has, so that what is missing is a file that it does not have.
        if isinstance(try_to_load_from_cache(source, "config.json"), str):
            return None
        raise ConfigurationError(
            f"{source} is not in the Hub's cache, and the Hub cannot be reached: "
            "connect once, or pass a folder."
        ) from error
    except EntryNotFoundError:
        return None
    except hub_error_types() as error:
        raise ConfigurationError(f"{source} cannot be read from the Hub: {error}.") from error
