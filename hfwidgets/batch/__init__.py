"""Many rows through one task: bounded, adapting concurrency, progress, retries, and resuming.

    import hfwidgets as hf

    out = hf.map("text-classification", df["review"], resume="labels.jsonl")
    out.to_pandas()                       # the input table with label, score and error
    out.retry()                           # asks the failed rows again
    client.map("chat-completion", prompts, model=..., max_tokens=50)
    client.map("question-answering", df, column={"question": "q", "context": "text"})
    client.map("image-classification", Path("photos"))
    out = await aclient.map(...)          # or: async for row in aclient.map(...)

How many calls are under way at once is found out: more while all goes well, fewer after 429 and
503, and none while a server asks for a pause. With `resume=` each row is on disk as it ends
(`hfwidgets.batch._journal` says how), and the same call does only the rest, after an interrupt or a
crash alike. `collect=False` keeps no row in memory. Inputs and answers are in that file in clear.
"""

from hfwidgets.batch._batch import Batch, prepare
from hfwidgets.batch._handles import AsyncBatch, run_blocking
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._result import BatchResult, Row
from hfwidgets.batch._source import Columns

__all__ = [
    "AsyncBatch",
    "Batch",
    "BatchResult",
    "Columns",
    "Progress",
    "Row",
    "prepare",
    "run_blocking",
]
