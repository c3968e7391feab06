"""Every task with both clients: requests, canned answers, results shown, saved and made tables."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import hfwidgets as hf
from hfwidgets.tasks import TASKS, examples
from hfwidgets.testing import answers

failed: dict[str, str] = {}


def note(name: str, call: Callable[[], object], expected: str = "") -> None:
    """Note an error, unless its message is the expected one."""
    try:
        call()
    except (hf.HfWidgetsError, ImportError) as error:
        if not expected or expected not in str(error):
            failed[name] = repr(error)
    except Exception as error:
        failed[name] = repr(error)


def show(result: Any) -> None:
    repr(result)
    if hasattr(result, "_repr_mimebundle_"):
        result._repr_mimebundle_()
    if hasattr(result, "to_pandas"):
        note(f"{type(result).__name__}.to_pandas", result.to_pandas, "pip install pandas")


async def ask(method: str, arguments: dict[str, Any]) -> None:
    async with hf.AsyncInferenceClient("http://127.0.0.1:9/x") as client:
        call: Awaitable[object] = getattr(client, method)(**arguments)
        await call


client = hf.InferenceClient("http://127.0.0.1:9/x")
for task in TASKS.values():
    arguments = examples.make_arguments(task.example)
    note(f"explain {task}", lambda: show(client.explain(task.name, **arguments)))  # noqa: B023
    with answers():
        note(task.name, lambda: getattr(client, task.method)(**arguments), "canned")  # noqa: B023
        note(task.name, lambda: asyncio.run(ask(task.method, arguments)), "canned")  # noqa: B023

with answers(
    chat_completion="**Hi**",
    text_to_image=examples.harbor(),
    feature_extraction=[[1.0]],
    text_classification=[{"label": "A", "score": 1.0}],
    token_classification=[{"entity_group": "PER", "score": 1.0, "word": "A", "start": 0, "end": 1}],
):
    messages = [{"role": "user", "content": "Hi"}]
    client = hf.InferenceClient()
    show(client.chat_completion(messages, model="m"))
    stream = client.chat_completion(messages, model="m", stream=True)
    assert "".join(stream.text_chunks() if hasattr(stream, "text_chunks") else map(str, stream))
    show(client.text_to_image("a boat"))
    show(client.feature_extraction("a"))
    show(client.text_classification("a"))
    found = client.token_classification("A")
    show(found)
    found.save("found.csv")
    found.save("found.json")
assert not failed, failed
print("walked", len(TASKS))
