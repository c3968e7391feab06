"""Test custom estimators for tables, from skops files."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hfwidgets import InferenceClient
from tests.engine.requests import ask_model, expect_refusal, serve_models
from tests.engine.test_cli import run

pytest.importorskip("skops", reason="skops is not installed (hfwidgets[transformers])")
pd = pytest.importorskip("pandas", reason="pandas is not installed")

SEA = {"wind": [1.0, 2.0, 8.0, 9.0], "waves": [0.0, 1.0, 5.0, 6.0]}
NEW = {"waves": [0, 6], "wind": [1, 9]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a classifier pipeline, a regression and an unsafe estimator."""
    import skops.io
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    root = tmp_path_factory.mktemp("estimators")
    table = pd.DataFrame(SEA)
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    skops.io.dump(classifier.fit(table, ["calm", "calm", "rough", "rough"]), root / "sea.skops")
    (root / "height").mkdir()
    values = [wind + 2 * waves for wind, waves in zip(SEA["wind"], SEA["waves"], strict=True)]
    linear = LinearRegression().fit(table.to_numpy(), values)  # without column names
    skops.io.dump(linear, root / "height" / "model.skops")
    unsafe = make_pipeline(FunctionTransformer(os.path.join), LinearRegression())
    skops.io.dump(unsafe, root / "unsafe.skops")
    return root


@pytest.fixture(scope="module")
def http(root: Path, light_weights: Path) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with the estimators, one of them also for a wrong task."""
    with serve_models(
        f"--model=tabular-regression={root / 'unsafe.skops'}",
        f"--model=tabular-regression={root / 'sea.skops'}",
        f"--model=tabular-regression={root / 'height'}",
        f"--model=tabular-classification={root / 'sea.skops'}",
    ) as client:
        yield client


def test_tabular_classification(http: httpx.Client) -> None:
    path = "/models/default/pipeline/tabular-classification"
    reply = http.post(path, json={"inputs": {"data": NEW}})
    assert reply.json() == ["calm", "rough"]
    assert reply.headers["x-inference-model"] == "sea.skops"


def test_tabular_regression(http: httpx.Client) -> None:
    table = {"wind": [1, 9], "waves": [0, 6]}  # in the order of the fit
    assert ask_model(http, "height", {"table": table}) == pytest.approx([1, 21])
    assert "takes 2 columns, not 1" in expect_refusal(http, "height", {"table": {"wind": [1]}})


def test_unfit_tables_are_refused(http: httpx.Client) -> None:
    for table, message in (
        ({"waves": [0], "winds": [1]}, "needs the column 'wind'; it takes wind, waves"),
        ({"waves": [0], "wind": [1], "tide": [2]}, "has no column 'tide'"),
        ({"waves": [0], "wind": ["strong"]}, "cannot take this"),
        ({"waves": [0, 1], "wind": [1]}, "All columns"),
        ({"waves": [None], "wind": [1]}, "cannot take this"),
    ):
        reply = http.post("/models/sea.skops", json={"inputs": {"table": table}})
        assert reply.status_code == 400, table
        assert message in reply.json()["error"]


def test_unsafe_files_are_not_opened(http: httpx.Client, root: Path) -> None:
    assert "posixpath.join" in expect_refusal(http, "unsafe.skops", {"table": NEW}, 500)
    path = "/models/sea.skops/pipeline/tabular-regression"
    wrong = http.post(path, json={"inputs": {"table": NEW}})
    assert wrong.status_code == 500
    assert "does not support tabular-regression" in wrong.json()["error"]
    (root / "model.pkl").write_bytes(b"")
    done = run("serve", "--port", "0", "--model", f"tabular-regression={root / 'model.pkl'}")
    assert "is a pickle, and opening a pickle can run any code" in done.stderr
    done = run("serve", "--port", "0", "--model", "tabular-regression=someone/something")
    assert "neither a skops file" in done.stderr


def test_our_client(http: httpx.Client) -> None:
    client = InferenceClient(model=f"{http.base_url}/models/sea.skops", token="k")
    assert list(client.tabular_classification(NEW)) == ["calm", "rough"]
