"""Tools of text, table and chat panels without a browser, on a simulated service."""

import ast
import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import huggingface_hub
import ipywidgets
import pytest
from matplotlib.figure import Figure

import hfwidgets as hf
from hfwidgets import InferenceClient, errors
from hfwidgets.notebook import background_loop, code_snippets
from hfwidgets.panels.form import example_answers
from hfwidgets.panels.form.describe import describe_examples, task_examples
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.panels.views.error_card import MAX_REASON_LENGTH, error_card
from hfwidgets.results.tabular import Predictions
from hfwidgets.tasks import TASKS, examples
from tests.browser.stage import Stage
from tests.panels.conftest import Chat, Open, attach, page, say, settled
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.shells import open_shell
from tests.plugins.waiting import until

TOKEN = "hf_" + "x" * 30


# Examples


@pytest.mark.parametrize("task", TASKS)
def test_every_example_is_a_complete_call(task: str) -> None:
    found = task_examples(TASKS[task])
    assert found
    abouts = describe_examples(found)
    assert all(abouts)
    assert len(set(abouts)) == len(abouts)
    for sample in found:
        TASKS[task].signature.bind(**sample)


def test_another_example_runs_with_its_inputs(panel: Open, stage: Stage) -> None:
    opened = panel("zero-shot-classification")
    [_, second] = page(opened).doc["form"]["examples"]
    say(opened, k="do", do="example", number=1)
    settled(opened)
    sent = stage.loopback.requests[-1].json()
    assert sent["inputs"] == second["preview"]["text"]["value"]
    assert sent["parameters"]["candidate_labels"] == ["politics", "sport", "cooking"]


def test_examples_without_a_token_show_stored_answers(stage: Stage) -> None:
    opened = hf.panel("text-classification")
    assert page(opened).doc["banner"]["why"] == "key"
    say(opened, k="do", do="example", number=0)
    settled(opened)
    assert opened.status == "done"
    assert [row.label for row in opened.result] == ["POSITIVE", "NEUTRAL", "NEGATIVE"]
    stats = page(opened).doc["state"]["stats"]
    assert stats["provider"] == example_answers.STORED_PROVIDER
    assert stats["recorded"]
    assert stage.loopback.requests == []
    say(opened, k="do", do="endpoint", url=stage.url("text-classification"))
    say(opened, k="do", do="example", number=0)
    settled(opened)
    assert opened.result[0].label == "calm", "somebody can be asked now"
    opened.close()


@pytest.mark.parametrize("task", json.loads(example_answers.ANSWERS_FILE.read_text()))
def test_stored_answers_are_typed_results(task: str) -> None:
    result = example_answers.replay_answer(TASKS[task])
    assert result is not None
    assert result.meta.recorded
    assert len(result)


# Words


def test_a_text_is_continued_and_reverted(panel: Open) -> None:
    opened = panel("text-generation", prompt="Once")
    with pytest.raises(errors.InputError, match="no generated text"):
        opened.continue_text()
    opened.run()
    say(opened, k="do", do="continue")
    settled(opened)
    whole = "Once there was a lighthouse."
    assert opened.inputs["prompt"] == whole
    assert page(opened).doc["result"]["prompt"] == whole
    say(opened, k="do", do="undo")
    view = page(opened).doc["result"]
    assert (view["prompt"], view["text"]) == ("Once", " there was a lighthouse.")
    assert opened.inputs["prompt"] == "Once"
    opened.undo()
    assert page(opened).doc["result"] is None
    assert opened.inputs["prompt"] == "Once"


def test_the_tokens_of_a_stream_are_counted(panel: Open) -> None:
    opened = panel("text-generation", prompt="Once")
    opened.run()
    stats = page(opened).doc["state"]["stats"]
    assert (stats["completion"], stats["counted"]) == (4, True)


def test_languages_swap_and_the_translation_becomes_the_text(panel: Open) -> None:
    opened = panel("translation", src_lang="en", tgt_lang="es")
    opened.run(text="The ferry leaves at noon.")
    assert page(opened).doc["result"]["side_by_side"]
    say(opened, k="do", do="swap")
    assert opened.parameters == {"src_lang": "es", "tgt_lang": "en"}
    assert opened.inputs["text"] == "El ferry sale al mediodía."
    with pytest.raises(errors.InputError, match="no languages"):
        panel("summarization").swap()


