"""The built front end in pages of other hosts: strict policies, shadow roots, mixed themes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import hfwidgets as hf
from hfwidgets.panels.chat_panel import ChatPanel
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image

STATIC = Path(hf.__file__).parent / "static"
LIST = "1. one\n2. two\n\n- three"
HOST = """<!doctype html><meta charset="utf-8"><style>{style}</style><div id="host"></div>
<script type="module" src="/host.js"></script>"""
SCRIPT = """import panels from "/static/panel.js";
const start = %s, hosts = %d, shadow = %s;
const bytes = async path => new DataView(await (await fetch(path)).arrayBuffer());
function model() {
  let take = () => undefined;
  return {
    get: name => name === "_hfw_start" ? start : 0, set() {}, save_changes() {}, off() {},
    on(name, callback) {
      const before = take;
      if (name === "msg:custom") take = (...all) => { before(...all); callback(...all); };
    },
    async send({ k, name, id, seq }) {
      const hash = start.shape.chunks[name];
      if (k === "chunk") take({ k, name, hash }, [await bytes(`/static/${name}.js`)]);
      else if (k === "media") take({ k, id, type: "image/png" }, [await bytes("/media")]);
      else if (k === "hello") take({ k: "ops", seq, ops: [] }, []);
    },
  };
}
for (let n = 0; n < hosts; n++) {
  const el = document.createElement("div"), host = document.querySelector("#host");
  host.append(el);
  const root = shadow ? el.attachShadow({ mode: "open" }) : el;
  if (shadow) root.innerHTML = "<style>ol, ul { list-style: none }</style>";
  const place = document.createElement("div");
  root.append(place);
  panels.render({ model: model(), el: place });
}
"""

Show = Callable[..., Locator]


@pytest.fixture
def panel() -> Iterator[ChatPanel]:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    question = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}
    made = hf.chat(
        base_url="http://127.0.0.1:9/v1",
        messages=[question, {"role": "assistant", "content": LIST}],
    )
    yield made
    made.close()


@pytest.fixture
def show(loopback: Loopback, page: Page, panel: ChatPanel) -> Show:
    """`show(...)` opens a page with the chat panel and returns the panels in it."""

    def open_page(
        style: str = "", policy: str = "", count: int = 1, shadow: bool = False, **state: Any
    ) -> Locator:
        start = panel._hfw_start
        start["doc"] = {**panel._hfw_mirror.get()}
        start["doc"]["state"] = {**start["doc"]["state"], **state}
        script = SCRIPT % (json.dumps(start), count, json.dumps(shadow))
        served = {path.name: path.read_bytes() for path in STATIC.glob("*.js")}
        kinds = {"content-type": "text/javascript"}
        for name, body in served.items():
            loopback.route("GET", f"/static/{name}", Answer(body=body, headers=kinds))
        loopback.route("GET", "/media", Answer(body=encode_image()))
        loopback.route("GET", "/host.js", Answer(body=script.encode(), headers=kinds))
        rules = {"content-security-policy": policy} if policy else {}
        html = HOST.format(style=style).encode()
        headers = {"content-type": "text/html", **rules}
        loopback.route("GET", "/", Answer(body=html, headers=headers))
        page.goto(f"{loopback.url}/")
        return page.locator(".hfw")

    return open_page


def test_images_show_where_the_policy_allows_blobs_for_scripts_only(show: Show) -> None:
    policy = "default-src 'self'; script-src 'self' blob:; style-src 'unsafe-inline'"
    shown = show(policy=f"{policy}; img-src 'self' data:")
    expect(shown.locator(".hfw-turn img")).not_to_have_js_property("naturalWidth", 0)
    shown.locator("input[type=file]").first.set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": encode_image()}
    )
    expect(shown.locator(".hfw-thumb img")).not_to_have_js_property("naturalWidth", 0)


def test_panels_in_shadow_roots_keep_their_names_and_lists(show: Show) -> None:
    shown = show(count=2, shadow=True)
    expect(shown).to_have_count(2)
    names = {one.get_attribute("aria-label") for one in shown.all()}
    assert names == {"Chat panel", "Chat panel 2"}
    for tag, mark in (("ol", "decimal"), ("ul", "disc")):
        expect(shown.first.locator(f".hfw-md {tag}")).to_have_css("list-style-type", mark)


@pytest.mark.parametrize(
    ("back", "text", "color"),
    [("#1e1e1e", "#000", "rgb(230, 237, 243)"), ("#fff", "#ddd", "rgb(31, 35, 40)")],
)
def test_colors_of_two_themes_do_not_mix(show: Show, back: str, text: str, color: str) -> None:
    style = f":root {{ --vscode-editor-background: {back}; --jp-content-font-color1: {text} }}"
    expect(show(style=style)).to_have_css("color", color)


def test_a_host_of_fixed_height_scrolls(show: Show) -> None:
    style = "#host { display: flex; flex-direction: column; height: 120px; overflow: auto }"
    shown = show(style=f"{style} #host div {{ display: contents }}")
    expect(shown.get_by_label("Message", exact=True)).to_be_attached()
    inside: Any = shown.evaluate("node => node.clientHeight")
    assert inside > 200
    assert shown.page.evaluate("host.scrollHeight > host.clientHeight")


def test_a_stop_that_is_not_heard_says_how_to_interrupt(show: Show) -> None:
    shown = show(status="running", inCell=True)
    shown.get_by_role("button", name="Stop").click()
    expect(shown.locator(".hfw-note")).to_contain_text("interrupt the kernel")
