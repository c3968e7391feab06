"""Results of the text tasks, with the field's names."""

from typing import TYPE_CHECKING

from hfwidgets.results.record import Record, Text, TextRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfwidgets.results.array import Embedding


class TextClassificationOutputElement(Record):
    """A label and its score, between 0 and 1."""

    label: str
    score: float


class ZeroShotClassificationOutputElement(Record):
    """One of the candidate labels and its score, between 0 and 1."""

    label: str
    score: float


class TokenClassificationOutputElement(Record):
    """A span of the text: characters `start` to `end` (exclusive).

    `entity_group` is set where the server aggregated tokens, `entity` where it did not.
    """

    required_fields = frozenset({"score", "word"})

    entity_group: str | None
    entity: str | None
    score: float
    word: str
    start: int
    end: int


class FillMaskOutputElement(Record):
    """A token for the mask, its id in the model's vocabulary and the whole text with it."""

    required_fields = frozenset({"score", "token_str"})

    score: float
    token: int
    token_str: str
    sequence: str

    @property
    def fill_mask_output_token_str(self) -> str | None:
        """`token_str` under the other name that huggingface_hub has for it."""
        return self.get("token_str")


class QuestionAnsweringOutputElement(Record):
    """An answer: characters `start` to `end` (exclusive) of the context."""

    required_fields = frozenset({"answer", "score"})

    answer: str
    score: float
    start: int
    end: int

    def plot(self) -> "Figure":
        """Plot the answer's score as a bar, with matplotlib."""
        from hfwidgets.results import plot

        return plot.plot_chart([self])


class TableQuestionAnsweringOutputElement(Record):
    """An answer from a table, with its cells as texts and as [row, column] pairs."""

    required_fields = frozenset({"answer"})

    answer: str
    cells: list[str]
    coordinates: list[list[int]]
    aggregator: str | None


class SummarizationOutput(TextRecord):
    """A summary."""

    text_field = "summary_text"

    summary_text: str


class TranslationOutput(TextRecord):
    """A translation."""

    text_field = "translation_text"

    translation_text: str


class TextGenerationOutputToken(Record):
    """A generated token; `logprob` is a natural logarithm."""

    id: int
    text: str
    logprob: float
    special: bool


class TextGenerationOutputPrefillToken(Record):
    """A token of the prompt; the first one has no log-probability."""

    id: int
    text: str
    logprob: float | None


class TextGenerationOutputBestOfSequence(Record):
    """One of the sequences that `best_of` generated."""

    generated_text: str
    finish_reason: str
    generated_tokens: int
    seed: int | None
    prefill: list[TextGenerationOutputPrefillToken]
    tokens: list[TextGenerationOutputToken]


class TextGenerationOutputDetails(Record):
    """Details of a generation. `finish_reason` is length, eos_token or stop_sequence."""

    finish_reason: str
    generated_tokens: int
    seed: int | None
    prefill: list[TextGenerationOutputPrefillToken]
    tokens: list[TextGenerationOutputToken]
    best_of_sequences: list[TextGenerationOutputBestOfSequence] | None
    top_tokens: list[list[TextGenerationOutputToken]] | None


class TextGenerationOutput(TextRecord):
    """A generated text with its details."""

    text_field = "generated_text"

    generated_text: str
    details: TextGenerationOutputDetails | None


class TextGenerationStreamOutputStreamDetails(Record):
    """Details that the last event of a stream adds."""

    finish_reason: str
    generated_tokens: int
    input_length: int
    seed: int | None


class TextGenerationStreamOutput(Record):
    """One token of a streamed text; the last one also has the whole text and its details."""

    index: int
    token: TextGenerationOutputToken
    generated_text: str | None
    details: TextGenerationStreamOutputStreamDetails | None
    top_tokens: list[TextGenerationOutputToken] | None


class TokenCollector:
    """Join the texts of tokens."""

    def __init__(self) -> None:
        self._tokens: list[str] = []

    def add(self, item: str) -> None:
        self._tokens.append(item)

    @property
    def text(self) -> str:
        """The generated text so far."""
        return "".join(self._tokens)

    @property
    def result(self) -> Text:
        """The generated text so far."""
        return Text(self.text)


class GenerationCollector:
    """Collect typed events into the output of the unstreamed call."""

    def __init__(self) -> None:
        self._events: list[TextGenerationStreamOutput] = []

    def add(self, item: TextGenerationStreamOutput) -> None:
        self._events.append(item)

    @property
    def text(self) -> str:
        """The generated text so far, without special tokens."""
        tokens = [event.token for event in self._events if event.token]
        return "".join(token.text or "" for token in tokens if not token.special)

    @property
    def result(self) -> TextGenerationOutput:
        """The text so far, its tokens and, at the end, the reason why it ended."""
        last = next((e.details for e in reversed(self._events) if e.details), None)
        tokens = [event.token for event in self._events if event.token]
        # The server's count wins where its last event has come; a stopped stream has only this one.
        details = {"generated_tokens": len(tokens), **(last or {}), "tokens": tokens}
        return TextGenerationOutput(generated_text=self.text, details=details)


def to_embedding(values: object) -> "Embedding":
    """A (nested) list of numbers as a float32 array; ragged ones are refused by numpy."""
    from hfwidgets.results.array import Embedding

    return Embedding.of(values)
