"""Pictures: classes, labels of one's own, people, faces, more pixels, text, questions on pages."""

import base64
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

from hfwidgets import InferenceClient, errors
from hfwidgets import engine_process as room
from hfwidgets.engine import registry
from hfwidgets.engine.base import runtimes, torch_file
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import MissingWeightsError
from hfwidgets.engine.server.app import create_app
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.vision import ocr
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
    """Two photos: a Chinese palace, a flower."""
    assert pytestconfig.cache is not None
    return samples.load_photos(pytestconfig.cache.mkdir("samples"))


def ask(http: httpx.Client, task: str, inputs: bytes, **parameters: Any) -> httpx.Response:
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
        answer = ask(
            http, "image-classification", photos["china"], function_to_apply=how, top_k=1000
        )
        return [item["score"] for item in answer.json()]

    raw, softmax, sigmoid = scores("none"), scores("softmax"), scores("sigmoid")
    assert len(raw) == 1000
    assert sum(softmax) == pytest.approx(1)
    assert np.log(softmax[0] / softmax[1]) == pytest.approx(raw[0] - raw[1], rel=1e-3)
    assert sigmoid[0] == pytest.approx(1 / (1 + np.exp(-raw[0])))


def test_labels_of_ones_own(hub: Hub, server: Server, photos: dict[str, bytes]) -> None:
    url = server.task("zero-shot-image-classification")
    for name, label in (("china", "temple"), ("flower", "flower")):
        found = hub.zero_shot_image_classification(photos[name], ANIMALS_AND_THINGS, model=url)
        assert found[0].label == label
        assert sum(item.score for item in found) == pytest.approx(1)
    told = hub.zero_shot_image_classification(
        photos["flower"], ["plant", "vehicle"], model=url, hypothesis_template="this is a {}"
    )
    assert told[0].label == "plant"


def test_our_own_client(engine: room.EngineState, photos: dict[str, bytes]) -> None:
    client = InferenceClient(provider="local")
    classes = client.image_classification(photos["flower"], top_k=1)
    assert classes[0].label == "daisy"
    assert classes.meta.model == "google/efficientnet-lite0"
    [segment] = client.image_segmentation(samples.draw_person())
    assert segment.mask.size == (480, 640)
    for face in (samples.draw_face(256), examples.portrait()):
        [found] = client.object_detection(face)
        assert found.label == "face"
    assert client.image_segmentation(examples.portrait())[0].label == "person"
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
    image = samples.draw_person()
    [segment] = hub.image_segmentation(
        samples.encode_image(image), model=server.task("image-segmentation")
    )
    assert segment.label == "person"
    assert segment.score > 0.9
    mask = np.asarray(segment.mask)
    assert mask.shape == (640, 480)
    assert set(np.unique(mask)) == {0, 255}
    inside, sky = mask[200:300, 200:280], mask[:80]
    assert inside.mean() > 250
    assert sky.mean() < 5


def test_thresholds_of_people(http: httpx.Client) -> None:
    content = samples.encode_image(samples.draw_person())
    task = "image-segmentation"

    def area(**parameters: Any) -> float:
        [segment] = ask(http, task, content, **parameters).json()
        return float(np.asarray(samples.open_image(base64.b64decode(segment["mask"]))).mean())

    assert area(mask_threshold=0.99) < area(mask_threshold=0.5) < area(mask_threshold=0.01)
    assert ask(http, task, content, threshold=1.0).json() == []
    assert ask(http, task, samples.encode_image(Image.new("RGB", (300, 200), "green"))).json() == []


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
    [found] = ask(http, "object-detection", content, threshold=0.1).json()
    assert ask(http, "object-detection", content, threshold=found["score"] + 0.01).json() == []
    assert ask(http, "object-detection", photos["flower"]).json() == []


def test_larger_pictures(hub: Hub, server: Server) -> None:
    truth = samples.draw_shapes()
    small = truth.resize((200, 150), Image.Resampling.BICUBIC)
    url = server.task("image-to-image")
    large = hub.image_to_image(samples.encode_image(small), model=url)
    assert large.size == (400, 300)
    usual = small.resize(truth.size, Image.Resampling.BICUBIC)
    assert samples.compute_psnr(large, truth) > samples.compute_psnr(usual, truth) + 3
    sized = hub.image_to_image(
        samples.encode_image(small), model=url, target_size={"width": 333, "height": 222}
    )
    assert sized.size == (333, 222)


