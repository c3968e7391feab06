"""Models of the user's own through transformers: tiny ones with random weights, made here.

They say nothing true; what is checked is that every task answers in the Hub's shapes, that its
parameters are honoured and that others are refused. The tests need torch and transformers, which
are large: they are skipped where these are not installed.
"""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from hfwidgets import InferenceClient
from tests.local import samples
from tests.local.test_brought import serving
from tests.local.test_cli import run

torch = pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS += [
    "ann",
    "went",
    "to",
    "rome",
    "the",
    "ferry",
    "leaves",
    "at",
    "noon",
    "paris",
    "is",
    "a",
    "good",
    "day",
]
SMALL: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}
LABELS = {0: "calm", 1: "rough", 2: "stormy"}
NLI = {0: "contradiction", 1: "neutral", 2: "entailment"}


def labelled(labels: dict[int, str]) -> dict[str, Any]:
    """The settings of a configuration that names its classes."""
    return {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}


def text_model(folder: Path, kind: str, labels: dict[int, str] | None = None) -> str:
    """A BERT of this kind with its tokenizer."""
    torch.manual_seed(0)
    config = transformers.BertConfig(**SMALL, **labelled(labels or LABELS))
    getattr(transformers, kind)(config).save_pretrained(folder)
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)})
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder)
    return str(folder)


def image_model(folder: Path) -> str:
    """A ViT that classifies pictures of 16 x 16."""
    torch.manual_seed(0)
    small = {name: SMALL[name] for name in list(SMALL)[1:5]}
    config = transformers.ViTConfig(**small, image_size=16, patch_size=8, **labelled(LABELS))
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return str(folder)


def sound_model(folder: Path, kind: str) -> str:
    """A Wav2Vec2 of this kind, which hears at 16 kHz."""
    torch.manual_seed(0)
    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "C": 7}
    config = transformers.Wav2Vec2Config(
        **{**SMALL, "vocab_size": len(letters)},
        conv_dim=[16, 16],
        conv_stride=[10, 16],
        conv_kernel=[10, 16],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=16,
        **labelled(LABELS),
    )
    getattr(transformers, kind)(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(letters))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder for each task."""
    root = tmp_path_factory.mktemp("models")
    sequence = "BertForSequenceClassification"
    return {
        "text-classification": text_model(root / "weather", sequence),
        "zero-shot-classification": text_model(root / "nli", sequence, NLI),
        "token-classification": text_model(root / "tokens", "BertForTokenClassification"),
        "fill-mask": text_model(root / "masks", "BertForMaskedLM"),
        "feature-extraction": text_model(root / "vectors", "BertModel"),
        "image-classification": image_model(root / "pictures"),
        "automatic-speech-recognition": sound_model(root / "ears", "Wav2Vec2ForCTC"),
        "audio-classification": sound_model(root / "waves", "Wav2Vec2ForSequenceClassification"),
    }


@pytest.fixture(scope="module")
def http(models: dict[str, str], light_weights: Path) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with all of them."""
    options = [f"--model={task}={folder}" for task, folder in models.items()]
    with serving(*options) as client:
        yield client


