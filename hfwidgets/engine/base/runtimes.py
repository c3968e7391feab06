"""Find and open the optional runtimes of the full set.

`pip install "hfwidgets[full]"` installs them.
"""

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

FULL_SET_INSTALL = 'pip install "hfwidgets[full]" && hfwidgets engine install full'

_PACKAGE_NAMES = {"ai_edge_litert": "ai-edge-litert", "espeakng_loader": "espeakng-loader"}


# The registry calls this for every request. A library installed meanwhile counts only in an engine
# started later.
@functools.cache
def explain_missing_modules(*modules: str, install: str = FULL_SET_INSTALL) -> str | None:
    """Return why a capability that needs these modules cannot run; None if all are installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    packages = ", ".join(_PACKAGE_NAMES.get(name, name) for name in missing)
    return f"{packages} not installed; run: {install}"


def require_modules(
    *modules: str, install: str = FULL_SET_INSTALL
) -> functools.partial[str | None]:
    """Return a `why_unavailable` for a capability that needs these modules."""
    return functools.partial(explain_missing_modules, *modules, install=install)


class OnnxModel:
    """An ONNX model that runs on one thread, since more would compete with the chat model's."""

    def __init__(self, model: Path | bytes) -> None:
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The arena never returns memory: the largest request would be paid for until the process
        # ends.
        options.enable_cpu_mem_arena = False
        source = model if isinstance(model, bytes) else str(model)
        providers = ["CPUExecutionProvider"]
        self._session = runtime.InferenceSession(source, options, providers=providers)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model; returns its outputs in their declared order."""
        outputs: list[NDArray[Any]] = self._session.run(None, dict(inputs))
        return outputs

    @property
    def input_names(self) -> list[str]:
        """The inputs that the model needs."""
        return [one.name for one in self._session.get_inputs()]

    @property
    def output_names(self) -> list[str]:
        """The outputs, in the order in which a call returns them."""
        return [one.name for one in self._session.get_outputs()]

    @property
    def metadata(self) -> dict[str, str]:
        """Return the metadata stored in the model's file."""
        return dict(self._session.get_modelmeta().custom_metadata_map)
