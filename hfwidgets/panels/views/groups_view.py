"""Several lists of results, such as those of several masks."""

from collections.abc import Iterable

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import MAX_ROWS, ViewContext
from hfwidgets.panels.views.parts import result_html
from hfwidgets.panels.views.registry import register_view


class GroupsView(View, tag="groups", kw_only=True):
    """A view per list."""

    groups: list[View]


def render_groups(view: GroupsView, result: Iterable[object]) -> str:
    """Render each list with its own HTML."""
    return "".join(map(result_html, result))


@register_view(GroupsView, priority=65, render_static=render_groups)
def build_groups(result: object, context: ViewContext, name: str) -> GroupsView | None:
    """Build the view of a list of lists, none of them empty."""
    if not isinstance(result, list) or not result:
        return None
    if not all(isinstance(item, list) and item for item in result):
        return None
    return GroupsView(groups=[context.build_view(item, name) for item in result[:MAX_ROWS]])
