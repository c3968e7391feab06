"""Models of the user's own for pictures and sounds: tiny ones with random weights (`tiny.py`).

As in `test_pipelines.py`, shapes and parameters are checked; skipped where torch is not installed.
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
from tests.engine.requests import answered, refused
from tests.engine.test_custom_gguf import serving

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
from tests.engine import tiny_models as tiny

LABELS = set(tiny.LABELS.values())
SIZE = (40, 30)
PICTURE = samples.file(samples.written(["leaves at noon"]).resize(SIZE))
SOUND = samples.sound_file(samples.noise(1.0, 44_100), 44_100)
QUESTION = {"question": "is a good day ?", "image": PICTURE}
WORDS = [["ferry", [0, 0, 100, 100]], ["leaves", [100, 0, 200, 100]], ["noon", [200, 0, 300, 99]]]


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with a model for each task of pictures and sounds, two for some."""
    root = tmp_path_factory.mktemp("models")
    models = [
        ("image-classification", tiny.vit(root / "vit")),
        ("object-detection", tiny.yolos(root / "yolos")),
        ("zero-shot-image-classification", tiny.clip(root / "clip")),
        ("zero-shot-object-detection", tiny.owl(root / "owl")),
        ("image-segmentation", tiny.segformer(root / "segformer")),
        ("image-segmentation", tiny.maskformer(root / "maskformer")),
        ("image-to-text", tiny.captioner(root / "captioner")),
        ("image-to-text", tiny.llava(root / "llava-tells")),
        ("visual-question-answering", tiny.vilt(root / "vilt")),
        ("visual-question-answering", tiny.llava(root / "llava")),
        ("document-question-answering", tiny.layoutlm(root / "layoutlm")),
        ("automatic-speech-recognition", tiny.wav2vec(root / "ears", "Wav2Vec2ForCTC")),
        ("automatic-speech-recognition", tiny.whisper(root / "whisper")),
        ("audio-classification", tiny.wav2vec(root / "waves", "Wav2Vec2ForSequenceClassification")),
        ("text-to-speech", tiny.vits(root / "vits")),
        ("audio-to-audio", tiny.encodec(root / "encodec")),
    ]
    with serving(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def test_image_classification(http: httpx.Client) -> None:
    raw = http.post("/models/vit", content=PICTURE, headers={"content-type": "image/png"})
    found = raw.json()
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    [best] = answered(http, "vit", PICTURE, top_k=1, function_to_apply="none")
    assert best["label"] == found[0]["label"]
    assert best["score"] != pytest.approx(found[0]["score"])
    assert "known" in refused(http, "vit", b"nothing")


def test_object_detection(http: httpx.Client) -> None:
    found = answered(http, "yolos", PICTURE, threshold=0)
    assert {one["label"] for one in found} <= LABELS
    assert {"xmin", "ymin", "xmax", "ymax"} == set(found[0]["box"])
    middle = (found[0]["score"] + 1) / 2
    assert answered(http, "yolos", PICTURE, threshold=middle) == []


def test_zero_shot_object_detection(http: httpx.Client) -> None:
    found = answered(http, "owl", PICTURE, candidate_labels=["cat", "dog"], threshold=0)
    assert {one["label"] for one in found} == {"cat", "dog"}
    best = max(one["score"] for one in found)
    options = {"candidate_labels": ["cat", "dog"], "threshold": best}
    assert len(answered(http, "owl", PICTURE, **options)) < len(found)
    assert "candidate_labels" in refused(http, "owl", PICTURE)


def test_zero_shot_image_classification(http: httpx.Client) -> None:
    labels = ["a cat", "a dog"]
    found = answered(http, "clip", PICTURE, candidate_labels=labels)
    assert sorted(one["label"] for one in found) == labels
    assert sum(one["score"] for one in found) == pytest.approx(1)
    other = {"candidate_labels": labels, "hypothesis_template": "no {}"}
    assert answered(http, "clip", PICTURE, **other) != found


def _mask(part: dict[str, Any]) -> Any:
    return samples.opened(base64.b64decode(part["mask"]))


def test_semantic_segmentation(http: httpx.Client) -> None:
    found = answered(http, "segformer", PICTURE)
    assert {one["label"] for one in found} <= LABELS
    assert {one["score"] for one in found} == {None}
    assert all(_mask(one).size == SIZE for one in found)
    whites = sum(_mask(one).histogram()[255] for one in found)
    assert whites == SIZE[0] * SIZE[1], "each pixel belongs to one segment"
    assert answered(http, "segformer", PICTURE, subtask="semantic") == found
    assert "no threshold" in refused(http, "segformer", PICTURE, threshold=0.5)
    assert "does semantic" in refused(http, "segformer", PICTURE, subtask="panoptic")


def test_panoptic_and_instance_segmentation(http: httpx.Client) -> None:
    assert answered(http, "maskformer", PICTURE, threshold=0.99) == []
    low = {"threshold": 0, "mask_threshold": 0.1, "overlap_mask_area_threshold": 0}
    found = answered(http, "maskformer", PICTURE, **low)
    assert {one["label"] for one in found} <= LABELS
    assert all(0 <= one["score"] <= 1 and _mask(one).size == SIZE for one in found)
    assert answered(http, "maskformer", PICTURE, **low, subtask="panoptic") == found
    assert answered(http, "maskformer", PICTURE, subtask="instance", threshold=0)


def test_captions(http: httpx.Client) -> None:
    [usual] = answered(http, "captioner", PICTURE)
    [short] = answered(http, "captioner", PICTURE, max_new_tokens=2)
    assert usual["generated_text"].startswith(short["generated_text"])
    assert len(short["generated_text"].split()) <= 2
    beams = {"num_beams": 2, "max_new_tokens": 3}
    assert answered(http, "captioner", PICTURE, generation_parameters=beams)
    refusal = refused(http, "captioner", PICTURE, generation_parameters={"beams": 2})
    assert "beams" in refusal


def test_captions_by_a_model_that_converses(http: httpx.Client) -> None:
    [found] = answered(http, "llava-tells", PICTURE)
    words = found["generated_text"].split()
    assert set(words) <= set(tiny.WORDS), "neither the picture's marks nor the request come back"
    assert len(words) <= 6


def test_questions_about_pictures(http: httpx.Client) -> None:
    found = answered(http, "vilt", QUESTION)
    assert {one["answer"] for one in found} == LABELS
    assert [one["score"] for one in found] == sorted(one["score"] for one in found)[::-1]
    assert answered(http, "vilt", QUESTION, top_k=2) == found[:2]
    [written] = answered(http, "llava", QUESTION)
    assert set(written) == {"answer"}
    assert "only one" in refused(http, "llava", QUESTION, top_k=2)


def test_questions_about_pages(http: httpx.Client) -> None:
    [best] = answered(http, "layoutlm", QUESTION, word_boxes=WORDS)
    words = [word for word, _ in WORDS]
    assert best["answer"] == " ".join(words[best["start"] : best["end"] + 1])
    short = {"top_k": 3, "max_answer_len": 1}
    found = answered(http, "layoutlm", QUESTION, word_boxes=WORDS, **short)
    assert sorted(one["answer"] for one in found) == sorted(words)
    windows = {"max_seq_len": 12, "doc_stride": 1, "handle_impossible_answer": True, "top_k": 9}
    listed = answered(http, "layoutlm", QUESTION, word_boxes=WORDS, **windows)
    assert "" in [one["answer"] for one in listed]
    assert "max_question_len" in refused(http, "layoutlm", QUESTION, max_question_len=3)


def test_a_page_is_read_by_the_engines_own_reader(http: httpx.Client, full_weights: Path) -> None:
    page = samples.file(samples.written(["The ferry", "leaves at noon"]))
    [best] = answered(http, "layoutlm", {"question": "leaves at ?", "image": page})
    assert best["answer"] in "The ferry leaves at noon"


def test_speech_by_moments(http: httpx.Client) -> None:
    found = answered(http, "ears", SOUND)
    assert set(found) == {"text"}
    for unit in ("word", "char"):
        timed = answered(http, "ears", SOUND, return_timestamps=unit)
        assert timed["text"] == found["text"]
        starts = [chunk["timestamp"][0] for chunk in timed["chunks"]]
        assert starts == sorted(starts)
    assert "'char'" in refused(http, "ears", SOUND, return_timestamps=True)
    assert "(CTC)" in refused(http, "ears", SOUND, generation_parameters={"num_beams": 2})


def test_speech_that_is_generated(http: httpx.Client) -> None:
    timed = answered(http, "whisper", SOUND, return_timestamps=True)
    assert {"text", "chunks"} == set(timed)
    words = answered(http, "whisper", SOUND, return_timestamps="word")
    assert all(len(chunk["timestamp"]) == 2 for chunk in words["chunks"])
    exact = {"max_new_tokens": 2, "num_beams": 1}
    short = answered(http, "whisper", SOUND, return_timestamps=True, generation_parameters=exact)
    assert len(short["text"]) < len(timed["text"])
    assert "char" in refused(http, "whisper", SOUND, return_timestamps="char")


def test_audio_classification(http: httpx.Client) -> None:
    found = answered(http, "waves", SOUND)
    assert {one["label"] for one in found} == LABELS
    assert sum(one["score"] for one in found) == pytest.approx(1)
    assert answered(http, "waves", SOUND, top_k=1) == found[:1]
    raw = answered(http, "waves", SOUND, function_to_apply="sigmoid")
    assert sum(one["score"] for one in raw) != pytest.approx(1)


def test_text_to_speech(http: httpx.Client) -> None:
    spoken = answered(http, "vits", "ann went to rome")
    with soundfile.SoundFile(io.BytesIO(spoken)) as file:
        assert (file.format, file.samplerate, file.channels) == ("FLAC", 16_000, 1)
        assert file.frames > 0
    assert "no do_sample" in refused(http, "vits", "ann", do_sample=True)
    assert "penalty_alpha" in refused(http, "vits", "ann", penalty_alpha=0.5)


def test_audio_to_audio(http: httpx.Client) -> None:
    [found] = answered(http, "encodec", SOUND)
    assert found["content-type"] == "audio/flac"
    with soundfile.SoundFile(io.BytesIO(base64.b64decode(found["blob"]))) as file:
        assert (file.samplerate, file.channels) == (24_000, 1)
        assert file.frames == pytest.approx(24_000, abs=2), "as long as it was"


def test_our_client(http: httpx.Client) -> None:
    def client(model: str) -> InferenceClient:
        return InferenceClient(base_url=f"{http.base_url}/models/{model}", token="k")

    segments = client("segformer").image_segmentation(PICTURE)
    assert segments[0].mask.size == SIZE
    assert client("vilt").visual_question_answering(PICTURE, "day ?", top_k=1)[0].answer in LABELS
    assert client("vits").text_to_speech("ann went").array.ndim == 1
