"""Images: classes, candidate labels, people, faces, upscaling, text, questions about pages."""

import base64
import io
import pickle
import struct
import zlib
from collections import deque
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import HfHubHTTPError
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from hfwidgets import InferenceClient, engine_process, errors
from hfwidgets.engine import registry
from hfwidgets.engine.base import runtimes, torch_file
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import MissingWeightsError
from hfwidgets.engine.chat import chat, qwen
from hfwidgets.engine.server.app import create_app
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.vision import ocr, page_questions
from hfwidgets.tasks import examples
from tests.engine import samples
from tests.engine.conftest import Server

pytestmark = pytest.mark.usefixtures("full_weights")

Hub = huggingface_hub.InferenceClient
ANIMALS_AND_THINGS = [
    "cat",
    "dog",
    "cup of coffee",
    "rocket",
    "motorcycle",
    "flower",
    "temple",
    "astronaut",
    "horse",
]


@pytest.fixture(scope="session")
def photos(pytestconfig: pytest.Config) -> dict[str, bytes]:
    """Load two photos: a Chinese palace and a flower."""
    assert pytestconfig.cache is not None
    return samples.load_photos(pytestconfig.cache.mkdir("samples"))


def send_image(http: httpx.Client, task: str, inputs: bytes, **parameters: Any) -> httpx.Response:
    body = {"inputs": base64.b64encode(inputs).decode(), "parameters": parameters}
    return http.post(f"/models/default/pipeline/{task}", json=body)


def test_classes(hub: Hub, server: Server, photos: dict[str, bytes]) -> None:
    url = server.task("image-classification")
    palace = hub.image_classification(photos["china"], model=url)
    assert len(palace) == 5
    assert palace[0].label == "palace"
    assert [item.score for item in palace] == sorted((i.score for i in palace), reverse=True)
    flower = hub.image_classification(photos["flower"], model=url, top_k=2)
    assert [len(flower), flower[0].label] == [2, "daisy"]


def test_scores_of_classes(http: httpx.Client, photos: dict[str, bytes]) -> None:
    def scores(how: str) -> list[float]:
        answer = send_image(
            http, "image-classification", photos["china"], function_to_apply=how, top_k=1000
        )
        return [item["score"] for item in answer.json()]

    raw, softmax, sigmoid = scores("none"), scores("softmax"), scores("sigmoid")
    assert len(raw) == 1000
    assert sum(softmax) == pytest.approx(1)
    assert np.log(softmax[0] / softmax[1]) == pytest.approx(raw[0] - raw[1], rel=1e-3)
    assert sigmoid[0] == pytest.approx(1 / (1 + np.exp(-raw[0])))


def test_candidate_labels(hub: Hub, server: Server, photos: dict[str, bytes]) -> None:
    url = server.task("zero-shot-image-classification")
    for name, label in (("china", "temple"), ("flower", "flower")):
        found = hub.zero_shot_image_classification(photos[name], ANIMALS_AND_THINGS, model=url)
        assert found[0].label == label
        assert sum(item.score for item in found) == pytest.approx(1)
    labels = hub.zero_shot_image_classification(
        photos["flower"], ["plant", "vehicle"], model=url, hypothesis_template="this is a {}"
    )
    assert labels[0].label == "plant"


def test_our_own_client(engine: engine_process.EngineState, photos: dict[str, bytes]) -> None:
    client = InferenceClient(provider="local")
    classes = client.image_classification(photos["flower"], top_k=1)
    assert classes[0].label == "daisy"
    assert classes.meta.model == "google/efficientnet-lite0"
    [segment] = client.image_segmentation(examples.portrait())
    assert segment.mask.size == examples.portrait().size
    for face in (samples.draw_face(256), examples.portrait()):
        [found] = client.object_detection(face)
        assert found.label == "face"
    assert client.image_to_image(samples.draw_shapes()).size == (800, 600)
    assert client.image_to_text(samples.draw_text(["Hello there"])).generated_text == "Hello there"
    page = samples.draw_text(samples.INVOICE)
    [answer] = client.document_question_answering(page, "Who is the customer?")
    assert answer.answer == "Maria Lopez"
    ranked = client.zero_shot_image_classification(photos["china"], ["palace", "dog"])
    assert ranked[0].label == "palace"
    with pytest.raises(errors.BadRequestError, match="prompt"):
        client.image_to_image(samples.draw_shapes(), prompt="make it blue")
    with pytest.raises(errors.HfHubHTTPError, match="chat model that reads images"):
        client.visual_question_answering(samples.draw_shapes(), "What is this?")


