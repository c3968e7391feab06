"""Texts: answers, summaries, translations, and continuations of a prompt."""

from collections.abc import Mapping

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.fields import record_text
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_text
from hfwidgets.results import markdown


class TextView(View, tag="text", kw_only=True):
    """A text; `source` is what it was made from, shown next to it where `side_by_side` is set."""

    text: str
    source: str = ""
    markdown: bool = False
    side_by_side: bool = False


class ContinuationView(View, tag="continuation", kw_only=True):
    """A text that continues a prompt; it is only made while a text streams."""

    prompt: str
    text: str


def render_text(view: TextView, result: object) -> str:
    """Render Markdown; other texts use the HTML of their result."""
    if not view.markdown:
        return ""
    return f'<div dir="auto">{markdown.markdown_to_html(view.text)}</div>'


@register_view(TextView, priority=30, render_static=render_text)
def build_text(result: object, context: ViewContext, name: str) -> TextView | None:
    """Build the view of a text, or of a record that stands for one."""
    source = next(iter(context.input_texts()), "")
    if isinstance(result, str):
        return TextView(text=str(result), source=source)
    if not isinstance(result, Mapping) or (text := record_text(result)) is None:
        return None
    # By fields, since views know no tasks: chat answers have choices, translations their text.
    return TextView(
        text=text,
        source=source,
        markdown="choices" in result,
        side_by_side="translation_text" in result,
        rest=rest_of_text(result),
    )


@register_view(ContinuationView, priority=1000)
def build_continuation(result: object, context: ViewContext, name: str) -> ContinuationView | None:
    """Never build it from a finished result: the panel opens this view when a stream begins."""
    return None