def test_all_pairs_of_sentences_are_compared(panel: Open, stage: Stage) -> None:
    def likeness(seen: Any) -> Answer:
        return Answer(json=[0.5] * len(seen.json()["inputs"]["sentences"]))

    opened = panel("sentence-similarity", sentence="a", other_sentences=["b", "c", "d"])
    opened.run()
    stage.loopback.route("POST", "/sentence-similarity", likeness)
    say(opened, k="do", do="pairs")
    until(lambda: (page(opened).doc["pairs"] or {}).get("matrix"))
    found = page(opened).doc["pairs"]
    assert found["names"] == ["a", "b", "c", "d"]
    assert found["matrix"][2] == [0.5, 0.5, 1.0, 0.5]
    stage.failing = True
    stage.loopback.route("POST", "/sentence-similarity", Answer(status=400, json={"error": "no"}))
    say(opened, k="do", do="pairs")
    until(lambda: page(opened).doc["state"]["failure"])
    assert page(opened).doc["pairs"] is None


def test_several_masks_are_several_groups(panel: Open, stage: Stage) -> None:
    word = {"score": 0.9, "token": 3, "token_str": "red", "sequence": "a red …"}
    answer = Answer(json=[[word], [{**word, "token_str": "car"}]])
    stage.loopback.route("POST", "/fill-mask", answer)
    opened = panel("fill-mask", text="a [MASK] [MASK]")
    opened.run()
    view = page(opened).doc["result"]
    assert view["kind"] == "groups"
    assert [group["rows"][0]["label"] for group in view["groups"]] == ["red", "car"]
    assert opened._hfw_render_static()[0].count("<table") == 2
    [field] = page(opened).doc["form"]["inputs"]
    assert field["control"]["marks"] == ["[MASK]", "<mask>"]


# What helps


def test_the_request_is_shown_without_the_token(panel: Open, stage: Stage) -> None:
    opened = panel("text-classification", token=TOKEN, text="fine")
    told = opened.request
    assert told.url == stage.url("text-classification")
    assert json.loads(told.content)["inputs"] == "fine"
    assert TOKEN not in repr(told)
    assert stage.loopback.requests == []
    empty = panel("question-answering")
    assert "lamp" in empty.request.body, "what is missing comes from the example"


def test_code_is_written_for_an_empty_form(panel: Open) -> None:
    opened = panel("question-answering")
    say(opened, k="do", do="code")
    until(lambda: page(opened).doc["code"])
    code = page(opened).doc["code"]
    assert list(code) == ["python", "magic", "hub", "curl"]
    assert all("lamp" in text for text in code.values())


@pytest.mark.parametrize("task", TASKS)
def test_code_for_huggingface_hub_is_a_valid_call(task: str) -> None:
    given = TASKS[task].example.items()
    plain = {n: "x.png" if isinstance(v, examples.Example) else v for n, v in given}
    written = code_snippets.to_huggingface_hub(
        code_snippets.CallDraft(task, plain, {"provider": "hf-inference"})
    )
    if task == "zero-shot-object-detection":
        assert written.startswith("# huggingface_hub cannot")
        return
    assert 'api_key=os.environ["HF_TOKEN"]' in written
    call = ast.parse(written).body[-1].value  # type: ignore[attr-defined]
    method = getattr(huggingface_hub.InferenceClient, call.func.attr)
    inspect.signature(method).bind(None, **{word.arg: None for word in call.keywords})


