"""Read how a sentence model makes one vector of its tokens' vectors."""

from collections.abc import Mapping
from typing import Any

POOLING_MODES = ("mean", "max", "cls", "lasttoken")


def parse_pooling_mode(config: Mapping[str, Any]) -> str:
    """Return the pooling that a sentence model's configuration names, by default the mean.

    Raises:
        ValueError: it names several, or another than POOLING_MODES.
    """
    # Older versions of Sentence Transformers wrote a flag per mode (pooling_mode_cls_token: true),
    # newer ones write one name (pooling_mode: "cls").
    flags = [name for name, value in config.items() if name.startswith("pooling_mode_") and value]
    names = [name.removeprefix("pooling_mode_").removesuffix("_tokens") for name in flags]
    modes = ["cls" if name == "cls_token" else name for name in names]
    modes = modes or [str(config.get("pooling_mode", "mean"))]
    if len(modes) != 1 or modes[0] not in POOLING_MODES:
        raise ValueError(f"its pooling {' and '.join(modes)} is not supported")
    return modes[0]
