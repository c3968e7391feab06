"""Map the wire's sampling parameters to llama.cpp's, with defaults that suit small models."""

import random
from typing import Annotated, Any

import msgspec

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Penalty = Annotated[float, msgspec.Meta(ge=-2, le=2)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
TokenCount = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Seed = Annotated[int, msgspec.Meta(ge=0)]
ChoiceCount = Annotated[int, msgspec.Meta(ge=1, le=8)]
TopCount = Annotated[int, msgspec.Meta(ge=0, le=20)]

# A model of this size is most often right when it takes the likeliest token; at the usual
# temperature of 1 it writes nonsense. Found by trial.
GREEDY_TEMPERATURE, VARIED_TEMPERATURE = 0.0, 0.4
DEFAULT_TOP_P = 0.9
_SEED_COUNT = 2**32 - 1  # llama.cpp reads the largest 32-bit number as "choose a seed"


class SamplingParameters(msgspec.Struct, kw_only=True):
    """Sampling parameters that OpenAI's routes share, with those that other servers add."""

    n: ChoiceCount = 1
    temperature: Temperature | None = None
    top_p: Fraction = DEFAULT_TOP_P
    top_k: Annotated[int, msgspec.Meta(ge=0)] | None = None
    min_p: Fraction | None = None
    seed: Seed | None = None
    stop: str | Annotated[list[str], msgspec.Meta(max_length=16)] = []
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=4)] | None = None
    logit_bias: dict[str, Annotated[float, msgspec.Meta(ge=-100, le=100)]] | None = None

    def to_llama_settings(self, index: int = 0) -> dict[str, Any]:
        """Return llama.cpp's settings for answer number `index` of `n`."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop
        chosen = {
            # At temperature 0 all answers would be the same, and a seed without effect.
            "temperature": choose_temperature(
                self.temperature, varied=self.n > 1 or self.seed is not None
            ),
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "seed": choose_seed(self.seed, index),
            # An empty text occurs everywhere, so it would end an answer at its start.
            "stop": [text for text in stops if text],
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "repeat_penalty": self.repetition_penalty,
            "logit_bias": self.logit_bias,
        }
        return {name: value for name, value in chosen.items() if value is not None}


def choose_temperature(requested: float | None, *, varied: bool) -> float:
    """Return the requested temperature, or a default that is above 0 only for varied answers."""
    if requested is not None:
        return requested
    return VARIED_TEMPERATURE if varied else GREEDY_TEMPERATURE


def choose_seed(requested: int | None, index: int = 0) -> int:
    """Return the seed for answer number `index`: the requested one plus the index, or a random
    one."""
    # Answers of one request must differ from each other and still repeat with the same seed.
    if requested is None:
        return random.randrange(_SEED_COUNT)  # noqa: S311
    return (requested + index) % _SEED_COUNT
