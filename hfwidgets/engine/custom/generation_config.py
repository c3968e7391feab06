"""How models write: the wire's parameters of a generation, as `generate` takes them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.http_errors import bad

Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Least = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Above = Annotated[float, msgspec.Meta(gt=0, le=1)]

_DRAWING = ("temperature", "top_k", "top_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
_BEAMS = ("early_stopping", "length_penalty")


class Writing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The parameters of a generation; what a model of its kind does not have is refused."""

    do_sample: bool | None = None
    early_stopping: bool | Literal["never"] | None = None
    epsilon_cutoff: Share | None = None
    eta_cutoff: Share | None = None
    length_penalty: float | None = None
    max_length: Count | None = None
    max_new_tokens: Count | None = None
    min_length: Least | None = None
    min_new_tokens: Least | None = None
    no_repeat_ngram_size: Least | None = None
    num_beams: Annotated[int, msgspec.Meta(ge=1, le=32)] | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    top_k: Count | None = None
    top_p: Above | None = None
    typical_p: Above | None = None
    use_cache: bool | None = None

    def asked(self) -> dict[str, Any]:
        """What is set, by name."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    def settings(self, net: Any, usual: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """The settings for a network over its usual ones; a 400 for one without effect."""
        asked = self._drawn(self.asked())
        config = getattr(net, "generation_config", None)
        beams = asked.get("num_beams") or usual.get("num_beams") or getattr(config, "num_beams", 1)
        for name in _BEAMS:
            if name in asked and beams in (None, 1):
                raise bad(f"{name} has no effect without num_beams above 1.", name)
        return {**usual, **asked}

    def _drawn(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The settings with sampling on where one of them means it, off at temperature 0."""
        if asked.get("temperature") == 0:
            if self.do_sample:
                raise bad("At temperature 0 nothing is drawn; leave out do_sample.", "do_sample")
            del asked["temperature"]
            asked["do_sample"] = False
        drawing = [name for name in _DRAWING if name in asked]
        if drawing and asked.get("do_sample") is False:
            raise bad(f"{drawing[0]} has no effect where nothing is drawn.", drawing[0])
        return asked | {"do_sample": True} if drawing else asked
