"""Which model is best for my data: several models, the same rows, honest statistics.

    import hfwidgets as hf

    found = hf.evaluate("text-classification", df, ["local", "org/model"], label="sentiment")
    found                                   # a verdict, a table, the rows on which models differ
    found.plot(), found.confusion(), found.disagreements(), found.rescore(metrics="macro_f1")

`evaluate` asks (`rows`, `sampling`, `candidates`, `answers`, `ask_rows`, `budget`), `evaluation`
scores (`labels`, `predictions`, `row_scoring`, the metrics, `judge`), `statistics` says which
differences are real, and `report` shows it.
"""

from hfwidgets.evaluation.candidates import Candidate
from hfwidgets.evaluation.evaluation import Evaluation
from hfwidgets.evaluation.judge import Judge
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.run import aevaluate, evaluate
from hfwidgets.evaluation.scores import Score, ScoredRow
from hfwidgets.evaluation.statistics import Estimate, Pair

__all__ = [
    "Candidate",
    "Estimate",
    "Evaluation",
    "Judge",
    "Metric",
    "Pair",
    "Score",
    "ScoredRow",
    "aevaluate",
    "evaluate",
]
