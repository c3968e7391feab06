"""Pictures put into words, and questions about pictures and pages."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.base.runtimes import explain_missing_modules
from hfwidgets.engine.custom.generation_config import GenerationParameters
from hfwidgets.engine.custom.model import (
    CustomModel,
    PipelineModel,
    Text,
    TopK,
    custom_task,
    drop_none,
    load_network,
    load_pretrained,
)
from hfwidgets.engine.vision.ocr import OcrReader, TextPiece

if TYPE_CHECKING:
    from PIL.Image import Image

_ENCODER_DECODER = "vision-encoder-decoder"
_DEFAULT_PROMPT = "Describe this picture."
"""What a conversational model is told where a task has no words of its own."""


class ImageQuestion(msgspec.Struct):
    """A question about a picture."""

    question: Text
    image: bytes


class ImageToTextModel(CustomModel):
    """A model that writes about pictures: a captioner, or one that converses."""

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network(self._find_model_class(), self.source)
        self.processor: Any = load_pretrained("AutoProcessor", self.source)
        if not hasattr(
            self.processor, "image_processor"
        ):  # two parts without a processor over them
            self.processor = _CombinedProcessor(self.source)

    def _find_model_class(self) -> str:
        """The class that writes; ValueError for a model that can only be asked."""
        config = _load_config(self.source)
        if "BlipForQuestionAnswering" in (config.architectures or ()):
            raise ValueError("it answers questions; serve it for visual-question-answering")
        pair = config.model_type == _ENCODER_DECODER
        return "VisionEncoderDecoderModel" if pair else "AutoModelForImageTextToText"

    @property
    def is_conversational(self) -> bool:
        """Whether it answers what it is told."""
        return getattr(self.processor, "chat_template", None) is not None

    def generate_text(self, picture: bytes, text: str | None, settings: dict[str, Any]) -> str:
        """What it writes about a picture, told a text or nothing."""
        ids = self._build_inputs(images.open_image(picture), text).to(self.net.device)
        written = self.net.generate(**ids, **settings)[0]
        told = ids["input_ids"][0] if "input_ids" in ids else written[:0]
        if written[: len(told)].equal(told):  # a decoder alone begins with what it was told
            written = written[len(told) :]
        return str(self.processor.decode(written, skip_special_tokens=True)).strip()

    def _build_inputs(self, picture: Any, text: str | None) -> Any:
        """A picture and a text as the network takes them."""
        if not self.is_conversational:
            told = {} if text is None else {"text": text}
            return self.processor(images=picture, return_tensors="pt", **told)
        parts = [
            {"type": "image", "image": picture},
            {"type": "text", "text": text or _DEFAULT_PROMPT},
        ]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )


def _load_config(source: str) -> Any:
    """A model's configuration."""
    from transformers import AutoConfig  # pyright: ignore[reportMissingImports]

    return AutoConfig.from_pretrained(source)


class _CombinedProcessor:
    """An image processor and a tokenizer, as one."""

    chat_template = None

    def __init__(self, source: str) -> None:
        self._image_processor = load_pretrained("AutoImageProcessor", source)
        self.decode = load_pretrained("AutoTokenizer", source).decode

    def __call__(self, images: Any, return_tensors: str) -> Any:
        return self._image_processor(images=images, return_tensors=return_tensors)


@custom_task(ImageToTextModel)
def image_to_text(
    model: ImageToTextModel,
    inputs: bytes,
    *,
    max_new_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None,
    generation_parameters: GenerationParameters | None = None,
) -> list[dict[str, str]]:
    """The picture in words."""
    settings = (generation_parameters or GenerationParameters()).build_settings(model.net)
    return [
        {
            "generated_text": model.generate_text(
                inputs, None, settings | drop_none(max_new_tokens=max_new_tokens)
            )
        }
    ]


