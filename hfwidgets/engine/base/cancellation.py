"""Let a computation in a worker thread stop when its client has gone."""

from anyio import from_thread


def raise_if_cancelled() -> None:
    """Raise the cancellation of the request that this thread computes for, if it was cancelled.

    Python cannot interrupt a thread, so loops over windows, tiles or batches call this once per
    round: the request's slot is free one round after its client left. Outside a worker thread of
    the server it does nothing.
    """
    try:
        from_thread.check_cancelled()
    except RuntimeError:  # not a worker thread
        return
