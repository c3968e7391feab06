"""How a result is shown, chosen by what it is and never by the task's name.

A view is plain data for the page: `kind` says which of the front end's views draws it. Pictures
and sounds in it are named; the page fetches their bytes when it shows them.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from hfwidgets.errors import HfWidgetsError
from hfwidgets.media import Media
from hfwidgets.panels.form.inputs import to_text_columns
from hfwidgets.panels.views import parts, previews, raw_json
from hfwidgets.results.audio import Audio, AutomaticSpeechRecognitionOutput
from hfwidgets.results.record import fields_beyond
from hfwidgets.results.tabular import Predictions
from hfwidgets.results.vision import Video
from hfwidgets.tasks import BaseTask, controls

View = dict[str, Any]
FileMaker = Callable[[], previews.PageFile]

MAX_ROWS = 500
"""Rows beyond these stay in Python."""


class ViewBuilder:
    """Turns one result into a view and keeps what the page may fetch of it.

    Args:
        prefix: begins the names of this result's files.
        inputs: what the result was made from; spans are found in its texts.
        asked: how the task's inputs are asked for: which of them are pictures and sounds.
        parameters: what else was sent.

    Attributes:
        files: makers of the files that the view names.
    """

    def __init__(
        self,
        prefix: str,
        inputs: Mapping[str, Any],
        asked: Mapping[str, controls.Control],
        parameters: Mapping[str, Any],
    ) -> None:
        self._prefix = prefix
        self.inputs = inputs
        self._controls = asked
        self._parameters = parameters
        self.files: dict[str, FileMaker] = {}

    def add_file(self, name: str, make: FileMaker) -> str:
        """Name a file of this result."""
        key = f"{self._prefix}.{name}"
        self.files[key] = make
        return key

    def add_raw_json(self, result: Any) -> str:
        """Name the result as JSON for people."""
        return self.add_file("raw", lambda: parts.text_file(raw_json.to_json_text(result)))

    def add_saves(self, result: Any) -> list[View]:
        """The files that the result can be saved as."""
        return [
            self._add_save(name, label, make) for name, label, make in raw_json.save_formats(result)
        ]

    def build_view(self, result: Any, name: str = "0") -> View:
        """The view of a result, or of a part of one."""
        if hasattr(result, "getbbox") and hasattr(result, "mode"):
            return self._image_view(result, name)
        if isinstance(result, Audio):
            return {"kind": "sound", "tracks": [self._audio_track("", result, name)]}
        if isinstance(result, Video):
            return {"kind": "video", "id": self._add_video(result, name), "type": result.mime}
        if isinstance(result, AutomaticSpeechRecognitionOutput):
            return self._transcript_view(result)
        if hasattr(result, "__array__") and hasattr(result, "ndim"):
            return parts.embedding_view(result)
        if isinstance(result, Predictions):
            return self._predictions_view(result)
        if isinstance(result, list):
            return self._list_view(result)
        if isinstance(result, Mapping):
            return self._record_view(result)
        return {"kind": "text", "text": str(result), "source": self._longest_text()}

    # Records and lists of them

    def _record_view(self, record: Mapping[str, Any]) -> View:
        if record.get("coordinates") is not None and (table := self._input_table()) is not None:
            view = parts.cells_view(record, table)
            return parts.add_rest(view, [record], ("answer", "coordinates", "cells", "aggregator"))
        text = parts.record_text(record)
        if text is not None:
            view = {
                "kind": "text",
                "text": text,
                "source": self._longest_text(),
                "markdown": "choices" in record,
                "beside": "translation_text" in record,
            }
            return {**view, **parts.rest_of_text(record)}
        if parts.item_score(record) is not None and parts.item_label(record) is not None:
            return self._list_view([record])
        fields = fields_beyond(record, ())
        media = {name: value for name, value in fields.items() if parts.is_media(value)}
        plain = [
            [name, parts.shorten_value(value)]
            for name, value in fields.items()
            if name not in media
        ]
        shown = [
            {"name": name, "view": self.build_view(value, name)} for name, value in media.items()
        ]
        return {"kind": "parts", "parts": shown, "rows": plain}

    def _list_view(self, items: Sequence[Any]) -> View:
        if not items:
            return {"kind": "nothing", "text": parts.threshold_note(items, self._parameters)}
        items = items[:MAX_ROWS]
        if items and all(isinstance(item, Mapping) for item in items):
            return self._records_view(items)
        if items and all(isinstance(item, list) and item for item in items):
            return {"kind": "groups", "groups": [self._list_view(item) for item in items]}
        numbers = [float(item) for item in items if isinstance(item, int | float)]
        if items and len(numbers) == len(items):
            return self._similarity_view(numbers)
        return {
            "kind": "parts",
            "parts": [],
            "rows": [["", parts.shorten_value(item)] for item in items],
        }

    def _records_view(self, items: Sequence[Mapping[str, Any]]) -> View:
        rows = [
            {"label": parts.item_label(item) or "", "score": parts.item_score(item)}
            for item in items
        ]
        with contextlib.suppress(HfWidgetsError):  # the picture is gone: values are left to show
            if any(item.get("mask") is not None for item in items):
                return parts.add_rest(self._masks_view(items, rows), items, ("mask",))
            if any(isinstance(item.get("box"), Mapping) for item in items):
                return parts.add_rest(self._boxes_view(items, rows), items, ("box",))
            words = self._parameters.get("word_boxes")
            if words and (page := self._input_image_opener()) is not None:
                places = [parts.answer_box(words, item) for item in items]
                if all(places):
                    view = self._page_answers_view(page(), places, rows)
                    return parts.add_rest(view, items, ("start", "end"))
        if all(isinstance(item.get("blob"), bytes) for item in items):
            tracks = [
                self._audio_track(str(row["label"]), Audio(item["blob"]), str(at))
                for at, (item, row) in enumerate(zip(items, rows, strict=True))
            ]
            before = self._input_audio_track("input")
            own = [{**before, "saves": []}] if before else []
            view = {"kind": "sound", "tracks": [*own, *tracks], "saves": []}
            return parts.add_rest(view, items, ("blob", "content-type", "content_type"))
        placed = self._find_spans(items)
        if placed is not None:
            text, spans = placed
            spans = [{**row, **span} for row, span in zip(rows, spans, strict=True)]
            view = {"kind": "spans", "text": text, "rows": spans}
            return parts.add_rest(view, items, ("start", "end", "word", "answer"))
        if any(row["label"] for row in rows):
            notes = [str(item.get("sequence") or "") for item in items]
            noted = [{**row, "note": note} for row, note in zip(rows, notes, strict=True)]
            return parts.add_rest({"kind": "bars", "rows": noted}, items, ("sequence",))
        return {"kind": "table", **parts.columns_by_field(items)}

    def _find_spans(self, items: Sequence[Mapping[str, Any]]) -> tuple[str, list[View]] | None:
        """The input text that all items are spans of, and where; None when they are none.

        Answers about a picture are never read from the question; those from a text are rather in
        the longer of two.
        """
        if any(isinstance(control, controls.MediaInput) for control in self._controls.values()):
            return None
        texts = [value for value in self.inputs.values() if isinstance(value, str)]
        for text in sorted(texts, key=len, reverse=True):
            spans = [parts.find_span(text, item) for item in items]
            if all(span is not None for span in spans):
                return text, [span for span in spans if span is not None]
        return None

    # Pictures

    def _image_view(self, image: Any, name: str) -> View:
        before = self._input_image_opener()
        return {
            "kind": "picture",
            "id": self.add_file(name, lambda: previews.preview_image(image)),
            "thumb": self.add_file(f"{name}.thumb", lambda: previews.make_thumbnail(image)),
            "width": image.width,
            "height": image.height,
            "before": self.add_file("before", lambda: previews.preview_image(before()))
            if before
            else None,
            "saves": [self._add_save(f"{name}.png", "PNG", lambda: previews.encode_png(image))],
        }

    def _input_image_opener(self) -> Callable[[], Any] | None:
        """What decodes the picture that the result was made from; None when there is none."""
        from hfwidgets.media import open_upright

        for name, control in self._controls.items():
            if _is_media_control(control, "image") and hasattr(self.inputs.get(name), "getbbox"):
                return lambda: self.inputs[name]
        found = self._input_media("image")
        return (lambda: open_upright(found)) if found else None

    def _input_media(self, kind: str) -> Media | None:
        """The input of a kind, opened; None when there is none, or when it is far away or gone."""
        for name, control in self._controls.items():
            value = self.inputs.get(name)
            if value is not None and _is_media_control(control, kind):
                with contextlib.suppress(HfWidgetsError):
                    found = previews.load_media(value, kind)
                    return found if found.source is not None else None
        return None

    def _background_image(self, items: Any) -> View:
        """The picture under boxes and masks."""
        picture = items[0]._image
        make = self.add_file("ground", lambda: previews.preview_image(picture))
        return {"picture": make, "width": picture.width, "height": picture.height}

    def _boxes_view(self, items: Sequence[Any], rows: list[View]) -> View:
        sides = ("xmin", "ymin", "xmax", "ymax")
        boxes = [[(item.get("box") or {}).get(side) or 0 for side in sides] for item in items]
        placed = [{**row, "box": box} for row, box in zip(rows, boxes, strict=True)]
        return {"kind": "boxes", **self._background_image(items), "rows": placed}

    def _page_answers_view(self, page: Any, places: Sequence[Any], rows: list[View]) -> View:
        """Answers where they stand on a page; places are in thousandths of its sides."""
        name = self.add_file("ground", lambda: previews.preview_image(page))
        across = (page.width / 1000, page.height / 1000) * 2
        boxes = [[side * by for side, by in zip(place, across, strict=True)] for place in places]
        placed = [{**row, "box": box} for row, box in zip(rows, boxes, strict=True)]
        ground = {"picture": name, "width": page.width, "height": page.height}
        return {"kind": "boxes", **ground, "rows": placed}

    def _masks_view(self, items: Sequence[Any], rows: list[View]) -> View:
        for at, (item, row) in enumerate(zip(items, rows, strict=True)):
            mask = item["mask"]
            row["mask"] = self.add_file(f"mask{at}", lambda mask=mask: parts.mask_file(mask))  # type: ignore[misc]
        return {"kind": "masks", **self._background_image(items), "rows": rows}

    # Sounds and films

    def _audio_track(self, label: str, sound: Audio, name: str) -> View:
        key = self.add_file(name, lambda: (bytes(sound), sound.mime or "audio/wav"))
        about = previews.describe_audio(sound)
        ending = (sound.mime or "audio/wav").partition("/")[2]
        return {**about, "label": label, "id": key, "saves": [self._audio_save(key, ending, label)]}

    def _add_video(self, film: Video, name: str) -> str:
        return self.add_file(name, lambda: (bytes(film), film.mime or "video/mp4"))

    def _transcript_view(self, said: AutomaticSpeechRecognitionOutput) -> View:
        chunks = [
            {"start": chunk.start, "end": chunk.end, "text": chunk.text or ""}
            for chunk in said.chunks or []
        ]
        saves = [self._add_save("txt.txt", "TXT", lambda: parts.text_file(said.text or ""))]
        if chunks:
            saves.append(self._add_save("srt.srt", "SRT", lambda: parts.text_file(said.to_srt())))
            saves.append(self._add_save("vtt.vtt", "VTT", lambda: parts.text_file(said.to_vtt())))
        view = {"kind": "transcript", "text": said.text or "", "chunks": chunks, "saves": saves}
        return {**view, "sound": self._input_audio_track(), **parts.rest_of_text(said)}

    def _input_audio_track(self, label: str = "") -> View | None:
        """The sound that was listened to; None when it is not at hand."""
        found = self._input_media("audio")
        return self._audio_track(label, Audio(found.read()), "heard") if found else None

    # Tables and numbers

    def _input_table(self) -> Any:
        for value in self.inputs.values():
            if hasattr(value, "columns") or isinstance(value, Mapping):
                return value
        return None

    def _predictions_view(self, found: Sequence[Any]) -> View:
        numeric = all(isinstance(value, float) for value in found)
        table = to_text_columns(self._input_table() or {})
        values = [value if numeric else str(value) for value in found]
        return {"kind": "predictions", "columns": table, "values": values, "numeric": numeric}

    def _similarity_view(self, numbers: list[float]) -> View:
        lists = [value for value in self.inputs.values() if isinstance(value, list)]
        names = next((names for names in lists if len(names) == len(numbers)), None)
        labels = names or [str(at) for at in range(len(numbers))]
        pairs = zip(labels, numbers, strict=True)
        rows = [{"label": str(n), "score": s} for n, s in pairs]
        return {"kind": "bars", "rows": rows, "pairs": names is not None}

    def _longest_text(self) -> str:
        """The text that a text was made from; paths and questions about pictures are none."""
        if any(isinstance(control, controls.MediaInput) for control in self._controls.values()):
            return ""
        texts = [value for value in self.inputs.values() if isinstance(value, str)]
        return max(texts, key=len, default="")

    # Files to save

    def _add_save(self, name: str, label: str, make: FileMaker) -> View:
        return {"label": label, "id": self.add_file(f"save.{name}", make), "name": name}

    def _audio_save(self, key: str, ending: str, label: str) -> View:
        """A sound's file, named by its label where there are several."""
        kind = ending.removeprefix("x-")
        name = re.sub(r"[^\w-]+", "_", label)[:40] or "sound"
        said = f"{label} {kind.upper()}" if label else kind.upper()
        return {"label": said, "id": key, "name": f"{name}.{kind}"}


