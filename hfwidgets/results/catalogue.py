"""A catalog of models: who serves them, for what, at which price."""

from typing import TYPE_CHECKING, Any

from hfwidgets.results import html_table, show
from hfwidgets.results.record import Elements, Record

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("model", "providers", "context", "$ in", "$ out", "tools")
_LOCAL_COLUMNS = ("model", "tasks", "languages", "license", "installed")


class ModelOffer(Record):
    """One provider's offer for a model; None where it is not known.

    `input_price` and `output_price` are in US dollars per million tokens, `context_length` is in
    tokens.
    """

    provider: str
    status: str
    task: str | None
    context_length: int | None
    input_price: float | None
    output_price: float | None
    supports_tools: bool | None
    supports_structured_output: bool | None


class CatalogModel(Record):
    """A model that is served: its id and task on the Hub, and its offers.

    `context_length` is the longest of the offers, `input_price` and `output_price` are the lowest.
    The embedded engine's models have `languages`, a `license`, their `limits` in a sentence,
    whether they are `installed`, and the tasks they are the `default_for`.
    """

    id: str
    task: str
    offers: list[ModelOffer]
    input_modalities: list[str]
    output_modalities: list[str]
    context_length: int | None
    input_price: float | None
    output_price: float | None
    supports_tools: bool | None
    languages: list[str] | None
    license: str | None
    limits: str | None
    installed: bool | None
    default_for: list[str] | None

    @property
    def providers(self) -> list[str]:
        """The names of the providers that offer it, each once."""
        return list(dict.fromkeys(offer.provider for offer in self.offers or ()))

    @property
    def tasks(self) -> list[str]:
        """The tasks that it is offered for."""
        return [offer.task for offer in self.offers or () if offer.task]


class Catalog(Elements[CatalogModel]):
    """Models in the catalog's order; shown as a table."""

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame with one row per model and provider."""
        import pandas as pd

        rows = [
            {"id": model.id, "task": model.task, **dict.fromkeys(_OFFER_FIELDS), **offer}
            for model in self
            for offer in model.offers or [ModelOffer()]
        ]
        return pd.DataFrame(rows, columns=["id", "task", *_OFFER_FIELDS])

    def __repr__(self) -> str:
        return html_table.to_text_table(*self._table(), limit=html_table.MAX_ROWS)

    def _table(self) -> tuple[tuple[str, ...], list[html_table.Row]]:
        """Return titles and rows; the engine's models have columns of their own."""
        own = bool(self) and all(model.limits for model in self)
        titles, row = (_LOCAL_COLUMNS, _local_row) if own else (_COLUMNS, _model_row)
        return titles, [row(model) for model in self]

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.mime_bundle(repr(self), self._html_(), self.meta)

    def _html_(self) -> str:
        titles, rows = self._table()
        table = html_table.to_html_table(titles, rows, limit=html_table.MAX_ROWS)
        if titles == _LOCAL_COLUMNS:
            return table
        return f"{table}<p>Prices: the lowest, in US dollars per million tokens.</p>"


_OFFER_FIELDS = tuple(ModelOffer.__annotations__)


def _model_row(model: CatalogModel) -> html_table.Row:
    tools = {None: "", True: "yes", False: "no"}[model.supports_tools]
    return [
        model.id,
        ", ".join(model.providers),
        _format_number(model.context_length, ","),
        _format_number(model.input_price, ".2f"),
        _format_number(model.output_price, ".2f"),
        tools,
    ]


def _local_row(model: CatalogModel) -> html_table.Row:
    """Return the row of an embedded model, which has no price."""
    return [
        model.id,
        ", ".join(model.tasks),
        ", ".join(model.languages or ()),
        model.license or "",
        "yes" if model.installed else "no",
    ]


def _format_number(value: float | None, form: str) -> str:
    return html_table.FormattedNumber("" if value is None else format(value, form))
