"""Several images at once: a run for each, one after the other, whose results can be shown again."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.document.protocol import EachImage, InputView, SeveralView, View
from hfwidgets.panels.form.inputs import PanelInputs, preview_file
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.history import History
from hfwidgets.tasks import controls


class QueuedImage:
    """An image of several, with its last result.

    Attributes:
        state: "" before its run, then "waiting", "running", "done" or "failed".
        result: the view of its result.
        answered: the inputs that the result answers, as the page has them.
    """

    def __init__(self, value: object, label: str) -> None:
        self.value, self.label = value, label
        self.state = ""
        self.result: View | None = None
        self.answered: Mapping[str, InputView | None] = {}


class SeveralImages(Panel):
    """Adds runs with several images to a task's panel."""

    auto_run: Any
    inputs: PanelInputs
    _hfw_described_inputs: dict[str, InputView | None]
    _hfw_history: History

    _hfw_images: Sequence[QueuedImage] = ()
    _hfw_images_name = ""
    _hfw_images_number = 0
    _hfw_shown_image = 0
    _hfw_is_picking = False
    _hfw_uploaded_images: Mapping[str, QueuedImage] = MappingProxyType({})

    def start(self, *values: Any, **inputs: Any) -> None:
        """Run; returns immediately."""
        raise NotImplementedError

    def start_each(self, images: Iterable[object], name: str | None = None) -> None:
        """Run with each of several images, in order; returns immediately.

        A run that fails does not end the others, and `stop` ends all of them. `results` gets one
        result for each run that has one.

        Args:
            images: images as the task accepts them: bytes, paths, URLs, Pillow's.
            name: the input's name; None is the only image input.

        Raises:
            InputError: there is not exactly one image input, no image was passed, another input is
                missing, or the panel is still running.
        """
        self._hfw_set_images([QueuedImage(image, "") for image in images], name)
        self._hfw_start_several()

    def _hfw_set_images(self, images: Sequence[QueuedImage], name: str | None) -> None:
        self._hfw_require_idle()
        name = name or self._hfw_find_image_input()
        if not images:
            raise errors.InputError("There are no images. Pass at least one.")
        self._hfw_images, self._hfw_images_name = images, name
        self._hfw_images_number += 1
        self._hfw_pick_image(0)

    def _hfw_find_image_input(self) -> str:
        found = [name for name in self.inputs if self._hfw_is_image_input(name)]
        if len(found) != 1:
            raise errors.InputError(
                f"{self.task} has {len(found) or 'no'} image inputs, so several images cannot be "
                "used at once."
            )
        return found[0]

    def _hfw_is_image_input(self, name: str) -> bool:
        control = self.inputs.control_for(name)
        return isinstance(control, controls.MediaInput) and control.kind == "image"

    def _hfw_pick_image(self, at: int) -> None:
        """Make one of the images the input, and show its result."""
        image = self._hfw_images[at]
        self._hfw_shown_image = at
        self._hfw_is_picking = True
        try:
            self.inputs.set_input(self._hfw_images_name, image.value, image.label)
        finally:
            self._hfw_is_picking = False
        if image.result is not None:
            # The input has a new id with every change, so the old description would look stale.
            name = self._hfw_images_name
            answered = {**image.answered, name: self.inputs.describe(name)}
            self._hfw_mirror.set("answered", value=answered)
            self._hfw_mirror.set("result", value=image.result)
        self._hfw_show_images()

    def _hfw_start_several(self) -> bool:
        """Start a run with each of the images; False if there are not several."""
        if not self._hfw_images:
            return False
        self._hfw_require_idle()
        for image in self._hfw_images:
            image.state = "waiting"
        try:
            self._hfw_start_next_image()
        except errors.InputError:
            self._hfw_end_waiting()
            raise
        return True

    def _hfw_start_next_image(self) -> None:
        waiting = (at for at, image in enumerate(self._hfw_images) if image.state == "waiting")
        at = next(waiting, None)
        if at is None:
            return
        self._hfw_pick_image(at)
        self.start()
        self._hfw_images[at].state = "running"
        self._hfw_show_images()

    async def _hfw_end_run(self, run: PanelRun) -> None:
        images, at = self._hfw_images, self._hfw_shown_image
        answered = self._hfw_described_inputs
        await super()._hfw_end_run(run)
        if images is not self._hfw_images or not images:
            return
        image, last = images[at], self._hfw_history.last_item
        image.state = "failed" if run.error else "done" if run.result is not None else ""
        if run.result is not None and last is not None:
            image.result, image.answered = last.view, answered
        self._hfw_show_images()
        try:
            self._hfw_start_next_image()
        except errors.InputError:
            # Another run has begun meanwhile, whose end goes on from here; or an input is missing.
            if not self.busy:
                self._hfw_end_waiting()

    def stop(self) -> None:
        """Stop the current run, and the runs that wait for it; what has arrived stays."""
        self._hfw_end_waiting()
        super().stop()

    def _hfw_end_waiting(self) -> None:
        for image in self._hfw_images:
            if image.state == "waiting":
                image.state = ""
        self._hfw_show_images()

    def _hfw_leave_several(self, name: str) -> None:
        """Forget the images after another image has become the input."""
        if self._hfw_images and name == self._hfw_images_name and not self._hfw_is_picking:
            self._hfw_images = ()
            self._hfw_show_images()

    def _hfw_show_images(self) -> None:
        view = SeveralView(
            name=self._hfw_images_name,
            shown=self._hfw_shown_image,
            images=[
                EachImage(
                    id=f"each.{self._hfw_images_number}.{at}",
                    about=image.label,
                    state=image.state,
                    result=image.result,
                )
                for at, image in enumerate(self._hfw_images)
            ],
        )
        self._hfw_mirror.set("several", value=view if self._hfw_images else None)

    def _hfw_each_file(self, name: str) -> previews.PageFile | None:
        """Return the file `each.<number>.<at>`."""
        _, number, at = name.split(".")
        if number != str(self._hfw_images_number) or int(at) >= len(self._hfw_images):
            return None  # other images have come since
        control = self.inputs.control_for(self._hfw_images_name)
        return preview_file(self._hfw_images[int(at)].value, control)

    # Actions of the page

    def _hfw_take_upload(self, name: str, data: bytes, file: str) -> None:
        image = QueuedImage(data, file)
        self._hfw_uploaded_images = {**self._hfw_uploaded_images, name: image}

    def _hfw_do_each(self, name: str, uploads: Sequence[str]) -> None:
        """Take over several uploaded images, and run with each if `auto_run` is set."""
        uploaded, self._hfw_uploaded_images = self._hfw_uploaded_images, {}
        self._hfw_set_images([uploaded[upload] for upload in uploads], name)
        if self.auto_run:
            with contextlib.suppress(errors.InputError):
                self._hfw_start_several()

    def _hfw_do_pick(self, at: int) -> None:
        self._hfw_require_idle()
        self._hfw_pick_image(range(len(self._hfw_images))[at])

    def _hfw_do_stop(self, run: int) -> None:
        # Between two runs the page may still have the number of the one before.
        if any(image.state == "waiting" for image in self._hfw_images):
            self.stop()
        else:
            super()._hfw_do_stop(run)
