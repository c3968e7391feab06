"""How models write: the wire's parameters of a generation, as `generate` takes them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.http_errors import bad_request

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
    """The parameters of a generation; what a model of its kind does not have is refused."""

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
        """What is set, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    def build_settings(
        self, net: Any, usual: Mapping[str, Any] = MappingProxyType({})
    ) -> dict[str, Any]:
        """The settings for a network over its usual ones; a 400 for one without effect."""
        asked = self._resolve_sampling(self.to_dict())
        config = getattr(net, "generation_config", None)
        beams = asked.get("num_beams") or usual.get("num_beams") or getattr(config, "num_beams", 1)
        for name in _BEAM_PARAMETERS:
            if name in asked and beams in (None, 1):
                raise bad_request(f"{name} has no effect without num_beams above 1.", name)
        return {**usual, **asked}

    def _resolve_sampling(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The settings with sampling on where one of them means it, off at temperature 0."""
        if asked.get("temperature") == 0:
            if self.do_sample:
                raise bad_request(
                    "At temperature 0 nothing is drawn; leave out do_sample.", "do_sample"
                )
            del asked["temperature"]
            asked["do_sample"] = False
        drawing = [name for name in _SAMPLING_PARAMETERS if name in asked]
        if drawing and asked.get("do_sample") is False:
            raise bad_request(f"{drawing[0]} has no effect where nothing is drawn.", drawing[0])
        return asked | {"do_sample": True} if drawing else asked
