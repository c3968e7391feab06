"""Panels of every task, the magics, and the functions behind %hf, in IPython's shell."""

import contextlib
import io

from IPython.core.interactiveshell import InteractiveShell

import hfwidgets as hf
from hfwidgets.tasks import TASKS
from hfwidgets.testing import answers

failed: dict[str, str] = {}
count = 0
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "hfwidgets")

for name in TASKS:
    try:
        hf.panel(name)._repr_mimebundle_()
    except Exception as error:
        failed[f"panel {name}"] = repr(error)
for name in ("text", "audio", "vision", "chat", "tabular", "multimodal", "playground"):
    try:
        getattr(hf, name)()
    except Exception as error:
        failed[f"hf.{name}"] = repr(error)
hf.compare(["a/b", "c/d"], "Hi")

LINES = [
    "tasks",
    "providers",
    "config",
    "config format=text",
    "alias small a/b",
    "alias",
    "unalias small",
    "chats",
    "runs",
    "usage",
    "code",
    "recordings",
    "doctor",
    "help",
    "auth whoami",
]
with answers(chat_completion="**Hi**", text_classification=[{"label": "A", "score": 1.0}]):
    for line in ("Hi", "-f raw Hi", "-t text-classification Hi", "--each $words {{ row }}", "-h"):
        with contextlib.redirect_stdout(io.StringIO()):
            shell.push({"words": ["a", "b"]})
            try:
                shell.run_line_magic("infer", f"-m a/b {line}")
            except Exception as error:
                failed[f"%infer {line}"] = repr(error)
    for line in LINES:
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                str(shell.run_line_magic("hf", line))
            except hf.HfWidgetsError:
                pass
            except Exception as error:
                failed[f"%hf {line}"] = repr(error)
assert not failed, failed
print("walked", len(TASKS) + len(LINES))
