"""Text tasks: classify, extract, answer, embed, rewrite, continue."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results import Elements
from hfwidgets.results import text as results
from hfwidgets.tasks.controls import (
    Checkbox,
    Choice,
    Json,
    LabelList,
    Number,
    StringList,
    TableInput,
    TextBox,
)
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.examples import STORY
from hfwidgets.tasks.list_answers import LABELS, LISTS, RECORDS, VECTORS
from hfwidgets.tasks.shape import (
    as_str_list,
    check_no_error,
    merge_alias,
    to_numbers,
    to_record,
    to_record_groups,
    to_records,
    unexpected_shape_error,
    warn_deprecated,
)
from hfwidgets.tasks.tables import TableLike, to_text_columns

if TYPE_CHECKING:
    from hfwidgets.results.array import Embedding

Transform: TypeAlias = Literal["sigmoid", "softmax", "none"]
Truncation: TypeAlias = Literal["do_not_truncate", "longest_first", "only_first", "only_second"]


class TextTasks:
    """Tasks that take text."""

    @task(
        "Text classification",
        {"text": "The crossing was rough, but the crew were wonderful."},
        known_as=("sentiment", "sentiment-analysis"),
        list_answers=LABELS,
        text=TextBox(4),
        top_k=Number(1, None, 1, whole=True),
        function_to_apply=Choice(("sigmoid", "softmax", "none"), advanced=True),
    )
    def text_classification(
        self,
        text: str,
        *,
        model: str | None = None,
        top_k: int | None = None,
        function_to_apply: Transform | None = None,
    ) -> Flow[Elements[results.TextClassificationOutputElement]]:
        """Classify text.

        Args:
            text: The text to classify.
            model: The model's id on the Hub, or the URL of an endpoint.
            top_k: The number of labels to return, at least 1.
            function_to_apply: The function that turns the model's outputs into scores.
        """
        options = {"top_k": top_k, "function_to_apply": function_to_apply}
        return to_records(
            results.TextClassificationOutputElement, (yield Infer(text, model, options))
        )

    @task(
        "Zero-shot classification",
        {
            "text": "My order arrived broken and no one answers the phone.",
            "candidate_labels": ["complaint", "praise", "question"],
        },
        list_answers=LISTS,
        text=TextBox(4),
        candidate_labels=LabelList(least=1),
        multi_label=Checkbox(),
        hypothesis_template=TextBox(1, advanced=True),
    )
    def zero_shot_classification(
        self,
        text: str,
        candidate_labels: list[str] | None = None,
        *,
        multi_label: bool | None = False,
        hypothesis_template: str | None = None,
        model: str | None = None,
        labels: list[str] | None = None,
    ) -> Flow[Elements[results.ZeroShotClassificationOutputElement]]:
        """Classify text with your own labels.

        Args:
            text: The text to classify.
            candidate_labels: The labels to choose from, at least one.
            multi_label: Whether several labels may be true at once; scores then do not sum to
                1.
            hypothesis_template: A sentence with {} in place of a label.
            model: The model's id on the Hub, or the URL of an endpoint.
            labels: The deprecated name of candidate_labels.
        """
        candidates = merge_alias("candidate_labels", candidate_labels, "labels", labels)
        options = {
            "candidate_labels": as_str_list("candidate_labels", candidates),
            "multi_label": multi_label,
            "hypothesis_template": hypothesis_template,
        }
        raw = yield Infer(text, model, options)
        if isinstance(raw, Mapping) and "labels" in raw:  # the shape before November 2025
            raw = _pair_labels(raw)
        return to_records(results.ZeroShotClassificationOutputElement, raw)

    @task(
        "Token classification",
        {"text": "Marie Curie moved from Warsaw to Paris in 1891."},
        known_as=("ner",),
        list_answers=LISTS,
        text=TextBox(4),
        aggregation_strategy=Choice(("none", "simple", "first", "average", "max")),
        ignore_labels=StringList(advanced=True),
        stride=Number(0, None, 1, whole=True, advanced=True),
    )
    def token_classification(
        self,
        text: str,
        *,
        model: str | None = None,
        aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None,
        ignore_labels: list[str] | None = None,
        stride: int | None = None,
    ) -> Flow[Elements[results.TokenClassificationOutputElement]]:
        """Find names, places and other entities in text.

        Args:
            text: The text to search.
            model: The model's id on the Hub, or the URL of an endpoint.
            aggregation_strategy: The way tokens are joined into entities.
            ignore_labels: Labels to leave out of the result.
            stride: The overlap between windows of a long text, in tokens.
        """
        options = {
            "aggregation_strategy": aggregation_strategy,
            "ignore_labels": ignore_labels,
            "stride": stride,
        }
        return to_records(
            results.TokenClassificationOutputElement, (yield Infer(text, model, options))
        )

    @task(
        "Fill mask",
        {"text": "The capital of France is [MASK]."},
        list_answers=LISTS,
        text=TextBox(2, marks=("[MASK]", "<mask>")),
        top_k=Number(1, None, 1, whole=True),
        targets=StringList(advanced=True),
    )
    def fill_mask(
        self,
        text: str,
        *,
        model: str | None = None,
        targets: list[str] | None = None,
        top_k: int | None = None,
    ) -> Flow[Elements[results.FillMaskOutputElement]]:
        """Fill in a masked word.

        Models that allow several masks in one text return a list per mask.

        Args:
            text: A text with one mask token, [MASK] or <mask> as the model has it.
            model: The model's id on the Hub, or the URL of an endpoint.
            targets: The words to choose from; None for the whole vocabulary.
            top_k: The number of words to return, at least 1.
        """
        raw = yield Infer(text, model, {"targets": targets, "top_k": top_k})
        return to_record_groups(results.FillMaskOutputElement, raw)

    @task(
        "Question answering",
        {"question": "When was the lamp lit for the first time?", "context": STORY},
        question=TextBox(1),
        context=TextBox(6),
        top_k=Number(1, None, 1, whole=True),
    )
    def question_answering(
        self,
        question: str,
        context: str,
        *,
        model: str | None = None,
        align_to_words: bool | None = None,
        doc_stride: int | None = None,
        handle_impossible_answer: bool | None = None,
        max_answer_len: int | None = None,
        max_question_len: int | None = None,
        max_seq_len: int | None = None,
        top_k: int | None = None,
    ) -> Flow[
        results.QuestionAnsweringOutputElement | Elements[results.QuestionAnsweringOutputElement]
    ]:
        """Answer a question from a text.

        Args:
            question: The question.
            context: The text that holds the answer.
            model: The model's id on the Hub, or the URL of an endpoint.
            align_to_words: Whether answers start and end at word boundaries.
            doc_stride: The overlap between windows of a long context, in tokens.
            handle_impossible_answer: Whether the answer may be empty.
            max_answer_len: The maximum length of an answer, in tokens.
            max_question_len: The maximum length of the question, in tokens.
            max_seq_len: The size of a window, in tokens.
            top_k: The number of answers to return; above 1 the result is a list.
        """
        options = {
            "align_to_words": align_to_words,
            "doc_stride": doc_stride,
            "handle_impossible_answer": handle_impossible_answer,
            "max_answer_len": max_answer_len,
            "max_question_len": max_question_len,
            "max_seq_len": max_seq_len,
            "top_k": top_k,
        }
        raw = yield Infer({"question": question, "context": context}, model, options)
        if isinstance(raw, list):
            return to_records(results.QuestionAnsweringOutputElement, raw)
        return to_record(results.QuestionAnsweringOutputElement, raw)

    @task(
        "Table question answering",
        {
            "table": {
                "Lighthouse": ["Ar-Men", "Cordouan", "Planier"],
                "Height": ["37", "67", "66"],
            },
            "query": "Which lighthouse is the highest?",
        },
        table=TableInput(),
        query=TextBox(1),
        padding=Choice(("do_not_pad", "longest", "max_length"), advanced=True),
    )
    def table_question_answering(
        self,
        table: TableLike,
        query: str,
        *,
        model: str | None = None,
        padding: Literal["do_not_pad", "longest", "max_length"] | None = None,
        sequential: bool | None = None,
        truncation: bool | None = None,
    ) -> Flow[results.TableQuestionAnsweringOutputElement]:
        """Answer a question from a table.

        Args:
            table: A DataFrame of any library, a dict of columns, or a list of rows as dicts; every
                cell is sent as text.
            query: The question.
            model: The model's id on the Hub, or the URL of an endpoint.
            padding: The way shorter inputs are padded.
            sequential: Whether the query refers to earlier ones.
            truncation: Whether a table that is too long is truncated.
        """
        options = {"padding": padding, "sequential": sequential, "truncation": truncation}
        raw = yield Infer({"query": query, "table": to_text_columns(table)}, model, options)
        return to_record(results.TableQuestionAnsweringOutputElement, raw)

    @task(
        "Sentence similarity",
        {
            "sentence": "The ferry leaves at noon.",
            "other_sentences": [
                "The boat departs at twelve o'clock.",
                "Tickets are sold on board.",
                "My cat likes fish.",
            ],
        },
        sentence=TextBox(1),
        other_sentences=StringList(),
    )
    def sentence_similarity(
        self, sentence: str, other_sentences: list[str], *, model: str | None = None
    ) -> Flow[Elements[float]]:
        """Compare a sentence with others: one score each, at most 1 for the same meaning.

        Args:
            sentence: The sentence to compare.
            other_sentences: The sentences to compare it with, at least one.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        others = as_str_list("other_sentences", other_sentences)
        raw = yield Infer({"source_sentence": sentence, "sentences": others}, model)
        scores = to_numbers(raw)
        # With a score missing, every score after it would belong to another sentence.
        if len(scores) != len(others):
            raise unexpected_shape_error(raw, f"one number per sentence, {len(others)} in all")
        return Elements(scores)

    @task(
        "Feature extraction",
        {"text": "The ferry leaves at noon."},
        known_as=("embeddings",),
        list_answers=VECTORS,
        text=TextBox(3),
        truncation_direction=Choice(("left", "right"), advanced=True),
    )
    def feature_extraction(
        self,
        text: str | list[str],
        *,
        normalize: bool | None = None,
        prompt_name: str | None = None,
        truncate: bool | None = None,
        truncation_direction: Literal["left", "right"] | None = None,
        dimensions: int | None = None,
        encoding_format: Literal["float", "base64"] | None = None,
        model: str | None = None,
    ) -> Flow["Embedding"]:
        """Embed one or several texts.

        The result is a float32 array of shape (dim,) or (n, dim) for sentence models, and
        (1, tokens, dim) for models that return one vector per token.

        Args:
            text: The text, or a list of texts.
            normalize: Whether to scale vectors to length 1.
            prompt_name: The name of one of the model's prompts, put before the text.
            truncate: Whether a text that is too long is truncated.
            truncation_direction: The end that is cut off.
            dimensions: The size of a vector, for models that support several.
            encoding_format: The encoding in which the server sends the numbers.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        options = {
            "normalize": normalize,
            "prompt_name": prompt_name,
            "truncate": truncate,
            # Older clients wrote Left and Right; the wire has them in lower case.
            "truncation_direction": truncation_direction and truncation_direction.lower(),
            "dimensions": dimensions,
            "encoding_format": encoding_format,
        }
        many = not isinstance(text, str) and isinstance(text, Iterable)
        inputs = as_str_list("text", text) if many else text
        raw = yield Infer(inputs, model, options)
        if isinstance(raw, Mapping):
            check_no_error(raw)
        try:
            return results.to_embedding(raw)
        except (TypeError, ValueError, OverflowError) as error:
            raise unexpected_shape_error(raw, "vectors of numbers") from error

    @task(
        "Summarization",
        {"text": STORY},
        list_answers=RECORDS,
        text=TextBox(8),
        generate_parameters=Json(advanced=True),
    )
    def summarization(
        self,
        text: str,
        *,
        model: str | None = None,
        clean_up_tokenization_spaces: bool | None = None,
        generate_parameters: dict[str, Any] | None = None,
        truncation: Truncation | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> Flow[results.SummarizationOutput]:
        """Summarize text.

        Args:
            text: The text to summarize.
            model: The model's id on the Hub, or the URL of an endpoint.
            clean_up_tokenization_spaces: Whether to remove extra spaces that tokenization leaves.
            generate_parameters: Additional generation parameters.
            truncation: The way a text that is too long is truncated.
            parameters: Deprecated: all parameters as one dict.
        """
        options = {
            "clean_up_tokenization_spaces": clean_up_tokenization_spaces,
            "generate_parameters": generate_parameters,
            "truncation": truncation,
            **warn_deprecated("summarization", "parameters", parameters),
        }
        return to_record(results.SummarizationOutput, (yield Infer(text, model, options)))

    @task(
        "Translation",
        {"text": "The ferry leaves at noon.", "src_lang": "en", "tgt_lang": "es"},
        list_answers=RECORDS,
        text=TextBox(4),
        src_lang=TextBox(1),
        tgt_lang=TextBox(1),
        generate_parameters=Json(advanced=True),
    )
    def translation(
        self,
        text: str,
        *,
        model: str | None = None,
        src_lang: str | None = None,
        tgt_lang: str | None = None,
        clean_up_tokenization_spaces: bool | None = None,
        truncation: Truncation | None = None,
        generate_parameters: dict[str, Any] | None = None,
    ) -> Flow[results.TranslationOutput]:
        """Translate text.

        Args:
            text: The text to translate.
            model: The model's id on the Hub, or the URL of an endpoint.
            src_lang: The text's language, as the model's code for it; requires tgt_lang.
            tgt_lang: The target language, as the model's code for it; requires src_lang.
            clean_up_tokenization_spaces: Whether to remove extra spaces that tokenization leaves.
            truncation: The way a text that is too long is truncated.
            generate_parameters: Additional generation parameters.
        """
        if (src_lang is None) != (tgt_lang is None):
            raise errors.InputError("translation needs src_lang and tgt_lang together, or neither.")
        options = {
            "src_lang": src_lang,
            "tgt_lang": tgt_lang,
            "clean_up_tokenization_spaces": clean_up_tokenization_spaces,
            "truncation": truncation,
            "generate_parameters": generate_parameters,
        }
        return to_record(results.TranslationOutput, (yield Infer(text, model, options)))


def _pair_labels(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the labels and scores of two lists as one object per label."""
    labels, scores = raw["labels"], raw.get("scores")
    if not isinstance(labels, list) or not isinstance(scores, list) or len(labels) != len(scores):
        raise unexpected_shape_error(raw, "as many labels as scores")
    return [{"label": label, "score": score} for label, score in zip(labels, scores, strict=True)]
