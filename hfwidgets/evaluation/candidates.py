"""What is evaluated: a model, a provider's model, an endpoint, or a function."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from hfwidgets import errors
from hfwidgets.calls.settings import is_url, redact_model
from hfwidgets.client import InferenceClient
from hfwidgets.errors.excerpt import show_value
from hfwidgets.errors.secrets import hide_url
from hfwidgets.providers import is_embedded

LOCAL = "local"


class Candidate:
    """One entrant of an evaluation.

    Args:
        model: an id, `MODEL:PROVIDER`, a URL, "local" for the embedded engine (`local:NAME` for one
            of its models), or a function, plain or async, from a row's input to an answer; from a
            dict of parameters where rows have several inputs. It returns the answer alone, or a
            result as a client's method does.
        task: the task to call it by, where it differs from the evaluation's, such as
            zero-shot-classification for a text-classification data set.
        name: what tables call it; left out, the model's name.
        client: the client to call it with; left out, the evaluation's.
        parameters: the task's parameters, for this model only.
    """

    def __init__(
        self,
        model: "str | Callable[[Any], Any] | None" = None,
        *,
        task: str | None = None,
        name: str | None = None,
        client: InferenceClient | None = None,
        **parameters: Any,
    ) -> None:
        if model is not None and not isinstance(model, str) and not callable(model):
            raise errors.ConfigurationError(
                f"A candidate is a model's name, a URL or a function, not {type(model).__name__}."
            )
        self.model = hide_url(model) if isinstance(model, str) else model
        self.task = task
        self.client = client
        self.parameters = parameters
        self.name = redact_model(name or _default_name(self.model, task))

    def __repr__(self) -> str:
        return f"Candidate({self.name!r})"

    @property
    def function(self) -> Callable[[Any], Any] | None:
        """The function that answers in place of a model."""
        return self.model if callable(self.model) else None

    @property
    def is_local(self) -> bool:
        """True for the embedded engine, which costs nothing."""
        if self.client is not None and is_embedded(self.client._settings.provider):
            return True
        return isinstance(self.model, str) and (
            self.model == LOCAL or self.model.startswith(f"{LOCAL}:")
        )

    def open_client(self, client: InferenceClient | None) -> tuple[InferenceClient, dict[str, Any]]:
        """Return the client to call and the parameters that name the model."""
        if self.client is not None:
            return self.client, {"model": self.model} if isinstance(self.model, str) else {}
        if self.is_local:
            _, _, model = str(self.model).partition(":")
            return InferenceClient(provider=LOCAL), {"model": model} if model else {}
        if isinstance(self.model, str) and is_url(self.model):
            return InferenceClient(self.model), {}
        given = {"model": self.model} if isinstance(self.model, str) else {}
        return client or InferenceClient(), given


CandidateLike: TypeAlias = "str | Candidate | Callable[[Any], Any]"


def _default_name(model: object, task: str | None) -> str:
    if callable(model):
        return getattr(model, "__name__", type(model).__name__)
    return str(model or task or "default")


def _rename(name: object, given: Any) -> Candidate:
    one = copy.copy(given) if isinstance(given, Candidate) else Candidate(given)
    one.name = redact_model(str(name))
    return one


def to_candidates(models: Any) -> list[Candidate]:
    """Return the entrants, each with a name of its own.

    Raises:
        ConfigurationError: there are none.
    """
    given = [models] if isinstance(models, (str, Candidate)) or callable(models) else models
    if isinstance(given, Mapping):
        given = [_rename(name, one) for name, one in given.items()]
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise errors.ConfigurationError(
            "models must be a list of ids, functions or Candidates, or a dict of these by name; "
            f"it is {show_value(models)}."
        )
    found = [one if isinstance(one, Candidate) else Candidate(one) for one in given]
    if not found:
        raise errors.ConfigurationError("models is empty: name at least one model.")
    # Answers, scores and files are found by name, so no two entrants may share one.
    seen: dict[str, int] = {}
    for one in found:
        seen[one.name] = seen.get(one.name, 0) + 1
        if seen[one.name] > 1:
            one.name = f"{one.name} ({seen[one.name]})"
    return found
