"""Every snippet of the guide that users come with, run as written after changing the import.

The prompts `>>>` are taken off, and where the guide writes `...` for an input, `INPUT` stands for
it. Each runs with the blocking client and, with `await` before its calls, with the async one.
"""

# ruff: noqa: E501 - the guide's lines stay as they are

import ast
import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, chat_answer, chat_events, events
from tests.plugins.sample_media import encode_image, make_image

TOKEN = "hf_" + "sentinel" * 4
CLIENTS = {"client", "replicate_client", "inference"}
ROUTER = "router.huggingface.co"
HOSTED = f"{ROUTER}/hf-inference/models"
HUB = "huggingface.co"


class Awaited(ast.NodeTransformer):
    """Rewrite code for the async client: calls are awaited, loops wait for items."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == "InferenceClient":
            node.id = "AsyncInferenceClient"
        return node

    def visit_alias(self, node: ast.alias) -> ast.AST:
        if node.name == "InferenceClient":
            node.name = "AsyncInferenceClient"
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        ours = isinstance(root, ast.Name) and root.id in CLIENTS
        return ast.Await(node) if ours else node

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        return ast.AsyncFor(node.target, node.iter, node.body, node.orelse, None)


def code(snippet: str) -> str:
    """Return a snippet's code, importing from hfwidgets."""
    lines = [line.removeprefix(">>> ").removeprefix("... ") for line in snippet.splitlines()]
    return "\n".join(lines).replace("from huggingface_hub import", "from hfwidgets import")


