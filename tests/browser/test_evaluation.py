"""Comparisons and the rows of an evaluation, by keyboard and for screen readers."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.jupyter import Notebook
from tests.browser.stage import Stage
from tests.browser.test_panels import faults, stage

__all__ = ["stage"]

Open = Callable[..., Notebook]

ROWS = """
import hfwidgets as hf

rows = [{"text": f"{word} {at}", "mood": word} for at, word in enumerate(["good", "bad"] * 3)]
found = hf.evaluate(
    "text-classification",
    rows,
    [
        hf.Candidate(lambda text: text.split()[0], name="keyword"),
        hf.Candidate(lambda _: "good", name="constant"),
    ],
    label="mood",
    column="text",
    progress=False,
)
panel = hf.browse(found)
panel
"""


def test_rows_are_walked_with_the_arrow_keys(notebook: Open, page: Page) -> None:
    book = notebook([ROWS])
    panel = book.panel
    expect(panel).to_contain_text("Row 1 · 1 of 3")
    expect(panel.locator(".hfw-column").nth(1)).to_contain_text("✗ wrong (read as good)")
    panel.get_by_role("button", name="Next row").focus()
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("Row 3 · 2 of 3")
    expect(panel.locator("[role=status]")).to_contain_text("Row 3, 2 of 3: keyword ✓ right")
    panel.get_by_label("Rows to show").select_option("all rows (6)")
    expect(panel).to_contain_text("Row 0 · 1 of 6")
    panel.get_by_role("button", name="keyword is better").click()
    expect(panel.locator(".hfw-vote[aria-pressed=true]")).to_have_text("✓ keyword is better")
    panel.get_by_label("The right answer").fill("bad")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("Right answer: bad")
    expect(panel.locator(".hfw-column").first).to_contain_text("✗ wrong")
    assert faults(page) == []
    book.save()
    saved = json.dumps(json.loads(book.path.read_text())["cells"][0]["outputs"])
    assert "Right answer: bad" in saved
    assert "accuracy" in saved


def test_a_task_is_compared_and_voted_on(notebook: Open, stage: Stage, page: Page) -> None:
    url = stage.url("object-detection")
    models = [f"{url}?first", f"{url}?second"]
    code = f"panel = hf.compare({models!r}, task='object-detection')\npanel"
    book = notebook([f"import hfwidgets as hf\n{code}"])
    book.panel.locator(".hfw-example").first.click()
    expect(book.panel.locator(".hfw-column img")).to_have_count(2)
    expect(book.panel).to_contain_text("objects are found by all models")
    vote = book.panel.get_by_role("button", name="Same")
    vote.focus()
    page.keyboard.press("Enter")
    chosen = book.panel.locator(".hfw-vote[aria-pressed=true]")
    expect(chosen).to_have_text("✓ Same")
    expect(chosen).to_be_focused()
    assert faults(page) == []


MAPPED = """
import hfwidgets as hf

rows = [{"text": f"{word} {at}", "mood": word} for at, word in enumerate(["good", "bad"] * 3)]
words = {"good": "LABEL_1", "bad": "Bad"}
found = hf.evaluate(
    "text-classification",
    rows,
    [
        hf.Candidate(lambda text: words[text.split()[0]], name="numbered"),
        hf.Candidate(lambda text: f"It is {text}", name="wordy"),
    ],
    label="mood",
    column="text",
    progress=False,
)
panel = hf.browse(found)
panel
"""


def test_labels_are_mapped_by_keyboard_and_words_are_marked(notebook: Open, page: Page) -> None:
    book = notebook([MAPPED])
    panel = book.panel
    table = panel.get_by_role("table", name="numbered")
    expect(table.get_by_role("row", name="Bad")).to_contain_text("name")
    choice = panel.get_by_label("Label of LABEL_1 of numbered")
    expect(choice).to_have_value("none")
    choice.focus()
    page.keyboard.press("ArrowDown")
    expect(table.get_by_role("row", name="LABEL_1")).to_contain_text("your mapping")
    expect(choice).to_be_focused()
    scores = panel.get_by_role("row", name="numbered 1.000")
    expect(scores).to_be_visible()
    # More than the color tells the words of one answer only.
    added = panel.locator(".hfw-marked ins").first
    expect(added).to_have_css("text-decoration-line", "underline")
    assert faults(page) == []
