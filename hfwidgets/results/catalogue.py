"""A catalogue of models: who serves them, for what, at which price."""

from typing import TYPE_CHECKING, Any

from hfwidgets.results import show
from hfwidgets.results.record import Elements, Record

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("model", "providers", "context", "$ in", "$ out", "tools")
_LOCAL_COLUMNS = ("model", "tasks", "languages", "license", "installed")


class ModelOffer(Record):
    """What one provider offers for a model; None where it does not say.

    `input_price` and `output_price` are US dollars for a million tokens, `context_length` is in
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
    """A model that is served: its id on the Hub, its task there and who offers it.

    `context_length` is the longest of the offers, `input_price` and `output_price` are the lowest.
    The embedded engine's models say which `languages` they know, their `license`, their `limits`
    in a sentence, and whether they are `installed`.
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

    @property
    def providers(self) -> list[str]:
        """The names of those who offer it, each once."""
        return list(dict.fromkeys(offer.provider for offer in self.offers or ()))

    @property
    def tasks(self) -> list[str]:
        """The tasks that it is offered for."""
        return [offer.task for offer in self.offers or () if offer.task]


class Catalog(Elements[CatalogModel]):
    """Models in the catalogue's order; shown as a table, a DataFrame by `to_pandas`."""

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each model and provider."""
        import pandas as pd

        rows = [
            {"id": model.id, "task": model.task, **dict.fromkeys(_OFFER_FIELDS), **offer}
            for model in self
            for offer in model.offers or [ModelOffer()]
        ]
        return pd.DataFrame(rows, columns=["id", "task", *_OFFER_FIELDS])

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if len(self) > show.MAX_ROWS:
            lines.append(f"… and {len(self) - show.MAX_ROWS:,} more")
        return "\n".join(lines)

    def _rows(self) -> list[list[str]]:
        """The table's head and its first rows; the engine's models have columns of their own."""
        own = bool(self) and all(model.limits for model in self)
        head, row = (_LOCAL_COLUMNS, _local_row) if own else (_COLUMNS, _model_row)
        return [list(head), *(row(model) for model in self[: show.MAX_ROWS])]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return show.mime_bundle(repr(self), self._html_(), self.meta)

    def _html_(self) -> str:
        style = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"
        names, *listed = self._rows()
        head = "".join(
            f'<th scope="col" style="{style}">{show.escape_html(name)}</th>' for name in names
        )
        rows = "".join(
            "<tr>"
            + "".join(f'<td style="{style}">{show.escape_html(c)}</td>' for c in row)
            + "</tr>"
            for row in listed
        )
        more = (
            f"<p>… and {len(self) - show.MAX_ROWS:,} more</p>" if len(self) > show.MAX_ROWS else ""
        )
        note = "<p>Prices: the lowest, in US dollars for a million tokens.</p>"
        note = "" if tuple(names) == _LOCAL_COLUMNS else note
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}{note}"


_OFFER_FIELDS = tuple(ModelOffer.__annotations__)


def _model_row(model: CatalogModel) -> list[str]:
    tools = {None: "", True: "yes", False: "no"}[model.supports_tools]
    length = model.context_length
    return [
        model.id,
        ", ".join(model.providers),
        "" if length is None else f"{length:,}",
        _format_price(model.input_price),
        _format_price(model.output_price),
        tools,
    ]


def _local_row(model: CatalogModel) -> list[str]:
    """A model of the embedded engine: nothing of it has a price."""
    return [
        model.id,
        ", ".join(model.tasks),
        ", ".join(model.languages or ()),
        model.license or "",
        "yes" if model.installed else "no",
    ]


def _format_price(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
