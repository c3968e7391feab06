"""Ten chat panels in one notebook, and how often they send."""

import bisect

TEN = """import hfwidgets as hf
from IPython.display import display
panels = [hf.chat(base_url={url!r}) for _ in range(10)]
display(*panels)"""

# The kernel's own times: how fast messages arrive says more about the machine.
LISTEN = """() => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  window.sent = [];
  kernel.iopubMessage.connect((_, { header }) => window.sent.push([header.msg_type, header.date]));
}"""

CAP = 200
"""Messages a second of all panels together."""


def busiest(times: list[float]) -> int:
    """The most messages within any one second."""
    times = sorted(times)
    return max(at + 1 - bisect.bisect_left(times, then - 1) for at, then in enumerate(times))
