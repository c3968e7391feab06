"""Test custom models for images and audio: tiny ones with random weights (`tiny_models.py`).

As in `test_custom_text.py`, the tests check shapes and parameters; they are skipped without torch.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from hfwidgets import InferenceClient
from tests.engine import samples
from tests.engine.requests import ask_model, expect_refusal, serve_models

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
from tests.engine import tiny_models as tiny

LABELS = set(tiny.LABELS.values())
SIZE = (40, 30)
IMAGE = samples.encode_image(samples.draw_text(["leaves at noon"]).resize(SIZE))
AUDIO = samples.encode_audio(samples.make_noise(1.0, 44_100), 44_100)
QUESTION = {"question": "is a good day ?", "image": IMAGE}
WORDS = [["ferry", [0, 0, 100, 100]], ["leaves", [100, 0, 200, 100]], ["noon", [200, 0, 300, 99]]]


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with a model per image or audio task, two for some."""
    root = tmp_path_factory.mktemp("models")
    models = [
        ("image-classification", tiny.vit(root / "vit")),
        ("object-detection", tiny.yolos(root / "yolos")),
        ("zero-shot-image-classification", tiny.clip(root / "clip")),
        ("zero-shot-object-detection", tiny.owl(root / "owl")),
        ("image-segmentation", tiny.segformer(root / "segformer")),
        ("image-segmentation", tiny.maskformer(root / "maskformer")),
        ("image-to-text", tiny.captioner(root / "captioner")),
        ("image-to-text", tiny.llava(root / "llava-captions")),
        ("visual-question-answering", tiny.vilt(root / "vilt")),
        ("visual-question-answering", tiny.llava(root / "llava")),
        ("document-question-answering", tiny.layoutlm(root / "layoutlm")),
        ("automatic-speech-recognition", tiny.wav2vec(root / "ctc", "Wav2Vec2ForCTC")),
        ("automatic-speech-recognition", tiny.whisper(root / "whisper")),
        ("audio-classification", tiny.wav2vec(root / "waves", "Wav2Vec2ForSequenceClassification")),
        ("text-to-speech", tiny.vits(root / "vits")),
        ("audio-to-audio", tiny.encodec(root / "encodec")),
    ]
    with serve_models(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def test_image_classification(http: httpx.Client) -> None:
    raw = http.post("/models/vit", content=IMAGE, headers={"content-type": "image/png"})
    found = raw.json()
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    [best] = ask_model(http, "vit", IMAGE, top_k=1, function_to_apply="none")
    assert best["label"] == found[0]["label"]
    assert best["score"] != pytest.approx(found[0]["score"])
    assert "known" in expect_refusal(http, "vit", b"nothing")


def test_object_detection(http: httpx.Client) -> None:
    found = ask_model(http, "yolos", IMAGE, threshold=0)
    assert {one["label"] for one in found} <= LABELS
    assert {"xmin", "ymin", "xmax", "ymax"} == set(found[0]["box"])
    middle = (found[0]["score"] + 1) / 2
    assert ask_model(http, "yolos", IMAGE, threshold=middle) == []


def test_zero_shot_object_detection(http: httpx.Client) -> None:
    found = ask_model(http, "owl", IMAGE, candidate_labels=["cat", "dog"], threshold=0)
    assert {one["label"] for one in found} == {"cat", "dog"}
    best = max(one["score"] for one in found)
    options = {"candidate_labels": ["cat", "dog"], "threshold": best}
    assert len(ask_model(http, "owl", IMAGE, **options)) < len(found)
    assert "candidate_labels" in expect_refusal(http, "owl", IMAGE)


def test_zero_shot_image_classification(http: httpx.Client) -> None:
    labels = ["a cat", "a dog"]
    found = ask_model(http, "clip", IMAGE, candidate_labels=labels)
    assert sorted(one["label"] for one in found) == labels
    assert sum(one["score"] for one in found) == pytest.approx(1)
    other = {"candidate_labels": labels, "hypothesis_template": "no {}"}
    assert ask_model(http, "clip", IMAGE, **other) != found


def decode_mask(part: dict[str, Any]) -> Any:
    return samples.open_image(base64.b64decode(part["mask"]))


def test_semantic_segmentation(http: httpx.Client) -> None:
    found = ask_model(http, "segformer", IMAGE)
    assert {one["label"] for one in found} <= LABELS
    assert {one["score"] for one in found} == {None}
    assert all(decode_mask(one).size == SIZE for one in found)
    whites = sum(decode_mask(one).histogram()[255] for one in found)
    assert whites == SIZE[0] * SIZE[1], "each pixel belongs to one segment"
    assert ask_model(http, "segformer", IMAGE, subtask="semantic") == found
    assert "no threshold" in expect_refusal(http, "segformer", IMAGE, threshold=0.5)
    assert "supports semantic" in expect_refusal(http, "segformer", IMAGE, subtask="panoptic")


def test_panoptic_and_instance_segmentation(http: httpx.Client) -> None:
    assert ask_model(http, "maskformer", IMAGE, threshold=0.99) == []
    low = {"threshold": 0, "mask_threshold": 0.1, "overlap_mask_area_threshold": 0}
    found = ask_model(http, "maskformer", IMAGE, **low)
    assert {one["label"] for one in found} <= LABELS
    assert all(0 <= one["score"] <= 1 and decode_mask(one).size == SIZE for one in found)
    assert ask_model(http, "maskformer", IMAGE, **low, subtask="panoptic") == found
    assert ask_model(http, "maskformer", IMAGE, subtask="instance", threshold=0)


def test_captions(http: httpx.Client) -> None:
    [default] = ask_model(http, "captioner", IMAGE)
    [short] = ask_model(http, "captioner", IMAGE, max_new_tokens=2)
    assert default["generated_text"].startswith(short["generated_text"])
    assert len(short["generated_text"].split()) <= 2
    beams = {"num_beams": 2, "max_new_tokens": 3}
    assert ask_model(http, "captioner", IMAGE, generation_parameters=beams)
    refusal = expect_refusal(http, "captioner", IMAGE, generation_parameters={"beams": 2})
    assert "beams" in refusal


def test_a_conversational_model_captions(http: httpx.Client) -> None:
    [found] = ask_model(http, "llava-captions", IMAGE)
    words = found["generated_text"].split()
    assert set(words) <= set(tiny.WORDS), "no image tokens and no prompt"
    assert len(words) <= 6


def test_visual_question_answering(http: httpx.Client) -> None:
    found = ask_model(http, "vilt", QUESTION)
    assert {one["answer"] for one in found} == LABELS
    assert [one["score"] for one in found] == sorted(one["score"] for one in found)[::-1]
    assert ask_model(http, "vilt", QUESTION, top_k=2) == found[:2]
    [written] = ask_model(http, "llava", QUESTION)
    assert set(written) == {"answer"}
    assert "only one answer" in expect_refusal(http, "llava", QUESTION, top_k=2)


def test_document_question_answering(http: httpx.Client) -> None:
    [best] = ask_model(http, "layoutlm", QUESTION, word_boxes=WORDS)
    words = [word for word, _ in WORDS]
    assert best["answer"] == " ".join(words[best["start"] : best["end"] + 1])
    short = {"top_k": 3, "max_answer_len": 1}
    found = ask_model(http, "layoutlm", QUESTION, word_boxes=WORDS, **short)
    assert sorted(one["answer"] for one in found) == sorted(words)
    windows = {"max_seq_len": 12, "doc_stride": 1, "handle_impossible_answer": True, "top_k": 9}
    listed = ask_model(http, "layoutlm", QUESTION, word_boxes=WORDS, **windows)
    assert "" in [one["answer"] for one in listed]
    assert "max_question_len" in expect_refusal(http, "layoutlm", QUESTION, max_question_len=3)


def test_the_engine_reads_the_words_of_a_page(http: httpx.Client, full_weights: Path) -> None:
    page = samples.encode_image(samples.draw_text(["The ferry", "leaves at noon"]))
    [best] = ask_model(http, "layoutlm", {"question": "leaves at ?", "image": page})
    assert best["answer"] in "The ferry leaves at noon"


def test_ctc_speech_recognition(http: httpx.Client) -> None:
    found = ask_model(http, "ctc", AUDIO)
    assert set(found) == {"text"}
    for unit in ("word", "char"):
        timed = ask_model(http, "ctc", AUDIO, return_timestamps=unit)
        assert timed["text"] == found["text"]
        starts = [chunk["timestamp"][0] for chunk in timed["chunks"]]
        assert starts == sorted(starts)
    assert "'char'" in expect_refusal(http, "ctc", AUDIO, return_timestamps=True)
    assert "(CTC)" in expect_refusal(http, "ctc", AUDIO, generation_parameters={"num_beams": 2})


def test_generative_speech_recognition(http: httpx.Client) -> None:
    timed = ask_model(http, "whisper", AUDIO, return_timestamps=True)
    assert {"text", "chunks"} == set(timed)
    words = ask_model(http, "whisper", AUDIO, return_timestamps="word")
    assert all(len(chunk["timestamp"]) == 2 for chunk in words["chunks"])
    exact = {"max_new_tokens": 2, "num_beams": 1}
    short = ask_model(http, "whisper", AUDIO, return_timestamps=True, generation_parameters=exact)
    assert len(short["text"]) < len(timed["text"])
    assert "char" in expect_refusal(http, "whisper", AUDIO, return_timestamps="char")


def test_audio_classification(http: httpx.Client) -> None:
    found = ask_model(http, "waves", AUDIO)
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    assert ask_model(http, "waves", AUDIO, top_k=1) == found[:1]
    raw = ask_model(http, "waves", AUDIO, function_to_apply="sigmoid")
    assert sum(one["score"] for one in raw) != pytest.approx(1)


def test_text_to_speech(http: httpx.Client) -> None:
    spoken = ask_model(http, "vits", "ann went to rome")
    with soundfile.SoundFile(io.BytesIO(spoken)) as file:
        assert (file.format, file.samplerate, file.channels) == ("FLAC", 16_000, 1)
        assert file.frames > 0
    assert "no do_sample" in expect_refusal(http, "vits", "ann", do_sample=True)
    assert "penalty_alpha" in expect_refusal(http, "vits", "ann", penalty_alpha=0.5)


def test_audio_to_audio(http: httpx.Client) -> None:
    [found] = ask_model(http, "encodec", AUDIO)
    assert found["content-type"] == "audio/flac"
    with soundfile.SoundFile(io.BytesIO(base64.b64decode(found["blob"]))) as file:
        assert (file.samplerate, file.channels) == (24_000, 1)
        assert file.frames == pytest.approx(24_000, abs=2), "the length is unchanged"


def test_our_client(http: httpx.Client) -> None:
    def client(model: str) -> InferenceClient:
        return InferenceClient(base_url=f"{http.base_url}/models/{model}", token="k")

    segments = client("segformer").image_segmentation(IMAGE)
    assert segments[0].mask.size == SIZE
    assert client("vilt").visual_question_answering(IMAGE, "day ?", top_k=1)[0].answer in LABELS
    assert client("vits").text_to_speech("ann went").array.ndim == 1
