"""Caption images and answer questions about images and document pages."""

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
    from transformers import (  # pyright: ignore[reportMissingImports]
        BatchFeature,
        PretrainedConfig,
    )

_ENCODER_DECODER = "vision-encoder-decoder"
_DEFAULT_PROMPT = "Describe this image."
"""The prompt of a conversational model for tasks without a prompt."""


class ImageQuestion(msgspec.Struct):
    """A question about an image."""

    question: Text
    image: bytes


class ImageToTextModel(CustomModel):
    """Open a model that writes about images: a captioner or a conversational model."""

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network(self._find_model_class(), self.source)
        self.processor: Any = load_pretrained("AutoProcessor", self.source)
        # For a pair of networks without a processor config, AutoProcessor returns one of the parts.
        if not hasattr(self.processor, "image_processor"):
            self.processor = _CombinedProcessor(self.source)

    def _find_model_class(self) -> str:
        """Return the class that writes captions; ValueError for a model of questions alone."""
        config = _load_config(self.source)
        if "BlipForQuestionAnswering" in (config.architectures or ()):
            raise ValueError("it answers questions; serve it for visual-question-answering")
        is_pair = config.model_type == _ENCODER_DECODER
        return "VisionEncoderDecoderModel" if is_pair else "AutoModelForImageTextToText"

    @property
    def is_conversational(self) -> bool:
        """True if the model has a chat template."""
        return getattr(self.processor, "chat_template", None) is not None

    def generate_text(self, image: bytes, prompt: str | None, settings: dict[str, Any]) -> str:
        """Write about an image, with a prompt or without."""
        ids = self._build_inputs(images.open_image(image), prompt).to(self.net.device)
        output = self.net.generate(**ids, **settings)[0]
        prompt_ids = ids["input_ids"][0] if "input_ids" in ids else output[:0]
        # A decoder-only model repeats its prompt, one with an encoder starts with the answer.
        if output[: len(prompt_ids)].equal(prompt_ids):
            output = output[len(prompt_ids) :]
        return str(self.processor.decode(output, skip_special_tokens=True)).strip()

    def _build_inputs(self, image: "Image", text: str | None) -> "BatchFeature":
        """Convert an image and a text to the network's inputs."""
        if not self.is_conversational:
            options = {} if text is None else {"text": text}
            return self.processor(images=image, return_tensors="pt", **options)
        parts = [
            {"type": "image", "image": image},
            {"type": "text", "text": text or _DEFAULT_PROMPT},
        ]
        return self.processor.apply_chat_template(
            [{"role": "user", "content": parts}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )


def _load_config(source: str) -> "PretrainedConfig":
    """Load a model's configuration."""
    from transformers import AutoConfig  # pyright: ignore[reportMissingImports]

    return AutoConfig.from_pretrained(source)


class _CombinedProcessor:
    """Combine an image processor and a tokenizer into one processor."""

    chat_template = None

    def __init__(self, source: str) -> None:
        self._image_processor = load_pretrained("AutoImageProcessor", source)
        self.decode = load_pretrained("AutoTokenizer", source).decode

    def __call__(self, images: "Image", return_tensors: str) -> "BatchFeature":
        return self._image_processor(images=images, return_tensors=return_tensors)


@custom_task(ImageToTextModel)
def image_to_text(
    model: ImageToTextModel,
    inputs: bytes,
    *,
    max_new_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None,
    generation_parameters: GenerationParameters | None = None,
) -> list[dict[str, str]]:
    """Caption an image."""
    settings = (generation_parameters or GenerationParameters()).build_settings(model.net)
    settings |= drop_none(max_new_tokens=max_new_tokens)
    return [{"generated_text": model.generate_text(inputs, None, settings)}]


class VisualQuestionModel(ImageToTextModel):
    """Open a model that answers questions about images, by choosing an answer or writing one."""

    def _find_model_class(self) -> str:
        """Return the class for question answering, else for captioning.

        Raises ValueError for a pair of networks, where no question reaches the one that writes.
        """
        model_type = _load_config(self.source).model_type
        if model_type in ("blip", "vilt"):
            return "AutoModelForVisualQuestionAnswering"
        if model_type == _ENCODER_DECODER:
            raise ValueError(
                "it takes no question; serve a captioner for image-to-text, Donut for "
                "document-question-answering"
            )
        return super()._find_model_class()

    @property
    def has_fixed_answers(self) -> bool:
        """True if the model chooses from a list of answers (ViLT)."""
        return str(self.net.config.model_type) == "vilt"

    def rank_answers(self, inputs: ImageQuestion, count: int) -> list[dict[str, Any]]:
        """Return the `count` most likely of the model's answers, with scores from 0 to 1."""
        import torch  # pyright: ignore[reportMissingImports]

        image = images.open_image(inputs.image)
        ids = self.processor(image, inputs.question, truncation=True, return_tensors="pt")
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
    """Answer a question about an image: the best answers with scores, or the written one."""
    if model.has_fixed_answers:
        return model.rank_answers(inputs, top_k or 5)
    if top_k not in (None, 1):
        message = f"The model {model.name} writes only one answer: top_k can only be 1."
        raise bad_request(message, "top_k")
    return [{"answer": model.generate_text(inputs.image, inputs.question, {})}]


BoxEdges = Annotated[
    list[Annotated[float, msgspec.Meta(ge=0, le=1000)]], msgspec.Meta(min_length=4)
]
WordBox = tuple[str, Annotated[BoxEdges, msgspec.Meta(max_length=4)]]
"""A word and its box: left, top, right, bottom, in thousandths of the page's sides."""


class DocumentQuestionModel(PipelineModel):
    """Open a model that answers from a page's words (LayoutLM) or its image alone (Donut)."""

    def __init__(self) -> None:
        super().__init__()
        if self.needs_words:
            # The words come from the caller or from the engine's own OCR: the pipeline's would need
            # Tesseract on the machine.
            self.pipe.image_processor = None if self._is_text_only else self.pipe.image_processor
            if self.pipe.image_processor is not None:
                self.pipe.image_processor.apply_ocr = False
        else:
            # The pipeline would let the decoder write past its last position.
            settings = self.pipe.model.generation_config
            limit = int(self.pipe.model.config.decoder.max_position_embeddings)
            settings.max_length = min(settings.max_length or limit, limit)

    @property
    def needs_words(self) -> bool:
        """True if the model reads the page's words, not its image alone."""
        return str(self.pipe.model.config.model_type) != _ENCODER_DECODER

    @property
    def _is_text_only(self) -> bool:
        return str(self.pipe.model.config.model_type) == "layoutlm"

    def read_words(self, image: "Image") -> list[WordBox]:
        """Read the page's words with the engine's OCR of the full set."""
        if reason := explain_missing_modules("onnxruntime"):
            message = (
                f"The model {self.name} needs the page's words: pass word_boxes, or let the engine "
                f"read them; {reason}."
            )
            raise RefusedError(501, message, kind="not_served")
        rows = self.kit.get(OcrReader).read_rows(image)
        words = [word for row in rows for piece in row for word in _split_words(piece, image.size)]
        if not words:
            raise bad_request("No text was found in the image.", "inputs")
        return words


def _split_words(piece: TextPiece, size: tuple[int, int]) -> Iterator[WordBox]:
    """Split a piece of text into words with boxes."""
    # OCR boxes whole lines or phrases: assume that all letters of a piece are equally wide.
    left, top, right, bottom = piece.box
    width = (right - left) / len(piece.text)
    for match in re.finditer(r"\S+", piece.text):
        start, end = left + match.start() * width, left + match.end() * width
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
    """Answer a question about a page; `start` and `end` of an answer count the page's words."""
    options = drop_none(
        doc_stride=doc_stride,
        handle_impossible_answer=handle_impossible_answer,
        max_answer_len=max_answer_len,
        max_seq_len=max_seq_len,
        top_k=top_k,
    )
    image = images.open_image(inputs.image)
    question = {"image": image, "question": inputs.question}
    if model.needs_words:
        words = word_boxes or model.read_words(image)
        question["word_boxes"] = [(word, [int(edge) for edge in box]) for word, box in words]
    elif unsupported := next(iter(options | drop_none(word_boxes=word_boxes)), None):
        message = f"The model {model.name} answers from the image alone: no {unsupported}."
        raise bad_request(message, unsupported)
    answers = model(question, **options)
    # Donut marks the end of its answer; the pipeline returns None if the mark never came.
    if not model.needs_words and answers[0]["answer"] is None:
        message = f"The model {model.name} did not finish its answer; rephrase the question."
        raise RefusedError(500, message, kind="generation")
    return answers