def test_less_noise(http: httpx.Client) -> None:
    truth = samples.draw_shapes()
    random = np.random.default_rng(0)
    values = np.asarray(truth, float) + random.normal(0, 15, (300, 400, 3))
    noisy = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    same = {"width": 400, "height": 300}
    parameters = {"noise": 3, "target_size": same}
    clean = ask(http, "image-to-image", samples.encode_image(noisy), **parameters)
    assert clean.headers["content-type"] == "image/png"
    assert (
        samples.compute_psnr(samples.open_image(clean.content), truth)
        > samples.compute_psnr(noisy, truth) + 3
    )


def test_text_is_read(hub: Hub, server: Server) -> None:
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


def test_pieces_side_by_side_are_one_line(http: httpx.Client) -> None:
    image = samples.draw_text(["Apples", "Pears"])
    image.paste(samples.draw_text(["3.50", "2.10"]).crop((0, 0, 200, 150)), (400, 0))
    text = ask(http, "image-to-text", samples.encode_image(image)).json()[0]["generated_text"]
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


def test_turned_and_clear_pictures(http: httpx.Client) -> None:
    text = samples.draw_text(["Platform 9"])
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned: show it turned by 90 degrees clockwise
    turned = samples.encode_image(
        text.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=90
    )
    clear = text.convert("RGBA")
    values = np.asarray(clear).copy()
    values[..., 3] = 255 - values[..., 0]
    values[..., :3] = 0
    for content in (turned, samples.encode_image(Image.fromarray(values))):
        answer = ask(http, "image-to-text", content).json()
        assert answer == [{"generated_text": "Platform 9"}]


def test_questions_about_a_page(hub: Hub, server: Server) -> None:
    page = samples.encode_image(samples.draw_text(samples.INVOICE))
    url = server.task("document-question-answering")
    wanted = {
        "What is the invoice number?": "2024-0173",
        "Who is the customer?": "Maria Lopez",
        "What is the total amount?": "100.50 EUR",
        "What is the due date?": "28 March 2024",
        "How much is the power drill?": "64.50",
    }
    words = " ".join(samples.INVOICE).split()
    right = 0
    for question, answer in wanted.items():
        [found] = hub.document_question_answering(page, question, model=url)
        right += found.answer == answer
        assert " ".join(words[found.start : found.end + 1]) == found.answer
    assert right >= 4
    three = hub.document_question_answering(page, "Who is the customer?", model=url, top_k=3)
    assert len(three) == 3
    assert three[0].score > three[1].score > three[2].score


