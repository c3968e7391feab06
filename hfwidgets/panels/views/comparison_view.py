"""Results of several models for one input, each in the view of its kind, and where they differ."""

from collections.abc import Sequence

from hfwidgets.panels.document.protocol import DifferencesView, MarkedTextView, Part, View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.parts import result_html
from hfwidgets.panels.views.registry import find_view, register_view, view_kind
from hfwidgets.panels.views.table_view import TableView
from hfwidgets.results.comparison import Comparison, ComparisonRow, side_by_side_html
from hfwidgets.results.show import escape_html

MARK = "≠ "
"""Begins the first cell of a row on which models differ."""


class ComparedResult(Part, kw_only=True):
    """One model's result, or its error; `facts` are names and texts, such as its time."""

    name: str
    place: int
    """Its place among the models, which its place on the page need not be."""
    view: View | None
    error: str
    facts: list[list[str]]
    mark: str = ""
    """Whether it is right, in words and with a sign."""


class ComparisonView(View, tag="comparison", kw_only=True):
    """A column per model; `vote` is the name of the one that was preferred, "same", or empty.

    `hidden` is true while names are hidden from the voter.
    """

    columns: list[ComparedResult]
    differences: DifferencesView | None
    vote: str = ""
    hidden: bool = False


def render_comparison(view: ComparisonView, result: Comparison) -> str:
    """Render the results side by side, each by its own static form."""
    # Names as the view has them: a blind vote hides them, and the differences with them.
    rows = [
        ComparisonRow({**({} if view.hidden else result[column.place]), "model": column.name})
        for column in view.columns
    ]
    answers = [_column_html(column, result[column.place].result) for column in view.columns]
    differences = result.differences_html() if view.differences is not None else ""
    vote = f"<p>Vote: {escape_html(view.vote)}</p>" if view.vote else ""
    return side_by_side_html(rows, answers) + differences + vote


def _column_html(column: ComparedResult, result: object) -> str:
    if column.view is None:
        return f"<p><b>failed</b>: {escape_html(column.error)}</p>"
    mark = f"<p>{escape_html(column.mark)}</p>" if column.mark else ""
    return mark + view_html(column.view, result)


def view_html(view: View, result: object) -> str:
    """Render a result by the static form of its view, else by its own."""
    registered = find_view(view_kind(view))
    render = registered.render_static if registered else None
    return (render(view, result) if render else "") or result_html(result)


@register_view(ComparisonView, priority=5, render_static=render_comparison)
def build_comparison(result: object, context: ViewContext, name: str) -> ComparisonView | None:
    """Build the view of a comparison."""
    if not isinstance(result, Comparison):
        return None
    return ComparisonView(
        columns=[build_column(row, context, at) for at, row in enumerate(result)],
        differences=describe_differences(result),
        vote=result.preferred or "",
    )


def build_column(row: ComparisonRow, context: ViewContext, place: int) -> ComparedResult:
    """Build the column of the model at a place."""
    view = None
    if row.result is not None:
        part = context.make_part(str(place))
        view = part.build_view(row.result)
        context.files |= part.files
    return ComparedResult(
        name=row.model,
        place=place,
        view=view,
        error=row.error or "",
        facts=describe_measures(row),
    )


def describe_measures(row: ComparisonRow) -> list[list[str]]:
    """Return what a row measured as names and texts; what is not known is left out."""
    facts = [
        ("Time", "" if row.seconds is None else _format_duration(row.seconds)),
        ("Tokens", _format(row.tokens, "{}")),
        ("Price", "free" if row.dollars == 0 else _format(row.dollars, "${:.6f}")),
        ("Provider", row.provider or ""),
    ]
    return [[name, text] for name, text in facts if text]


def _format_duration(seconds: float) -> str:
    """Return seconds as the panel's last line has them."""
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def _format(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def describe_differences(result: Comparison) -> DifferencesView | None:
    """Return where the results of a comparison differ; None where that cannot be told."""
    found = result.differences()
    if found is None:
        return None
    if found.texts:
        texts = [
            MarkedTextView(title=text.title, pieces=[[kind, words] for kind, words in text.pieces])
            for text in found.texts
        ]
        return DifferencesView(summary=found.summary, table=None, texts=texts)
    marked = [
        [f"{MARK if differs else ''}{row[0]}", *row[1:]]
        for row, differs in zip(found.rows, found.differing, strict=True)
    ]
    titles = [found.titles[0].capitalize(), *found.titles[1:]]
    columns = {title: [row[at] for row in marked] for at, title in enumerate(titles)}
    return DifferencesView(
        summary=found.summary, table=TableView(columns=columns) if marked else None
    )


def hide_names(view: ComparisonView, order: Sequence[int]) -> ComparisonView:
    """Return a comparison with its columns in another order, named by letters and without facts.

    The differences go too, since their columns have names.
    """
    columns = [
        ComparedResult(
            name=f"Model {chr(ord('A') + letter)}",
            place=at,
            view=view.columns[at].view,
            error=view.columns[at].error,
            facts=[],
        )
        for letter, at in enumerate(order)
    ]
    return ComparisonView(columns=columns, differences=None, hidden=True, n=view.n, seed=view.seed)
