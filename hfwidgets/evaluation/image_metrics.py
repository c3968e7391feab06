"""Metrics of boxes and masks."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hfwidgets.evaluation.metrics import SumMetric, WholeMetric, divide
from hfwidgets.evaluation.statistics import Floats
from hfwidgets.evaluation.values import Label, Prediction


class Box(NamedTuple):
    """A labeled box in pixels, by its corners."""

    label: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    score: float = 1.0


def to_boxes(value: Label) -> list[Box]:
    """Return the boxes of a label or a result.

    Args:
        value: rows with a label and a box: four numbers `xyxy`, or a mapping of xmin, ymin, xmax,
            ymax. COCO's x, y, width, height must be converted first: the two forms cannot be told
            apart.
    """
    return [_read_box(item) for item in value or ()]


def _read_box(item: object) -> Box:
    row: Mapping[str, Any] = item if isinstance(item, Mapping) else vars(item)
    box = row["box"]
    if not isinstance(box, Sequence):
        names = ("xmin", "ymin", "xmax", "ymax")
        box = [box[name] if isinstance(box, Mapping) else getattr(box, name) for name in names]
    score = row.get("score")
    return Box(
        str(row["label"]),
        *(float(side) for side in box),
        score=1.0 if score is None else float(score),
    )  # type: ignore[misc]


class AveragePrecision(WholeMetric):
    """COCO's mean average precision of boxes, by pycocotools.

    Args:
        threshold: the overlap (IoU) that counts; None is COCO's mean over .50 to .95.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold
        self.name = "map" if threshold is None else f"ap{round(100 * threshold)}"

    def value(self, predictions: Sequence[Any], labels: Sequence[Any]) -> float:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        found, truth = [to_boxes(p) for p in predictions], [to_boxes(y) for y in labels]
        # Ids begin at 1: pycocotools reads a matched annotation's id 0 as "not matched". Images
        # without a right box are listed too, or boxes found on them would cost nothing.
        names = sorted({box.label for row in (*found, *truth) for box in row})
        ids = {name: at for at, name in enumerate(names, 1)}
        if not any(truth):
            return 0.0
        coco: Any = COCO()  # its stubs know files only
        coco.dataset = {
            "info": {},
            "images": [{"id": at} for at in range(1, len(truth) + 1)],
            "categories": [{"id": at, "name": name} for name, at in ids.items()],
            "annotations": [
                {"id": at, "iscrowd": 0, "area": (b.xmax - b.xmin) * (b.ymax - b.ymin), **row}
                for at, (row, b) in enumerate(_annotations(truth, ids), 1)
            ],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
            results = [{**row, "score": b.score} for row, b in _annotations(found, ids)]
            # `loadRes` looks at the first box, and fails where the model found none.
            if not results:
                return 0.0
            run = COCOeval(coco, coco.loadRes(results), "bbox")
            run.evaluate()
            run.accumulate()
        # Axes: overlap, recall, class, area, most boxes per image. 0 is any area, 2 is 100 boxes.
        precision = run.eval["precision"][:, :, :, 0, 2]
        if self.threshold is not None:
            precision = precision[np.isclose(run.params.iouThrs, self.threshold)]
        # pycocotools marks classes without a right box by -1.
        known = precision[precision > -1]
        return float(known.mean()) if known.size else 0.0


def _annotations(rows: list[list[Box]], ids: Mapping[str, int]) -> Any:
    for image, boxes in enumerate(rows, 1):
        for box in boxes:
            sides = [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin]
            yield {"image_id": image, "category_id": ids[box.label], "bbox": sides}, box


Mask = npt.NDArray[np.bool_]


def to_masks(value: Label) -> dict[str, Mask]:
    """Return each label's mask as booleans of shape (height, width).

    Args:
        value: a mapping of label to mask, or rows with a label and a mask (an image whose white
            is the object, or an array). Masks of one label are joined.
    """
    pairs = value.items() if isinstance(value, Mapping) else _mask_rows(value)
    found: dict[str, Mask] = {}
    for label, mask in pairs:
        pixels = np.asarray(mask)
        # Images mark an object by 255, arrays of the same type may mark it by 1.
        pixels = pixels > (127 if pixels.dtype == np.uint8 and pixels.max(initial=0) > 1 else 0)
        known = found.get(str(label))
        found[str(label)] = pixels if known is None else known | pixels
    return found


def _mask_rows(value: Label) -> list[tuple[str, Any]]:
    rows = ((item if isinstance(item, Mapping) else vars(item)) for item in value or ())
    return [(row["label"], row["mask"]) for row in rows]


class MeanIoU(SumMetric):
    """The classes' mean intersection over union, each over all pixels of the sample.

    Args:
        classes: the labels that the sample has.
    """

    name = "miou"

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        found, truth = to_masks(prediction), to_masks(label)
        numbers: list[float] = []
        for name in self.classes:
            a, b = found.get(name), truth.get(name)
            both = float((a & b).sum()) if a is not None and b is not None else 0.0
            either = float((a | b).sum()) if a is not None and b is not None else 0.0
            if a is None or b is None:
                either = float(a.sum() if a is not None else b.sum() if b is not None else 0)
            numbers += [both, either]
        return numbers

    def combine(self, sums: Floats) -> Floats:
        # The last column counts rows. A resample may lack a class, which then leaves the mean.
        both, either = sums[:, 0:-1:2], sums[:, 1:-1:2]
        there = either > 0
        return divide((divide(both, either) * there).sum(1), there.sum(1).astype(float))
