"""Tiny ONNX models with random weights, made with the `onnx` package, and the same in numpy.

Each has the inputs and outputs of its family; the numbers are small, so that numpy's answers can be
compared digit by digit.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("the", "boat", "sails", "to", "rome", "on", "monday", "anna", "is", "happy", "sad", "where"),
    *("this", "example", "about", "travel", "food", "a", "photo", "of"),
]
SIZE = 6
RNG_SEED = 11

Array = np.ndarray[Any, np.dtype[Any]]


def numbers(*shape: int, seed: int = RNG_SEED) -> Array:
    """Reproducible weights."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


TABLE = numbers(len(WORDS), SIZE)


def save_tokenizer(folder: Path) -> Tokenizer:
    """Write a tokenizer of whole words, with BERT's special tokens."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(WORDS[:5])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def save_model(
    folder: Path,
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sequence[Any]]],
    outputs: Sequence[str],
    weights: Mapping[str, Array],
    config: Mapping[str, Any],
    **files: Mapping[str, Any],
) -> Path:
    """Write a repository in the layout of Transformers.js."""
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info(n, kind, shape) for n, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    onnx.save(made, str(folder / "onnx" / "model.onnx"))
    (folder / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


TOKENS = {
    "input_ids": (TensorProto.INT64, ["n", "t"]),
    "attention_mask": (TensorProto.INT64, ["n", "t"]),
}


def labels(*names: str) -> dict[str, Any]:
    return {"id2label": {str(at): name for at, name in enumerate(names)}}


def text_model(
    folder: Path, head: Array, config: Mapping[str, Any], *, pooled: bool, output: str = "logits"
) -> Path:
    """A table of word vectors and one matrix; the mean over tokens first where `pooled`."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    hidden = "words"
    if pooled:
        nodes.append(helper.make_node("ReduceMean", ["words"], ["mean"], axes=[1], keepdims=0))
        hidden = "mean"
    nodes.append(helper.make_node("MatMul", [hidden, "head"], [output]))
    save_tokenizer(
        save_model(folder, nodes, TOKENS, [output], {"table": TABLE, "head": head}, config)
    )
    return folder


def ids_of(folder: Path, text: str, pair: str | None = None) -> list[int]:
    return list(Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, pair).ids)


def span_model(folder: Path) -> tuple[Path, Array, Array]:
    """A model that scores each token as an answer's start and end."""
    start, end = numbers(SIZE, 1, seed=1), numbers(SIZE, 1, seed=2)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    weights = {"table": TABLE, "start": start, "end": end, "last": np.array([2], np.int64)}
    for name in ("start", "end"):
        nodes.append(helper.make_node("MatMul", ["words", name], [f"{name}_column"]))
        nodes.append(helper.make_node("Squeeze", [f"{name}_column", "last"], [f"{name}_logits"]))
    outputs = ["start_logits", "end_logits"]
    save_tokenizer(save_model(folder, nodes, TOKENS, outputs, weights, {}))
    return folder, start, end


PIXELS = {"pixel_values": (TensorProto.FLOAT, ["n", 3, "h", "w"])}
PROCESSOR = {"size": {"height": 4, "width": 4}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def image_classifier(folder: Path, head: Array) -> Path:
    """The mean color and one matrix."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["color"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["color", "head"], ["logits"]),
    ]
    return save_model(
        *(folder, nodes, PIXELS, ["logits"], {"head": head}, labels("red", "green", "blue")),
        preprocessor_config=PROCESSOR,
    )


def constant_model(folder: Path, config: Mapping[str, Any], **outputs: Array) -> Path:
    """A model whose outputs do not depend on the image, so that post-processing shows alone."""
    nodes = [helper.make_node("ReduceMean", ["pixel_values"], ["mean"], keepdims=0)]
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
    weights: dict[str, Array] = {"zero": np.float32(0)[None].reshape(())}
    for name, value in outputs.items():
        weights[f"{name}_value"] = value
        nodes.append(helper.make_node("Add", [f"{name}_value", "nothing"], [name]))
    return save_model(
        *(folder, nodes, PIXELS, list(outputs), weights, config), preprocessor_config=PROCESSOR
    )


def image_text_model(folder: Path, head: Array, model_type: str) -> Path:
    """The mean color and the mean word, and how alike they are."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["color"], axes=[2, 3], keepdims=0),
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceMean", ["words"], ["text"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["text", "head"], ["text_color"]),
        helper.make_node("Transpose", ["text_color"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["color", "turned"], ["logits_per_image"]),
    ]
    config = {"model_type": model_type, "text_config": {"max_position_embeddings": 8}}
    weights = {"table": TABLE, "head": head}
    inputs = {**PIXELS, "input_ids": TOKENS["input_ids"]}
    save_model(
        *(folder, nodes, inputs, ["logits_per_image"], weights, config),
        preprocessor_config=PROCESSOR,
        tokenizer_config={"pad_token": "[PAD]"},
    )
    save_tokenizer(folder)
    return folder


def speech_model(folder: Path, letters: Sequence[str]) -> Path:
    """Says its letters, one per frame, whatever it hears."""
    nodes = [
        helper.make_node("ReduceMean", ["input_values"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["logits"]),
    ]
    names = list(dict.fromkeys(letters))
    picked = np.array([names.index(letter) for letter in letters])
    rows = np.eye(len(names), dtype=np.float32)[picked][None] * 9
    weights: dict[str, Array] = {"rows": rows, "zero": np.zeros((), np.float32)}
    inputs = {"input_values": (TensorProto.FLOAT, ["n", "t"])}
    return save_model(
        *(folder, nodes, inputs, ["logits"], weights, {"pad_token_id": names.index("<pad>")}),
        vocab={letter: at for at, letter in enumerate(names)},
    )
