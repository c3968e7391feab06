"""Test custom models of families with peculiarities: tiny ones (`tiny_families.py`).

As in `test_custom_text.py`, the tests check shapes and parameters; they are skipped without torch.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile

from tests.engine import samples
from tests.engine.requests import ask_model, expect_refusal, serve_models

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
from tests.engine import tiny_families as families
from tests.engine import tiny_models as tiny

IMAGE = samples.encode_image(samples.draw_text(["leaves at noon"]).resize((40, 30)))
SECONDS = 1.51
AUDIO = samples.encode_audio(samples.make_noise(SECONDS, 44_100), 44_100)
QUESTION = {"question": "is a good day ?", "image": IMAGE}
QUESTIONS, CAPTIONS = "visual-question-answering", "image-to-text"
PAGES = "document-question-answering"


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with a model per family, some of them for a wrong task."""
    root = tmp_path_factory.mktemp("models")
    captioner, answerer = "BlipForConditionalGeneration", "BlipForQuestionAnswering"
    models = [
        ("translation", families.marian(root / "marian")),
        ("translation", families.marian(root / "romance", ("fra", "spa"))),
        ("translation", families.t5(root / "t5")),
        ("translation", families.m2m(root / "m2m")),
        ("translation", families.m2m(root / "to-german", forced_bos_token_id=30)),
        (CAPTIONS, families.blip(root / "blip", captioner)),
        (QUESTIONS, families.blip(root / "blip-vqa", answerer)),
        (PAGES, families.donut(root / "donut")),
        (PAGES, families.donut(root / "donut-endless", ends=False)),
        ("audio-to-audio", families.dac(root / "dac")),
        ("audio-to-audio", families.mimi(root / "mimi")),
        ("audio-to-audio", families.stereo_encodec(root / "stereo")),
        ("fill-mask", tiny.bert(root / "pretrained", "BertForPreTraining")),
        ("feature-extraction", tiny.bert(root / "masked", "BertForMaskedLM")),
        ("text-classification", tiny.bert(root / "headless", "BertForMaskedLM")),
        ("question-answering", tiny.bert(root / "bare", "BertModel")),
        (QUESTIONS, families.blip(root / "blip-tells", captioner)),
        (CAPTIONS, families.blip(root / "blip-answers", answerer)),
        (QUESTIONS, families.donut(root / "donut-vqa")),
        (QUESTIONS, tiny.captioner(root / "captioner-vqa")),
    ]
    with serve_models(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def test_marian_translates(http: httpx.Client) -> None:
    [default] = ask_model(http, "marian", "ann went to rome")
    assert default["translation_text"]
    assert ask_model(http, "marian", "ann went to rome", src_lang="en", tgt_lang="de") == [default]
    longer = {"max_new_tokens": 20, "min_new_tokens": 20}
    [more] = ask_model(http, "marian", "ann went to rome", generate_parameters=longer)
    assert more["translation_text"].startswith(default["translation_text"])
    assert len(more["translation_text"]) > len(default["translation_text"])
    beams = {"num_beams": 2, "early_stopping": True}
    assert ask_model(http, "marian", "ann", generate_parameters=beams)
    message = expect_refusal(http, "marian", "ann", src_lang="en", tgt_lang="fr")
    assert "does not translate en to fr; it supports en to de" in message
    assert "the model reads 64" in expect_refusal(http, "marian", "ann went " * 20)
    assert ask_model(http, "marian", "ann went " * 20, truncation="longest_first")


def test_marian_with_several_target_languages(http: httpx.Client) -> None:
    pair = {"src_lang": "en", "tgt_lang": "fra"}
    french = ask_model(http, "romance", "ann went to rome", **pair)
    assert french == ask_model(http, "romance", ">>fra<< ann went to rome")
    spanish = ask_model(http, "romance", "ann went to rome", src_lang="en", tgt_lang="spa")
    assert spanish == ask_model(http, "romance", ">>spa<< ann went to rome")
    assert french != spanish
    message = expect_refusal(http, "romance", "ann", src_lang="en", tgt_lang="de")
    assert "it supports en to fra or spa" in message
    message = expect_refusal(http, "romance", "ann went to rome")
    assert "needs src_lang and tgt_lang; it supports en to fra or spa" in message


def test_t5_with_several_directions(http: httpx.Client) -> None:
    message = expect_refusal(http, "t5", "ann went")
    assert "needs src_lang and tgt_lang; it supports de to en, en to de" in message
    back = ask_model(http, "t5", "ann went", src_lang="de", tgt_lang="en")
    assert ask_model(http, "t5", "translate german : ann went") == back


def test_m2m_translates(http: httpx.Client) -> None:
    german, french = (
        ask_model(http, "m2m", "ann went to rome", src_lang="en", tgt_lang=code)[0]
        for code in ("de", "fr")
    )
    assert german["translation_text"]
    assert "__" not in german["translation_text"], "the language marker is not part of the text"
    assert german != french
    assert "needs src_lang and tgt_lang" in expect_refusal(http, "m2m", "ann")
    assert "It supports af, am" in expect_refusal(http, "m2m", "ann", src_lang="en", tgt_lang="?")
    assert "Did you mean 'de'" in expect_refusal(http, "m2m", "ann", src_lang="en", tgt_lang="dee")


def test_a_language_applies_to_one_request(http: httpx.Client) -> None:
    default = ask_model(http, "to-german", "ann went to rome")
    other = ask_model(http, "to-german", "ann went to rome", src_lang="yi", tgt_lang="fr")
    assert other != default
    assert ask_model(http, "to-german", "ann went to rome") == default


def test_blip_captions(http: httpx.Client) -> None:
    [default] = ask_model(http, "blip", IMAGE)
    assert set(default["generated_text"].replace(".", " .").split()) <= set(tiny.WORDS)
    [short] = ask_model(http, "blip", IMAGE, max_new_tokens=2)
    assert default["generated_text"].startswith(short["generated_text"])
    assert len(short["generated_text"].split()) <= 2
    sampling = {"do_sample": True, "temperature": 2.0, "max_new_tokens": 4}
    assert ask_model(http, "blip", IMAGE, generation_parameters=sampling)


def test_blip_answers_questions(http: httpx.Client) -> None:
    [found] = ask_model(http, "blip-vqa", QUESTION)
    assert set(found) == {"answer"}
    assert ask_model(http, "blip-vqa", QUESTION, top_k=1) == [found]
    other = QUESTION | {"question": "the ferry leaves at noon paris ?"}
    assert ask_model(http, "blip-vqa", other) != [found], "the question changes the answer"
    assert "only one answer" in expect_refusal(http, "blip-vqa", QUESTION, top_k=2)


def test_donut_answers_questions(http: httpx.Client) -> None:
    [found] = ask_model(http, "donut", QUESTION)
    assert set(found) == {"answer"}
    assert found["answer"]
    other = QUESTION | {"question": "the ferry leaves at noon ?"}
    assert ask_model(http, "donut", other) != [found], "the question changes the answer"
    assert "no top_k" in expect_refusal(http, "donut", QUESTION, top_k=2)
    boxes = [["ferry", [0, 0, 100, 100]]]
    assert "no word_boxes" in expect_refusal(http, "donut", QUESTION, word_boxes=boxes)
    assert "did not finish its answer" in expect_refusal(http, "donut-endless", QUESTION, 500)


@pytest.mark.parametrize(("model", "rate"), [("dac", 16_000), ("mimi", 24_000), ("stereo", 48_000)])
def test_codecs_reconstruct_audio(http: httpx.Client, model: str, rate: int) -> None:
    [found] = ask_model(http, model, AUDIO)
    with soundfile.SoundFile(io.BytesIO(base64.b64decode(found["blob"]))) as file:
        assert (file.samplerate, file.channels) == (rate, 1)
        assert file.frames == pytest.approx(rate * SECONDS, abs=2), "the length is unchanged"
    assert "bandwidth" in expect_refusal(http, model, AUDIO, bandwidth=6)


def test_another_class_with_all_needed_parts_is_served(http: httpx.Client) -> None:
    assert len(ask_model(http, "pretrained", "ann went to [MASK]", top_k=2)) == 2
    assert len(ask_model(http, "masked", "ann went")[0]) == 4


@pytest.mark.parametrize(
    ("model", "inputs", "message"),
    [
        ("headless", "ann", "are for a BertForMaskedLM and hold no classifier"),
        ("bare", {"question": "ann ?", "context": "ann"}, "hold no qa_outputs"),
        ("blip-tells", QUESTION, "are for a BlipForConditionalGeneration and hold no text_encoder"),
        ("blip-answers", IMAGE, "serve it for visual-question-answering"),
        ("donut-vqa", QUESTION, "Donut for document-question-answering"),
        ("captioner-vqa", QUESTION, "serve a captioner for image-to-text"),
    ],
)
def test_a_model_of_another_task_is_refused(
    http: httpx.Client, model: str, inputs: object, message: str
) -> None:
    assert message in expect_refusal(http, model, inputs, 500)
