"""The next step that an error proposes, in a form that a button can carry out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ActionName = Literal[
    "sign_in",
    "run_locally",
    "choose_provider",
    "choose_model",
    "install_set",
    "retry",
    "open_url",
]


WEIGHT_SETS = ("light", "standard", "full")
"""The sets of weights that the embedded engine can install."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step that would help, by its name and with what it needs.

    Attributes:
        name: What to do:
            `sign_in`: enter a token or key.
            `run_locally`: repeat the call with provider='local'.
            `choose_provider`, `choose_model`: repeat it with another one.
            `install_set`: install weights of the embedded engine; `set` is one of `WEIGHT_SETS`.
            `retry`: repeat it unchanged; `seconds` is the pause before, where one is known.
            `open_url`: open a page of a service; `url` is its address, always https.
        arguments: What the step needs, as texts.
    """

    name: ActionName
    arguments: Mapping[str, str] = field(default_factory=dict)
