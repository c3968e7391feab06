"""Text, table and chat panels in JupyterLab: what their users do apart from running a task."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, ask
from tests.browser.jupyter import Notebook
from tests.browser.stage import Stage
from tests.plugins.loopback import Answer, Loopback

Chat = Callable[..., Notebook]


@pytest.fixture
def stage(loopback: Loopback) -> Stage:
    return Stage(loopback)


def opened(notebook: Open, code: str, *cells: str) -> Notebook:
    """A notebook with one panel, made by `code`, and more cells."""
    book = notebook([f"import hfwidgets as hf\npanel = {code}\npanel", *cells], run=False)
    book.run(0)
    book.panel.wait_for()
    return book


def press(book: Notebook, name: str) -> None:
    book.panel.get_by_role("button", name=name, exact=True).click()


def more(book: Notebook, name: str) -> None:
    """Choose an item of the menu in the panel's last line."""
    press(book, "More")
    book.panel.get_by_role("menuitem", name=name).click()


def try_example(book: Notebook) -> None:
    book.panel.locator(".hfw-example").first.click()
    done(book)


def done(book: Notebook) -> None:
    expect(book.panel.locator(".hfw-is-done")).to_be_visible()


def test_examples_masks_and_code(notebook: Open, stage: Stage, page: Page) -> None:
    book = opened(notebook, f"hf.panel('fill-mask', base_url={stage.url('fill-mask')!r})", "words")
    text = book.panel.get_by_role("textbox", name="Text")
    examples = book.panel.get_by_role("group", name="Examples").get_by_role("button")
    examples.nth(0).focus()
    page.keyboard.press("Tab")
    expect(text).to_have_value("She poured a cup of [MASK] and sat down by the window.")
    text.focus()
    expect(text).to_have_value("")
    examples.last.focus()
    page.keyboard.press("Enter")
    done(book)
    expect(text).to_have_value("The opposite of hot is [MASK].")
    press(book, "Insert <mask>")
    expect(text).to_have_value("The opposite of hot is <mask>.")
    expect(book.panel.locator(".hfw-sentence mark")).to_have_text("Paris")
    press(book, "Code")
    book.panel.get_by_role("button", name="huggingface_hub").click()
    expect(book.panel.locator(".hfw-raw")).to_contain_text("client.fill_mask(")
    press(book, "Insert below")
    cells = page.locator(".jp-CodeCell")
    expect(cells).to_have_count(3)
    expect(cells.nth(1)).to_contain_text("from huggingface_hub import InferenceClient")
    more(book, "Send to a variable")
    book.panel.get_by_label("Name of the variable").fill("words")
    page.keyboard.press("Enter")
    expect(book.panel.locator(".hfw-extras")).to_contain_text("words is now the last result")
    book.run(2)
    expect(book.output(2)).to_contain_text("Paris")


def test_entities_are_filtered_and_listed(notebook: Open, stage: Stage) -> None:
    book = opened(
        notebook,
        f"hf.panel('token-classification', base_url={stage.url('token-classification')!r})",
    )
    try_example(book)
    spans = book.panel.locator(".hfw-span")
    expect(spans).to_have_count(2)
    expect(spans.first).to_have_text("Marie CuriePER")
    spans.first.focus()
    expect(book.panel.locator(".hfw-legend > li").nth(1)).to_have_class("hfw-dim")
    press(book, "PER 1")
    expect(spans).to_have_text(["WarsawLOC"])
    press(book, "Table")
    expect(book.panel.locator(".hfw-span-view tbody tr:visible")).to_have_text(
        ["WarsawLOC0.9002329"]
    )


def test_texts_go_on_and_languages_swap(notebook: Open, stage: Stage) -> None:
    book = opened(
        notebook, f"hf.panel('text-generation', base_url={stage.url('text-generation')!r})"
    )
    try_example(book)
    prompt = book.panel.get_by_role("textbox", name="Prompt")
    press(book, "Continue")
    expect(prompt).to_have_value("Once upon a time, on a small island, there was a lighthouse.")
    done(book)
    expect(book.panel.locator(".hfw-given")).to_contain_text("lighthouse.")
    press(book, "Undo")
    expect(prompt).to_have_value("Once upon a time, on a small island,")
    expect(book.panel.locator(".hfw-made")).to_have_text(" there was a lighthouse.")


def test_a_table_is_changed_and_put_back(notebook: Open, stage: Stage, page: Page) -> None:
    url = stage.url("table-question-answering")
    table = "{'town': ['Riga', 'Oslo'], 'people': [605000, 709000]}"
    book = opened(
        notebook,
        f"hf.panel('table-question-answering', base_url={url!r}, table={table})",
        "print(panel.inputs['table'])",
    )
    book.panel.get_by_role("columnheader").first.hover()
    press(book, "Remove column town")
    cell = book.panel.get_by_role("textbox", name="people, row 1")
    cell.fill("1e3")
    cell.press("Enter")
    expect(book.panel.get_by_role("textbox", name="people, row 2")).to_be_focused()
    press(book, "Add row")
    book.run_until(1, "{'people': [1000.0, 709000, None]}")
    press(book, "Reset")
    expect(book.panel.get_by_role("textbox", name="town, row 2")).to_have_value("Oslo")
    expect(cell).to_have_value("605000")
    paste = """(cell, text) => {
      const data = new DataTransfer(); data.setData('text/plain', text);
      cell.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }"""
    cell.evaluate(paste, "1\n2\n3\n")
    expect(book.panel.get_by_role("textbox", name="people, row 3")).to_have_value("3")
    csv = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"age;name\n36;Ada\n"}
    book.panel.locator("input[type=file]").set_input_files(csv)
    expect(book.panel.get_by_role("textbox", name="name, row 1")).to_have_value("Ada")
    press(book, "Reset")
    expect(cell).to_have_value("605000")


