"""Models of the user's own for texts: tiny ones with random weights, made here (`tiny.py`).

They say nothing true; what is checked is that every task answers in the Hub's shapes, that its
parameters are honoured and that others are refused. The tests need torch and transformers, which
are large: they are skipped where these are not installed.
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
from tests.engine.requests import answered, refused
from tests.engine.test_cli import run
from tests.engine.test_custom_gguf import serving

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
from tests.engine import tiny_models as tiny

LABELS = set(tiny.LABELS.values())
CONTEXT = "ann went to rome. the ferry leaves at noon. " * 6
TABLE = {"day": ["noon", "good"], "ferry": ["1", "2"]}


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with a model for each task of texts."""
    root = tmp_path_factory.mktemp("models")
    sequence = "BertForSequenceClassification"
    models = {
        "text-classification": tiny.bert(root / "weather", sequence),
        "zero-shot-classification": tiny.bert(root / "nli", sequence, tiny.NLI),
        "token-classification": tiny.bert(root / "tokens", "BertForTokenClassification"),
        "fill-mask": tiny.bert(root / "masks", "BertForMaskedLM"),
        "sentence-similarity": tiny.sentences(root / "sentences"),
        "feature-extraction": tiny.bert(root / "vectors", "BertModel"),
        "question-answering": tiny.bert(root / "finder", "BertForQuestionAnswering", tiny.ENDS),
        "table-question-answering": tiny.tapas(root / "tapas"),
        "summarization": tiny.t5(root / "t5"),
        "translation": tiny.nllb(root / "nllb"),
    }
    options = [f"--model={task}={folder}" for task, folder in models.items()]
    options.append(f"--model=feature-extraction={models['sentence-similarity']}")
    options.append(f"--model=translation={models['summarization']}")
    with serving(*options) as client:
        yield client


def of_task(http: httpx.Client, task: str, model: str = "default") -> Any:
    """A client's function for one task of a model that has several."""
    return functools.partial(answered, _At(http, task), model)


class _At:
    """A client that asks for a task by name."""

    def __init__(self, http: httpx.Client, task: str) -> None:
        self._http, self._task = http, task

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._http.post(f"{path}/pipeline/{self._task}", **options)


def test_they_are_listed_first(http: httpx.Client) -> None:
    listed = {one["id"]: one["tasks"] for one in http.get("/v1/models").json()["data"]}
    assert next(iter(listed)) == "t5"
    assert listed["weather"] == ["text-classification"]
    assert listed["t5"] == ["translation", "summarization"]


def test_they_are_preferred_to_the_engines_own(http: httpx.Client) -> None:
    reply = http.post("/models/default/pipeline/text-classification", json={"inputs": "ann"})
    assert reply.headers["x-inference-model"] == "weather"


def test_text_classification(http: httpx.Client) -> None:
    [found] = answered(http, "weather", "the ferry leaves")
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    assert answered(http, "weather", "the ferry leaves", top_k=1) == [[found[0]]]
    [raw] = answered(http, "weather", "the ferry leaves", function_to_apply="none")
    assert sum(one["score"] for one in raw) != pytest.approx(1)
    assert "top_p" in refused(http, "weather", "x", top_p=1)
    assert "weather cannot take this" in refused(http, "weather", "day " * 400)


def test_zero_shot_classification(http: httpx.Client) -> None:
    labels = ["paris", "rome", "day"]
    found = answered(http, "nli", "ann went to rome", candidate_labels=labels)
    assert sorted(one["label"] for one in found) == sorted(labels)
    assert sum(one["score"] for one in found) == pytest.approx(1)
    template = "the ferry leaves at {}."
    options = {"multi_label": True, "hypothesis_template": template}
    several = answered(http, "nli", "ann went to rome", candidate_labels=labels, **options)
    assert all(0 < one["score"] < 1 for one in several)
    assert several != found


def test_token_classification(http: httpx.Client) -> None:
    found = answered(http, "tokens", "ann went", aggregation_strategy="none")
    assert [one["word"] for one in found] == ["ann", "went"]
    assert {one["entity"] for one in found} <= LABELS
    assert [(one["start"], one["end"]) for one in found] == [(0, 3), (4, 8)]
    grouped = answered(http, "tokens", "ann went")
    assert {"entity_group", "score", "word", "start", "end"} == set(grouped[0])
    assert answered(http, "tokens", "ann went", ignore_labels=list(LABELS)) == []
    long = "ann went to rome " * 30
    assert "stride=16 reads it in windows" in refused(http, "tokens", long)
    assert answered(http, "tokens", long, stride=4)[-1]["end"] == len(long) - 1
    assert "stride" in refused(http, "tokens", long, stride=4, aggregation_strategy="none")


