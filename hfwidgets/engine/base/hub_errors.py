"""Name the exceptions with which huggingface_hub fails."""


def hub_error_types() -> tuple[type[Exception], ...]:
    """Return the exceptions of a failed request to the Hub: its refusals and lost connections."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # Lost connections come as errors of its HTTP library, which is httpx up to version 1 and httpx2
    # from version 2 on; its own errors derive from them.
    [http_error] = [base for base in HfHubHTTPError.__bases__ if base is not OSError]
    return http_error, HFValidationError, OSError
