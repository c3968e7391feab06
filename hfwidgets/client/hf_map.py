"""`hf.map`: many rows through one task, with a client created for the call."""

from hfwidgets import errors
from hfwidgets.batch import BatchResult, MapOptions, accepts_map_options, run_map
from hfwidgets.client.clients import InferenceClient


@accepts_map_options.function
def map(  # noqa: A001 - the name that users know
    options: MapOptions, client: InferenceClient | None = None, provider: str | None = None
) -> BatchResult:
    """Run a task on each of many rows.

    Pass `client=` to use an existing `InferenceClient`, or `provider=` for a new one, as
    `InferenceClient` accepts it. All other arguments are those of `client.map`.

    An interrupt (Stop) ends the run and returns the finished rows; with `on_error="raise"` it is
    raised. AuthenticationError and PaymentRequiredError are raised while no row is done; later they
    end the run with a warning.
    """
    if client is None:
        client = InferenceClient(provider=provider)
    if not isinstance(client, InferenceClient):
        raise errors.ConfigurationError(
            f"client is an InferenceClient; it is {type(client).__name__}."
        )
    return run_map(client._caller, options)