def test_fill_mask(http: httpx.Client) -> None:
    found = answered(http, "masks", "ann went to [MASK]", top_k=3)
    assert len(found) == 3
    assert {"score", "token", "token_str", "sequence"} == set(found[0])
    [one] = answered(http, "masks", "ann went to [MASK]", targets=["rome"])
    assert one["sequence"] == "ann went to rome"
    assert "mask_token" in refused(http, "masks", "ann went to rome")


def test_vectors_of_tokens(http: httpx.Client) -> None:
    assert np.shape(answered(http, "vectors", "ann went")) == (1, 4, 16)
    assert np.shape(answered(http, "vectors", "day " * 99, truncate=True)) == (1, 64, 16)
    both = answered(http, "vectors", ["ann", "ann went"])
    assert [np.shape(one) for one in both] == [(1, 3, 16), (1, 4, 16)]
    unit = np.array(answered(http, "vectors", "ann went", normalize=True))
    assert np.linalg.norm(unit, axis=-1) == pytest.approx(1)
    assert "truncate=true cuts it" in refused(http, "vectors", "day " * 99)
    assert "no prompt 'query'" in refused(http, "vectors", "ann", prompt_name="query")
    assert "numbers only" in refused(http, "vectors", "ann", encoding_format="base64")


def test_vectors_of_a_sentence_model(http: httpx.Client) -> None:
    ask = of_task(http, "feature-extraction", "sentences")
    vector = np.array(ask("ann went"))
    assert vector.shape == (16,)
    assert np.linalg.norm(vector) == pytest.approx(1)
    raw = np.array(ask("ann went", normalize=False))
    assert raw / np.linalg.norm(raw) == pytest.approx(vector, abs=1e-6)
    packed = base64.b64decode(ask("ann went", encoding_format="base64"))
    assert np.frombuffer(packed, "<f4") == pytest.approx(vector)
    told = ask(["ann went"], prompt_name="query")
    assert told == [ask("a good day : ann went")]
    left = ask("day " * 70 + "ann", truncate=True, truncation_direction="left")
    assert left != ask("day " * 70 + "ann", truncate=True)


def test_sentence_similarity(http: httpx.Client) -> None:
    inputs = {"source_sentence": "ann went", "sentences": ["ann went", "the ferry leaves"]}
    same, other = of_task(http, "sentence-similarity", "sentences")(inputs)
    assert same == pytest.approx(1)
    assert -1 <= other < 1


def test_question_answering(http: httpx.Client) -> None:
    asked = {"question": "went to paris ?", "context": CONTEXT}
    best = answered(http, "finder", asked)
    assert best["answer"] == CONTEXT[best["start"] : best["end"]]
    several = answered(http, "finder", asked, top_k=3)
    assert several[0] == best
    assert [one["score"] for one in several] == sorted(one["score"] for one in several)[::-1]
    assert len({(one["start"], one["end"]) for one in several}) == 3
    for one in answered(http, "finder", asked, top_k=5, max_answer_len=1):
        assert one["answer"].isalpha() or one["answer"] == "."
    short = answered(http, "finder", asked, max_seq_len=12, doc_stride=2, max_question_len=1)
    assert short["answer"] in CONTEXT
    everything = {"top_k": 1000, "max_answer_len": 1}
    listed = answered(http, "finder", asked, **everything, handle_impossible_answer=True)
    assert [one["answer"] for one in listed].count("") == 1
    assert "" not in [one["answer"] for one in answered(http, "finder", asked, **everything)]


def test_answers_are_whole_words_unless_told_otherwise(http: httpx.Client) -> None:
    asked = {"question": "to ?", "context": "annwent"}  # one unknown word of two known letters
    whole = answered(http, "finder", asked, align_to_words=True)
    assert whole["answer"] == "annwent"
    assert answered(http, "finder", asked, align_to_words=False)["answer"] in "annwent"


def test_windows_that_cannot_be(http: httpx.Client) -> None:
    asked = {"question": "went to paris ?", "context": CONTEXT}
    assert "max_seq_len" in refused(http, "finder", asked, max_seq_len=6)
    assert "share less" in refused(http, "finder", asked, max_seq_len=12, doc_stride=9)


