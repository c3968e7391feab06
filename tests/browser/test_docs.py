"""The documentation: it builds without warnings, has every public name, and its search answers."""

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import hfwidgets
from hfwidgets.magics.hf_magic import SUBCOMMANDS
from hfwidgets.magics.options import FLAGS
from hfwidgets.tasks import TASKS
from tests.plugins.frontend import AXE

ROOT = Path(__file__).parents[2]

QUESTIONS = {
    "install": "docs/install",
    "api key": "docs/providers",
    "my own endpoint": "docs/servers",
    "ollama": "docs/servers",
    "run offline": "docs/offline",
    "gguf": "docs/custom-models",
    "stop paying twice": "docs/pay-once",
    "million rows": "docs/million-rows",
    "write a test": "docs/recordings",
    "publish notebook": "docs/publish",
    "where tokens go": "docs/privacy",
    "coming from openai": "docs/from-openai",
    "colab": "docs/environments",
    "error 429": "docs/troubleshooting",
}
"""What newcomers search for, and the page that answers it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once, from the saved outputs of the notebooks, with warnings as errors."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-c", "notebooks/docs", "notebooks"]
    done = subprocess.run(
        [sys.executable, *command, "-d", str(folder.parent / "doctrees"), str(folder)],
        cwd=ROOT,
        env={**os.environ, "DOCS_EXECUTE": "off"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def inventory(site: Path) -> str:
    """Return the lines of the site's inventory: one per documented object."""
    data = (site / "objects.inv").read_bytes()
    return zlib.decompress(data.split(b"\n", 4)[4]).decode()


def text(site: Path, page: str) -> str:
    return re.sub(r"<[^>]+>", "", (site / f"{page}.html").read_text("utf-8")).replace("&amp;", "&")


def test_every_public_name_is_described(site: Path) -> None:
    described = set(re.findall(r"^hfwidgets\.(\w+) py:", inventory(site), re.MULTILINE))
    assert set(hfwidgets.__all__) - described == set()


def test_every_task_option_and_command_is_described(site: Path) -> None:
    tasks, magics = text(site, "docs/reference-tasks"), text(site, "docs/reference-magics")
    assert [name for name, task in TASKS.items() if f"{task.method}(" not in tasks] == []
    assert [name for flag in FLAGS for name in flag.names if name not in magics] == []
    assert [name for name in SUBCOMMANDS if f"%hf {name}" not in magics] == []


def test_links_lead_to_pages_and_headings(site: Path) -> None:
    broken = []
    for page in site.rglob("*.html"):
        html = page.read_text("utf-8")
        for target in re.findall(r'href="([^"]+)"', html):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target) or path.startswith("_static/"):
                continue
            file = (page.parent / path.partition("?")[0]).resolve() if path else page
            ids = file.read_text("utf-8") if file.suffix == ".html" and file.is_file() else ""
            if not file.is_file() or (
                anchor and file.suffix == ".html" and f'id="{anchor}"' not in ids
            ):
                broken.append((page.name, target))
    assert broken == []


def watch_requests(page: Page) -> list[str]:
    """Return the list of addresses outside the site that a page will ask for."""
    outside: list[str] = []
    page.on(
        "request",
        lambda seen: seen.url.startswith(("file:", "data:", "blob:")) or outside.append(seen.url),
    )
    return outside


def test_the_search_answers(site: Path, page: Page) -> None:
    outside = watch_requests(page)
    first = page.locator("#search-results .search li a").first
    for question, answer in QUESTIONS.items():
        page.goto(f"{(site / 'search.html').as_uri()}?q={question}")
        expect(first).to_have_attribute("href", re.compile(rf"^{answer}\.html"))
    assert outside == []


PAGES = ("index", "tour", "docs/servers", "docs/reference-batch", "docs/reference-magics", "search")
SCHEMES = {
    "light": (PAGES, {}),
    "dark": (("tour", "evaluate", "docs/reference-batch"), {"runOnly": ["color-contrast"]}),
}
"""Pages of each kind, and what axe-core checks; only colors depend on the scheme."""


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_are_accessible_and_load_nothing(site: Path, browser: Browser, scheme: Any) -> None:
    pages, options = SCHEMES[scheme]
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    found = []
    for name in pages:
        page = context.new_page()
        outside = watch_requests(page)
        page.goto((site / f"{name}.html").as_uri())
        page.add_script_tag(path=AXE)
        violations = page.evaluate(
            "async (options) => (await axe.run(options)).violations", options
        )
        found += [
            f"{name}: {one['id']}, {len(one['nodes'])} times: {one['nodes'][0]['html'][:200]}"
            for one in violations
        ]
        assert outside == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        page.close()
    context.close()
    assert not found, "\n".join(found)
