"""ONNX repositories of every family answer as numpy computes it."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hfwidgets import InferenceClient, errors
from hfwidgets.engine import custom, onnx, registry
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.scores import softmax
from hfwidgets.engine.custom.embeddings import SentenceComparison
from hfwidgets.engine.onnx.vision import Preprocessor
from hfwidgets.engine.server.parameters import check_arguments
from tests.engine import tiny_onnx as tiny
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image
from tests.plugins.waiting import LIMIT

TEXT = "the boat sails to rome on monday"


def ask(folder: Path, task: str, inputs: Any, **parameters: Any) -> Any:
    """Ask a model as the engine does."""
    capability = onnx.build_onnx_capability(task, str(folder))
    return capability.serves[task](LoadedModels(None), inputs, **parameters)  # type: ignore[arg-type]


def mean_vector(folder: Path, text: str, pair: str | None = None) -> tiny.Array:
    return tiny.TABLE[tiny.ids_of(folder, text, pair)].mean(0)


def test_texts_are_classified(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, 3)
    folder = tiny.text_model(tmp_path, head, tiny.labels("a", "b", "c"), pooled=True)
    [rows] = ask(folder, "text-classification", TEXT)
    shares = softmax(mean_vector(folder, TEXT) @ head)
    assert {row["label"]: row["score"] for row in rows} == pytest.approx(
        dict(zip("abc", shares.tolist(), strict=True)), abs=1e-6
    )
    assert rows == sorted(rows, key=lambda row: -row["score"])
    [raw] = ask(folder, "text-classification", TEXT, function_to_apply="none", top_k=1)
    assert raw[0]["score"] == pytest.approx(
        float((mean_vector(folder, TEXT) @ head).max()), abs=1e-5
    )


def test_several_labels_at_once_are_scored_alone(tmp_path: Path) -> None:
    config = {**tiny.labels("a", "b"), "problem_type": "multi_label_classification"}
    head = tiny.numbers(tiny.SIZE, 2)
    folder = tiny.text_model(tmp_path, head, config, pooled=True)
    [rows] = ask(folder, "text-classification", TEXT)
    expected = 1 / (1 + np.exp(-(mean_vector(folder, TEXT) @ head)))
    assert sorted(row["score"] for row in rows) == pytest.approx(
        sorted(expected.tolist()), abs=1e-6
    )


def entity_head() -> tiny.Array:
    """A matrix that gives each word its label: rome a place, anna and monday persons."""
    wanted = np.zeros((len(tiny.WORDS), 4), np.float32)
    wanted[:, 0] = 9
    for word, label in (("rome", 1), ("anna", 2), ("monday", 3)):
        wanted[tiny.WORDS.index(word)] = np.eye(4)[label] * 20
    return wanted


def test_entities(tmp_path: Path) -> None:
    table, tiny.TABLE = tiny.TABLE, np.eye(len(tiny.WORDS), dtype=np.float32)
    try:
        names = tiny.labels("O", "B-LOC", "B-PER", "I-PER")
        folder = tiny.text_model(tmp_path, entity_head(), names, pooled=False)
    finally:
        tiny.TABLE = table
    text = "anna monday sails to rome"
    rows = ask(folder, "token-classification", text)
    assert [(row["entity_group"], row["word"]) for row in rows] == [
        ("PER", "anna monday"),
        ("LOC", "rome"),
    ]
    assert all(text[row["start"] : row["end"]] == row["word"] for row in rows)
    tokens = ask(folder, "token-classification", text, aggregation_strategy="none")
    assert [row["entity"] for row in tokens] == ["B-PER", "I-PER", "B-LOC"]


def test_questions(tmp_path: Path) -> None:
    folder, start, end = tiny.span_model(tmp_path)
    question = onnx.text.ContextQuestion("where is anna", "the boat sails to rome on monday")
    found = ask(folder, "question-answering", question, max_answer_len=2, top_k=3)
    ids = tiny.ids_of(folder, question.question, question.context)
    first = ids.index(3) + 1
    inside = range(first, len(ids) - 1)
    vectors = tiny.TABLE[ids]
    shares = []
    for head in (start, end):
        logits = (vectors @ head)[:, 0]
        allowed = [0, *inside, len(ids) - 1]  # the pair's last token is the context's side
        masked = np.full(len(ids), -np.inf)
        masked[allowed[:-1]] = logits[allowed[:-1]]
        shares.append(softmax(masked))
    pairs = [(shares[0][a] * shares[1][b], a, b) for a in inside for b in inside if a <= b < a + 2]
    words = question.context.split()
    for row, (score, a, b) in zip(found, sorted(pairs, reverse=True), strict=False):
        assert row["answer"] == " ".join(words[a - first : b - first + 1])
        assert row["score"] == pytest.approx(float(score), abs=1e-6)


def test_a_long_context_is_read_in_windows(tmp_path: Path) -> None:
    folder, *_ = tiny.span_model(tmp_path)
    context = " ".join(["the boat sails to"] * 30 + ["rome"])
    question = onnx.text.ContextQuestion("where is anna", context)
    whole = ask(folder, "question-answering", question, max_answer_len=1, top_k=3)
    parts = ask(folder, "question-answering", question, max_answer_len=1, top_k=3, max_seq_len=24)
    assert {row["answer"] for row in parts} == {row["answer"] for row in whole}
    assert all(context[row["start"] : row["end"]] == row["answer"] for row in parts)
    with pytest.raises(RefusedError, match="Shorten the question"):
        ask(folder, "question-answering", question, max_seq_len=6)


def test_masks_are_filled(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, len(tiny.WORDS))
    folder = tiny.text_model(tmp_path, head, {}, pooled=False)
    rows = ask(folder, "fill-mask", "the [MASK] sails", top_k=2)
    shares = softmax(tiny.TABLE[4] @ head)
    assert rows[0]["token_str"] == tiny.WORDS[int(shares.argmax())]
    assert rows[0]["score"] == pytest.approx(float(shares.max()), abs=1e-6)
    [only] = ask(folder, "fill-mask", "the [MASK] sails", targets=["boat"])
    assert only["sequence"] == "the boat sails"
    with pytest.raises(RefusedError, match="must hold"):
        ask(folder, "fill-mask", "no mask")
    with pytest.raises(RefusedError, match="not one token"):
        ask(folder, "fill-mask", "the [MASK] sails", targets=["zeppelin"])


def test_labels_are_weighed_by_entailment(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, 3)
    names = tiny.labels("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
    folder = tiny.text_model(tmp_path, head, names, pooled=True)
    candidates = ["travel", "food"]
    logits = np.array(
        [mean_vector(folder, TEXT, f"this example is about {c}") @ head for c in candidates]
    )
    options = {"candidate_labels": candidates, "hypothesis_template": "this example is about {}"}
    rows = ask(folder, "zero-shot-classification", TEXT, **options)
    expected = dict(zip(candidates, softmax(logits[:, 2]).tolist(), strict=True))
    assert {row["label"]: row["score"] for row in rows} == pytest.approx(expected, abs=1e-6)
    alone = ask(folder, "zero-shot-classification", TEXT, multi_label=True, **options)
    each = softmax(logits[:, [0, 2]])[:, 1].tolist()
    assert {row["label"]: row["score"] for row in alone} == pytest.approx(
        dict(zip(candidates, each, strict=True)), abs=1e-6
    )


def test_embeddings(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, 4)
    folder = tiny.text_model(tmp_path, head, {}, pooled=False, output="last_hidden_state")
    vectors = np.array(ask(folder, "feature-extraction", [TEXT, "anna is happy"]))
    expected = mean_vector(folder, TEXT) @ head
    assert vectors[0] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    raw = np.array(ask(folder, "feature-extraction", TEXT, normalize=False))
    assert raw[0] == pytest.approx(expected, abs=1e-5)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    first = np.array(ask(folder, "feature-extraction", TEXT, normalize=False))
    assert first[0] == pytest.approx(tiny.TABLE[2] @ head, abs=1e-5)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_max_tokens": True}, lambda rows: rows.max(0)),
        ({"pooling_mode_lasttoken": True}, lambda rows: rows[-1]),
        ({"pooling_mode": "cls"}, lambda rows: rows[0]),
    ],
)
def test_tokens_are_pooled_as_the_model_says(
    tmp_path: Path, config: dict[str, Any], expected: Callable[[tiny.Array], tiny.Array]
) -> None:
    head = tiny.numbers(tiny.SIZE, 4)
    folder = tiny.text_model(tmp_path, head, {}, pooled=False, output="last_hidden_state")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    [vector] = np.array(ask(folder, "feature-extraction", TEXT, normalize=False))
    rows = tiny.TABLE[tiny.ids_of(folder, TEXT)] @ head
    assert vector == pytest.approx(expected(rows), abs=1e-5)


def test_unknown_pooling_is_refused(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, 4)
    folder = tiny.text_model(tmp_path, head, {}, pooled=False, output="last_hidden_state")
    (folder / "1_Pooling").mkdir()
    both = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(both))
    with pytest.raises(RefusedError, match="pooling cls and mean is not supported"):
        ask(folder, "feature-extraction", TEXT)


def test_a_negative_stride_is_refused() -> None:
    function = onnx.ONNX_TASKS["question-answering"].function
    question = {"question": "where?", "context": TEXT}
    with pytest.raises(RefusedError, match="doc_stride"):
        check_arguments(function, "question-answering", question, {"doc_stride": -1})


def test_similarity(tmp_path: Path) -> None:
    head = tiny.numbers(tiny.SIZE, 4)
    folder = tiny.text_model(tmp_path, head, {}, pooled=False, output="last_hidden_state")
    question = SentenceComparison(TEXT, [TEXT, "anna is sad"])
    scores = ask(folder, "sentence-similarity", question)
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert scores[1] < 1


def test_a_text_longer_than_the_model_is_refused(tmp_path: Path) -> None:
    config = {**tiny.labels("a", "b"), "max_position_embeddings": 8}
    folder = tiny.text_model(tmp_path, tiny.numbers(tiny.SIZE, 2), config, pooled=True)
    with pytest.raises(RefusedError, match="reads 8"):
        ask(folder, "text-classification", TEXT)


RED = encode_image(Image.new("RGB", (8, 8), (255, 0, 0)))


def test_images_are_classified(tmp_path: Path) -> None:
    head = np.eye(3, dtype=np.float32) * 4
    folder = tiny.image_classifier(tmp_path, head)
    rows = ask(folder, "image-classification", RED)
    assert rows[0]["label"] == "red"
    color = (np.array([1.0, 0, 0]) - 0.5) / 0.5
    assert rows[0]["score"] == pytest.approx(float(softmax(color @ head)[0]), abs=1e-6)
    assert len(ask(folder, "image-classification", RED, top_k=1)) == 1


def test_preprocessing() -> None:
    image = Image.new("RGB", (40, 20))
    crop = Preprocessor({"size": {"shortest_edge": 10}, "do_center_crop": True, "crop_size": 8})
    assert crop(image).shape == (1, 3, 8, 8)
    longest = Preprocessor({"size": {"shortest_edge": 20, "longest_edge": 30}})
    assert longest(image).shape == (1, 3, 15, 30)
    assert Preprocessor({"size": 6})(image).shape == (1, 3, 6, 6)
    plain = Preprocessor({"do_resize": False, "do_normalize": False, "do_rescale": False})
    assert plain(Image.new("RGB", (2, 2), (10, 20, 30)))[0, :, 0, 0].tolist() == [10, 20, 30]


def test_objects(tmp_path: Path) -> None:
    logits = np.array([[[6, 0, 0], [0, 0, 6], [0, 5, 0]]], np.float32)
    boxes = np.array([[[0.5, 0.5, 0.5, 1], [0.5, 0.5, 1, 1], [0.9, 0.5, 0.4, 0.2]]], np.float32)
    folder = tiny.constant_model(
        tmp_path, tiny.labels("boat", "sun"), logits=logits, pred_boxes=boxes
    )
    image = encode_image(Image.new("RGB", (100, 40)))
    rows = ask(folder, "object-detection", image)
    assert [(row["label"], row["box"]) for row in rows] == [
        ("boat", {"xmin": 25, "ymin": 0, "xmax": 75, "ymax": 40}),
        ("sun", {"xmin": 70, "ymin": 16, "xmax": 100, "ymax": 24}),
    ]
    assert rows[0]["score"] == pytest.approx(float(softmax(logits[0, 0])[0]), abs=1e-6)
    assert ask(folder, "object-detection", image, threshold=0.999) == []


def mask_of(row: dict[str, Any]) -> tiny.Array:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(row["mask"])))) > 127


def test_semantic_segments(tmp_path: Path) -> None:
    logits = np.zeros((1, 2, 2, 2), np.float32)
    logits[0, 1, :, 1] = 5
    folder = tiny.constant_model(tmp_path, tiny.labels("sea", "sky"), logits=logits)
    rows = ask(folder, "image-segmentation", encode_image(Image.new("RGB", (8, 4))))
    masks = {row["label"]: mask_of(row) for row in rows}
    assert masks["sky"].shape == (4, 8)
    assert masks["sky"][:, -1].all()
    assert masks["sea"][:, 0].all()
    assert not (masks["sky"] & masks["sea"]).any()
    assert (masks["sky"] | masks["sea"]).all()


def test_panoptic_segments(tmp_path: Path) -> None:
    logits = np.array([[[9, 0, 0], [0, 9, 0], [0, 0, 9]]], np.float32)
    masks = np.full((1, 3, 2, 2), -9, np.float32)
    masks[0, 0, :, 0] = masks[0, 1, :, 1] = 9
    boxes = np.zeros((1, 3, 4), np.float32)
    folder = tiny.constant_model(
        tmp_path, tiny.labels("sea", "sky"), logits=logits, pred_boxes=boxes, pred_masks=masks
    )
    rows = ask(folder, "image-segmentation", encode_image(Image.new("RGB", (8, 4))))
    assert [row["label"] for row in rows] == ["sea", "sky"]
    assert mask_of(rows[0])[:, 0].all()
    assert not mask_of(rows[0])[:, -1].any()


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_labels_of_ones_choice_for_an_image(tmp_path: Path, kind: str) -> None:
    head = tiny.numbers(tiny.SIZE, 3)
    folder = tiny.image_text_model(tmp_path, head, kind)
    candidates = ["boat", "food"]
    rows = ask(
        folder,
        "zero-shot-image-classification",
        RED,
        candidate_labels=candidates,
        hypothesis_template="a photo of {}",
    )
    color = np.array([1.0, -1, -1], np.float32)
    texts = []
    for name in candidates:
        ids = tiny.ids_of(folder, f"a photo of {name}")
        padded = [*ids, *[0] * (8 - len(ids))] if kind == "siglip" else ids
        texts.append(tiny.TABLE[padded].mean(0) @ head)
    logits = np.array(texts) @ color
    expected = 1 / (1 + np.exp(-logits)) if kind == "siglip" else softmax(logits)
    assert {row["label"]: row["score"] for row in rows} == pytest.approx(
        dict(zip(candidates, expected.tolist(), strict=True)), abs=1e-5
    )


def test_speech(tmp_path: Path) -> None:
    letters = ["<pad>", "A", "A", "<pad>", "A", "|", "B", "<pad>"]
    folder = tiny.speech_model(tmp_path, letters)
    assert ask(folder, "automatic-speech-recognition", wave())["text"] == "AA B"


def wave() -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(8000) / 9), 16_000, format="WAV")
    return file.getvalue()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="can't serve the task 'text-to-image'"):
        onnx.build_onnx_capability("text-to-image", str(tmp_path))
    folder = tiny.text_model(tmp_path / "m", tiny.numbers(tiny.SIZE, 2), {}, pooled=True)
    with pytest.raises(RefusedError, match="no id2label"):
        ask(folder, "text-classification", TEXT)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(RefusedError, match=r"no tokenizer\.json"):
        ask(folder, "text-classification", TEXT)


def test_a_folder_with_onnx_files_is_served_without_torch(tmp_path: Path) -> None:
    folder = tiny.text_model(
        tmp_path / "tiny-moods", tiny.numbers(tiny.SIZE, 2), tiny.labels("a", "b"), pooled=True
    )
    assert onnx.is_onnx_source(str(folder))
    assert not onnx.is_onnx_source(str(tmp_path))
    before = registry.registered()
    capability: Capability = custom.serve_model(f"text-classification={folder}")
    try:
        assert capability.limits.endswith("through onnxruntime.")
    finally:
        registry._REGISTERED[:] = before


@pytest.fixture
def served(tmp_path: Path) -> Iterator[InferenceClient]:
    """`hfwidgets serve --model text-classification=FOLDER`, and a client for it."""
    folder = tiny.text_model(
        tmp_path / "tiny-moods", tiny.numbers(tiny.SIZE, 2), tiny.labels("glad", "sad"), pooled=True
    )
    command = [
        *(sys.executable, "-P", "-m", "hfwidgets", "serve", "--port", "0", "--api-key", "k"),
        *("--model", f"text-classification={folder}"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[4]
        yield InferenceClient(f"{url}/models/tiny-moods/pipeline/text-classification", token="k")
    finally:
        process.terminate()
        process.wait(LIMIT)


def test_the_server_answers_with_it(served: InferenceClient) -> None:
    found = served.text_classification(TEXT)
    assert {row.label for row in found} == {"glad", "sad"}
    assert sum(row.score for row in found) == pytest.approx(1, abs=1e-5)


def test_files_come_from_the_shared_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that is in the Hub's cache is served offline, by its id."""
    snapshot = tmp_path / "hub" / "models--org--tiny" / "snapshots" / ("0" * 40)
    tiny.text_model(snapshot, tiny.numbers(tiny.SIZE, 2), tiny.labels("a", "b"), pooled=True)
    refs = tmp_path / "hub" / "models--org--tiny" / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    code = (
        "import json\nfrom hfwidgets.engine import onnx\n"
        "made = onnx.build_onnx_capability('text-classification', 'org/tiny:onnx/model.onnx')\n"
        "found = made.serves['text-classification'](__import__('hfwidgets.engine.base.capability',"
        " fromlist=['x']).LoadedModels(None), 'the boat')\nprint(json.dumps(found))\n"
        "print(onnx.is_onnx_source('org/tiny'))"
    )
    env = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    answer, known = done.stdout.splitlines()
    assert {row["label"] for row in json.loads(answer)[0]} == {"a", "b"}
    assert known == "True"


def ask_whether_onnx(*sources: str, **environment: str) -> list[str]:
    """Ask in a process of its own: huggingface_hub reads its variables once."""
    code = (
        "import sys\nfrom hfwidgets.engine import onnx\n"
        "for source in sys.argv[1:]: print(onnx.is_onnx_source(source))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *sources],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_hub_is_asked_for_what_can_be_served_from_it(
    loopback: Loopback, tmp_path: Path
) -> None:
    """A file that only a folder may have is never downloaded, so it does not count."""
    for name, file in (("good", "onnx/model_quantized.onnx"), ("other", "model.onnx")):
        listed = {"id": f"org/{name}", "siblings": [{"rfilename": file}]}
        loopback.route("GET", f"/api/models/org/{name}", Answer(json=listed))
    sources = "org/good", "org/other", "org/other:model.onnx", "not/an/id"
    found = ask_whether_onnx(*sources, HF_ENDPOINT=loopback.url, HF_HUB_CACHE=str(tmp_path))
    assert found == ["True", "False", "True", "False"]


def test_an_unreachable_hub_has_no_onnx_model(tmp_path: Path) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(tmp_path)}
    assert ask_whether_onnx("org/x", **nowhere) == ["False"]
