"""`InferenceApi`, the field's first client, for code that still has it.

`MIGRATION.md` beside this file has the way to `InferenceClient` in a table.
"""

import logging
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.model_info import fetch_model_info
from hfwidgets.calls.offers import HubModelInfo
from hfwidgets.client import InferenceClient
from hfwidgets.core.flow import Flow
from hfwidgets.errors.user_warnings import warn
from hfwidgets.results import files
from hfwidgets.results.posted import RawResponse
from hfwidgets.tasks import TASKS

log = logging.getLogger("hfwidgets")


class InferenceApi:
    """One model of hf-inference, to be called; `InferenceClient` is its successor.

    Args:
        repo_id: The model's id on the Hub.
        task: Its task, where it is not the one that the Hub names.
        token: A Hub token; left out, the machine's.
        gpu: Taken and ignored: the service chooses.

    Raises:
        ConfigurationError: The Hub names no task for the model and none was passed, or it is
            one that nobody knows.
    """

    def __init__(
        self,
        repo_id: str,
        task: str | None = None,
        token: str | None = None,
        gpu: bool = False,
        *,
        client: InferenceClient | None = None,
    ) -> None:
        warn(
            "InferenceApi is outdated: use InferenceClient (MIGRATION.md in hfwidgets says how).",
            DeprecationWarning,
        )
        self._client = client or InferenceClient(provider="hf-inference", token=token)
        self.repo_id = repo_id
        pipeline = self._client._run(None, self._fetch_info()).pipeline_tag
        self.task: str = _resolve_task(repo_id, task, pipeline)

    def __call__(
        self,
        inputs: Any = None,
        params: dict[str, Any] | None = None,
        data: Any = None,
        raw_response: bool = False,
    ) -> Any:
        """Ask the model.

        Args:
            inputs: A text, a list or a dict, by the model's task.
            params: More parameters.
            data: The body as bytes or a file instead of inputs.
            raw_response: Whether to return the answer as it is.

        Returns:
            A picture for an image, what the JSON says for JSON, bytes as `Posted` when asked for.
        """
        body = {"inputs": inputs, "parameters": params}
        given = {name: value for name, value in body.items() if value}
        json = given if data is None else None
        answer = self._client.post(json=json, data=data, model=self.repo_id, task=self.task)
        return answer if raw_response else _decode_answer(answer)

    def __repr__(self) -> str:
        return f"InferenceApi({self.repo_id!r}, task={self.task!r})"

    def _fetch_info(self) -> Flow[HubModelInfo]:
        return (yield from fetch_model_info(self.repo_id, self._client._caller.settings))


def _resolve_task(model: str, task: str | None, pipeline: str | None) -> str:
    if task is None and pipeline is None:
        raise errors.ConfigurationError(f"The Hub names no task for {model}: pass task=.")
    if task is not None and task not in TASKS and task != pipeline:
        raise errors.UnknownTaskError(
            f"There is no task {task!r}.{errors.did_you_mean(task, TASKS)}"
        )
    if task is not None and pipeline is not None and task != pipeline:
        log.warning("%s is a model for %s; it is asked for %s.", model, pipeline, task)
    return task or str(pipeline)


def _decode_answer(answer: RawResponse) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind.startswith("image/"):
        return files.extract_image(bytes(answer))
    if kind == "application/json":
        return answer.json()
    raise NotImplementedError(
        f"The answer is {kind or 'of no named type'}: pass raw_response=True and read it yourself."
    )
