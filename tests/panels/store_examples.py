"""Store the embedded engine's answers to the tasks' examples, for panels without a token.

`python -m tests.panels.store_examples` writes hfwidgets/panels/form/example_answers.json. With
`--speak` the engine's voice first records hfwidgets/tasks/speech.mp3 again.
"""

import base64
import datetime
import io
import json
import sys
import time
from typing import Any

import httpx
import soundfile

from hfwidgets import engine_process
from hfwidgets.core.flow import Blocking, Infer
from hfwidgets.media import Media
from hfwidgets.panels.form.example_answers import ANSWERS_FILE
from hfwidgets.tasks import TASKS, BaseTask, examples

LEFT_OUT = {"chat-completion": "it has a panel of its own"}
LARGEST = 12_000
"""The longest answer that is stored, in characters."""


def example_call(task: BaseTask) -> Infer:
    """Return the call of a task's example."""
    flow = task.flow(None, **examples.make_arguments(task.example))
    step: Any = next(flow)
    while not isinstance(step, Infer):
        assert isinstance(step, Blocking)
        step = flow.send(step.call())
    return step


def ask_engine(http: httpx.Client, task: BaseTask) -> dict[str, Any] | None:
    """Return the engine's answer; None if it has none that is short JSON."""
    ask = example_call(task)
    parameters = {name: value for name, value in ask.options.items() if value is not None}
    inputs = {"data": ask.inputs} if task.domain == "tabular" else ask.inputs
    body: dict[str, Any] = {"json": {"inputs": inputs, "parameters": parameters}}
    if isinstance(inputs, Media) and parameters:
        body["json"]["inputs"] = base64.b64encode(inputs.read()).decode()
    elif isinstance(inputs, Media):
        body = {"content": inputs.read(), "headers": {"content-type": inputs.mime or ""}}
    try:
        reply = http.post(f"/models/default/pipeline/{task.name}", **body)
    except TypeError:  # an image inside a JSON body: providers write it, each in its way
        print(f"{task.name}: left out")
        return None
    kind = reply.headers.get("content-type", "")
    if reply.status_code != 200 or "json" not in kind or len(reply.text) > LARGEST:
        print(
            f"{task.name}: left out ({reply.status_code}, {kind}, {len(reply.text):,} characters)"
        )
        return None
    if not reply.json():
        print(f"{task.name}: left out, nothing was found")
        return None
    on = datetime.datetime.now().astimezone().date().isoformat()
    model = reply.headers.get("x-inference-model")
    return {"model": model, "on": on, "raw": reply.json()}


def running() -> engine_process.EngineState:
    """Return the running engine, started if necessary."""
    engine_process.start_engine()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = engine_process.find_running()
        if found is not None:
            return found
        time.sleep(0.1)
    raise SystemExit("The engine did not start.")


def speak(http: httpx.Client) -> None:
    """Record the spoken example with the engine's voice."""
    reply = http.post(
        "/models/default/pipeline/text-to-speech", json={"inputs": examples.SPEECH_TEXT}
    )
    samples, rate = soundfile.read(io.BytesIO(reply.raise_for_status().content))
    soundfile.write(examples.SPEECH_FILE, samples, rate, format="MP3", compression_level=0.6)
    size = examples.SPEECH_FILE.stat().st_size
    print(f"{len(samples) / rate:.1f} s at {rate} Hz, {size:,} bytes")


def main() -> None:
    found = engine_process.find_running() or running()
    kept: dict[str, Any] = {}
    with httpx.Client(
        base_url=found.url, headers={"authorization": f"Bearer {found.key}"}, timeout=120
    ) as http:
        if "--speak" in sys.argv:
            speak(http)
        for name, task in TASKS.items():
            made = None if name in LEFT_OUT else ask_engine(http, task)
            if made:
                kept[name] = made
    lines = [f"{json.dumps(n)}: {json.dumps(v, ensure_ascii=False)}" for n, v in kept.items()]
    ANSWERS_FILE.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
    print(f"{len(kept)} answers, {ANSWERS_FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
