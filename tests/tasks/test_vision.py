"""The vision tasks under both clients: requests, results and their display."""

import base64
import copy
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hfwidgets import errors
from hfwidgets.results.vision import Detections, ObjectDetectionOutputElement, Segments, Video
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image, make_image, make_mask_base64

Call = Callable[..., Any]
PNG = encode_image()
MP4 = b"\x00\x00\x00 ftypisom" + b"\x01" * 100
SCORES = [{"label": "boat", "score": 0.9}, {"label": "<b>sea</b>", "score": 0.1}]
BOXES = [
    {"label": "boat", "score": 0.9, "box": {"xmin": 10, "ymin": 5, "xmax": 20, "ymax": 15}},
    {"label": "sun", "score": 0.4, "box": {"xmin": -5, "ymin": 25, "xmax": 4, "ymax": 99}},
]


def sent_body(loopback: Loopback) -> dict[str, Any]:
    body: dict[str, Any] = loopback.requests[-1].json()
    body.pop("inputs", None)
    return body


def test_image_classification(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=SCORES))
    found = call("image_classification", make_image(), top_k=2, function_to_apply="softmax")
    assert sent_body(loopback) == {"parameters": {"top_k": 2, "function_to_apply": "softmax"}}
    assert [(item.label, item.score) for item in found] == [("boat", 0.9), ("<b>sea</b>", 0.1)]
    assert found.meta.task == "image-classification"
    assert "<b>" not in found._repr_mimebundle_()["text/html"]


def test_zero_shot_image_classification(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=SCORES))
    found = call("zero_shot_image_classification", PNG, ["boat", "sea"])
    assert sent_body(loopback) == {"parameters": {"candidate_labels": ["boat", "sea"]}}
    assert found[0].label == "boat"


def test_labels_is_the_older_name(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=SCORES))
    with pytest.warns(DeprecationWarning, match="candidate_labels"):
        call("zero_shot_image_classification", PNG, labels=["boat", "sea"])
    assert sent_body(loopback) == {"parameters": {"candidate_labels": ["boat", "sea"]}}


@pytest.mark.parametrize("labels", [None, [], ["one"], "boat, sea"])
def test_too_few_labels_are_refused(call: Call, loopback: Loopback, labels: Any) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        call("zero_shot_image_classification", PNG, labels)
    assert loopback.requests == []


def test_object_detection(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    loopback.answer(Answer(json=BOXES))
    image = make_image()
    image.paste("blue", (10, 5, 20, 15))
    found = call("object_detection", image, threshold=0.3)
    assert sent_body(loopback) == {"parameters": {"threshold": 0.3}}
    boat, sun = found
    assert (boat.label, boat.box.xmin, boat.box.ymax) == ("boat", 10, 15)
    assert boat.crop.size == (10, 10)
    assert boat.crop.getcolors() == [(100, (0, 0, 255))]
    assert sun.crop.size == (4, 5)  # cut at the image's edges
    assert found.to_pandas()["box.xmax"].tolist() == [20, 4]
    found.save(tmp_path / "boxes.png")
    found.save(tmp_path / "boxes.json")
    with Image.open(tmp_path / "boxes.png") as drawn:
        assert drawn.size == image.size
    assert json.loads((tmp_path / "boxes.json").read_text()) == BOXES


def test_detections_display_the_image_with_its_boxes(call: Call, loopback: Loopback) -> None:
    wide = make_image((1600, 1200), "white")
    loopback.answer(Answer(json=[{**BOXES[0], "label": '"><script>alert(1)</script>'}]))
    shown = call("object_detection", wide)._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html", "image/png"}
    assert "<script" not in shown["text/html"]
    assert 'alt="Image with 1 objects: ' in shown["text/html"]
    with Image.open(io.BytesIO(shown["image/png"])) as drawn:
        assert drawn.size == (800, 600)
        assert {(0, 114, 178)} <= {color for _, color in drawn.getcolors(1 << 20) or []}


def test_an_empty_result_is_displayed_as_such(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[]), Answer(json=[]))
    assert "No objects" in call("object_detection", PNG)._repr_mimebundle_()["text/html"]
    assert "No segments" in call("image_segmentation", PNG)._repr_mimebundle_()["text/html"]


