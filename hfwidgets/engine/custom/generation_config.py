"""Validate the wire's generation parameters and convert them to settings of `generate`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.http_errors import bad_request

if TYPE_CHECKING:
    from transformers import PreTrainedModel  # pyright: ignore[reportMissingImports]

PositiveCount = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
NonNegativeCount = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
PositiveFraction = Annotated[float, msgspec.Meta(gt=0, le=1)]

_SAMPLING_PARAMETERS = (
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
)
_BEAM_PARAMETERS = ("early_stopping", "length_penalty")


class GenerationParameters(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The parameters of one generation, as the Hub's wire names them."""

    do_sample: bool | None = None
    early_stopping: bool | Literal["never"] | None = None
    epsilon_cutoff: Fraction | None = None
    eta_cutoff: Fraction | None = None
    length_penalty: float | None = None
    max_length: PositiveCount | None = None
    max_new_tokens: PositiveCount | None = None
    min_length: NonNegativeCount | None = None
    min_new_tokens: NonNegativeCount | None = None
    no_repeat_ngram_size: NonNegativeCount | None = None
    num_beams: Annotated[int, msgspec.Meta(ge=1, le=32)] | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_k: PositiveCount | None = None
    top_p: PositiveFraction | None = None
    typical_p: PositiveFraction | None = None
    use_cache: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters that are set, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    def build_settings(
        self, net: "PreTrainedModel | None", defaults: Mapping[str, Any] = MappingProxyType({})
    ) -> dict[str, Any]:
        """Return the settings for a network, over its defaults; a 400 for one without effect."""
        settings = self._resolve_sampling(self.to_dict())
        config = getattr(net, "generation_config", None)
        # transformers ignores these two with a warning unless it searches with several beams.
        beams = (
            settings.get("num_beams")
            or defaults.get("num_beams")
            or getattr(config, "num_beams", 1)
        )
        for name in _BEAM_PARAMETERS:
            if name in settings and beams in (None, 1):
                raise bad_request(f"{name} has no effect without num_beams above 1.", name)
        return {**defaults, **settings}

    def _resolve_sampling(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Turn sampling on where a parameter implies it, and off at temperature 0."""
        # transformers rejects temperature 0, which other servers read as greedy decoding.
        if settings.get("temperature") == 0:
            if self.do_sample:
                raise bad_request(
                    "Temperature 0 turns sampling off; leave out do_sample.", "do_sample"
                )
            del settings["temperature"]
            settings["do_sample"] = False
        sampling = [name for name in _SAMPLING_PARAMETERS if name in settings]
        if sampling and settings.get("do_sample") is False:
            raise bad_request(f"{sampling[0]} has no effect without sampling.", sampling[0])
        return settings | {"do_sample": True} if sampling else settings