class VisualQuestionModel(ImageToTextModel):
    """A model that answers questions about pictures: by choosing an answer, or by writing one."""

    def _find_model_class(self) -> str:
        """The class for models of questions alone, else that for all that write about pictures;
        ValueError for a pair of networks: nothing that it is asked reaches the one that writes."""
        kind = _load_config(self.source).model_type
        if kind in ("blip", "vilt"):
            return "AutoModelForVisualQuestionAnswering"
        if kind == _ENCODER_DECODER:
            raise ValueError(
                "it cannot be asked; serve a captioner for image-to-text, Donut for "
                "document-question-answering"
            )
        return super()._find_model_class()

    @property
    def has_fixed_answers(self) -> bool:
        """Whether it knows a list of answers (ViLT)."""
        return str(self.net.config.model_type) == "vilt"

    def rank_answers(self, asked: ImageQuestion, count: int) -> list[dict[str, Any]]:
        """The likeliest of the answers that the model knows, with scores."""
        import torch  # pyright: ignore[reportMissingImports]

        picture = images.open_image(asked.image)
        ids = self.processor(picture, asked.question, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            scores = self.net(**ids.to(self.net.device)).logits[0].float().sigmoid()
        names = self.net.config.id2label
        best = scores.topk(min(count, len(names)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [{"answer": names[index], "score": score} for index, score in pairs]


@custom_task(VisualQuestionModel)
def visual_question_answering(
    model: VisualQuestionModel, inputs: ImageQuestion, *, top_k: TopK | None = None
) -> list[dict[str, Any]]:
    """The likeliest answers with scores, or the one that the model writes, without."""
    if model.has_fixed_answers:
        return model.rank_answers(inputs, top_k or 5)
    if top_k not in (None, 1):
        said = f"The model {model.name} writes its answer, and only one: no top_k above 1."
        raise bad_request(said, "top_k")
    return [{"answer": model.generate_text(inputs.image, inputs.question, {})}]


BoxEdges = Annotated[
    list[Annotated[float, msgspec.Meta(ge=0, le=1000)]], msgspec.Meta(min_length=4)
]
WordBox = tuple[str, Annotated[BoxEdges, msgspec.Meta(max_length=4)]]
"""A word and its box: left, top, right, bottom, from 0 to 1000 of the page."""


class DocumentQuestionModel(PipelineModel):
    """A model that answers from a page's words (LayoutLM), or from its picture alone (Donut)."""

    def __init__(self) -> None:
        super().__init__()
        if self.needs_words:  # the words come from the caller or from the engine's own reader
            self.pipe.image_processor = None if self._is_text_only else self.pipe.image_processor
            if self.pipe.image_processor is not None:
                self.pipe.image_processor.apply_ocr = False
        else:  # else the pipeline lets it write on past its last position
            settings = self.pipe.model.generation_config
            most = int(self.pipe.model.config.decoder.max_position_embeddings)
            settings.max_length = min(settings.max_length or most, most)

    @property
    def needs_words(self) -> bool:
        """Whether it needs the page's words."""
        return str(self.pipe.model.config.model_type) != _ENCODER_DECODER

    @property
    def _is_text_only(self) -> bool:
        return str(self.pipe.model.config.model_type) == "layoutlm"

    def read_words(self, picture: "Image") -> list[WordBox]:
        """The page's words, read by the engine's own reader of the full set."""
        if reason := explain_missing_modules("onnxruntime"):
            said = f"The model {self.name} needs the page's words: give word_boxes, or let the "
            raise RefusedError(501, f"{said}engine read them; {reason}.", kind="not_served")
        rows = self.kit.get(OcrReader).read_rows(picture)
        found = [
            word for row in rows for piece in row for word in _split_words(piece, picture.size)
        ]
        if not found:
            raise bad_request("No text was found in the picture.", "inputs")
        return found


def _split_words(piece: TextPiece, size: tuple[int, int]) -> Iterator[WordBox]:
    """The words of a piece of text, its width shared out by their letters."""
    left, top, right, bottom = piece.box
    letter = (right - left) / len(piece.text)
    for match in re.finditer(r"\S+", piece.text):
        start, end = left + match.start() * letter, left + match.end() * letter
        box = start / size[0], top / size[1], end / size[0], bottom / size[1]
        yield match[0], [min(1000, max(0, round(1000 * edge))) for edge in box]


@custom_task(DocumentQuestionModel)
def document_question_answering(
    model: DocumentQuestionModel,
    inputs: ImageQuestion,
    *,
    doc_stride: TopK | None = None,
    handle_impossible_answer: bool | None = None,
    max_answer_len: TopK | None = None,
    max_seq_len: TopK | None = None,
    top_k: TopK | None = None,
    word_boxes: Annotated[list[WordBox], msgspec.Meta(min_length=1)] | None = None,
) -> Any:
    """The likeliest answers on a page; their places count its words."""
    options = drop_none(
        doc_stride=doc_stride,
        handle_impossible_answer=handle_impossible_answer,
        max_answer_len=max_answer_len,
        max_seq_len=max_seq_len,
        top_k=top_k,
    )
    picture = images.open_image(inputs.image)
    asked = {"image": picture, "question": inputs.question}
    if model.needs_words:
        words = word_boxes or model.read_words(picture)
        asked["word_boxes"] = [(word, [int(edge) for edge in box]) for word, box in words]
    elif useless := next(iter(options | drop_none(word_boxes=word_boxes)), None):
        said = f"The model {model.name} writes its answer from the picture: no {useless}."
        raise bad_request(said, useless)
    found = model(asked, **options)
    if not model.needs_words and found[0]["answer"] is None:
        said = f"The model {model.name} came to no end of its answer; ask in other words."
        raise RefusedError(500, said, kind="generation")
    return found
