"""`InferenceApi`, the first client of the Hub, for code that still uses it.

`MIGRATION.md` next to this file shows the way to `InferenceClient` in a table.
"""

import logging
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.model_info import fetch_model_info
from hfwidgets.client import InferenceClient
from hfwidgets.errors.user_warnings import warn
from hfwidgets.results import files
from hfwidgets.results.posted import RawResponse
from hfwidgets.tasks import TASKS

log = logging.getLogger("hfwidgets")


class InferenceApi:
    """Call one model of hf-inference; `InferenceClient` is the successor.

    Args:
        repo_id: The model's id on the Hub.
        task: Its task, if it differs from the Hub's.
        token: A Hub token; left out, the machine's.
        gpu: Ignored: the service chooses.

    Raises:
        ConfigurationError: The Hub does not name a task for the model and none was passed.
        UnknownTaskError: The task does not exist.
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
            "InferenceApi is outdated: use InferenceClient (see MIGRATION.md in hfwidgets).",
            DeprecationWarning,
        )
        self._client = client or InferenceClient(provider="hf-inference", token=token)
        self.repo_id = repo_id
        pipeline = self._client._run(
            None, fetch_model_info(repo_id, self._client._caller.settings)
        ).pipeline_tag
        self.task: str = _resolve_task(repo_id, task, pipeline)

    def __call__(
        self,
        inputs: object = None,
        params: dict[str, Any] | None = None,
        data: object = None,
        raw_response: bool = False,
    ) -> Any:
        """Call the model.

        Args:
            inputs: A text, a list or a dict, depending on the model's task.
            params: More parameters.
            data: The body as bytes or a file instead of inputs.
            raw_response: Return the answer unchanged.

        Returns:
            A PIL image for an image, parsed JSON for JSON; a `RawResponse` with `raw_response`.
        """
        body = {"inputs": inputs, "parameters": params}
        given = {name: value for name, value in body.items() if value}
        json = given if data is None else None
        answer = self._client.post(json=json, data=data, model=self.repo_id, task=self.task)
        return answer if raw_response else _decode_answer(answer)

    def __repr__(self) -> str:
        return f"InferenceApi({self.repo_id!r}, task={self.task!r})"


def _resolve_task(model: str, task: str | None, pipeline: str | None) -> str:
    if task is None and pipeline is None:
        raise errors.ConfigurationError(f"The Hub does not name a task for {model}: pass task=.")
    if task is not None and task not in TASKS and task != pipeline:
        raise errors.UnknownTaskError(f"Unknown task {task!r}.{errors.did_you_mean(task, TASKS)}")
    if task is not None and pipeline is not None and task != pipeline:
        log.warning("%s is a model for %s; it is called for %s.", model, pipeline, task)
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
