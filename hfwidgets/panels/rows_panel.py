"""The rows of an evaluation one by one: the input, the right answer, each model's result."""

import os
import random
from typing import Any

from hfwidgets import errors, tasks
from hfwidgets.core.counts import format_count
from hfwidgets.errors.excerpt import name_type
from hfwidgets.evaluation import Evaluation, ScoredRow
from hfwidgets.evaluation.report import tabulate_scores
from hfwidgets.panels.document import assets
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.outputs import StaticForm
from hfwidgets.panels.document.protocol import (
    DefaultServer,
    FilterChoice,
    PanelSettings,
    PanelShape,
    RowInput,
    RowState,
    State,
    View,
)
from hfwidgets.panels.document.widget import PanelWidget
from hfwidgets.panels.label_mapping import change_mapping, describe_mappings, list_labels
from hfwidgets.panels.row_filters import RowFilter, list_filters
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.comparison_view import (
    ComparisonView,
    build_column,
    describe_differences,
    hide_names,
    render_comparison,
    view_html,
)
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.error_card import error_card
from hfwidgets.panels.views.row_parts import (
    describe_mark,
    read_correction,
    to_comparison,
    to_short_text,
    to_viewable,
)
from hfwidgets.panels.views.table_view import TableView
from hfwidgets.results.html_table import format_cell
from hfwidgets.results.show import escape_html
from hfwidgets.results.votes import SAME, Votes


