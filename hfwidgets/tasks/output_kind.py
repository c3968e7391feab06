"""Find the kind of file that a task's result is or holds."""

from typing import get_args

_OUTPUT_KINDS = {"Image": "image", "Audio": "audio", "Video": "video"}


def find_output_kind(annotation: object) -> str:
    """Return image, audio or video by the names of the types in a result's type; "" without."""
    name = getattr(annotation, "__forward_arg__", getattr(annotation, "__name__", ""))
    if name in _OUTPUT_KINDS:
        return _OUTPUT_KINDS[name]
    fields = vars(annotation).get("__annotations__", {}) if isinstance(annotation, type) else {}
    parts = (*get_args(annotation), *fields.values())
    return next((kind for part in parts if (kind := find_output_kind(part))), "")