def test_people(hub: Hub, server: Server) -> None:
    image = Image.new("RGB", (640, 480), samples.GRAY)
    image.paste(samples.draw_face(480), (80, 0))
    [segment] = hub.image_segmentation(
        samples.encode_image(image), model=server.task("image-segmentation")
    )
    assert segment.label == "person"
    assert 0.6 < segment.score < 1
    mask = np.asarray(segment.mask)
    assert mask.shape == (480, 640)
    assert set(np.unique(mask)) == {0, 255}
    inside, beside = mask[200:300, 280:360], mask[:80, :80]
    assert inside.mean() > 250
    assert beside.mean() < 5


def test_a_person_without_a_face_is_uncertain(http: httpx.Client) -> None:
    """The network alone is as sure of a cup of coffee as of someone."""
    content = samples.encode_image(samples.draw_person())
    assert send_image(http, "image-segmentation", content).json() == []
    [segment] = send_image(http, "image-segmentation", content, threshold=0.2).json()
    assert 0.2 < segment["score"] <= 0.3


def test_thresholds_of_people(http: httpx.Client) -> None:
    content = samples.encode_image(examples.portrait())
    task = "image-segmentation"

    def area(**parameters: Any) -> float:
        [segment] = send_image(http, task, content, **parameters).json()
        return float(np.asarray(samples.open_image(base64.b64decode(segment["mask"]))).mean())

    assert area(mask_threshold=0.99) < area(mask_threshold=0.5) < area(mask_threshold=0.01)
    assert send_image(http, task, content, threshold=1.0).json() == []
    assert (
        send_image(http, task, samples.encode_image(Image.new("RGB", (300, 200), "green"))).json()
        == []
    )


def test_faces(hub: Hub, server: Server) -> None:
    image = Image.new("RGB", (900, 600), samples.GRAY)
    image.paste(samples.draw_face(400), (20, 100))
    image.paste(samples.draw_face(200), (600, 50))
    found = hub.object_detection(samples.encode_image(image), model=server.task("object-detection"))
    assert [item.label for item in found] == ["face", "face"]
    for x, y, side in ((20, 100, 400), (600, 50, 200)):
        middle = (x + side / 2, y + side * 0.52)
        [box] = [
            item.box
            for item in found
            if item.box.xmin < middle[0] < item.box.xmax
            and item.box.ymin < middle[1] < item.box.ymax
        ]
        assert 0.3 * side < box.xmax - box.xmin < 0.7 * side
        assert 0.4 * side < box.ymax - box.ymin < 0.8 * side


def test_threshold_of_faces(http: httpx.Client, photos: dict[str, bytes]) -> None:
    content = samples.encode_image(samples.draw_face(300))
    [found] = send_image(http, "object-detection", content, threshold=0.1).json()
    assert (
        send_image(http, "object-detection", content, threshold=found["score"] + 0.01).json() == []
    )
    assert send_image(http, "object-detection", photos["flower"]).json() == []


def test_upscaling(hub: Hub, server: Server) -> None:
    truth = samples.draw_shapes()
    small = truth.resize((200, 150), Image.Resampling.BICUBIC)
    url = server.task("image-to-image")
    large = hub.image_to_image(samples.encode_image(small), model=url)
    assert large.size == (400, 300)
    bicubic = small.resize(truth.size, Image.Resampling.BICUBIC)
    assert samples.compute_psnr(large, truth) > samples.compute_psnr(bicubic, truth) + 3
    sized = hub.image_to_image(
        samples.encode_image(small), model=url, target_size={"width": 333, "height": 222}
    )
    assert sized.size == (333, 222)


def test_denoising(http: httpx.Client) -> None:
    truth = samples.draw_shapes()
    random = np.random.default_rng(0)
    values = np.asarray(truth, float) + random.normal(0, 15, (300, 400, 3))
    noisy = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    same = {"width": 400, "height": 300}
    parameters = {"noise": 3, "target_size": same}
    clean = send_image(http, "image-to-image", samples.encode_image(noisy), **parameters)
    assert clean.headers["content-type"] == "image/png"
    assert (
        samples.compute_psnr(samples.open_image(clean.content), truth)
        > samples.compute_psnr(noisy, truth) + 3
    )