def test_results_are_displayed_after_their_image_is_deleted(
    call: Call, loopback: Loopback, tmp_path: Path
) -> None:
    path = tmp_path / "boat.png"
    path.write_bytes(PNG)
    loopback.answer(Answer(json=BOXES))
    found = call("object_detection", path)
    path.unlink()
    assert "image/png" not in found._repr_mimebundle_()
    assert "boat" in found._repr_mimebundle_()["text/html"]
    with pytest.raises(errors.InputError):
        _ = found[0].crop


def test_results_built_by_hand_have_no_image() -> None:
    found = Detections([ObjectDetectionOutputElement(BOXES[0])])
    assert "boat" in found._repr_mimebundle_()["text/html"]
    with pytest.raises(errors.InputError, match="not available"):
        _ = found[0].crop


def test_crops_follow_the_cameras_orientation(call: Call, loopback: Loopback) -> None:
    sideways = make_image((30, 40))
    sideways.paste("blue", (0, 0, 15, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right to stand upright
    loopback.answer(
        Answer(
            json=[
                {"label": "top", "score": 1, "box": {"xmin": 0, "ymin": 0, "xmax": 40, "ymax": 9}}
            ]
        )
    )
    found = call("object_detection", encode_image(sideways, "JPEG", exif=exif, quality=95))
    red, _, blue = found[0].crop.resize((1, 1)).getpixel((0, 0))
    assert blue > 200 > 60 > red


def test_zero_shot_object_detection(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=BOXES))
    found = call("zero_shot_object_detection", PNG, ["boat"], threshold=0.1)
    assert sent_body(loopback) == {"parameters": {"candidate_labels": ["boat"], "threshold": 0.1}}
    assert found[0].crop.size == (10, 10)


def test_image_segmentation(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    rows = [
        {"label": "boat", "score": None, "mask": make_mask_base64()},
        {"label": "sea", "mask": make_mask_base64()},
    ]
    loopback.answer(Answer(json=rows))
    found = call("image_segmentation", make_image(), subtask="panoptic", threshold=0.5)
    assert sent_body(loopback) == {"parameters": {"subtask": "panoptic", "threshold": 0.5}}
    assert isinstance(found, Segments)
    assert found[0].mask.size == (40, 30)
    assert found[0].mask.getpixel((12, 7)) == 255
    assert found[0].crop.size == (10, 10)
    assert found[0].crop.mode == "RGBA"
    assert found[1].score is None
    assert "0.083" in found._html_()  # 100 of 1,200 pixels
    found.save(tmp_path / "segments.json")
    assert json.loads((tmp_path / "segments.json").read_text())[0]["label"] == "boat"


@pytest.mark.parametrize(
    "mask", ["data:image/png;base64," + make_mask_base64(), [make_mask_base64()]]
)
def test_masks_of_other_shapes_are_read(call: Call, loopback: Loopback, mask: Any) -> None:
    loopback.answer(Answer(json=[{"label": "mask", "mask": mask}]))
    assert call("image_segmentation", PNG)[0].mask.size == (40, 30)


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "P"])
def test_masks_of_every_mode_are_in_mode_l(call: Call, loopback: Loopback, mode: str) -> None:
    mask = Image.new("L", (40, 30), 0)
    mask.paste(255, (10, 5, 20, 15))
    if mode == "I;16":
        mask = Image.fromarray(np.asarray(mask).astype(np.uint16) * 257)
    data = encode_image(mask if mask.mode == mode else mask.convert(mode))
    loopback.answer(Answer(json=[{"label": "a", "mask": base64.b64encode(data).decode()}]))
    found = call("image_segmentation", PNG)
    assert found[0].mask.mode == "L"
    assert sorted(found[0].mask.getcolors()) == [(100, 255), (1100, 0)]
    assert found[0].crop.size == (10, 10)
    assert "0.083" in found._html_()


