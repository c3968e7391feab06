"""The panels' document and messages as msgspec Structs: the one declaration of what is on the wire.

Python builds these Structs, and the mirror stores them as plain JSON (`to_json`) because its
patches address the document by path. Fields without a default are always sent. Fields with one are
left out while they have it, so the page declares them as optional.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

# In quotes, because the alias names itself; a `type` statement needs Python 3.12.
Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"


class Part(msgspec.Struct, omit_defaults=True):
    """Base of the document's parts."""


# The panel


class ControlView(Part, kw_only=True):
    """How the page edits a value. `kind` is the name of a class in `tasks.controls`, lowercase."""

    kind: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    whole: bool = False
    count: int | None = None
    """Lines of a text box."""
    options: list[str] = []
    marks: list[str] = []
    least: int | None = None
    """Labels that are required."""


class Field(Part, kw_only=True):
    """A parameter or input with its label, help and control."""

    name: str
    label: str
    help: str
    advanced: bool
    control: ControlView
    default: Json = None
    """The value that is used where none is set, if it is known."""


class DefaultServer(Part, kw_only=True):
    """What answers while no provider is chosen; `fixed` where nothing else can be chosen."""

    label: str
    fixed: bool


class PanelShape(Part, kw_only=True):
    """What does not change while a panel lives."""

    task: str
    label: str
    help: str
    view: str
    fields: list[Field]
    starters: list[str]
    providers: list[str]
    unserved: list[str]
    """Providers that do not serve the task."""
    served: DefaultServer
    chunks: dict[str, str]
    """Hashes of the front end's chunks by name."""
    key: str = ""


class ActionView(Part, kw_only=True):
    """A step that would help, for a button: an `errors.Action` with the button's text."""

    name: str
    label: str
    arguments: dict[str, str] = {}


class ErrorCard(Part, kw_only=True):
    """What went wrong, and the one step that would help."""

    title: str
    text: str
    """The reason and the advice."""
    details: str = ""
    """The whole text, where the reason is too long to be shown at once."""
    action: ActionView | None = None


class RunStats(Part, kw_only=True):
    """What is known of a run that is over. Times are in seconds."""

    first: float | None = None
    """Until the first token."""
    rate: float | None = None
    """Tokens per second."""
    seconds: float | None = None
    server: float | None = None
    """Time that the server itself took."""
    prompt: int | None = None
    completion: int | None = None
    """Tokens, as `prompt`."""
    counted: bool = False
    """True if the tokens were counted from the pieces of the stream."""
    model: str | None = None
    provider: str | None = None
    finish: str | None = None
    cost: float | None = None
    """US dollars."""
    cached: bool | None = None
    recorded: str | None = None
    """The day of a recorded answer."""


class State(msgspec.Struct, rename={"in_cell": "inCell"}, kw_only=True):
    """The state of the current run. Every field is always sent."""

    status: str = "idle"
    run: int = 0
    note: str = ""
    eta: float | None = None
    """Seconds that the current wait is expected to take."""
    stopping: bool = False
    in_cell: bool = False
    """True while the panel's own blocking call occupies the kernel."""
    failure: ErrorCard | None = None
    stats: RunStats | None = None


class PanelSettings(Part, kw_only=True):
    """The model, the provider and the parameters that are set."""

    model: str
    provider: str
    values: dict[str, Any]


class Banner(Part, kw_only=True):
    """A notice above a form whose call cannot work yet."""

    text: str
    why: str
    """"unserved" or "key"."""
    local: bool
    """True if the embedded engine serves the task."""
    services: list[str] = []
    """Providers to choose instead."""


class ExpectedModel(Part, kw_only=True):
    """The model that will answer, "" where only a call tells; None where its inputs are unknown."""

    model: str
    reads_images: bool | None = None


class CodeForms(Part, kw_only=True):
    """The call as code, by the form it is written in."""

    python: str
    magic: str
    hub: str
    curl: str


class Variable(Part, kw_only=True):
    """A variable of the notebook that fits an input."""

    name: str
    about: str


class UploadProgress(Part, kw_only=True):
    """How much of an upload has arrived, in bytes."""

    id: str
    got: int
    total: int


# The form


class TaskChoice(Part, kw_only=True):
    """A task that the panel can switch to."""

    name: str
    label: str
    domain: str


class InputView(Part, kw_only=True):
    """An input as the page shows it: plain data, or media that the page fetches by `id`."""

    kind: str
    """"plain" or "media"."""
    value: Json = None
    id: str = ""
    about: str = ""
    fetch: bool = False


class ExampleView(Part, kw_only=True):
    """An example of a task: its description and its inputs."""

    about: str
    preview: dict[str, InputView | None]


class Form(Part, kw_only=True):
    """A task's form: inputs first, basic parameters below, the others folded away."""

    task: str
    label: str
    help: str
    inputs: list[Field]
    basics: list[Field]
    fields: list[Field]
    providers: list[str]
    unserved: list[str]
    empty: str
    """Shown where a result has nothing in it."""
    verb: str
    """What the button that runs the task says."""
    outcome: str
    """What will stand in the place of the result."""
    tasks: list[TaskChoice]
    examples: list[ExampleView] = []


# The chat and the comparison


class ToolCallView(Part, kw_only=True):
    """A tool call of a message; `arguments` is JSON text."""

    name: str
    arguments: str


class Turn(Part, kw_only=True):
    """A message of a conversation. The page fetches its images by their ids."""

    id: int
    role: str
    text: str
    think: str
    calls: list[ToolCallView]
    images: list[str]
    note: str
    done: bool


