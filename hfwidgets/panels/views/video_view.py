"""A video with a player; the page sends back its first frame for where no video plays."""

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.registry import register_view
from hfwidgets.results.vision import Video


class VideoView(View, tag="video", kw_only=True):
    """The id and MIME type of a video."""

    id: str
    type: str | None


@register_view(VideoView, priority=10)
def build_video(result: object, context: ViewContext, name: str) -> VideoView | None:
    """Build the view of a video."""
    if not isinstance(result, Video):
        return None
    key = context.add_file(name, lambda: (bytes(result), result.mime or "video/mp4"))
    return VideoView(id=key, type=result.mime)
