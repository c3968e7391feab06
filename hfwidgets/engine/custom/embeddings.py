"""Texts as vectors: one for each text by sentence models, one for each token by any other.

A sentence model is known by its `modules.json`, as Sentence Transformers writes it; what stands
there is done here (pooling, scaling), and a model with other parts is refused. Facts: the files
`modules.json`, `1_Pooling/config.json` and `config_sentence_transformers.json` of such models.
"""

import base64
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import NetworkModel, Text, Texts, custom_task
from hfwidgets.errors import did_you_mean

TruncationSide = Literal["left", "right", "Left", "Right"]


class EmbeddingModel(NetworkModel):
    """A model that reads."""

    model_class = "AutoModel"

    def __init__(self) -> None:
        super().__init__()
        self.pooling, self.is_normalizing = self._read_pooling()
        config = self._load_json("config_sentence_transformers.json") or {}
        self.prompts: dict[str, str] = config.get("prompts") or {}
        length = (self._load_json("sentence_bert_config.json") or {}).get("max_seq_length")
        positions = getattr(self.net.config, "max_position_embeddings", None)
        self.max_tokens = min(filter(None, (length, positions, self.tokenizer.model_max_length)))

    def _load_json(self, name: str) -> Any:
        """One of the model's JSON files; None when it has none of this name."""
        from transformers.utils import cached_file  # pyright: ignore[reportMissingImports]

        path = cached_file(self.source, name, _raise_exceptions_for_missing_entries=False)
        return json.loads(Path(path).read_bytes()) if path else None

    def _read_pooling(self) -> tuple[str | None, bool]:
        """How a sentence model pools its tokens, and whether it scales its vectors to length 1."""
        modules = self._load_json("modules.json")
        if modules is None:
            return None, False
        kinds = {part["type"].rpartition(".")[2]: part["path"] for part in modules}
        if strange := kinds.keys() - {"Transformer", "Pooling", "Normalize"}:
            raise ValueError(f"it has parts that are not read here: {', '.join(sorted(strange))}")
        return _parse_pooling_mode(
            self._load_json(f"{kinds['Pooling']}/config.json") or {}
        ), "Normalize" in kinds

    def tokenize(self, text: str, truncate: bool, side: TruncationSide) -> Any:
        """A text's tokens as the network takes them; a 400 when it is too long to be read whole."""
        self.tokenizer.truncation_side = side.lower()
        options = {"truncation": True, "max_length": self.max_tokens} if truncate else {}
        ids = self.tokenizer(text, return_tensors="pt", **options)
        if (count := ids["input_ids"].shape[1]) > self.max_tokens:
            raise bad_request(
                f"The text has {count} tokens and the model {self.name} reads {self.max_tokens}; "
                "truncate=true cuts it.",
                "truncate",
            )
        return ids.to(self.net.device)

    def embed(self, ids: Any) -> Any:
        """A text's vectors, shape (tokens, dimensions), or (dimensions,) by a sentence model."""
        import torch  # pyright: ignore[reportMissingImports]

        with torch.inference_mode():
            found = self.net(**ids)[0][0].float()
        return _POOLINGS[self.pooling](found) if self.pooling else found


_POOLINGS: dict[str, Any] = {
    "mean": lambda tokens: tokens.mean(0),
    "max": lambda tokens: tokens.max(0).values,
    "cls": lambda tokens: tokens[0],
    "lasttoken": lambda tokens: tokens[-1],
}


def _parse_pooling_mode(config: dict[str, Any]) -> str:
    """The pooling that a sentence model's file names, in its older or newer form."""
    on = [name for name, value in config.items() if name.startswith("pooling_mode_") and value]
    older = [name.removeprefix("pooling_mode_").removesuffix("_tokens") for name in on]
    found = {"cls_token": "cls", "max_tokens": "max"}
    modes = [found.get(name, name) for name in older] or [str(config.get("pooling_mode", "mean"))]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise ValueError(f"it pools its tokens by {' and '.join(modes)}, which is not done here")
    return modes[0]


@custom_task(EmbeddingModel)
def feature_extraction(
    model: EmbeddingModel,
    inputs: Text | Texts,
    *,
    normalize: bool | None = None,
    prompt_name: str | None = None,
    truncate: bool = False,
    truncation_direction: TruncationSide = "right",
    encoding_format: Literal["float", "base64"] = "float",
) -> Any:
    """Of a sentence model a vector for each text; of any other the vectors of a text's tokens,
    shape (1, tokens, dimensions)."""
    texts = [inputs] if isinstance(inputs, str) else inputs
    prompt = _find_prompt(model, prompt_name)
    if encoding_format == "base64" and model.pooling is None:
        raise bad_request("Vectors of tokens are sent as numbers only.", "encoding_format")
    scaled = model.is_normalizing if normalize is None else normalize
    found = []
    for text in texts:
        vectors = model.embed(model.tokenize(prompt + text, truncate, truncation_direction))
        found.append(_encode_vectors(_normalize(vectors) if scaled else vectors, encoding_format))
    if model.pooling is None:
        found = [[one] for one in found]
    return found[0] if isinstance(inputs, str) else found


def _find_prompt(model: EmbeddingModel, name: str | None) -> str:
    """A prompt of the model's by its name."""
    if name is None:
        return ""
    if name not in model.prompts:
        known = ", ".join(sorted(model.prompts)) or "none"
        said = f"The model {model.name} has no prompt {name!r}; it has {known}."
        raise bad_request(said + did_you_mean(name, model.prompts), "prompt_name")
    return model.prompts[name]


def _normalize(vectors: Any) -> Any:
    """Vectors at length 1."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def _encode_vectors(vectors: Any, form: str) -> Any:
    """Vectors as JSON numbers, or as base64 of little-endian 32-bit floats."""
    if form == "float":
        return vectors.tolist()
    return base64.b64encode(vectors.cpu().numpy().astype("<f4").tobytes()).decode()


class SentenceComparison(msgspec.Struct):
    """A sentence and those it is compared with."""

    source_sentence: Text
    sentences: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=256)]


@custom_task(EmbeddingModel)
def sentence_similarity(model: EmbeddingModel, inputs: SentenceComparison) -> list[float]:
    """The cosine of the source sentence with each of the others, -1 to 1.

    Of a model that is made for no sentences the mean of a text's tokens stands for it.
    """
    found = []
    for text in (inputs.source_sentence, *inputs.sentences):
        vectors = model.embed(model.tokenize(text, truncate=True, side="right"))
        found.append(_normalize(vectors.mean(0) if model.pooling is None else vectors))
    return [float(other @ found[0]) for other in found[1:]]