def test_table_question_answering(http: httpx.Client) -> None:
    asked = {"query": "leaves at noon ?", "table": TABLE}
    found = answered(http, "tapas", asked)
    assert {"answer", "cells", "coordinates", "aggregator"} == set(found)
    columns = list(TABLE.values())
    assert found["cells"] == [columns[column][row] for row, column in found["coordinates"]]
    options = {"padding": "max_length", "sequential": True, "truncation": True}
    assert answered(http, "tapas", asked, **options) == found
    long = {"query": "noon ?", "table": {"day": ["noon"] * 200}}
    cut, whole = (answered(http, "tapas", long, truncation=cuts) for cuts in (True, False))
    assert len(cut["cells"]) < len(whole["cells"])
    uneven = {"query": "noon ?", "table": {"day": ["noon"], "ferry": []}}
    assert "same number" in refused(http, "tapas", uneven)


def test_summarization(http: httpx.Client) -> None:
    ask = of_task(http, "summarization", "t5")
    [usual] = ask("ann went to rome")
    assert set(usual) == {"summary_text"}
    assert len(usual["summary_text"].split()) <= 7, "the model's own configuration says so"
    exact = {"max_new_tokens": 3, "min_new_tokens": 3}
    [three] = ask("ann went to rome", generate_parameters=exact)
    assert len(three["summary_text"].split()) <= 3
    assert ask("ann", generate_parameters={"early_stopping": True}), "it searches with two beams"
    assert ask("ann " * 90, truncation="longest_first", clean_up_tokenization_spaces=True)
    for parameters, said in (
        ({"temperature": 0.5, "do_sample": False}, "temperature has no effect"),
        ({"early_stopping": True, "num_beams": 1}, "early_stopping has no effect"),
        ({"penalty_alpha": 0.5}, "penalty_alpha"),
    ):
        at = _At(http, "summarization")
        assert said in refused(at, "t5", "ann", generate_parameters=parameters)  # type: ignore


def test_translation_by_a_prefix(http: httpx.Client) -> None:
    ask = of_task(http, "translation", "t5")
    assert set(ask("ann went", src_lang="en", tgt_lang="de")[0]) == {"translation_text"}
    said = refused(http, "t5", "ann went", src_lang="en", tgt_lang="fr")
    assert "does not translate en to fr; it does en to de" in said
    assert ask("ann went") == ask("ann went", src_lang="en", tgt_lang="de"), "it does nothing else"
    assert ask("translate english to german : ann went") == ask("ann went")
    assert "come together" in refused(http, "t5", "ann went", tgt_lang="de")


def test_translation_among_many_languages(http: httpx.Client) -> None:
    pair = {"src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
    [found] = answered(http, "nllb", "ann went", **pair)
    assert found["translation_text"]
    assert "Did you mean 'deu_Latn'" in refused(
        http, "nllb", "ann", src_lang="eng_Latn", tgt_lang="deu_Latin"
    )
    assert "needs src_lang and tgt_lang" in refused(http, "nllb", "ann")
    assert "the model reads 64" in refused(http, "nllb", "ann " * 90, **pair)
    assert answered(http, "nllb", "ann " * 90, **pair, truncation="only_first")


def test_our_client(http: httpx.Client) -> None:
    base = f"{http.base_url}/models/weather"
    client = InferenceClient(base_url=base, token="k")
    [best] = client.text_classification("the ferry leaves", top_k=1)
    assert best.label in LABELS


def test_openais_embeddings_stay_the_engines_own(http: httpx.Client) -> None:
    reply = http.post("/v1/embeddings", json={"input": "ann went", "model": "default"}).json()
    assert len(reply["data"][0]["embedding"]) == 384
    other = http.post("/v1/embeddings", json={"input": "ann went", "model": "vectors"})
    assert other.status_code == 404


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    for task, mark in (("fill-mask", "config.json"), ("text-to-image", "model_index.json")):
        done = run("serve", "--port", "0", "--model", f"{task}={tmp_path}")
        assert done.returncode == 1
        assert f"no {mark}" in done.stderr


def test_a_file_where_a_folder_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    done = run("serve", "--port", "0", "--model", f"fill-mask={tmp_path / 'model.safetensors'}")
    assert done.returncode == 1
    assert "is a file; a model is the folder" in done.stderr


def test_a_model_that_is_nowhere(
    light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tiny.bert(tmp_path / "bert", "BertModel")
    with serving(
        *("--model", "fill-mask=nobody/nothing"), f"--model=image-to-text={tmp_path / 'bert'}"
    ) as http:
        assert "nobody/nothing cannot be opened" in refused(http, "nobody/nothing", "[MASK]", 500)
        assert "bert cannot be opened for image-to-text" in refused(http, "bert", b"x", 500)
    assert "HF_HUB_OFFLINE" in os.environ
