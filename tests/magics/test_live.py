"""What a front end sees while a call runs, message by message: updates, Interrupt, Tab, help."""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.plugins.kernels import run_kernel
from tests.plugins.waiting import LIMIT


class Front:
    """A front end of one kernel: sends a cell, and keeps all that came back for it."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.seen: list[dict[str, Any]] = []

    def start(self, code: str) -> str:
        self.seen = []
        return str(self.client.execute(code))

    def until(self, cell: str, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read messages of a cell until one fits."""
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            if message["parent_header"].get("msg_id") != cell:
                continue
            self.seen.append(message)
            if there(message):
                return message

    def idle(self, cell: str) -> list[dict[str, Any]]:
        self.until(cell, lambda m: m["content"].get("execution_state") == "idle")
        return self.seen

    def run(self, code: str) -> list[dict[str, Any]]:
        return self.idle(self.start(code))

    def printed(self, code: str) -> str:
        return "".join(m["content"]["text"] for m in self.run(code) if m["msg_type"] == "stream")


@pytest.fixture(scope="module", params=["7", "6"], ids=["ipykernel 7", "ipykernel 6"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Front]:
    """A kernel of the installed version, and one of the version before."""
    environment = dict(os.environ)
    if request.param == "6":
        before = [str(request.getfixturevalue("ipykernel6")), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, before))
    with run_kernel(env=environment) as manager:
        front = Front(manager)
        version = front.printed("import ipykernel\nprint(ipykernel.version_info[0])")
        assert version == f"{request.param}\n"
        assert not of(front.run("%load_ext hfwidgets"), "error")
        yield front
        front.client.stop_channels()


def plain(message):
    return message["content"].get("data", {}).get("text/plain", "")


def of(messages, *kinds):
    return [message for message in messages if message["msg_type"] in kinds]


def test_an_answer_grows_in_one_output(kernel, loopback):
    loopback.pieces = [f"word{n} " for n in range(60)]
    loopback.hold = True
    cell = kernel.start(f"%%infer {loopback.url}\ngo")
    kernel.until(cell, lambda m: plain(m) == "word0 ")
    loopback.hold = False
    shown = of(kernel.idle(cell), "display_data", "update_display_data")
    texts = [plain(message) for message in shown]
    # On a slow machine a placeholder comes first; from the first word on the text only grows.
    while texts[0] == "…":
        del texts[0]
    assert texts[0] == "word0 "
    assert shown[0]["msg_type"] == "display_data"
    assert {m["msg_type"] for m in shown[1:]} == {"update_display_data"}
    assert len({m["content"]["transient"]["display_id"] for m in shown}) == 1
    assert texts[-1] == loopback.text
    assert all(after.startswith(before) for before, after in pairwise(texts))


@pytest.mark.parametrize(
    "code",
    [
        "with out:\n    %infer -m {url} go",
        "with ipywidgets.Output(), out:\n    %infer -m {url} go",
        "@out.capture()\ndef ask():\n    %infer -m {url} go\nask()",
        "with out:\n    %infer --compare {url},{url}/ go",
        "with out:\n    rows = hf.map('chat-completion', ['a', 'b'], client=client)",
    ],
)
def test_an_output_widget_gets_one_final_form(kernel, loopback, code):
    """Its front end applies no updates, so an answer would stay at its first piece."""
    loopback.pieces, loopback.pause = [f"word{n} " for n in range(8)], 0.1
    kernel.run("import ipywidgets\nimport hfwidgets as hf\nout = ipywidgets.Output()")
    kernel.run(f"client = hf.InferenceClient({loopback.url!r})")
    messages = kernel.run(code.format(url=loopback.url))
    assert not of(messages, "error", "update_display_data")
    [shown] = of(messages, "display_data")
    assert "…" not in plain(shown)
    assert "word7" in plain(shown) or "done 2 of 2" in plain(shown)
    later = of(kernel.run(f"%infer -m {loopback.url} go"), "display_data", "update_display_data")
    assert len(later) > 1, "outside of the widget the answer grows again"


def test_an_interrupt_keeps_the_partial_answer(kernel, loopback):
    loopback.pieces = ["kept text", " never seen"]
    loopback.hold = True
    cell = kernel.start(f"%%infer answer= << {loopback.url}\ngo")
    following = kernel.start(f"%%infer {loopback.url}\ngo")
    kernel.until(cell, lambda m: plain(m) == "kept text")
    kernel.manager.interrupt_kernel()
    [error] = of(kernel.idle(cell), "error")
    assert error["content"]["ename"] == "KeyboardInterrupt"
    assert len(error["content"]["traceback"]) == 1
    shown = of(kernel.seen, "update_display_data")[-1]
    assert plain(shown) == "kept text\nstopped"
    assert shown["content"]["metadata"]["hfwidgets"]["stopped"] is True
    assert loopback.left.wait(LIMIT), "the connection was not closed"
    aborted = kernel.client.get_shell_msg(timeout=LIMIT)
    while aborted["parent_header"]["msg_id"] != following:
        aborted = kernel.client.get_shell_msg(timeout=LIMIT)
    assert aborted["content"]["status"] == "aborted", "Run All went on after the interrupt"
    assert kernel.printed("print(answer.text, '|', _.text)") == "kept text | kept text\n"


def test_a_background_call_leaves_the_kernel_free(kernel, loopback):
    loopback.hold = True
    kernel.run(f"%%infer run << {loopback.url} --bg\ngo")
    assert kernel.printed("print(run.done(), run)").startswith("False <Run ")
    assert loopback.seen.wait(LIMIT)
    loopback.hold = False
    assert kernel.printed("print(run.result(30).text)") == f"{loopback.text}\n"
    loopback.hold = True
    loopback.seen.clear()
    kernel.run(f"%%infer run << {loopback.url} --bg\ngo")
    assert loopback.seen.wait(LIMIT)
    assert "Stopped:" in kernel.printed("%hf runs stop all")
    assert kernel.printed("print(run.state, run.result(30))").startswith("stopped ")
    assert loopback.left.wait(LIMIT)


