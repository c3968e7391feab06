"""The magics in a real ipykernel, as JupyterLab drives it."""

import pytest
from nbclient.exceptions import CellExecutionError


def outputs(book, cell, kind):
    return [out for out in book.cells[cell].outputs if out.output_type == kind]


def test_a_streamed_answer_ends_as_one_static_output(notebook, loopback):
    loopback.pause = 0.15
    book = notebook(f"%%infer {loopback.url}\nSay hello.")
    [shown] = outputs(book, 1, "display_data")
    assert shown.data["text/plain"] == "Hello, **world**."
    assert "<strong>world</strong>" in shown.data["text/html"]
    assert len(book.cells[1].outputs) == 1
    assert loopback.bodies[0]["messages"] == [{"role": "user", "content": "Say hello."}]


def test_the_output_s_metadata_names_its_origin(notebook, loopback):
    book = notebook(f"%%infer {loopback.url} --temperature 0.5\nSay hello.")
    [shown] = outputs(book, 1, "display_data")
    metadata = shown.metadata["hfwidgets"]
    assert metadata["task"] == "chat-completion"
    assert metadata["params"] == {"temperature": 0.5}
    assert metadata["input"].startswith("sha256:")
    assert "seconds" not in metadata


def test_an_assigned_answer_is_not_shown(notebook, loopback):
    book = notebook(
        f"%%infer answer << {loopback.url}\nSay hello.",
        "print(answer.text, answer.usage.total_tokens)",
        f"%%infer shown= << {loopback.url}\nSay hello.",
        f"line = %infer -m {loopback.url} Say hello.",
        "print(line.text)",
        f"for word in ('a', 'b'):\n    %infer -m {loopback.url} {{{{ word }}}}",
        "print(_.text)",
    )
    assert book.cells[1].outputs == []
    assert book.cells[2].outputs[0].text == "Hello, **world**. 8\n"
    assert len(outputs(book, 3, "display_data")) == 1
    assert book.cells[4].outputs == []
    assert book.cells[5].outputs[0].text == "Hello, **world**.\n"
    assert len(outputs(book, 6, "display_data")) == 2
    assert [body["messages"][0]["content"] for body in loopback.bodies[-2:]] == ["a", "b"]


def test_run_all_stops_at_a_failed_call(notebook, loopback):
    loopback.status = 401
    with pytest.raises(CellExecutionError) as caught:
        notebook(f"%%infer {loopback.url}\nSay hello.", "print('never')")
    assert caught.value.ename == "AuthenticationError"
    assert "on strike" in caught.value.evalue


def test_a_failure_is_shown_as_one_message(notebook, loopback):
    loopback.status = 401
    book = notebook(f"%%infer {loopback.url}\nSay hello.", allow_errors=True)
    [error] = outputs(book, 1, "error")
    assert len(error.traceback) == 1
    assert "AuthenticationError" in error.traceback[0]
    assert len(error.traceback[0].splitlines()) < 6


def test_a_dry_run_sends_nothing(notebook, loopback):
    book = notebook(
        f"%%infer {loopback.url} -n\nSay hello.",
        "import os\nos.environ['HF_TOKEN'] = 'hf_' + 'x' * 30",
        "%infer -n -p hf-inference -m a/b hi",
        "del os.environ['HF_TOKEN']",
    )
    shown = book.cells[1].outputs[0].data["text/plain"]
    assert loopback.requests == []
    assert f"POST {loopback.url}/v1/chat/completions" in shown
    assert "Say hello." in shown
    routed = book.cells[3].outputs[0].data["text/plain"]
    assert "authorization: …" in routed
    assert "hf_xxx" not in str(book)
