"""The Hub's own serverless inference."""

from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Flow
from hfwidgets.providers._hub import HubProvider
from hfwidgets.providers._openai import SchemaRewriter
from hfwidgets.providers._provider import ROUTER, Address, Hosts, bearer_headers

EMBEDDING_TASKS = frozenset({"feature-extraction", "sentence-similarity"})
"""Tasks that the same models serve: the path says which of them is meant."""


class HfInferenceProvider(HubProvider):
    """Below the router with and without a token; `HF_INFERENCE_ENDPOINT` names another base."""

    uses_recommended_models = True
    unserved_tasks = frozenset({"image-to-video", "text-to-video"})

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """Return the address of hf-inference."""
        yield from ()
        own = hosts.address_of(self.name, f"{hosts.router}/{self.name}", "HF_INFERENCE_ENDPOINT")
        headers = bearer_headers(token.value) if token else {}
        return Address(own, headers, routed=token is not None and token.is_hub_token)

    def task_path(self, task: str, model: str) -> str:
        """Return the model's path; for embeddings, which share models, that of the task."""
        pipeline = f"/pipeline/{task}" if task in EMBEDDING_TASKS else ""
        return f"/models/{model}{pipeline}"

    def chat_path(self, model: str) -> str:
        """Return the chat route of a model."""
        return f"/models/{model}/v1/chat/completions"

    def schema_rewriter(self) -> SchemaRewriter:
        """Return what writes a JSON schema as text-generation-inference expects it."""
        return lambda schema: {"type": "json_object", "value": schema["schema"]}


provider = HfInferenceProvider(f"{ROUTER}/hf-inference", anonymous=True, mapped=False)
