"""Serve any ONNX repository in the layout of Transformers.js, without torch.

`model.py` explains how a family declares its tasks; the other modules hold one kind of family each.
"""

from hfwidgets.engine.base.onnx_repository import is_onnx_source
from hfwidgets.engine.onnx import speech, text, vision
from hfwidgets.engine.onnx.model import ONNX_TASKS, build_onnx_capability

FAMILIES = (text, vision, speech)
"""The modules that declare tasks, by being imported."""

__all__ = ["FAMILIES", "ONNX_TASKS", "build_onnx_capability", "is_onnx_source"]