def png_of(width: int, height: int) -> bytes:
    """A PNG file that claims this size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is no picture", "format"),
        (samples.encode_image(samples.draw_shapes())[:2000], "damaged"),
        (png_of(9000, 9000), "9000 x 9000"),
        (png_of(60_000, 60_000), "too many pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "format"),
        (b"", "format"),
    ],
    ids=["junk", "cut", "large", "bomb", "postscript", "empty"],
)
@pytest.mark.parametrize("task", ["image-classification", "image-to-text", "object-detection"])
def test_broken_pictures(http: httpx.Client, task: str, content: bytes, said: str) -> None:
    headers = {"Content-Type": "image/png"}
    answer = http.post(f"/models/default/pipeline/{task}", content=content, headers=headers)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("task", "parameters", "said"),
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
    http: httpx.Client, task: str, parameters: dict[str, Any], said: str
) -> None:
    answer = ask(http, task, samples.encode_image(samples.draw_shapes()), **parameters)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_pages_are_refused_by_name(http: httpx.Client) -> None:
    image = base64.b64encode(samples.encode_image(samples.draw_shapes())).decode()
    url = "/models/default/pipeline/document-question-answering"

    def said(inputs: Any, **parameters: Any) -> str:
        answer = http.post(url, json={"inputs": inputs, "parameters": parameters})
        assert answer.status_code == 400
        return str(answer.json()["error"])

    page = {"question": "Who?", "image": image}
    assert "doc_stride" in said(page, doc_stride=128)
    assert "word_boxes" in said(page, word_boxes=[])
    assert "fr" in said(page, lang="fr")
    assert "question" in said({"image": image})
    assert "image" in said({"question": "Who?", "image": "%%%"})
    blank = samples.encode_image(Image.new("RGB", (90, 90), "white"))
    nothing = {"question": "Who?", "image": base64.b64encode(blank).decode()}
    assert "No text" in said(nothing)


def test_a_picture_too_large_to_enlarge(http: httpx.Client) -> None:
    content = samples.encode_image(Image.new("RGB", (1500, 1500)))
    answer = ask(http, "image-to-image", content)
    assert answer.status_code == 400
    assert "1500 x 1500" in answer.json()["error"]
    assert ask(http, "object-detection", content).json() == []


@pytest.mark.parametrize("task", ["text-to-image", "text-to-video", "visual-question-answering"])
def test_what_is_not_served(http: httpx.Client, task: str) -> None:
    answer = http.post(f"/models/default/pipeline/{task}", json={"inputs": "a cat"})
    assert answer.status_code == 501
    assert f"The local engine has no {task} model." in answer.json()["error"]
    assert "another provider" in answer.json()["error"]


def test_the_hubs_client_hears_of_it(hub: Hub, server: Server) -> None:
    with pytest.raises(HfHubHTTPError, match="another provider"):
        hub.text_to_image("a cat", model=server.task("text-to-image"))


def test_every_capability_says_what_it_is(http: httpx.Client) -> None:
    listed = {entry["id"]: entry for entry in http.get("/v1/models").json()["data"]}
    assert "faces and nothing else" in listed["star-clouds/centerface"]["limits"]
    assert "does not describe" in listed[ocr.MODEL]["limits"]
    assert listed["openai/whisper-tiny.en"]["languages"] == ["English"]
    assert all(entry["license"] and entry["limits"] for entry in listed.values())
    assert all(entry["installed"] for entry in listed.values())


def test_a_runtime_that_is_missing() -> None:
    assert runtimes.explain_missing_modules("json") is None
    why = runtimes.explain_missing_modules("ai_edge_litert_of_another_world")
    assert why is not None
    assert 'pip install "hfwidgets[full]" && hfwidgets engine install full' in why


def test_weights_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="hfwidgets engine install full"):
        ocr.OcrReader.load()


def test_a_task_whose_runtime_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(capability: Capability) -> Capability:
        fields = {name: getattr(capability, name) for name in Capability.__dataclass_fields__}
        return Capability(
            **fields | {"why_unavailable": runtimes.require_modules("no_such_runtime")}
        )

    monkeypatch.setattr(registry, "builtin_capabilities", lambda: (without(ocr.CAPABILITY),))
    with pytest.raises(RefusedError, match=r"no_such_runtime.*engine install full") as caught:
        registry.find_capabilities("image-to-text")
    assert caught.value.status == 501


class Evil:
    """Would run a command when unpickled by an ordinary unpickler."""

    def __reduce__(self) -> Any:
        return (print, ("this must not run",))


def test_no_code_of_a_file_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil()) * 5)
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        torch_file.load_tensors(path)
    assert capsys.readouterr().out == ""


def by_flood(mask: NDArray[np.bool_]) -> set[frozenset[tuple[int, int]]]:
    """The connected regions, found pixel by pixel."""
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
def test_regions_of_a_mask(share: float) -> None:
    random = np.random.default_rng(1)
    for _ in range(10):
        mask = random.random((25, 31)) < share
        found = {
            frozenset(zip(rows.tolist(), columns.tolist(), strict=True))
            for rows, columns in ocr.find_regions(mask)
        }
        assert found == by_flood(mask)


def test_idle_models_are_dropped() -> None:
    models = LoadedModels(Llama(lambda: Path("no model"), "stopped"))
    models.get(ocr.OcrReader)
    assert models.loaded_names() == ["OcrReader"]
    models.drop_idle(0)
    assert models.loaded_names() == []


def test_thin_pictures(http: httpx.Client) -> None:
    thin = samples.encode_image(Image.new("RGB", (3000, 1), "red"))
    for task in ("image-to-image", "image-to-text", "image-classification", "image-segmentation"):
        assert ask(http, task, thin).status_code == 200


def test_a_crash_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_model_by_its_name(http: httpx.Client) -> None:
    content = samples.encode_image(samples.draw_text(["Platform 9"]))
    headers = {"Content-Type": "image/png"}
    answer = http.post("/models/PaddlePaddle/PP-OCRv6-small", content=content, headers=headers)
    assert answer.json() == [{"generated_text": "Platform 9"}]