def test_sentences_are_compared_with_each_other(notebook: Open, stage: Stage) -> None:
    answer = lambda seen: Answer(json=[0.5] * len(seen.json()["inputs"]["sentences"]))  # noqa: E731
    stage.loopback.route("POST", "/sentence-similarity", answer)
    book = opened(
        notebook, f"hf.panel('sentence-similarity', base_url={stage.url('sentence-similarity')!r})"
    )
    try_example(book)
    press(book, "Compare each with each")
    rows = book.panel.locator(".hfw-likeness tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("1 The ferry leaves at noon.")


def test_a_panel_without_a_token_shows_a_kept_answer(notebook: Open) -> None:
    book = opened(notebook, "hf.text()")
    expect(book.panel.get_by_role("note")).to_contain_text("not signed in")
    try_example(book)
    expect(book.panel.locator(".hfw-status")).to_contain_text("a stored answer, nothing was sent")
    expect(book.panel.locator(".hfw-scores")).to_contain_text("POSITIVE")


def test_a_chats_tools(chat: Chat, page: Page, tmp_path: object) -> None:
    book = chat("from PIL import Image\nboat = Image.new('RGB', (40, 30), 'red')")
    book.run(1)
    ask(book, "rich")
    expect(book.panel.locator(".hfw-is-done")).to_be_visible()
    insert = book.panel.get_by_role("button", name="Insert below as a cell")
    insert.first.click()
    expect(page.locator(".jp-CodeCell")).to_have_count(3)
    more(book, "Save the result")
    with page.expect_download() as saved:
        press(book, "Save as JSON")
    assert saved.value.suggested_filename == "conversation.json"
    path = saved.value.path()
    press(book, "Clear the conversation")
    expect(book.panel.locator(".hfw-turn")).to_have_count(0)
    book.panel.get_by_label("Conversation to open").set_input_files(path)
    expect(book.panel.locator(".hfw-turn")).to_have_count(2)
    pick = book.panel.get_by_role("combobox", name="Use a notebook variable")
    book.panel.get_by_role("textbox", name="Message").click()
    expect(pick).to_be_visible()
    pick.select_option("boat")
    expect(book.panel.get_by_role("button", name="Remove boat")).to_be_visible()
    press(book, "Code")
    expect(book.panel.locator(".hfw-raw")).to_contain_text("client.chat_completion(")


def test_narrow_panels_keep_everything_inside(notebook: Open, stage: Stage, page: Page) -> None:
    page.set_viewport_size({"width": 520, "height": 900})
    book = opened(
        notebook,
        f"hf.panel('token-classification', base_url={stage.url('token-classification')!r})",
    )
    book.panel.evaluate("node => (node.style.width = '400px')")
    try_example(book)
    outside = """node => [...node.querySelectorAll('button, input, select, textarea')]
      .filter(one => one.checkVisibility())
      .filter(one => one.getBoundingClientRect().right > node.getBoundingClientRect().right + 1)
      .map(one => one.ariaLabel || one.textContent)"""
    assert book.panel.evaluate(outside) == []


def test_a_result_stands_next_to_its_input_and_is_marked_when_it_is_old(
    notebook: Open, stage: Stage
) -> None:
    book = opened(
        notebook,
        f"hf.panel('text-classification', base_url={stage.url('text-classification')!r})",
        "print(panel.inputs['text'], panel.result[0].label)",
    )
    form, result = book.panel.locator(".hfw-form"), book.panel.locator(".hfw-result")
    expect(result).to_have_text("Labels and their scores will appear here.")
    try_example(book)
    expect(result.locator(".hfw-top-label")).to_have_text("calm75%")
    expect(result.get_by_text("From the previous input")).to_have_count(0)
    left, right = form.bounding_box(), result.bounding_box()
    assert left
    assert right
    assert (right["y"], right["x"] > left["x"] + left["width"]) == (left["y"], True)
    book.panel.evaluate("node => (node.style.width = '700px')")
    left, right = form.bounding_box(), result.bounding_box()
    assert left
    assert right
    assert right["y"] > left["y"] + left["height"]
    text = book.panel.get_by_role("textbox", name="Text")
    before = text.input_value()
    text.fill("Another text.")
    expect(result.get_by_text("From the previous input")).to_be_visible()
    text.fill(before)
    expect(result.get_by_text("From the previous input")).to_have_count(0)
    press(book, "Clear")
    expect(text).to_have_value("")
    expect(result).to_have_text("Labels and their scores will appear here.")
    book.run(1)
    expect(book.output(1)).to_contain_text("None calm")