class RowsPanel(PanelWidget):
    """A panel that walks through the rows of an evaluation.

    Args:
        evaluation: what `evaluate` returned.
        votes: a file that keeps your votes.
        blind: True hides the models' names, and shuffles them, until you have voted on a row.

    Attributes:
        evaluation: the evaluation, scored again with your corrections.
        corrections: right answers by row index, as you corrected them.
    """

    needed_chunks = ("ui",)

    def __init__(
        self,
        evaluation: Evaluation,
        *,
        votes: str | os.PathLike[str] | None = None,
        blind: bool = False,
    ) -> None:
        if not isinstance(evaluation, Evaluation):
            raise errors.ConfigurationError(
                f"browse shows what hf.evaluate returned, not {name_type(evaluation)}."
            )
        if not len(evaluation):
            raise errors.ConfigurationError(
                "The evaluation has no rows that all models were asked."
            )
        self.evaluation, self.blind = evaluation, blind
        self.corrections: dict[int, Any] = {}
        if votes is not None:
            kept = Votes(evaluation.votes, path=votes)
            evaluation.votes = kept
        self._hfw_task = tasks.find(evaluation.task)
        self._hfw_filter, self._hfw_at, self._hfw_count = 0, 0, 0
        self._hfw_context = ViewContext("", {}, {}, {})
        self._hfw_order: list[int] = []
        shape = PanelShape(
            task=evaluation.task,
            label="Rows of the evaluation",
            help=f"{self._hfw_task.label}: each row with the result of every model.",
            view="rows",
            fields=[],
            starters=[],
            providers=[],
            unserved=[],
            served=DefaultServer(label="", fixed=True),
            chunks=assets.chunk_digests(),
        )
        super().__init__(shape, self._hfw_build_document())

    # What users call

    @property
    def row(self) -> ScoredRow:
        """The row that is shown."""
        return self._hfw_rows()[self._hfw_at]

    def show_row(self, index: int) -> None:
        """Show the row at a place in the data.

        Raises:
            ConfigurationError: it was not asked.
        """
        places = [row.index for row in self.evaluation]
        if index not in places:
            raise errors.ConfigurationError(f"Row {index} is not one of the rows that were asked.")
        self._hfw_show(len(self._hfw_filters()) - 1, places.index(index))

    def vote(self, winner: str) -> None:
        """Keep which model's result on this row is better: its name, or "same"."""
        self.evaluation.vote(self.row.index, winner)
        self._hfw_mirror.set("result", value=self._hfw_build_result())
        self._hfw_update()

    def correct(self, label: Any) -> None:
        """Replace this row's right answer, and score all rows again; nothing is asked."""
        self.corrections[self.row.index] = label
        self._hfw_rescore(corrections=self.corrections)

    def map_label(self, model: str, word: Any, label: Any) -> None:
        """Count a word of a model as one of the data's labels, and score all rows again.

        Nothing is asked. A label of None stands for no label: the word is wrong, or dropped where
        rows have several labels.

        Raises:
            ConfigurationError: an unknown model, word or label.
        """
        self._hfw_rescore(labels=change_mapping(self.evaluation, model, word, label))

    def _hfw_rescore(self, **options: Any) -> None:
        """Score again, and show the same row, or the nearest one that the filter has left."""
        chosen = self._hfw_filters()[self._hfw_filter].label
        self.evaluation = self.evaluation.rescore(**options)
        # The row may have left the filter, and the filter the list.
        labels = [one.label for one in self._hfw_filters()]
        which = labels.index(chosen) if chosen in labels else len(labels) - 1
        self._hfw_show(which, self._hfw_at)

    # Rows

    def _hfw_filters(self) -> list[RowFilter]:
        return list_filters(self.evaluation)

    def _hfw_rows(self) -> list[ScoredRow]:
        return list(filter(self._hfw_filters()[self._hfw_filter].accepts, self.evaluation))

    def _hfw_show(self, which: int, at: int) -> None:
        self._hfw_filter = min(max(which, 0), len(self._hfw_filters()) - 1)
        self._hfw_at = min(max(at, 0), len(self._hfw_rows()) - 1)
        for name, value in self._hfw_build_document().items():
            if name not in ("state", "settings", "models"):
                self._hfw_mirror.set(name, value=value)
        self._hfw_update()

    def _hfw_update(self) -> None:
        flusher.flush_now(self._hfw_mirror)
        self._hfw_refresh_static()

    # The document

    def _hfw_build_document(self) -> dict[str, Node]:
        """Return the document with the current row."""
        row, filters = self.row, self._hfw_filters()
        # Counted, since a page draws a result and fetches a file once per number.
        self._hfw_count += 1
        self._hfw_context = ViewContext(
            f"r{self._hfw_count}", row.inputs, self._hfw_task.controls, {}
        )
        self._hfw_order = random.sample(range(len(row.answers)), len(row.answers))
        kinds = {str(one.label) for one in self.evaluation} if self._hfw_is_class(row) else set()
        state = RowState(
            filter=self._hfw_filter,
            at=self._hfw_at,
            count=len(self._hfw_rows()),
            index=row.index,
            inputs=[
                RowInput(name=name, view=self._hfw_input_view(name, value))
                for name, value in row.inputs.items()
            ],
            answer="" if row.label is None else to_short_text(row.label),
            correctable=isinstance(row.label, str | int | float),
            classes=sorted(kinds),
            spoken=self._hfw_describe(row),
        )
        choices = [
            FilterChoice(label=one.label, count=sum(map(one.accepts, self.evaluation)))
            for one in filters
        ]
        return {
            "state": State(),
            "settings": PanelSettings(model="", provider="", values={}),
            "models": [],
            "verdict": self.evaluation.verdict,
            "scores": _build_score_table(self.evaluation),
            # A model's own words could give its hidden name away.
            "mappings": [] if self.blind else describe_mappings(self.evaluation),
            "filters": choices,
            "row": state,
            "result": self._hfw_build_result(),
        }

    def _hfw_is_class(self, row: ScoredRow) -> bool:
        return self.evaluation.count_confusions() is not None and row.label is not None

    def _hfw_build_result(self) -> ComparisonView:
        """Return the row's results as a comparison, each marked as right or wrong."""
        row, comparison = self.row, to_comparison(self.row, self.evaluation.task)
        columns = [build_column(one, self._hfw_context, at) for at, one in enumerate(comparison)]
        for column, name in zip(columns, row.answers, strict=True):
            column.mark = describe_mark(row, name)
        vote = self.evaluation.find_vote(row.index)
        view = ComparisonView(
            columns=columns,
            differences=describe_differences(comparison),
            n=self._hfw_count,
            vote=vote or "",
        )
        return hide_names(view, self._hfw_order) if self.blind and not vote else view

    def _hfw_input_view(self, name: str, value: object) -> View:
        # A context without inputs: an image must not be shown next to itself.
        context = ViewContext(f"r{self._hfw_count}.in.{name}", {}, {}, {})
        view = context.build_view(to_viewable(value, self._hfw_task.controls.get(name)))
        self._hfw_context.files |= context.files
        return view

    def _hfw_describe(self, row: ScoredRow) -> str:
        """Return a row in one sentence, for those who do not see it."""
        marks = "; ".join(f"{name} {describe_mark(row, name)}" for name in row.answers)
        return f"Row {row.index}, {self._hfw_at + 1} of {len(self._hfw_rows())}" + (
            "" if self.blind else f": {marks}"
        )

    def _hfw_find_media(self, name: str) -> previews.PageFile | None:
        make = self._hfw_context.files.get(name)
        return make() if make else None

    def _hfw_render_static(self) -> StaticForm:
        """Return the evaluation, and the current row with each result in its view."""
        row, view = self.row, self._hfw_build_result()
        comparison = to_comparison(row, self.evaluation.task)
        inputs = "".join(
            f"<p><i>{escape_html(name)}:</i></p>{self._hfw_input_html(name, value)}"
            for name, value in row.inputs.items()
        )
        answer = (
            ""
            if row.label is None
            else f"<p>Right answer: {escape_html(to_short_text(row.label))}</p>"
        )
        html = (
            f"{self.evaluation._repr_mimebundle_()['text/html']}<h4>Row {row.index}</h4>{inputs}"
            f"{answer}{render_comparison(view, comparison)}"
        )
        return StaticForm(html, repr(self.evaluation))

    def _hfw_input_html(self, name: str, value: object) -> str:
        shown = to_viewable(value, self._hfw_task.controls.get(name))
        return view_html(ViewContext("", {}, {}, {}).build_view(shown), shown)

    def _hfw_show_error(self, error: Exception) -> None:
        self._hfw_mirror.set("state", "failure", value=error_card(error))

    def __repr__(self) -> str:
        return f"RowsPanel({self.evaluation.task}, {format_count(len(self.evaluation), 'row')})"

    # Actions of the page

    def _hfw_do_go(self, at: int) -> None:
        self._hfw_show(self._hfw_filter, at)

    def _hfw_do_filter(self, which: int) -> None:
        self._hfw_show(which, 0)

    def _hfw_do_vote(self, place: int | None = None) -> None:
        self.vote(SAME if place is None else self.evaluation.models[place])

    def _hfw_do_correct(self, value: str) -> None:
        if not value.strip():
            raise errors.InputError("The right answer is empty.")
        self.correct(read_correction(value.strip(), [row.label for row in self.evaluation]))

    def _hfw_do_map(self, model: str, word: int, label: int | None) -> None:
        """Map the word at a place to the label at a place, since words may not be texts."""
        label_map = self.evaluation.label_maps[model]
        assert label_map is not None
        chosen = None if label is None else list_labels(label_map)[label]
        self.map_label(model, list(label_map.used)[word], chosen)

    def _hfw_do_dismiss(self) -> None:
        self._hfw_mirror.set("state", "failure", value=None)


def _build_score_table(evaluation: Evaluation) -> TableView:
    """Return the table of models, with a column per measure."""
    titles, lines = tabulate_scores(evaluation)
    columns = zip(*lines, strict=True)
    return TableView(
        columns={
            title.replace("_", " "): list(map(format_cell, cells))
            for title, cells in zip(titles, columns, strict=True)
        }
    )