def empty_view(task: BaseTask) -> tuple[str, str]:
    """The view of an empty result and what it says, from the declared type of the result."""
    kinds = [
        kind for kind in _nested_types(task.signature.return_annotation) if isinstance(kind, type)
    ]
    bases = [base for kind in kinds for base in kind.__mro__]
    fields = {name for base in bases for name in vars(base).get("__annotations__", {})}
    return next(
        ((kind, words) for name, kind, words in EMPTY_VIEWS if name in fields), ("text", "")
    )


EMPTY_VIEWS = (
    ("mask", "masks", "No segments were found in this picture."),
    ("box", "boxes", "No objects were found in this picture."),
    ("entity", "spans", "No entities were found in this text."),
    ("answer", "bars", "No answer was found."),
    ("blob", "sound", "No sound came back."),
    ("chunks", "transcript", "No speech was found."),
    ("generated_text", "text", "No text came back."),
    ("label", "bars", "No label came back."),
)
"""By a field of the declared result: the view, and what is said when nothing was found."""


def _is_media_control(control: controls.Control, kind: str) -> bool:
    return isinstance(control, controls.MediaInput) and control.kind == kind


def _nested_types(annotation: Any) -> list[Any]:
    """A type and all types inside it."""
    return [annotation, *(kind for part in get_args(annotation) for kind in _nested_types(part))]