class Draft(Part, kw_only=True):
    """A message that returns to the composer; the page takes each number once."""

    n: int
    text: str
    images: list[str] = []


class AttachedImage(Part, kw_only=True):
    """An image of a variable, to be attached to the next message."""

    n: int
    id: str
    about: str


class Column(Part, kw_only=True):
    """A model of a comparison with its answer."""

    model: str
    text: str
    state: str
    error: str
    provider: str | None = None
    first_token_seconds: float | None = None
    tokens_per_second: float | None = None
    seconds: float | None = None
    tokens: int | None = None
    dollars: float | None = None


# Results


class Save(Part, kw_only=True):
    """A file that a result can be saved as."""

    label: str
    id: str
    name: str


class View(Part, tag_field="kind", kw_only=True):
    """Base of the views of results. A subclass's tag selects the front end's view.

    Attributes:
        n: the result's number; negative while its text streams.
        raw: the id of the result as JSON text.
        saves: files that the result can be saved as; None until `History` fills them in.
        seed: the seed that was sent.
        rest: a table of the fields that the view does not draw; None if there are none.
    """

    n: int = 0
    raw: str = ""
    saves: list[Save] | None = None
    seed: int | None = None
    rest: "View | None" = None


class LabelRow(Part, kw_only=True):
    """A label with a score, and where it belongs in an image or a text."""

    label: str
    score: float | None
    note: str = ""
    box: list[float] | None = None
    """xmin, ymin, xmax, ymax in pixels."""
    mask: str = ""
    start: int | None = None
    """In code points, as `end`, which is exclusive."""
    end: int | None = None


class GalleryItem(Part, kw_only=True):
    """A past image."""

    n: int
    id: str
    seed: int | None


class EachImage(Part, kw_only=True):
    """One of several images; `state` is "", "waiting", "running", "done" or "failed"."""

    id: str
    about: str
    state: str
    result: View | None = None


class SeveralView(Part, kw_only=True):
    """Several images for the same input; `shown` is the place of the one that is its value."""

    name: str
    shown: int
    images: list[EachImage]


class Pairs(Part, kw_only=True):
    """The similarity of all sentences; `matrix` is None until it has been computed."""

    n: int
    names: list[str]
    matrix: list[list[float]] | None


class MarkedTextView(Part, kw_only=True):
    """A text compared with another; a piece is "same", "gone" or "new", and the words."""

    title: str
    pieces: list[list[str]]


class DifferencesView(Part, kw_only=True):
    """Where results differ: a sentence, and a table with a column per model, or marked texts."""

    summary: str
    table: View | None
    texts: list[MarkedTextView] = []


# The rows of an evaluation


class FilterChoice(Part, kw_only=True):
    """A filter as the page offers it, with the number of its rows."""

    label: str
    count: int


class LabelMatch(Part, kw_only=True):
    """A word of a model, the place of its label, and how they were matched; None has no label."""

    word: str
    label: int | None
    way: str


class LabelMapping(Part, kw_only=True):
    """What a model's words became, and the data's labels to choose from."""

    model: str
    words: list[LabelMatch]
    labels: list[str]
    more: int = 0
    """How many words are not listed."""


class RowInput(Part, kw_only=True):
    """An input of a row in the view of its kind."""

    name: str
    view: View


class RowState(Part, kw_only=True):
    """The row that is shown: its place in the filter, and what belongs to it.

    `answer` is the right answer as text, `classes` the answers to choose from where it is a class.
    """

    filter: int
    at: int
    count: int
    index: int
    inputs: list[RowInput]
    answer: str
    correctable: bool
    classes: list[str]
    spoken: str


class ResultFiles(Part, kw_only=True):
    """What a conversation or a comparison can be saved as."""

    n: int
    raw: str = ""
    """The id of the result as JSON text."""
    saves: list[Save] = []


class PanelDocument(Part, rename={"can_undo": "canUndo", "can_redo": "canRedo"}, kw_only=True):
    """The whole document: each panel keeps the parts that it needs."""

    state: State
    settings: PanelSettings
    models: list[str]
    """Names to complete the model field with."""
    uploads: dict[str, UploadProgress] = {}
    banner: Banner | None = None
    expected: ExpectedModel | None = None
    code: CodeForms | None = None
    sent: str = ""
    """Which variable the result was sent to."""
    result: View | None = None
    files: ResultFiles | None = None
    names: dict[str, list[Variable]] = {}
    """Variables of the notebook, by the input that they fit."""
    heard: int = 0
    """The number of the last message with inputs that the kernel has heard."""

    form: Form | None = None
    inputs: dict[str, InputView | None] = {}
    answered: dict[str, InputView | None] | None = None
    """The inputs that the result answers."""
    auto: bool = False
    gallery: list[GalleryItem] = []
    pairs: Pairs | None = None
    several: SeveralView | None = None

    turns: list[Turn] = []
    draft: Draft | None = None
    attached: AttachedImage | None = None
    taken: int = 0
    """The number of the last message of a chat that the kernel has taken."""
    can_undo: bool = False
    can_redo: bool = False

    prompt: str = ""
    columns: list[Column] = []
    differences: DifferencesView | None = None
    vote: str = ""
    """The name of the model that was preferred, "same", or empty."""

    verdict: str = ""
    scores: View | None = None
    mappings: list[LabelMapping] = []
    filters: list[FilterChoice] = []
    row: RowState | None = None