def test_the_engines_models_are_completed(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfwidgets import engine_process

    running = engine_process.EngineState(loopback.url, "key", 1, "0", 0.0)
    monkeypatch.setattr(engine_process, "find_running", lambda: running)
    rows = [
        {"id": "tiny/filler", "tasks": ["fill-mask"], "installed": True},
        {"id": "tiny/talker", "tasks": ["chat-completion"], "installed": True},
    ]
    loopback.route("GET", "/v1/models", Answer(json={"object": "list", "data": rows}))
    opened = TaskPanel("fill-mask", provider="local")
    say(opened, k="do", do="models")
    until(lambda: page(opened).doc["models"])
    assert page(opened).doc["models"] == ["tiny/filler"]
    opened.switch("summarization")
    assert page(opened).doc["models"] == []
    opened.close()


def test_a_result_is_assigned_to_a_variable(panel: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_shell() as shell:
        opened = panel("text-classification", text="fine")
        say(opened, k="do", do="assign", variable="found")
        assert "no result to send yet" in page(opened).doc["state"]["failure"]["text"]
        opened.run()
        say(opened, k="do", do="assign", variable="found")
        assert shell.user_ns["found"] is opened.result
        assert page(opened).doc["sent"].startswith("found is")
        say(opened, k="do", do="assign", variable="not a name")
        assert "not a variable name" in page(opened).doc["state"]["failure"]["text"]


def test_a_panel_links_with_other_widgets(panel: Open) -> None:
    opened = panel("summarization", text="long")
    area, names = ipywidgets.Textarea(), ipywidgets.Text("some/model")
    ipywidgets.link((opened, "value"), (area, "value"))
    ipywidgets.link((names, "value"), (opened, "model"))
    seen: list[str] = []
    opened.observe(lambda change: seen.append(change["new"]), "status")
    opened.run()
    assert area.value == "A lighthouse was built."
    assert opened.model == "some/model"
    assert seen[-1] == "done"


def test_long_errors_show_the_reason_and_the_advice() -> None:
    listing = ", ".join(f"task-{at}" for at in range(60))
    reason, advice = f"It is not served here. It serves {listing}.", "Use another provider."
    shown = error_card(errors.InputError(reason, advice=advice))
    assert shown.text == "It is not served here. Use another provider."
    assert shown.details == f"{reason} {advice}"
    assert len(shown.text) < MAX_REASON_LENGTH
    assert error_card(errors.InputError("Short.")).details == ""


def test_answers_from_a_cache_are_marked(panel: Open, stage: Stage) -> None:
    rows = [{"label": "calm", "score": 0.9}]
    for kind, cached in (("cache", True), ("cpu", False)):
        answer = Answer(json=[rows], headers={"x-compute-type": kind})
        stage.loopback.route("POST", "/text-classification", answer)
        opened = panel("text-classification", text="fine")
        opened.run()
        assert page(opened).doc["state"]["stats"]["cached"] is cached


# Results


def test_results_of_texts_and_tables_plot(panel: Open) -> None:
    assert isinstance(Predictions(["setosa", "setosa", "virginica"]).plot(), Figure)
    for task in ("text-classification", "question-answering", "feature-extraction",
                 "sentence-similarity", "tabular-regression", "token-classification"):  # fmt: skip
        opened = panel(task)
        opened.example()
        assert isinstance(opened.run().plot(), Figure)


# Chat and comparison


def test_a_conversation_is_saved_and_opened(chat: Chat, tmp_path: Path) -> None:
    first = chat(system="Be brief.", temperature=0.5)
    assert page(first).doc["files"] is None
    first.run("hello")
    files = page(first).doc["files"]
    assert [save["label"] for save in files["saves"]] == ["JSON", "Markdown"]
    content, kind = first._hfw_find_media(files["saves"][0]["id"]) or (b"", "")
    assert kind == "application/json"
    other = chat()
    attach(other, "conversation", content)
    assert other.messages == first.messages
    assert other.parameters == {"temperature": 0.5}
    raw, _ = first._hfw_find_media(files["raw"]) or (b"", "")
    assert json.loads(raw)["choices"][0]["message"]["content"] == "You said: hello"
    text = first.export(tmp_path / "talk.md").read_text()
    assert "**You**\n\nhello" in text
    assert text.startswith("**System**\n\nBe brief.")
    attach(other, "conversation", b"{nonsense")
    assert "not a conversation" in page(other).doc["state"]["failure"]["text"]
    assert other.messages == first.messages


def test_chat_has_a_banner_code_and_a_request(chat: Chat) -> None:
    bare = hf.chat()
    assert page(bare).doc["banner"]["local"]
    say(bare, k="do", do="set", provider="local")
    assert page(bare).doc["banner"] is None
    bare.close()
    panel = chat(token=TOKEN)
    panel.run("hello")
    asked = json.loads(panel.request.content)["messages"]
    assert asked == [{"role": "user", "content": "hello"}], "what the answer was an answer to"
    say(panel, k="do", do="code")
    until(lambda: page(panel).doc["code"])
    code = json.dumps(page(panel).doc["code"])
    assert "chat_completion" in code
    assert TOKEN not in code


def test_a_comparison_is_saved_and_shown_as_code(stage: Stage) -> None:
    url = stage.url("chat-completion")
    panel = hf.compare([f"{url}?a", f"{url}?b"], "Waves?", system="Brief.", temperature=0)
    result = asyncio.run(panel.arun())
    kept = page(panel).doc["files"]
    raw, _ = panel._hfw_find_media(kept["raw"]) or (b"", "")
    assert json.loads(raw)[0]["answer"] == "Waves come and go."
    assert {save["label"] for save in kept["saves"]} == {"CSV", "JSON"}
    assert all(panel._hfw_find_media(save["id"]) for save in kept["saves"])
    assert page(panel).doc["state"]["stats"]["seconds"] >= 0
    assert list(result.to_pandas()["model"]) == panel.models
    say(panel, k="do", do="code")
    until(lambda: page(panel).doc["code"])
    assert "hf.compare([" in page(panel).doc["code"]["python"]
    assert "system='Brief.', temperature=0)" in page(panel).doc["code"]["python"]
    panel.close()


def test_a_client_lists_the_engines_models(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfwidgets import engine_process

    running = engine_process.EngineState(loopback.url, "key", 1, "0", 0.0)
    monkeypatch.setattr(engine_process, "find_running", lambda: running)
    rows = [{"id": "tiny/talker", "tasks": ["chat-completion"], "installed": True}]
    loopback.route("GET", "/v1/models", Answer(json={"data": rows}))
    assert [row.id for row in InferenceClient().models(provider="local")] == ["tiny/talker"]
    assert background_loop.list_provider_tasks("local")


# Tables


def test_a_csv_file_is_read_by_the_kernel(panel: Open) -> None:
    opened = panel("table-question-answering")
    piece = {"name": "table", "id": "u", "at": 0, "file": "ages.csv"}
    data = "Name;Age\nZoë;36\n".encode()
    say(opened, [data], k="do", do="upload", total=len(data), **piece)
    assert opened.inputs["table"] == {"Name": ["Zoë"], "Age": [36]}
    assert page(opened).doc["inputs"]["table"]["value"] == {"Name": ["Zoë"], "Age": ["36"]}
    say(opened, [b"\xff\xfe"], k="do", do="upload", total=2, **piece)
    assert "not a text in UTF-8" in page(opened).doc["state"]["failure"]["text"]


def test_cells_of_a_spreadsheet_are_pasted_by_the_kernel(panel: Open) -> None:
    opened = panel("table-question-answering")
    table = [["Name", "Age"], ["Ada", ""]]
    text = "36\n41\n"
    say(opened, k="do", do="paste", name="table", table=table, text=text, row=0, column=1)
    assert opened.inputs["table"] == {"Name": ["Ada", None], "Age": [36, 41]}


# Keys in addresses

KEYED = "https://someone:opaque0123@example.org/v1?version=2&api_key=opaque0123456789"


def test_an_address_with_a_key_is_refused_as_a_model(panel: Open) -> None:
    for make in (
        lambda: hf.chat(model=KEYED),
        lambda: hf.panel("fill-mask", model=KEYED),
        lambda: hf.compare([KEYED, "local"]),
    ):
        with pytest.raises(errors.ConfigurationError, match="contains a key") as caught:
            make()
        assert "opaque" not in str(caught.value)
    opened = panel("fill-mask")
    say(opened, k="do", do="set", model=KEYED)
    failure = page(opened).doc["state"]["failure"]
    assert "contains a key" in json.dumps(failure)
    assert "opaque" not in json.dumps([failure, opened.get_state()], default=str)


def test_a_key_in_an_address_is_neither_in_the_state_nor_in_code() -> None:
    opened = hf.panel("fill-mask", base_url=KEYED, text="A [MASK].")
    say(opened, k="do", do="code")
    code = json.dumps(until(lambda: page(opened).doc["code"]))
    assert code.count("version=2") == 3, "in Python for both clients, and for curl"
    shown = [code, json.dumps(opened.get_state(), default=str), repr(opened)]
    assert "opaque" not in "".join(shown)
    assert "example.org" in shown[1]