def run(snippet: str, awaited: bool, **names: Any) -> dict[str, Any]:
    """Return the names that a snippet defines; `_` is the value of its last expression."""
    tree = ast.parse(inspect.cleandoc(code(snippet)))
    if awaited:
        tree = Awaited().visit(tree)
    if isinstance(tree.body[-1], ast.Expr):
        tree.body[-1] = ast.Assign([ast.Name("_", ast.Store())], tree.body[-1].value)
    ast.fix_missing_locations(tree)
    space: dict[str, Any] = {"INPUT": "An astronaut", **names}
    made = compile(tree, "<guide>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def inside() -> None:
        outcome = eval(made, space)
        if inspect.isawaitable(outcome):
            await outcome

    if made.co_flags & inspect.CO_COROUTINE:
        asyncio.run(inside())
    else:
        exec(made, space)
    return space


def served(internet: Internet, model: str, task: str, provider: str, name: str) -> None:
    """Let the Hub say that a provider serves a model."""
    offer = {provider: {"status": "live", "providerId": name, "task": task}}
    about = {"id": model, "pipeline_tag": task, "tags": [], "inferenceProviderMapping": offer}
    internet.get(f"{HUB}/api/models/{model}", Answer(json=about))


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def awaited(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture(autouse=True)
def _logged_in(internet: Internet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Log a user in, in an empty folder."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    models = {"text-to-image": "recommended/painter", "text-generation": "recommended/writer",
              "image-classification": "recommended/looker"}  # fmt: skip
    tasks = {task: {"widgetModels": [model]} for task, model in models.items()}
    internet.get(f"{HUB}/api/tasks", Answer(json=tasks))
    for model in models.values():
        internet.post(
            f"{HOSTED}/{model}", Answer(body=encode_image(), headers={"content-type": "image/png"})
        )


def test_getting_started_with_an_image(internet: Internet, awaited: bool) -> None:
    model = "black-forest-labs/FLUX.1-schnell"
    served(internet, model, "text-to-image", "replicate", "black-forest-labs/flux-schnell")
    job = {"id": "p1", "status": "processing", "output": ["https://replicate.delivery/out.png"],
           "urls": {"get": "https://api.replicate.com/v1/predictions/p1"}}  # fmt: skip
    url = "api.replicate.com/v1/models/black-forest-labs/flux-schnell/predictions"
    internet.post(url, Answer(201, json=job))
    internet.get("replicate.delivery/out.png", Answer(body=encode_image()))
    run(
        """
>>> from huggingface_hub import InferenceClient
# Example with an external provider (e.g. replicate)
>>> replicate_client = InferenceClient(
    provider="replicate",
    api_key="my_replicate_api_key",
)
>>> replicate_image = replicate_client.text_to_image(
    "A flying car crossing a futuristic cityscape.",
    model="black-forest-labs/FLUX.1-schnell",
)
>>> replicate_image.save("flying_car.png")
""",
        awaited,
    )
    assert Image.open("flying_car.png").size == make_image().size
    posted = next(seen for seen in internet.seen if seen.method == "POST")
    assert posted.headers["authorization"] == "Bearer my_replicate_api_key"
    assert posted.json()["input"]["prompt"] == "A flying car crossing a futuristic cityscape."


def test_getting_started_with_chat(internet: Internet, awaited: bool) -> None:
    model = "meta-llama/Meta-Llama-3-8B-Instruct"
    served(internet, model, "conversational", "together", "meta-llama/Llama-3-8b-chat-hf")
    internet.post(
        "api.together.xyz/v1/chat/completions", chat_answer("The capital of France is Paris.")
    )
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> messages = [
    {
        "role": "user",
        "content": "What is the capital of France?",
    }
]
>>> client = InferenceClient(
    provider="together",
    model="meta-llama/Meta-Llama-3-8B-Instruct",
    api_key="my_together_api_key",
)
>>> client.chat_completion(messages, max_tokens=100)
""",
        awaited,
    )
    output = left["_"]
    assert output.choices[0].message.content == "The capital of France is Paris."
    assert repr(output).startswith("ChatCompletionOutput(")
    assert "ChatCompletionOutputMessage(role='assistant'" in repr(output)
    assert output.usage.total_tokens == 5
    assert internet.seen[-1].json() == {
        "model": "meta-llama/Llama-3-8b-chat-hf",
        "messages": left["messages"],
        "max_tokens": 100,
        "stream": False,
    }


def test_using_a_specific_provider() -> None:
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(provider="replicate", api_key="my_replicate_api_key")
""",
        False,
    )
    assert left["client"].provider == "replicate"
    assert "my_replicate_api_key" not in repr(left["client"])


def test_using_a_specific_model(internet: Internet, awaited: bool) -> None:
    model = "prompthero/openjourney-v4"
    served(internet, model, "text-to-image", "hf-inference", model)
    internet.post(f"{HOSTED}/{model}", Answer(body=encode_image()))
    run(
        """
>>> from huggingface_hub import InferenceClient
# Initialize client for a specific model
>>> client = InferenceClient(model="prompthero/openjourney-v4")
>>> client.text_to_image(INPUT)
# Or use a generic client but pass your model as an argument
>>> client = InferenceClient()
>>> client.text_to_image(INPUT, model="prompthero/openjourney-v4")
""",
        awaited,
    )
    posts = [asked for asked in internet.asked if asked.startswith("POST")]
    assert posts == [f"POST {HOSTED}/{model}"] * 2


def test_using_a_specific_url(internet: Internet, awaited: bool) -> None:
    host = "uu149rez6gw9ehej.eu-west-1.aws.endpoints.huggingface.cloud"
    internet.post(f"{host}/deepfloyd-if", Answer(body=encode_image()))
    run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(model="https://uu149rez6gw9ehej.eu-west-1.aws.endpoints.huggingface.cloud/deepfloyd-if")
# or
>>> client = InferenceClient()
>>> client.text_to_image(INPUT, model="https://uu149rez6gw9ehej.eu-west-1.aws.endpoints.huggingface.cloud/deepfloyd-if")
""",
        awaited,
    )
    assert internet.asked == [f"POST {host}/deepfloyd-if"]
    assert internet.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_url_and_a_provider_are_mutually_exclusive() -> None:
    with pytest.raises(ValueError, match="Pass either"):
        run(
            """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(model="https://example.test", provider="together")
""",
            False,
        )


@pytest.mark.parametrize(
    "snippet",
    [
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(token="hf_***")
""",
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(
    provider="replicate",
    api_key="r8_****"  # Your Replicate API key
)
""",
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient(
    provider="replicate",
    token="hf_****"  # Your HF token
)
""",
    ],
)
def test_authentication(snippet: str) -> None:
    assert "*" not in repr(run(snippet, False)["client"])