def test_an_image_of_an_answer_is_upright(call: Call, loopback: Loopback) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    loopback.answer(Answer(body=encode_image(make_image(), "JPEG", exif=exif)))
    found = call("text_to_image", "a boat")
    assert (found.size, found.format) == ((30, 40), "JPEG")
    assert found.getexif().get(0x0112) is None


def test_a_damaged_mask_is_an_output_error(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"label": "mask", "mask": "iVBOR"}]))
    with pytest.raises(errors.OutputError):
        call("image_segmentation", PNG)


def test_image_to_text(call: Call, loopback: Loopback) -> None:
    for answer in ([{"generated_text": "a boat"}], {"generated_text": "a boat"}):
        loopback.answer(Answer(json=answer))
        found = call("image_to_text", PNG)
        assert (found.generated_text, found.text) == ("a boat", "a boat")


def test_text_to_image(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=PNG, headers={"content-type": "image/jpeg", "x-request-id": "r1"}))
    found = call("text_to_image", "a boat", height=64, seed=3, extra_body={"tiles": 2})
    assert loopback.requests[0].headers["accept"] == "image/png"
    assert loopback.requests[0].json() == {
        "inputs": "a boat",
        "parameters": {"height": 64, "seed": 3, "tiles": 2},
    }
    assert found.meta.request_id == "r1"
    assert isinstance(found, Image.Image)
    assert found.size == (40, 30)


def test_target_size_is_the_older_way(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=PNG))
    with pytest.warns(DeprecationWarning, match="target_size"):
        call("text_to_image", "a boat", target_size={"width": 8, "height": 6})
    assert sent_body(loopback) == {"parameters": {"height": 6, "width": 8}}


def test_image_to_image(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=PNG), Answer(body=PNG))
    call("image_to_image", make_image(), "at night", target_size=(8, 6), strength=0.5)
    assert sent_body(loopback)["parameters"] == {
        "prompt": "at night",
        "target_size": {"width": 8, "height": 6},
        "strength": 0.5,
    }
    call("image_to_image", PNG)
    assert loopback.requests[1].body == PNG


def test_misspelled_parameters_are_refused(call: Call, loopback: Loopback) -> None:
    with pytest.raises(errors.UnknownParameterError, match="'guidance_scale'"):
        call("image_to_image", PNG, guidance_scal=3)
    with pytest.raises(errors.UnknownParameterError, match="'height'"):
        call("text_to_image", "a boat", hight=3)
    assert loopback.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(json={"image": base64.b64encode(PNG).decode()}),
        Answer(json=[{"image": base64.b64encode(PNG).decode()}]),
        Answer(json={"images": None, "data": [{"b64_json": base64.b64encode(PNG).decode()}]}),
    ],
)
def test_images_inside_json_are_read(call: Call, loopback: Loopback, answer: Answer) -> None:
    loopback.answer(answer)
    assert call("text_to_image", "a boat").size == (40, 30)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(body=b"<html>busy</html>"), "text/html"),
        (Answer(body=PNG[:60]), "cannot be read"),
        (Answer(body=b""), "not an image"),
        (Answer(json={"error": "out of memory"}), "out of memory"),
        (Answer(json={"what": 1}), "did not send an image"),
        (Answer(body=MP4), "video/mp4"),
    ],
)
def test_answers_that_are_not_an_image(
    call: Call, loopback: Loopback, answer: Answer, words: str
) -> None:
    loopback.answer(answer)
    with pytest.raises(errors.OutputError, match=words):
        call("text_to_image", "a boat")


