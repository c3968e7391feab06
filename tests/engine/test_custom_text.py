"""Test custom models for text: tiny ones with random weights (`tiny_models.py`).

Their answers mean nothing: the tests check that every task answers in the Hub's shapes, applies its
parameters and refuses others. They need torch and transformers, which are large, and are skipped
where these aren't installed.
"""

import base64
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hfwidgets import InferenceClient
from tests.engine.requests import ask_model, expect_refusal, serve_models
from tests.engine.test_cli import run

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
from tests.engine import tiny_models as tiny

LABELS = set(tiny.LABELS.values())
CONTEXT = "ann went to rome. the ferry leaves at noon. " * 6
TABLE = {"day": ["noon", "good"], "ferry": ["1", "2"]}


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with a model per text task."""
    root = tmp_path_factory.mktemp("models")
    sequence = "BertForSequenceClassification"
    models = {
        "text-classification": tiny.bert(root / "weather", sequence),
        "zero-shot-classification": tiny.bert(root / "nli", sequence, tiny.NLI),
        "token-classification": tiny.bert(root / "tokens", "BertForTokenClassification"),
        "fill-mask": tiny.bert(root / "masks", "BertForMaskedLM"),
        "sentence-similarity": tiny.sentences(root / "sentences"),
        "feature-extraction": tiny.bert(root / "vectors", "BertModel"),
        "question-answering": tiny.bert(root / "extractive", "BertForQuestionAnswering", tiny.ENDS),
        "table-question-answering": tiny.tapas(root / "tapas"),
        "summarization": tiny.t5(root / "t5"),
        "translation": tiny.nllb(root / "nllb"),
    }
    options = [f"--model={task}={folder}" for task, folder in models.items()]
    options.append(f"--model=feature-extraction={models['sentence-similarity']}")
    options.append(f"--model=translation={models['summarization']}")
    with serve_models(*options) as client:
        yield client


def bind_task(http: httpx.Client, task: str, model: str = "default") -> Any:
    """Return `ask_model` for one task of a model with several."""
    return functools.partial(ask_model, _TaskClient(http, task), model)


class _TaskClient:
    """An HTTP client that adds a task to the URL of a model."""

    def __init__(self, http: httpx.Client, task: str) -> None:
        self._http, self._task = http, task

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._http.post(f"{path}/pipeline/{self._task}", **options)


def test_custom_models_are_listed_first(http: httpx.Client) -> None:
    listed = {one["id"]: one["tasks"] for one in http.get("/v1/models").json()["data"]}
    assert next(iter(listed)) == "t5"
    assert listed["weather"] == ["text-classification"]
    assert listed["t5"] == ["translation", "summarization"]


def test_custom_models_are_the_default(http: httpx.Client) -> None:
    reply = http.post("/models/default/pipeline/text-classification", json={"inputs": "ann"})
    assert reply.headers["x-inference-model"] == "weather"


def test_text_classification(http: httpx.Client) -> None:
    [found] = ask_model(http, "weather", "the ferry leaves")
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    assert ask_model(http, "weather", "the ferry leaves", top_k=1) == [[found[0]]]
    [raw] = ask_model(http, "weather", "the ferry leaves", function_to_apply="none")
    assert sum(one["score"] for one in raw) != pytest.approx(1)
    assert "top_p" in expect_refusal(http, "weather", "x", top_p=1)
    assert "weather cannot take this" in expect_refusal(http, "weather", "day " * 400)


def test_zero_shot_classification(http: httpx.Client) -> None:
    labels = ["paris", "rome", "day"]
    found = ask_model(http, "nli", "ann went to rome", candidate_labels=labels)
    assert sorted(one["label"] for one in found) == sorted(labels)
    assert sum(one["score"] for one in found) == pytest.approx(1)
    template = "the ferry leaves at {}."
    options = {"multi_label": True, "hypothesis_template": template}
    several = ask_model(http, "nli", "ann went to rome", candidate_labels=labels, **options)
    assert all(0 < one["score"] < 1 for one in several)
    assert several != found


def test_token_classification(http: httpx.Client) -> None:
    found = ask_model(http, "tokens", "ann went", aggregation_strategy="none")
    assert [one["word"] for one in found] == ["ann", "went"]
    assert {one["entity"] for one in found} <= LABELS
    assert [(one["start"], one["end"]) for one in found] == [(0, 3), (4, 8)]
    grouped = ask_model(http, "tokens", "ann went")
    assert {"entity_group", "score", "word", "start", "end"} == set(grouped[0])
    assert ask_model(http, "tokens", "ann went", ignore_labels=list(LABELS)) == []
    long = "ann went to rome " * 30
    assert "stride=16 reads it in windows" in expect_refusal(http, "tokens", long)
    assert ask_model(http, "tokens", long, stride=4)[-1]["end"] == len(long) - 1
    assert "stride" in expect_refusal(http, "tokens", long, stride=4, aggregation_strategy="none")


def test_fill_mask(http: httpx.Client) -> None:
    found = ask_model(http, "masks", "ann went to [MASK]", top_k=3)
    assert len(found) == 3
    assert {"score", "token", "token_str", "sequence"} == set(found[0])
    [one] = ask_model(http, "masks", "ann went to [MASK]", targets=["rome"])
    assert one["sequence"] == "ann went to rome"
    assert "mask_token" in expect_refusal(http, "masks", "ann went to rome")


def test_token_embeddings(http: httpx.Client) -> None:
    assert np.shape(ask_model(http, "vectors", "ann went")) == (1, 4, 16)
    assert np.shape(ask_model(http, "vectors", "day " * 99, truncate=True)) == (1, 64, 16)
    both = ask_model(http, "vectors", ["ann", "ann went"])
    assert [np.shape(one) for one in both] == [(1, 3, 16), (1, 4, 16)]
    unit = np.array(ask_model(http, "vectors", "ann went", normalize=True))
    assert np.linalg.norm(unit, axis=-1) == pytest.approx(1)
    assert "truncate=true cuts it" in expect_refusal(http, "vectors", "day " * 99)
    assert "no prompt 'query'" in expect_refusal(http, "vectors", "ann", prompt_name="query")
    assert "numbers only" in expect_refusal(http, "vectors", "ann", encoding_format="base64")


def test_sentence_embeddings(http: httpx.Client) -> None:
    ask = bind_task(http, "feature-extraction", "sentences")
    vector = np.array(ask("ann went"))
    assert vector.shape == (16,)
    assert np.linalg.norm(vector) == pytest.approx(1)
    raw = np.array(ask("ann went", normalize=False))
    assert raw / np.linalg.norm(raw) == pytest.approx(vector, abs=1e-6)
    packed = base64.b64decode(ask("ann went", encoding_format="base64"))
    assert np.frombuffer(packed, "<f4") == pytest.approx(vector)
    prompted = ask(["ann went"], prompt_name="query")
    assert prompted == [ask("a good day : ann went")]
    left = ask("day " * 70 + "ann", truncate=True, truncation_direction="left")
    assert left != ask("day " * 70 + "ann", truncate=True)


def test_sentence_similarity(http: httpx.Client) -> None:
    inputs = {"source_sentence": "ann went", "sentences": ["ann went", "the ferry leaves"]}
    same, other = bind_task(http, "sentence-similarity", "sentences")(inputs)
    assert same == pytest.approx(1)
    assert -1 <= other < 1


def test_question_answering(http: httpx.Client) -> None:
    question = {"question": "went to paris ?", "context": CONTEXT}
    best = ask_model(http, "extractive", question)
    assert best["answer"] == CONTEXT[best["start"] : best["end"]]
    several = ask_model(http, "extractive", question, top_k=3)
    assert several[0] == best
    assert [one["score"] for one in several] == sorted(one["score"] for one in several)[::-1]
    assert len({(one["start"], one["end"]) for one in several}) == 3
    for one in ask_model(http, "extractive", question, top_k=5, max_answer_len=1):
        assert one["answer"].isalpha() or one["answer"] == "."
    short = ask_model(
        http, "extractive", question, max_seq_len=12, doc_stride=2, max_question_len=1
    )
    assert short["answer"] in CONTEXT
    everything = {"top_k": 1000, "max_answer_len": 1}
    listed = ask_model(http, "extractive", question, **everything, handle_impossible_answer=True)
    assert [one["answer"] for one in listed].count("") == 1
    assert "" not in [
        one["answer"] for one in ask_model(http, "extractive", question, **everything)
    ]


def test_answers_are_whole_words_by_default(http: httpx.Client) -> None:
    question = {"question": "to ?", "context": "annwent"}  # one unknown word of two known letters
    whole = ask_model(http, "extractive", question, align_to_words=True)
    assert whole["answer"] == "annwent"
    assert ask_model(http, "extractive", question, align_to_words=False)["answer"] in "annwent"


def test_impossible_windows_are_refused(http: httpx.Client) -> None:
    question = {"question": "went to paris ?", "context": CONTEXT}
    assert "max_seq_len" in expect_refusal(http, "extractive", question, max_seq_len=6)
    assert "overlap by less" in expect_refusal(
        http, "extractive", question, max_seq_len=12, doc_stride=9
    )


def test_table_question_answering(http: httpx.Client) -> None:
    question = {"query": "leaves at noon ?", "table": TABLE}
    found = ask_model(http, "tapas", question)
    assert {"answer", "cells", "coordinates", "aggregator"} == set(found)
    columns = list(TABLE.values())
    assert found["cells"] == [columns[column][row] for row, column in found["coordinates"]]
    options = {"padding": "max_length", "sequential": True, "truncation": True}
    assert ask_model(http, "tapas", question, **options) == found
    long = {"query": "noon ?", "table": {"day": ["noon"] * 200}}
    cut, whole = (ask_model(http, "tapas", long, truncation=cuts) for cuts in (True, False))
    assert len(cut["cells"]) < len(whole["cells"])
    uneven = {"query": "noon ?", "table": {"day": ["noon"], "ferry": []}}
    assert "same number" in expect_refusal(http, "tapas", uneven)


def test_summarization(http: httpx.Client) -> None:
    ask = bind_task(http, "summarization", "t5")
    [default] = ask("ann went to rome")
    assert set(default) == {"summary_text"}
    assert len(default["summary_text"].split()) <= 7, "from the model's configuration"
    exact = {"max_new_tokens": 3, "min_new_tokens": 3}
    [three] = ask("ann went to rome", generate_parameters=exact)
    assert len(three["summary_text"].split()) <= 3
    assert ask("ann", generate_parameters={"early_stopping": True}), "two beams by default"
    assert ask("ann " * 90, truncation="longest_first", clean_up_tokenization_spaces=True)
    for parameters, message in (
        ({"temperature": 0.5, "do_sample": False}, "temperature has no effect"),
        ({"early_stopping": True, "num_beams": 1}, "early_stopping has no effect"),
        ({"penalty_alpha": 0.5}, "penalty_alpha"),
    ):
        client = _TaskClient(http, "summarization")
        assert message in expect_refusal(client, "t5", "ann", generate_parameters=parameters)  # type: ignore


def test_translation_with_a_prefix(http: httpx.Client) -> None:
    ask = bind_task(http, "translation", "t5")
    assert set(ask("ann went", src_lang="en", tgt_lang="de")[0]) == {"translation_text"}
    message = expect_refusal(http, "t5", "ann went", src_lang="en", tgt_lang="fr")
    assert "does not translate en to fr; it supports en to de" in message
    assert ask("ann went") == ask("ann went", src_lang="en", tgt_lang="de"), "the only direction"
    assert ask("translate english to german : ann went") == ask("ann went")
    assert "both src_lang and tgt_lang" in expect_refusal(http, "t5", "ann went", tgt_lang="de")


def test_multilingual_translation(http: httpx.Client) -> None:
    pair = {"src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
    [found] = ask_model(http, "nllb", "ann went", **pair)
    assert found["translation_text"]
    assert "Did you mean 'deu_Latn'" in expect_refusal(
        http, "nllb", "ann", src_lang="eng_Latn", tgt_lang="deu_Latin"
    )
    assert "needs src_lang and tgt_lang" in expect_refusal(http, "nllb", "ann")
    assert "the model reads 64" in expect_refusal(http, "nllb", "ann " * 90, **pair)
    assert ask_model(http, "nllb", "ann " * 90, **pair, truncation="only_first")


def test_our_client(http: httpx.Client) -> None:
    base = f"{http.base_url}/models/weather"
    client = InferenceClient(base_url=base, token="k")
    [best] = client.text_classification("the ferry leaves", top_k=1)
    assert best.label in LABELS


def test_openai_embeddings_use_the_engines_model(http: httpx.Client) -> None:
    reply = http.post("/v1/embeddings", json={"input": "ann went", "model": "default"}).json()
    assert len(reply["data"][0]["embedding"]) == 384
    other = http.post("/v1/embeddings", json={"input": "ann went", "model": "vectors"})
    assert other.status_code == 404


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    for task, mark in (("fill-mask", "config.json"), ("text-to-image", "model_index.json")):
        done = run("serve", "--port", "0", "--model", f"{task}={tmp_path}")
        assert done.returncode == 1
        assert f"no {mark}" in done.stderr


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    done = run("serve", "--port", "0", "--model", f"fill-mask={tmp_path / 'model.safetensors'}")
    assert done.returncode == 1
    assert "is a file; pass the folder" in done.stderr


def test_a_missing_model_fails_alone(
    light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tiny.bert(tmp_path / "bert", "BertModel")
    with serve_models(
        *("--model", "fill-mask=nobody/nothing"), f"--model=image-to-text={tmp_path / 'bert'}"
    ) as http:
        assert "nobody/nothing cannot be opened" in expect_refusal(
            http, "nobody/nothing", "[MASK]", 500
        )
        assert "bert cannot be opened for image-to-text" in expect_refusal(http, "bert", b"x", 500)
    assert "HF_HUB_OFFLINE" in os.environ