def test_openai_s_client_replaced(
    internet: Internet, awaited: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    internet.post("models.example/v1/chat/completions", chat_events("1", ", 2"))
    run(
        """
from huggingface_hub import InferenceClient
client = InferenceClient(
    base_url=BASE_URL,
    api_key=API_KEY,
)
output = client.chat.completions.create(
    model="meta-llama/Meta-Llama-3-8B-Instruct",
    messages=[
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Count to 10"},
    ],
    stream=True,
    max_tokens=1024,
)
for chunk in output:
    print(chunk.choices[0].delta.content)
""",
        awaited,
        BASE_URL="https://models.example/v1",
        API_KEY="sk-mine",
    )
    assert capsys.readouterr().out == "1\n, 2\nNone\n"
    sent = internet.seen[0]
    assert sent.headers["authorization"] == "Bearer sk-mine"
    assert sent.json()["model"] == "meta-llama/Meta-Llama-3-8B-Instruct"
    assert (sent.json()["stream"], sent.json()["max_tokens"]) == (True, 1024)


def test_openai_s_async_client_replaced(
    internet: Internet, capsys: pytest.CaptureFixture[str]
) -> None:
    internet.post(f"{ROUTER}/v1/chat/completions", chat_events("This is", " a test"))
    run(
        """
import asyncio
from huggingface_hub import AsyncInferenceClient
client = AsyncInferenceClient()
async def main():
    stream = await client.chat.completions.create(
        model="meta-llama/Meta-Llama-3-8B-Instruct",
        messages=[{"role": "user", "content": "Say this is a test"}],
        stream=True,
    )
    async for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="")
asyncio.run(main())
""",
        False,
    )
    assert capsys.readouterr().out == "This is a test"
    assert internet.seen[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_custom_requests(internet: Internet, awaited: bool) -> None:
    internet.post(f"{HOSTED}/stabilityai/stable-diffusion-2-1", Answer(body=encode_image()))
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient()
>>> response = client.post(json={"inputs": "An astronaut riding a horse on the moon."}, model="stabilityai/stable-diffusion-2-1")
>>> response.content # raw bytes
""",
        awaited,
    )
    assert left["_"] == encode_image()
    assert internet.seen[-1].json() == {"inputs": "An astronaut riding a horse on the moon."}


def test_the_async_client(internet: Internet, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ("a platform", " for sharing")
    tokens = [{"index": i, "token": {"id": i, "text": t}} for i, t in enumerate(texts)]
    internet.post(f"{HOSTED}/recommended/writer", events(*tokens, done=False))
    run(
        """
>>> from huggingface_hub import AsyncInferenceClient
>>> client = AsyncInferenceClient()
>>> image = await client.text_to_image("An astronaut riding a horse on the moon.")
>>> image.save("astronaut.png")
>>> async for token in await client.text_generation("The Huggingface Hub is", stream=True):
...     print(token, end="")
""",
        False,
    )
    assert Image.open("astronaut.png").size == make_image().size
    assert capsys.readouterr().out == "a platform for sharing"


def test_timeout(internet: Internet, awaited: bool, capsys: pytest.CaptureFixture[str]) -> None:
    internet.silent.add(ROUTER)
    run(
        """
>>> from huggingface_hub import InferenceClient, InferenceTimeoutError
>>> client = InferenceClient(timeout=30)
>>> try:
...     client.text_to_image(INPUT)
... except InferenceTimeoutError:
...     print("Inference timed out after 30s.")
""",
        awaited,
    )
    assert capsys.readouterr().out == "Inference timed out after 30s.\n"
    assert internet.patience == [pytest.approx(30, abs=1)]


def test_binary_inputs(internet: Internet, awaited: bool) -> None:
    found = [{"score": 0.9779096841812134, "label": "Blenheim spaniel"}]
    internet.post(f"{HOSTED}/recommended/looker", Answer(json=found))
    dog = "upload.wikimedia.org/wikipedia/commons/thumb/4/43/Cute_dog.jpg/320px-Cute_dog.jpg"
    internet.get(dog, Answer(body=encode_image(), headers={"content-type": "image/png"}))
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient()
>>> client.image_classification("https://upload.wikimedia.org/wikipedia/commons/thumb/4/43/Cute_dog.jpg/320px-Cute_dog.jpg")
""",
        awaited,
    )
    assert left["_"] == found
    fetched, posted = (seen for seen in internet.seen if "tasks" not in seen.path)
    assert "authorization" not in fetched.headers
    assert posted.body == encode_image()


def test_binary_inputs_from_an_open_file(internet: Internet, awaited: bool) -> None:
    internet.post(f"{HOSTED}/recommended/looker", Answer(json=[]))
    Path("dog.png").write_bytes(encode_image())
    run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient()
>>> with open("dog.png", "rb") as f:
...     client.image_classification(f)
""",
        awaited,
    )
    assert internet.seen[-1].body == encode_image()


def test_migration_initialization() -> None:
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> inference = InferenceClient(model="bert-base-uncased", token=API_TOKEN)
""",
        False,
        API_TOKEN=TOKEN,
    )
    assert left["inference"].model == "bert-base-uncased"
    assert TOKEN not in repr(left["inference"])