def test_text_to_video(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    loopback.answer(Answer(body=MP4))
    found = call("text_to_video", "a boat", num_frames=8, negative_prompt=["rain"])
    assert sent_body(loopback) == {"parameters": {"num_frames": 8, "negative_prompt": ["rain"]}}
    assert isinstance(found, Video)
    assert (found, found.mime) == (MP4, "video/mp4")
    assert found.save(tmp_path / "boat.mp4").read_bytes() == MP4
    shown = found._repr_mimebundle_()["text/html"]
    assert "<video controls" in shown
    assert "autoplay" not in shown


def test_image_to_video(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(body=MP4))
    found = call("image_to_video", PNG, prompt="it sails", target_size={"width": 8, "height": 6})
    assert sent_body(loopback)["parameters"]["target_size"] == {"width": 8, "height": 6}
    assert found == MP4


def test_large_videos_are_not_put_into_the_notebook() -> None:
    large = Video(MP4 + b"\0" * (5 << 20))
    assert "<video" not in large._html_()
    assert ".save(path)" in large._html_()
    assert len(str(large)) < 100


@pytest.mark.parametrize(
    "size", ["x", (8,), (8, 6, 4), {"width": 8}, {"width": "x", "height": 6}, (0, 6), 5, ("a", "b")]
)
def test_a_target_size_of_another_form_is_refused(
    call: Call, loopback: Loopback, size: Any
) -> None:
    with pytest.raises(errors.InputError, match="width"):
        call("image_to_image", PNG, target_size=size)
    assert loopback.requests == []


@pytest.mark.parametrize("size", [(41, 30), (40, 31), (31, 40), (12_000, 12_000)])
@pytest.mark.parametrize("form", ["pil", "bytes"])
def test_a_mask_larger_than_the_image_is_refused(
    call: Call, loopback: Loopback, form: str, size: tuple[int, int]
) -> None:
    mask = base64.b64encode(encode_image(Image.new("1", size))).decode()
    loopback.answer(Answer(json=[{"label": "sky", "mask": mask}]))
    with pytest.raises(errors.OutputError, match=f"mask has {size[0]} x {size[1]} pixels"):
        call("image_segmentation", make_image() if form == "pil" else PNG)


def test_masks_of_a_turned_photo_may_be_upright(call: Call, loopback: Loopback) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    loopback.answer(Answer(json=[{"label": "sky", "mask": make_mask_base64((30, 40))}]))
    found = call("image_segmentation", encode_image(make_image(), "JPEG", exif=exif))
    assert found[0].mask.size == (30, 40)
    assert found[0].crop.size == (10, 10)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda image: pickle.loads(pickle.dumps(image)),
        copy.deepcopy,
        copy.copy,
        lambda image: image.copy(),
        lambda image: copy.deepcopy([image])[0],
    ],
)
def test_an_image_keeps_its_meta_when_it_is_copied(
    call: Call, loopback: Loopback, duplicate: Callable[[Any], Any], kind: str
) -> None:
    data = encode_image(make_image(), kind)
    loopback.answer(Answer(body=data, headers={"x-request-id": "r7"}))
    found = call("text_to_image", "a boat")
    second = duplicate(found)
    assert second is not found
    assert repr(second.meta) == repr(found.meta)
    assert (second.meta.request_id, second.format) == ("r7", kind)
    assert isinstance(second, Image.Image)
    assert second.tobytes() == found.tobytes()
    second.paste("blue", (0, 0, 9, 9))
    assert second.tobytes() != found.tobytes()


def test_other_results_keep_their_meta_and_image_when_they_are_copied(
    call: Call, loopback: Loopback, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with (tmp_path / "a.png").open("rb") as file:
        for source in (PNG, tmp_path / "a.png", file, make_image()):
            loopback.answer(Answer(json=BOXES))
            found = call("object_detection", source)
            for second in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
                assert list(second) == list(found)
                assert repr(second.meta) == repr(found.meta)
                assert second[0].crop.size == (10, 10)
                assert second.image.size == (40, 30)