def test_ocr(hub: Hub, server: Server) -> None:
    lines = ["The ferry leaves at 12:45", "from platform B, gate 7.", "Ticket: $19.90"]
    url = server.task("image-to-text")
    found = hub.image_to_text(samples.encode_image(samples.draw_text(lines)), model=url)
    assert found.generated_text.splitlines() == lines
    blue = samples.encode_image(samples.draw_text(lines, 20, (20, 40, 160)), "JPEG", quality=80)
    assert hub.image_to_text(blue, model=url).generated_text.splitlines() == lines
    assert (
        hub.image_to_text(samples.encode_image(samples.draw_shapes().resize((64, 48))), model=url)
        is not None
    )


@pytest.mark.parametrize("degrees", [-8, 25, 90, 180])
def test_turned_pages_are_read(http: httpx.Client, degrees: int) -> None:
    lines = ["The ferry leaves at 12:45", "from platform B, gate 7."]
    page = samples.draw_text(lines)
    turned = page.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    [answer] = send_image(http, "image-to-text", samples.encode_image(turned)).json()
    assert answer["generated_text"].splitlines() == lines


def test_an_image_without_text_is_said_to_have_none(
    hub: Hub, server: Server, photos: dict[str, bytes]
) -> None:
    url = server.task("image-to-text")
    for content in (photos["flower"], samples.encode_image(Image.new("RGB", (300, 200)))):
        found = hub.image_to_text(content, model=url)
        assert found.generated_text == ""
        assert found["reason"] == "No text was found in the image."


