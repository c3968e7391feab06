"""Models of the user's own whose families have ways of their own: tiny ones (`tiny_families.py`).

As in `test_pipelines.py`, shapes and parameters are checked; skipped where torch is not installed.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile

from tests.engine import samples
from tests.engine.requests import answered, refused
from tests.engine.test_custom_gguf import serving

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
from tests.engine import tiny_families as families
from tests.engine import tiny_models as tiny

PICTURE = samples.file(samples.written(["leaves at noon"]).resize((40, 30)))
SECONDS = 1.51
SOUND = samples.sound_file(samples.noise(SECONDS, 44_100), 44_100)
QUESTION = {"question": "is a good day ?", "image": PICTURE}
ASKED, CAPTIONS = "visual-question-answering", "image-to-text"
PAGES = "document-question-answering"


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with a model of each family, and some for a task that is not theirs."""
    root = tmp_path_factory.mktemp("models")
    captions, answers = "BlipForConditionalGeneration", "BlipForQuestionAnswering"
    models = [
        ("translation", families.marian(root / "marian")),
        ("translation", families.marian(root / "romance", ("fra", "spa"))),
        ("translation", families.t5(root / "t5")),
        ("translation", families.m2m(root / "m2m")),
        ("translation", families.m2m(root / "to-german", forced_bos_token_id=30)),
        (CAPTIONS, families.blip(root / "blip", captions)),
        (ASKED, families.blip(root / "blip-asked", answers)),
        (PAGES, families.donut(root / "donut")),
        (PAGES, families.donut(root / "donut-endless", ends=False)),
        ("audio-to-audio", families.dac(root / "dac")),
        ("audio-to-audio", families.mimi(root / "mimi")),
        ("audio-to-audio", families.encodec_of_two_channels(root / "stereo")),
        ("fill-mask", tiny.bert(root / "pretrained", "BertForPreTraining")),
        ("feature-extraction", tiny.bert(root / "masked", "BertForMaskedLM")),
        ("text-classification", tiny.bert(root / "headless", "BertForMaskedLM")),
        ("question-answering", tiny.bert(root / "bare", "BertModel")),
        (ASKED, families.blip(root / "blip-tells", captions)),
        (CAPTIONS, families.blip(root / "blip-answers", answers)),
        (ASKED, families.donut(root / "donut-asked")),
        (ASKED, tiny.captioner(root / "captioner-asked")),
    ]
    with serving(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def test_translation_by_marian(http: httpx.Client) -> None:
    [usual] = answered(http, "marian", "ann went to rome")
    assert usual["translation_text"]
    assert answered(http, "marian", "ann went to rome", src_lang="en", tgt_lang="de") == [usual]
    longer = {"max_new_tokens": 20, "min_new_tokens": 20}
    [more] = answered(http, "marian", "ann went to rome", generate_parameters=longer)
    assert more["translation_text"].startswith(usual["translation_text"])
    assert len(more["translation_text"]) > len(usual["translation_text"])
    beams = {"num_beams": 2, "early_stopping": True}
    assert answered(http, "marian", "ann", generate_parameters=beams)
    said = refused(http, "marian", "ann", src_lang="en", tgt_lang="fr")
    assert "does not translate en to fr; it does en to de" in said
    assert "the model reads 64" in refused(http, "marian", "ann went " * 20)
    assert answered(http, "marian", "ann went " * 20, truncation="longest_first")


def test_translation_by_marian_into_several_languages(http: httpx.Client) -> None:
    pair = {"src_lang": "en", "tgt_lang": "fra"}
    french = answered(http, "romance", "ann went to rome", **pair)
    assert french == answered(http, "romance", ">>fra<< ann went to rome")
    spanish = answered(http, "romance", "ann went to rome", src_lang="en", tgt_lang="spa")
    assert spanish == answered(http, "romance", ">>spa<< ann went to rome")
    assert french != spanish
    said = refused(http, "romance", "ann", src_lang="en", tgt_lang="de")
    assert "it does en to fra or spa" in said
    said = refused(http, "romance", "ann went to rome")
    assert "needs src_lang and tgt_lang; it does en to fra or spa" in said


def test_translation_by_a_t5_of_several_directions(http: httpx.Client) -> None:
    said = refused(http, "t5", "ann went")
    assert "needs src_lang and tgt_lang; it does de to en, en to de" in said
    back = answered(http, "t5", "ann went", src_lang="de", tgt_lang="en")
    assert answered(http, "t5", "translate german : ann went") == back


def test_translation_by_m2m(http: httpx.Client) -> None:
    german, french = (
        answered(http, "m2m", "ann went to rome", src_lang="en", tgt_lang=code)[0]
        for code in ("de", "fr")
    )
    assert german["translation_text"]
    assert "__" not in german["translation_text"], "the mark of the language is no text"
    assert german != french
    assert "needs src_lang and tgt_lang" in refused(http, "m2m", "ann")
    assert "Among those it knows: af, am" in refused(
        http, "m2m", "ann", src_lang="en", tgt_lang="?"
    )
    assert "Did you mean 'de'" in refused(http, "m2m", "ann", src_lang="en", tgt_lang="dee")


def test_a_language_holds_for_one_request(http: httpx.Client) -> None:
    usual = answered(http, "to-german", "ann went to rome")
    other = answered(http, "to-german", "ann went to rome", src_lang="yi", tgt_lang="fr")
    assert other != usual
    assert answered(http, "to-german", "ann went to rome") == usual


def test_captions_by_blip(http: httpx.Client) -> None:
    [usual] = answered(http, "blip", PICTURE)
    assert set(usual["generated_text"].replace(".", " .").split()) <= set(tiny.WORDS)
    [short] = answered(http, "blip", PICTURE, max_new_tokens=2)
    assert usual["generated_text"].startswith(short["generated_text"])
    assert len(short["generated_text"].split()) <= 2
    drawn = {"do_sample": True, "temperature": 2.0, "max_new_tokens": 4}
    assert answered(http, "blip", PICTURE, generation_parameters=drawn)


def test_questions_about_pictures_by_blip(http: httpx.Client) -> None:
    [found] = answered(http, "blip-asked", QUESTION)
    assert set(found) == {"answer"}
    assert answered(http, "blip-asked", QUESTION, top_k=1) == [found]
    other = QUESTION | {"question": "the ferry leaves at noon paris ?"}
    assert answered(http, "blip-asked", other) != [found], "the question reaches the answer"
    assert "only one" in refused(http, "blip-asked", QUESTION, top_k=2)


def test_questions_about_pages_by_donut(http: httpx.Client) -> None:
    [found] = answered(http, "donut", QUESTION)
    assert set(found) == {"answer"}
    assert found["answer"]
    other = QUESTION | {"question": "the ferry leaves at noon ?"}
    assert answered(http, "donut", other) != [found], "the question reaches the answer"
    assert "no top_k" in refused(http, "donut", QUESTION, top_k=2)
    boxes = [["ferry", [0, 0, 100, 100]]]
    assert "no word_boxes" in refused(http, "donut", QUESTION, word_boxes=boxes)
    assert "no end of its answer" in refused(http, "donut-endless", QUESTION, 500)


@pytest.mark.parametrize(("model", "rate"), [("dac", 16_000), ("mimi", 24_000), ("stereo", 48_000)])
def test_sounds_by_codecs(http: httpx.Client, model: str, rate: int) -> None:
    [found] = answered(http, model, SOUND)
    with soundfile.SoundFile(io.BytesIO(base64.b64decode(found["blob"]))) as file:
        assert (file.samplerate, file.channels) == (rate, 1)
        assert file.frames == pytest.approx(rate * SECONDS, abs=2), "as long as it was"
    assert "bandwidth" in refused(http, model, SOUND, bandwidth=6)


def test_files_of_another_class_that_have_all_that_is_needed(http: httpx.Client) -> None:
    assert len(answered(http, "pretrained", "ann went to [MASK]", top_k=2)) == 2
    assert len(answered(http, "masked", "ann went")[0]) == 4


@pytest.mark.parametrize(
    ("model", "inputs", "said"),
    [
        ("headless", "ann", "are of a BertForMaskedLM and hold no classifier"),
        ("bare", {"question": "ann ?", "context": "ann"}, "hold no qa_outputs"),
        ("blip-tells", QUESTION, "are of a BlipForConditionalGeneration and hold no text_encoder"),
        ("blip-answers", PICTURE, "serve it for visual-question-answering"),
        ("donut-asked", QUESTION, "Donut for document-question-answering"),
        ("captioner-asked", QUESTION, "serve a captioner for image-to-text"),
    ],
)
def test_a_model_for_another_task(
    http: httpx.Client, model: str, inputs: object, said: str
) -> None:
    assert said in refused(http, model, inputs, 500)