def ask(http: httpx.Client, task: str, inputs: Any, **parameters: Any) -> Any:
    """The answer of the model that is brought for the task."""
    body = {"inputs": inputs, "parameters": parameters}
    reply = http.post(f"/models/default/pipeline/{task}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def refused(http: httpx.Client, task: str, inputs: Any, **parameters: Any) -> str:
    """The text of the refusal."""
    body = {"inputs": inputs, "parameters": parameters}
    reply = http.post(f"/models/default/pipeline/{task}", json=body)
    assert reply.status_code == 400, reply.text
    return str(reply.json()["error"])


def picture() -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(file, "PNG")
    return file.getvalue()


def test_they_are_listed_first(http: httpx.Client) -> None:
    first = http.get("/v1/models").json()["data"][0]
    assert (first["id"], first["tasks"]) == ("waves", ["audio-classification"])


def test_text_classification(http: httpx.Client) -> None:
    [found] = ask(http, "text-classification", "the ferry leaves")
    assert {one["label"] for one in found} == set(LABELS.values())
    assert sum(one["score"] for one in found) == pytest.approx(1)
    [best] = ask(http, "text-classification", "the ferry leaves", top_k=1)
    assert best == [found[0]]
    [raw] = ask(http, "text-classification", "the ferry leaves", function_to_apply="none")
    assert sum(one["score"] for one in raw) != pytest.approx(1)
    assert "top_p" in refused(http, "text-classification", "x", top_p=1)
    assert "weather cannot take this" in refused(http, "text-classification", "day " * 400)


def test_zero_shot_classification(http: httpx.Client) -> None:
    labels = ["paris", "rome", "day"]
    found = ask(http, "zero-shot-classification", "ann went to rome", candidate_labels=labels)
    assert sorted(one["label"] for one in found) == sorted(labels)
    assert sum(one["score"] for one in found) == pytest.approx(1)
    several = ask(
        http,
        "zero-shot-classification",
        "ann went to rome",
        candidate_labels=labels,
        multi_label=True,
        hypothesis_template="the ferry leaves at {}.",
    )
    assert all(0 < one["score"] < 1 for one in several)
    assert several != found


def test_token_classification(http: httpx.Client) -> None:
    found = ask(http, "token-classification", "ann went", aggregation_strategy="none")
    assert [one["word"] for one in found] == ["ann", "went"]
    assert {one["entity"] for one in found} <= set(LABELS.values())
    assert found[0]["start"] == 0
    assert found[0]["end"] == 3
    grouped = ask(http, "token-classification", "ann went")
    assert {"entity_group", "score", "word", "start", "end"} == set(grouped[0])
    everything = list(LABELS.values())
    assert ask(http, "token-classification", "ann went", ignore_labels=everything) == []


def test_fill_mask(http: httpx.Client) -> None:
    found = ask(http, "fill-mask", "ann went to [MASK]", top_k=3)
    assert len(found) == 3
    assert {"score", "token", "token_str", "sequence"} == set(found[0])
    [one] = ask(http, "fill-mask", "ann went to [MASK]", targets=["rome"])
    assert one["sequence"] == "ann went to rome"
    assert "mask_token" in refused(http, "fill-mask", "ann went to rome")


def test_feature_extraction(http: httpx.Client) -> None:
    assert np.shape(ask(http, "feature-extraction", "ann went")) == (1, 4, 16)
    assert np.shape(ask(http, "feature-extraction", "day " * 99, truncate=True)) == (1, 64, 16)
    both = ask(http, "feature-extraction", ["ann", "ann went"])
    assert [np.shape(one) for one in both] == [(1, 3, 16), (1, 4, 16)]


def test_image_classification(http: httpx.Client) -> None:
    path = "/models/pictures"  # its own task needs no name
    reply = http.post(path, content=picture(), headers={"content-type": "image/png"})
    assert reply.headers["x-inference-model"] == "pictures"
    assert {one["label"] for one in reply.json()} == set(LABELS.values())
    wrong = http.post(path, content=b"nothing", headers={"content-type": "image/png"})
    assert wrong.status_code == 400


def test_sounds(http: httpx.Client) -> None:
    sound = samples.sound_file(samples.noise(1.0, 44_100), 44_100)
    headers = {"content-type": "audio/wav"}
    heard = http.post("/models/ears", content=sound, headers=headers).json()
    assert set(heard["text"]) <= set("ABC <unk>/s")
    classes = http.post("/models/waves", content=sound, headers=headers).json()
    assert sum(one["score"] for one in classes) == pytest.approx(1)


def test_our_client(http: httpx.Client, models: dict[str, str]) -> None:
    base = f"{http.base_url}/models/weather"
    client = InferenceClient(base_url=base, token="k")
    [best] = client.text_classification("the ferry leaves", top_k=1)
    assert best.label in LABELS.values()


def test_openais_embeddings_stay_the_engines_own(http: httpx.Client) -> None:
    reply = http.post("/v1/embeddings", json={"input": "ann went", "model": "default"}).json()
    assert len(reply["data"][0]["embedding"]) == 384
    other = http.post("/v1/embeddings", json={"input": "ann went", "model": "vectors"})
    assert other.status_code == 404


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    done = run("serve", "--port", "0", "--model", f"fill-mask={tmp_path}")
    assert done.returncode == 1
    assert "no config.json" in done.stderr


def test_a_model_that_is_nowhere(
    light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with serving("--model", "fill-mask=nobody/nothing") as http:
        reply = http.post("/models/nobody/nothing", json={"inputs": "ann [MASK]"})
        assert reply.status_code == 500
        assert "nobody/nothing cannot be opened" in reply.json()["error"]
    assert "HF_HUB_OFFLINE" in os.environ