def test_an_interrupt_ends_each_and_keeps_finished_rows(kernel, loopback):
    loopback.most = 2
    kernel.run("words = ['a', 'b', 'c', 'd']")
    cell = kernel.start(
        f"%%infer rows << {loopback.url} --each $words --concurrency 1\nSay {{{{ row }}}}"
    )
    kernel.until(cell, lambda m: "done 2 of 4" in plain(m))
    kernel.manager.interrupt_kernel()
    [error] = of(kernel.idle(cell), "error")
    assert error["content"]["ename"] == "KeyboardInterrupt"
    loopback.released.set()
    printed = kernel.printed("print([row.state for row in rows])")
    assert printed == "['done', 'done', 'pending', 'pending']\n"


def test_an_interrupt_ends_a_comparison_and_keeps_partial_answers(kernel, loopback):
    loopback.hold = True
    cell = kernel.start(f"%%infer both= << --compare {loopback.url}/a,{loopback.url}/b\nHi")
    kernel.until(
        cell, lambda m: m["content"].get("data", {}).get("text/html", "").count("Hello") == 2
    )
    kernel.manager.interrupt_kernel()
    [error] = of(kernel.idle(cell), "error")
    assert error["content"]["ename"] == "KeyboardInterrupt"
    assert plain(of(kernel.seen, "update_display_data")[-1]).endswith("stopped")
    loopback.hold = False
    assert kernel.printed("print([row.answer for row in both])") == "['Hello', 'Hello']\n"


@pytest.fixture(scope="module")
def session(kernel):
    """The kernel with variables, an alias and a recently used model."""
    kernel.run("import pandas\nframe = pandas.DataFrame({'a': [1]})")
    kernel.run("options = {'top_k': 2}\nnumber = 3")
    kernel.run("%hf alias known org/m:local\n%infer -q -n -m org/model-a -p local hi")
    kernel.run(
        "from hfwidgets.notebook import current_session\n"
        "current_session().remember_model('org/model-a')"
    )
    return kernel


def completions(kernel, code):
    kernel.client.complete(code, len(code))
    while True:
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
        if reply["msg_type"] == "complete_reply":
            return reply["content"]


@pytest.mark.parametrize(
    ("code", "expected", "start"),
    [
        ("%infer --tempe", ["--temperature"], 7),
        ("%infer -t table-q", ["table-question-answering"], 10),
        ("%%infer -p loc", ["local"], 11),
        ("%%infer kno", ["known"], 8),
        ("%infer -m org/mod", ["org/model-a"], 10),
        ("%infer -m org/model-a:loc", ["org/model-a:local"], 10),
        ("%infer -P temp", ["temperature="], 10),
        ("%infer -t fill-mask -P top", ["top_k="], 23),
        ("%infer -t token-classification -P aggregation_strategy=si", ["simple"], 55),
        ("%infer --params $op", ["$options"], 16),
        ("%infer -t table-question-answering -i $", ["$options", "$frame"], 38),
        ("%hf auth who", ["whoami"], 9),
        ("%hf models --ta", ["--task"], 11),
        ("%hf recordings re", ["record", "replay"], 15),
        ("%infer --each $fr", ["$frame"], 14),
        ("%infer --each $frame:", ["a"], 21),
        ("%infer --compare kno", ["known"], 17),
        ("%infer --compare known,org/mod", ["org/model-a"], 23),
        ("%infer --conc", ["--concurrency"], 7),
        ("%infer -f ima", ["image"], 10),
        ("x = 1\n%infer --see", ["--seed"], 13),
    ],
)
def test_tab_completes_options_models_and_variables(session, code, expected, start):
    found = completions(session, code)
    assert sorted(found["matches"]) == sorted(expected)
    assert (found["cursor_start"], found["cursor_end"]) == (start, len(code))


def test_tab_completes_nothing_in_a_prompt_and_elsewhere(kernel):
    for code in ("%infer tell me --te", "%%infer x\n--te", "y = '%infer --te"):
        assert "--temperature" not in completions(kernel, code)["matches"]


def test_help_shows_usage_and_options(kernel):
    for code in ("%infer -h", "%hf help"):
        assert "MODEL" in kernel.printed(code)
    for code in ("%infer?", "%%infer?"):
        cell = kernel.start(code)
        kernel.idle(cell)
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
        while reply["parent_header"].get("msg_id") != cell:
            reply = kernel.client.get_shell_msg(timeout=LIMIT)
        [page] = reply["content"]["payload"]
        assert "%%infer [VAR <<" in page["data"]["text/plain"]
        assert "--temperature" in page["data"]["text/plain"]


def test_insert_puts_code_into_the_next_cell(kernel, loopback):
    loopback.pieces = ["Here:\n```python\nprint(1)\n```\nDone."]
    cell = kernel.start(f"%%infer {loopback.url} -f code --insert\ngo")
    kernel.idle(cell)
    reply = kernel.client.get_shell_msg(timeout=LIMIT)
    while reply["parent_header"].get("msg_id") != cell:
        reply = kernel.client.get_shell_msg(timeout=LIMIT)
    [payload] = reply["content"]["payload"]
    assert (payload["source"], payload["text"]) == ("set_next_input", "print(1)")
    assert plain(of(kernel.seen, "display_data", "update_display_data")[-1]) == "print(1)"
