"""Run both sides of each row of the table in MIGRATION.md: they return the same."""

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hfwidgets
from hfwidgets import InferenceClient, errors
from hfwidgets.client.inference_api import InferenceApi
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Seen
from tests.plugins.sample_media import encode_image

TABLE = Path(hfwidgets.__file__).parent / "MIGRATION.md"
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \|$", TABLE.read_text(), re.MULTILINE)

TOKEN = "hf_" + "sentinel" * 4
MODELS = {
    "MODEL": ("google-bert/bert-base-uncased", "fill-mask"),
    "EMBEDDER": ("org/embedder", "sentence-similarity"),
    "CLASSIFIER": ("org/classifier", "image-classification"),
    "GENERATOR": ("org/generator", "text-to-image"),
}
BASE = "router.huggingface.co/hf-inference/models"


def masks(seen: Seen) -> Answer:
    """Return an answer that depends on the parameters."""
    count = (seen.json().get("parameters") or {}).get("top_k", 3)
    word = {"score": 0.5, "token": 2166, "token_str": "life", "sequence": seen.json()["inputs"]}
    return Answer(json=[word] * count)


@pytest.fixture(autouse=True)
def _hub(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for model, pipeline in MODELS.values():
        about = {"id": model, "pipeline_tag": pipeline, "tags": ["feature-extraction"]}
        offer = {"hf-inference": {"status": "live", "providerId": model, "task": pipeline}}
        listed = {**about, "inferenceProviderMapping": offer}
        internet.get(f"huggingface.co/api/models/{model}", Answer(json=listed))
    internet.post(f"{BASE}/{MODELS['MODEL'][0]}", masks)
    internet.post(f"{BASE}/org/embedder/pipeline/feature-extraction", Answer(json=[0.5, 0.25]))
    internet.post(f"{BASE}/org/classifier", Answer(json=[{"label": "cat", "score": 0.9}]))
    image = Answer(body=encode_image(), headers={"content-type": "image/png"})
    internet.post(f"{BASE}/org/generator", image)


def plain(value: Any) -> Any:
    """Return a value that can be compared."""
    return np.asarray(value).tolist() if isinstance(value, Image.Image) else value


def run(code: str) -> Any:
    names = {name: model for name, (model, _) in MODELS.items()}
    return eval(code, {
        **names, "InferenceApi": InferenceApi, "InferenceClient": InferenceClient,
        "client": InferenceClient(), "TEXT": "The goal of life is [MASK].",
        "IMAGE": encode_image(), "TOKEN": TOKEN,
    })  # fmt: skip


@pytest.mark.filterwarnings("ignore:InferenceApi is outdated")
@pytest.mark.parametrize(("before", "after"), ROWS)
def test_both_sides_of_a_row_give_the_same_result(
    before: str, after: str, internet: Internet
) -> None:
    old, new = run(before), run(after)
    assert plain(old) == plain(new)
    posts = [seen for seen in internet.seen if seen.method == "POST"]
    assert len(posts) == 2
    assert posts[0].path == posts[1].path
    assert {seen.headers["authorization"] for seen in posts} == {f"Bearer {TOKEN}"}


def test_the_table_has_its_rows() -> None:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    assert len(ROWS) == len(lines) - 2 == 9


def test_the_old_client_says_that_it_is_old() -> None:
    with pytest.warns(DeprecationWarning, match=r"MIGRATION\.md"):
        old = InferenceApi("org/classifier")
    assert old.task == "image-classification"
    assert TOKEN not in repr(old)
    assert hfwidgets.InferenceApi is InferenceApi


@pytest.mark.filterwarnings("ignore:InferenceApi is outdated")
def test_what_the_old_client_refuses(internet: Internet, caplog: pytest.LogCaptureFixture) -> None:
    internet.get("huggingface.co/api/models/org/bare", Answer(json={"id": "org/bare"}))
    with pytest.raises(ValueError, match="does not name a task"):
        InferenceApi("org/bare")
    with pytest.raises(errors.UnknownTaskError, match="Did you mean 'fill-mask'"):
        InferenceApi("org/classifier", task="fill-mas")
    with caplog.at_level(logging.WARNING, logger="hfwidgets"):
        InferenceApi("org/classifier", task="fill-mask")
    assert "is a model for image-classification; it is called for fill-mask" in caplog.text
    strange = Answer(body=b"x", headers={"content-type": "audio/flac"})
    internet.post(f"{BASE}/org/classifier", strange)
    with pytest.raises(NotImplementedError, match="raw_response=True"):
        InferenceApi("org/classifier")("x")
