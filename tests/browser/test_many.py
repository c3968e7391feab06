"""Ten panels in one notebook: all stream at once, within the limits that all of them share."""

import json
from datetime import datetime

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, saving_state
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.browser.ten import CAP, LISTEN, TEN, busiest
from tests.plugins.loopback import Loopback


def test_ten_panels_stream_at_once(notebook: Open, page: Page, talker: Talker) -> None:
    start = "for panel in panels:\n    panel.send('count 300 at 100')"
    book = notebook([TEN.format(url=talker.url), start], run=False)
    book.run(0)
    expect(book.panel).to_have_count(10)
    names = {book.panel.nth(at).get_attribute("aria-label") for at in range(10)}
    assert len(names) == 10, "a screen reader's list of landmarks tells them apart"
    page.evaluate(LISTEN)
    book.run(1)
    for at in range(10):
        expect(book.panel.nth(at).locator(".hfw-details")).to_contain_text("7 + 300 tokens")
    whole = " ".join(f"w{n}" for n in range(300))
    for at in range(10):
        assert book.panel.nth(at).locator(".hfw-md").inner_text().strip() == whole
    sent = page.evaluate("window.sent")
    patches = [kind for kind, _ in sent if kind == "comm_msg"]
    # Ten a second of each panel: about 300, more where a slow machine sends the words for longer.
    assert 20 < len(patches) < 1500, "some, and far fewer than there were words"
    assert busiest([datetime.fromisoformat(date).timestamp() for _, date in sent]) <= CAP


def test_saved_states_are_small_and_hold_no_secret(
    notebook: Open, page: Page, loopback: Loopback
) -> None:
    """One panel of each kind of result, with a token, saved by Lab with their states."""
    stage, secret = Stage(loopback), "sk-secret-1234567"
    names = ["object-detection", "text-to-image", "token-classification", "text-to-speech"]
    cells = ["import hfwidgets as hf\nfrom hfwidgets.tasks import examples, find"]
    for name in [*names, "tabular-classification", "feature-extraction"]:
        cell = f"panel = hf.panel({name!r}, base_url={stage.url(name)!r}, token=token)\npanel"
        cells += [cell, f"panel.run(**examples.make_arguments(find({name!r}).example));"]
    cells[0] += f"\ntoken = 'sk-' + 'secret-' + str({secret[10:]})"
    cells += ["hf.playground(token=token)", "hf.compare(['a', 'b'], token=token)"]
    book = notebook(cells)
    expect(book.panel).to_have_count(8)
    expect(book.panel.locator(".hfw-is-done")).to_have_count(6)
    expect(page.locator(".hfw-static").nth(5)).to_contain_text("64", use_inner_text=False)
    with saving_state(page):
        book.save()
    text = book.path.read_text()
    assert secret not in text
    assert any(secret in seen.headers.get("authorization", "") for seen in loopback.requests)
    saved = json.loads(text)["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]
    models = [model for model in saved["state"].values() if model["model_name"] == "AnyModel"]
    assert len(models) == 8
    assert max(len(json.dumps(model)) for model in models) < 9_000
