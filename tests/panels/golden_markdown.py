"""Write the HTML of Markdown texts into the golden file, after it has been checked by eye.

python -m tests.panels.golden_markdown
"""

import json
from pathlib import Path

from hfwidgets.results.markdown import markdown_to_html

PATH = Path(__file__).parent / "golden" / "markdown.json"


def load() -> list[tuple[str, str]]:
    """Return the texts with their HTML."""
    return [(row["text"], row["html"]) for row in json.loads(PATH.read_text("utf-8"))]


def main() -> None:
    """Render all texts of the file again."""
    rows = [{"text": text, "html": markdown_to_html(text)} for text, _ in load()]
    PATH.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
