"""A model's offers: which provider serves it, for which task and under which name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's entry for a model.

    Attributes:
        provider: the provider's name.
        id: the model's name there.
        task: what the model does there, by the Hub's name; None, for any task, in a mapping that
            was passed.
        status: live, staging or error.
        entry: the Hub's whole entry (`adapter`, `adapterWeightsPath`, ...).
    """

    provider: str
    id: str
    task: str | None = None
    status: str = "live"
    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HubModelInfo:
    """The Hub's entry of a model; if `is_manual`, what the caller passed instead."""

    offers: tuple[Offer, ...] = ()
    pipeline_tag: str | None = None
    tags: frozenset[str] = frozenset()
    is_manual: bool = False


def parse_offers(mapping: Any) -> tuple[Offer, ...]:
    """Return the Hub's mapping in its order, from either of its forms: an object or a list."""
    if isinstance(mapping, Mapping):
        rows: Iterable[Any] = [
            {**entry, "provider": name}
            for name, entry in mapping.items()
            if isinstance(entry, Mapping)
        ]
    else:
        rows = mapping or ()
    return tuple(
        Offer(
            provider=str(row["provider"]),
            id=str(row["providerId"]),
            task=row.get("task"),
            status=row.get("status") or "live",
            entry=row,
        )
        for row in rows
        if isinstance(row, Mapping) and row.get("provider") and row.get("providerId")
    )


def manual_mapping(mapping: Mapping[str, Any] | None) -> dict[str, tuple[Offer, ...]]:
    """Return the offers in a client's `mapping=`, by model.

        {"org/model": {"together": "its name there"}}
        {"org/model": {"fal-ai": {"providerId": "fal-ai/lora", "task": "text-to-image",
                                  "adapterWeightsPath": "weights.safetensors"}}}

    A model in the mapping is never looked up on the Hub.

    Raises:
        ConfigurationError: the mapping has another form.
    """
    if mapping is not None and not isinstance(mapping, Mapping):
        raise errors.ConfigurationError(
            f"mapping is a dict of models and their names; it is {type(mapping).__name__}."
        )
    found = {}
    for model, entries in (mapping or {}).items():
        if not isinstance(entries, Mapping):
            raise _mapping_error(model)
        rows = {
            name: {"providerId": entry} if isinstance(entry, str) else entry
            for name, entry in entries.items()
        }
        found[model] = parse_offers(rows)
        # `parse_offers` skips entries that it cannot read, which would hide a typo here.
        if len(found[model]) != len(rows):
            raise _mapping_error(model)
    return found


def _mapping_error(model: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"mapping[{model!r}] must name the model at each provider: "
        '{"together": "its name there"} or {"together": {"providerId": ..., "task": ...}}.'
    )