def test_adjacent_pieces_form_one_line(http: httpx.Client) -> None:
    image = samples.draw_text(["Apples", "Pears"])
    image.paste(samples.draw_text(["3.50", "2.10"]).crop((0, 0, 200, 150)), (400, 0))
    text = send_image(http, "image-to-text", samples.encode_image(image)).json()[0][
        "generated_text"
    ]
    assert text.splitlines() == ["Apples 3.50", "Pears 2.10"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats(http: httpx.Client, kind: str) -> None:
    content = samples.encode_image(samples.draw_text(["Platform 9"]), kind)
    headers = {"Content-Type": "application/octet-stream"}
    url = "/models/default/pipeline/image-to-text"
    answer = http.post(url, content=content, headers=headers).raise_for_status()
    assert answer.json() == [{"generated_text": "Platform 9"}]
    assert answer.headers["x-inference-model"] == ocr.MODEL
    untyped = http.post(url, content=content)
    assert "content-type" not in untyped.request.headers
    assert untyped.json() == [{"generated_text": "Platform 9"}]


def test_rotated_and_transparent_images(http: httpx.Client) -> None:
    text = samples.draw_text(["Platform 9"])
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees clockwise to display
    turned = samples.encode_image(
        text.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=90
    )
    clear = text.convert("RGBA")
    values = np.asarray(clear).copy()
    values[..., 3] = 255 - values[..., 0]
    values[..., :3] = 0
    for content in (turned, samples.encode_image(Image.fromarray(values))):
        answer = send_image(http, "image-to-text", content).json()
        assert answer == [{"generated_text": "Platform 9"}]


def test_document_questions(hub: Hub, server: Server) -> None:
    page = samples.encode_image(samples.draw_text(samples.INVOICE))
    url = server.task("document-question-answering")
    expected = {
        "What is the invoice number?": "2024-0173",
        "Who is the customer?": "Maria Lopez",
        "What is the total amount?": "100.50 EUR",
        "What is the due date?": "28 March 2024",
        "How much is the power drill?": "64.50",
    }
    words = " ".join(samples.INVOICE).split()
    right = 0
    for question, answer in expected.items():
        [found] = hub.document_question_answering(page, question, model=url)
        right += found.answer == answer
        assert " ".join(words[found.start : found.end + 1]) == found.answer
    assert right >= 4
    three = hub.document_question_answering(page, "Who is the customer?", model=url, top_k=3)
    assert len(three) == 3
    assert three[0].score > three[1].score > three[2].score


def png_of(width: int, height: int) -> bytes:
    """Return a PNG file that declares this size and has almost no content."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"this is not an image", "format"),
        (samples.encode_image(samples.draw_shapes())[:2000], "damaged"),
        (png_of(9000, 9000), "9000 x 9000"),
        (png_of(60_000, 60_000), "too many pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "format"),
        (b"", "format"),
    ],
    ids=["junk", "cut", "large", "bomb", "postscript", "empty"],
)
@pytest.mark.parametrize("task", ["image-classification", "image-to-text", "object-detection"])
def test_broken_images(http: httpx.Client, task: str, content: bytes, message: str) -> None:
    headers = {"Content-Type": "image/png"}
    answer = http.post(f"/models/default/pipeline/{task}", content=content, headers=headers)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("task", "parameters", "message"),
    [
        ("image-classification", {"top_k": 0}, "top_k"),
        ("image-classification", {"threshold": 1}, "threshold"),
        ("zero-shot-image-classification", {}, "candidate_labels"),
        (
            "zero-shot-image-classification",
            {"candidate_labels": ["a"], "hypothesis_template": "no place"},
            "hypothesis_template",
        ),
        ("image-segmentation", {"subtask": "panoptic"}, "Possible values: 'semantic'"),
        ("image-classification", {"function_to_apply": "tanh"}, "'sigmoid', 'softmax', 'none'"),
        ("image-segmentation", {"overlap_mask_area_threshold": 0.5}, "overlap_mask_area_threshold"),
        ("image-segmentation", {"mask_threshold": 2}, "mask_threshold"),
        ("object-detection", {"threshold": 0}, "threshold"),
        ("image-to-image", {"prompt": "a cat"}, "prompt"),
        ("image-to-image", {"guidance_scale": 3}, "guidance_scale"),
        ("image-to-image", {"noise": 7}, "noise"),
        ("image-to-image", {"target_size": {"width": 8000, "height": 8000}}, "target_size"),
        ("image-to-text", {"max_new_tokens": 3}, "max_new_tokens"),
    ],
)
def test_refused_parameters(
    http: httpx.Client, task: str, parameters: dict[str, Any], message: str
) -> None:
    answer = send_image(http, task, samples.encode_image(samples.draw_shapes()), **parameters)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_document_parameters_are_refused_by_name(http: httpx.Client) -> None:
    image = base64.b64encode(samples.encode_image(samples.draw_shapes())).decode()
    url = "/models/default/pipeline/document-question-answering"

    def message(inputs: Any, **parameters: Any) -> str:
        answer = http.post(url, json={"inputs": inputs, "parameters": parameters})
        assert answer.status_code == 400
        return str(answer.json()["error"])

    page = {"question": "Who?", "image": image}
    assert "doc_stride" in message(page, doc_stride=128)
    assert "word_boxes" in message(page, word_boxes=[])
    assert "fr" in message(page, lang="fr")
    assert "question" in message({"image": image})
    assert "image" in message({"question": "Who?", "image": "%%%"})
    blank = samples.encode_image(Image.new("RGB", (90, 90), "white"))
    nothing = {"question": "Who?", "image": base64.b64encode(blank).decode()}
    assert "No text" in message(nothing)


def test_image_too_large_to_upscale(http: httpx.Client) -> None:
    content = samples.encode_image(Image.new("RGB", (1500, 1500)))
    answer = send_image(http, "image-to-image", content)
    assert answer.status_code == 400
    assert "1500 x 1500" in answer.json()["error"]
    assert send_image(http, "object-detection", content).json() == []


@pytest.mark.parametrize("task", ["text-to-image", "text-to-video", "visual-question-answering"])
def test_unserved_tasks(http: httpx.Client, task: str) -> None:
    answer = http.post(f"/models/default/pipeline/{task}", json={"inputs": "a cat"})
    assert answer.status_code == 501
    assert f"The local engine has no {task} model." in answer.json()["error"]
    assert "another provider" in answer.json()["error"]


def test_hub_client_gets_the_reason(hub: Hub, server: Server) -> None:
    with pytest.raises(HfHubHTTPError, match="another provider"):
        hub.text_to_image("a cat", model=server.task("text-to-image"))


def test_models_list_limits_and_licenses(http: httpx.Client) -> None:
    models = {entry["id"]: entry for entry in http.get("/v1/models").json()["data"]}
    assert "faces and nothing else" in models["star-clouds/centerface"]["limits"]
    assert "does not describe" in models[ocr.MODEL]["limits"]
    assert models["openai/whisper-base"]["languages"] == ["multilingual"]
    assert all(entry["license"] and entry["limits"] for entry in models.values())
    assert models["openai/whisper-base"]["default_for"] == ["automatic-speech-recognition"]
    assert models[chat.MODEL]["input_modalities"] == ["text"]
    # The standard set is another one.
    standard = {qwen.CAPABILITY.model, page_questions.CAPABILITY.model}
    assert all(entry["installed"] for name, entry in models.items() if name not in standard)


def test_missing_runtime_is_explained() -> None:
    assert runtimes.explain_missing_modules("json") is None
    why = runtimes.explain_missing_modules("ai_edge_litert_of_another_world")
    assert why is not None
    assert 'pip install "hfwidgets[full]" && hfwidgets engine install full' in why


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="hfwidgets engine install full"):
        ocr.OcrReader.load()


def test_task_with_missing_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_runtime(capability: Capability) -> Capability:
        fields = {name: getattr(capability, name) for name in Capability.__dataclass_fields__}
        return Capability(
            **fields | {"why_unavailable": runtimes.require_modules("no_such_runtime")}
        )

    monkeypatch.setattr(
        registry, "builtin_capabilities", lambda: (without_runtime(ocr.CAPABILITY),)
    )
    with pytest.raises(RefusedError, match=r"no_such_runtime.*engine install full") as caught:
        registry.find_capabilities("image-to-text")
    assert caught.value.status == 501


class Evil:
    """An object whose pickle runs a function when an ordinary unpickler loads it."""

    def __reduce__(self) -> Any:
        return (print, ("this must not run",))


def test_weights_file_code_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil()) * 5)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        torch_file.load_tensors(path)
    assert capsys.readouterr().out == ""


def flood_fill_regions(mask: NDArray[np.bool_]) -> set[frozenset[tuple[int, int]]]:
    """Return the connected regions of a mask, found pixel by pixel."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    found = set()
    while left:
        queue, region = deque([left.pop()]), set()
        while queue:
            y, x = queue.popleft()
            region.add((y, x))
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left
            left -= near
            queue.extend(near)
        found.add(frozenset(region))
    return found


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.55, 0.7, 1.0])
def test_mask_regions(share: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(10):
        mask = random.random((25, 31)) < share
        found = {
            frozenset(zip(rows.tolist(), columns.tolist(), strict=True))
            for rows, columns in ocr.find_regions(mask)
        }
        assert found == flood_fill_regions(mask)


def test_idle_models_are_dropped() -> None:
    models = LoadedModels(Llama(lambda: Path("no model"), "stopped"))
    models.get(ocr.OcrReader)
    assert models.loaded_names() == ["OcrReader"]
    models.drop_idle(0)
    assert models.loaded_names() == []


def test_thin_images(http: httpx.Client) -> None:
    thin = samples.encode_image(Image.new("RGB", (180, 1), "red"))
    for task in ("image-to-image", "image-to-text", "image-classification", "image-segmentation"):
        assert send_image(http, task, thin).status_code == 200


def test_crash_fails_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(ocr.OcrReader, "read_lines", crash)
    headers = {"Authorization": "Bearer k", "Content-Type": "image/png"}
    app = create_app(Engine(), "k")
    with TestClient(app, "http://127.0.0.1", headers=headers) as client:
        content = samples.encode_image(samples.draw_shapes())
        failed = client.post("/models/default/pipeline/image-to-text", content=content)
        assert failed.status_code == 500
        assert "MemoryError" in failed.json()["error"]
        answer = client.post("/models/default/pipeline/image-segmentation", content=content)
        assert answer.status_code == 200


def test_model_by_name(http: httpx.Client) -> None:
    content = samples.encode_image(samples.draw_text(["Platform 9"]))
    headers = {"Content-Type": "image/png"}
    answer = http.post("/models/PaddlePaddle/PP-OCRv6-small", content=content, headers=headers)
    assert answer.json() == [{"generated_text": "Platform 9"}]


@pytest.mark.parametrize("task", ["image-classification", "image-to-text", "image-to-image"])
@pytest.mark.parametrize("size", [(39_000_000, 1), (1, 20_000), (16_385, 2000)])
def test_sides_are_limited(http: httpx.Client, task: str, size: tuple[int, int]) -> None:
    reply = send_image(http, task, png_of(*size))
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert f"{size[0]} x {size[1]}" in error
    assert "each side" in error


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_images_keep_their_content(
    http: httpx.Client, photos: dict[str, bytes], mode: str
) -> None:
    gray = Image.open(io.BytesIO(photos["flower"])).convert("L")
    values = np.asarray(gray, np.float64) / 255
    deep = {
        "F": values.astype(np.float32),
        "I": (values * 65_535).astype(np.int32),
        "I;16": (values * 65_535).astype(np.uint16),
    }[mode]
    content = samples.encode_image(Image.fromarray(deep), "PNG" if mode == "I;16" else "TIFF")
    expected = send_image(http, "image-classification", samples.encode_image(gray)).json()
    found = send_image(http, "image-classification", content).json()
    assert [label["label"] for label in found] == [label["label"] for label in expected]


def test_avif(http: httpx.Client, photos: dict[str, bytes]) -> None:
    content = samples.encode_image(Image.open(io.BytesIO(photos["flower"])), "AVIF")
    assert send_image(http, "image-classification", content).json()[0]["label"] == "daisy"
