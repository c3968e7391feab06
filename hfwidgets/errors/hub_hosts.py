"""The hosts that belong to the Hugging Face Hub."""

HUB_HOSTS = ("huggingface.co", "hf.co")
"""The Hub itself; its router and its services are subdomains of it."""

HOSTED_DOMAINS = (".huggingface.co", ".hf.space", ".endpoints.huggingface.cloud")
"""Where the Hub runs its services, and Spaces and Inference Endpoints of its users."""

ENDPOINTS_DOMAIN = ".endpoints.huggingface.cloud"


def is_hub_host(host: str) -> bool:
    """True for a host of the Hub's own: `huggingface.co`, `router.huggingface.co`, `hf.co`."""
    return _normalize(host).endswith(tuple(f".{name}" for name in HUB_HOSTS)) or _is_hub(host)


def is_trusted_host(host: str) -> bool:
    """True for a host that may get a token found on this machine: the Hub's, or run by it."""
    return _is_hub(host) or _normalize(host).endswith(HOSTED_DOMAINS)


def is_endpoint_host(host: str) -> bool:
    """True for the host of an Inference Endpoint, or of their control plane."""
    return _normalize(host).endswith(ENDPOINTS_DOMAIN)


def _is_hub(host: str) -> bool:
    return _normalize(host) in HUB_HOSTS


def _normalize(host: str) -> str:
    return host.rstrip(".").lower()
