"""Providers of other packages, found by their entry points."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, errors, providers
from tests.plugins.loopback import Answer, Loopback, chat_answer

HELLO = [{"role": "user", "content": "Hello"}]

ACME = '''"""Acme's inference: all it takes."""

from hfwidgets.providers import openai_compatible

provider = openai_compatible("https://api.acme.example", "/v1")
'''

Install = Callable[[str, str, str], None]


def forget() -> None:
    for cached in (providers.names, providers.get, providers.plugin_entry_points):
        cached.cache_clear()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lays a package with an entry point on the path, as an installer would."""

    def lay(name: str, target: str, source: str) -> None:
        module = target.partition(":")[0]
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[hfwidgets.providers]\n{name} = {target}\n")
        forget()

    monkeypatch.syspath_prepend(str(tmp_path))
    yield lay
    forget()
    for name in [
        n for n, m in sys.modules.items() if str(tmp_path) in str(getattr(m, "__file__", ""))
    ]:
        del sys.modules[name]


def test_a_provider_in_six_lines(install: Install, loopback: Loopback) -> None:
    install("acme", "acme_inference:provider", ACME)
    assert "acme" in providers.names()
    loopback.route("POST", "/acme/v1/chat/completions", chat_answer("Hi"))
    with InferenceClient(
        "org/model",
        provider="acme",
        token="own-key",
        mapping={"org/model": {"acme": "m"}},
        hosts={"acme": f"{loopback.url}/acme"},
    ) as client:
        out = client.chat_completion(HELLO)
    assert (out.text, out.meta.provider) == ("Hi", "acme")
    assert loopback.requests[0].headers["authorization"] == "Bearer own-key"


ONE_BY_ONE = """
from hfwidgets.providers import Provider, Send, parse_json

provider = Provider("", anonymous=True, mapped=False)


@provider.serves("text-classification")
def classify(request):
    return parse_json((yield Send("POST", "/classify", json={"inputs": request.inputs})))
"""


def test_a_provider_without_lists_is_sent_none(install: Install, loopback: Loopback) -> None:
    install("single", "single_inference:provider", ONE_BY_ONE)
    loopback.route("POST", "/classify", lambda seen: Answer(json=[{"label": "A", "score": 1}]))
    client = InferenceClient("m", provider="single", hosts={"single": loopback.url})
    result = client.map("text-classification", ["a", "b", "c"], progress=False)
    assert result.counts["done"] == 3
    assert sorted(seen.json()["inputs"] for seen in loopback.requests) == ["a", "b", "c"]


def test_ours_are_not_replaced(install: Install) -> None:
    install("groq", "acme_inference:provider", ACME)
    assert providers.get("groq").base == "https://api.groq.com"


def test_a_package_that_is_broken_says_so(install: Install) -> None:
    install("broken", "broken_inference:provider", "raise RuntimeError('no license')")
    with pytest.raises(errors.ConfigurationError, match=r"no license.*Reinstall or remove"):
        InferenceClient(provider="broken")


def test_an_entry_that_is_no_provider(install: Install) -> None:
    install("odd", "odd_inference:provider", "provider = 3")
    with pytest.raises(
        errors.ConfigurationError, match=r"must be a hfwidgets\.providers\.Provider"
    ):
        providers.get("odd")


def test_an_unknown_provider_names_the_nearest() -> None:
    with pytest.raises(errors.UnknownProviderError, match="Did you mean 'together'"):
        InferenceClient(provider="togehter")


def test_no_code_asks_for_the_embedded_engine_by_its_name() -> None:
    package = Path(providers.__file__).parents[1]
    pattern = re.compile(r"""[!=]= ["']local["']|["']local["'] [!=]=|in \([^)]*["']local["']""")
    assert [p for p in package.rglob("*.py") if pattern.search(p.read_text())] == []
    assert [name for name in providers.names() if providers.is_embedded(name)] == ["local"]
    assert not providers.is_embedded("unknown")
    assert not providers.is_embedded(None)