def test_migration_of_a_specific_task(internet: Internet, awaited: bool) -> None:
    model = "paraphrase-xlm-r-multilingual-v1"
    served(internet, model, "feature-extraction", "hf-inference", model)
    internet.post(f"{HOSTED}/{model}/pipeline/feature-extraction", Answer(json=[0.5, 0.25]))
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> inference = InferenceClient()
>>> inference.feature_extraction(INPUT, model="paraphrase-xlm-r-multilingual-v1")
""",
        awaited,
    )
    assert left["_"].tolist() == [0.5, 0.25]
    assert internet.seen[-1].json() == {"inputs": "An astronaut"}


def test_migration_of_a_custom_request(internet: Internet, awaited: bool) -> None:
    found = [{"sequence": "the goal of life is life.", "score": 0.10933292657136917,
              "token": 2166, "token_str": "life"}]  # fmt: skip
    internet.post(f"{HOSTED}/bert-base-uncased", Answer(json=found))
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient()
>>> response = client.post(json={"inputs": "The goal of life is [MASK]."}, model="bert-base-uncased")
>>> response.json()
""",
        awaited,
    )
    assert left["_"] == found


def test_migration_with_parameters(internet: Internet, awaited: bool) -> None:
    model = "typeform/distilbert-base-uncased-mnli"
    labels = {"labels": ["refund", "faq", "legal"], "scores": [0.93, 0.05, 0.01]}
    internet.post(f"{HOSTED}/{model}", Answer(json={"sequence": "Hi", **labels}))
    left = run(
        """
>>> from huggingface_hub import InferenceClient
>>> client = InferenceClient()
>>> inputs = "Hi, I recently bought a device from your company but it is not working as advertised and I would like to get reimbursed!"
>>> params = {"candidate_labels":["refund", "legal", "faq"]}
>>> response = client.post(json={"inputs": inputs, "parameters": params}, model="typeform/distilbert-base-uncased-mnli")
>>> response.json()
""",
        awaited,
    )
    assert left["_"]["labels"] == ["refund", "faq", "legal"]
    assert internet.seen[-1].json()["parameters"] == left["params"]


def test_a_tool_of_this_file_awaits_what_it_should() -> None:
    """Check that the rewritten calls are awaited."""
    tree = Awaited().visit(ast.parse("x = client.chat.completions.create(a=1)\nresponse.json()"))
    assert ast.unparse(tree) == "x = await client.chat.completions.create(a=1)\nresponse.json()"
