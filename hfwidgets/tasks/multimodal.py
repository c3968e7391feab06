"""The tasks that answer questions about an image or a page."""

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results import Elements
from hfwidgets.results import multimodal as results
from hfwidgets.tasks._media import ImageInput
from hfwidgets.tasks.controls import Json, Number, TextBox
from hfwidgets.tasks.controls import MediaInput as Upload
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.examples import HARBOR, INVOICE
from hfwidgets.tasks.shape import to_records


class MultimodalTasks:
    """An image and a question in; answers out."""

    @task(
        "Document question answering",
        {"image": INVOICE, "question": "What is the total?"},
        image=Upload("image"),
        question=TextBox(1),
        top_k=Number(1, None, 1, whole=True),
        word_boxes=Json(advanced=True),
    )
    def document_question_answering(
        self,
        image: ImageInput,
        question: str,
        *,
        model: str | None = None,
        doc_stride: int | None = None,
        handle_impossible_answer: bool | None = None,
        lang: str | None = None,
        max_answer_len: int | None = None,
        max_question_len: int | None = None,
        max_seq_len: int | None = None,
        top_k: int | None = None,
        word_boxes: list[list[float] | str] | None = None,
    ) -> Flow[Elements[results.DocumentQuestionAnsweringOutputElement]]:
        """Answer a question about the image of a page.

        Args:
            image: The page: bytes, a binary file, a path, a URL, a PIL image or an array.
            question: The question.
            model: The model's id on the Hub, or the URL of an endpoint.
            doc_stride: The number of tokens that neighboring windows of a long page share.
            handle_impossible_answer: Accept an empty answer where the page holds none.
            lang: The language of the page, for reading its text.
            max_answer_len: The longest answer, in tokens.
            max_question_len: The longest question, in tokens.
            max_seq_len: The size of the windows, in tokens.
            top_k: The number of answers to return, at least 1.
            word_boxes: The page's words and their boxes, 0 to 1000, if its text is known already.
        """
        page = yield from media.load(image, "image")
        options = {
            "doc_stride": doc_stride,
            "handle_impossible_answer": handle_impossible_answer,
            "lang": lang,
            "max_answer_len": max_answer_len,
            "max_question_len": max_question_len,
            "max_seq_len": max_seq_len,
            "top_k": top_k,
            "word_boxes": word_boxes,
        }
        raw = yield Infer({"question": question, "image": page}, model, options)
        return to_records(results.DocumentQuestionAnsweringOutputElement, raw)

    @task(
        "Visual question answering",
        {"image": HARBOR, "question": "What floats on the water?"},
        known_as=("vqa",),
        image=Upload("image"),
        question=TextBox(1),
        top_k=Number(1, None, 1, whole=True),
    )
    def visual_question_answering(
        self,
        image: ImageInput,
        question: str,
        *,
        model: str | None = None,
        top_k: int | None = None,
    ) -> Flow[Elements[results.VisualQuestionAnsweringOutputElement]]:
        """Answer a question about an image.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            question: The question.
            model: The model's id on the Hub, or the URL of an endpoint.
            top_k: The number of answers to return, at least 1.
        """
        source = yield from media.load(image, "image")
        raw = yield Infer({"question": question, "image": source}, model, {"top_k": top_k})
        return to_records(results.VisualQuestionAnsweringOutputElement, raw)
