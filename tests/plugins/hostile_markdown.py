"""Random hostile Markdown, the same for each seed, and texts that stall quadratic parsers."""

import random

WRAPPERS = [
    *("§", "**§**", "*§*", "~~§~~", "`§`", "``§``", "[§](https://§.example/§)", "[§](/§)"),
    *("[§](javascript:§)", "![§](https://§.example/§ '§')", "![§](//§/x)", "<§>", "</§"),
    *("<script>§</script>", "<a href=/§>§</a>", "<!-- § -->", "<b onclick=§>", "$§$", "$$§$$"),
    *(r"\(§\)", r"\[§\]", r"$\href{javascript:§}{§}$", r"$\text{§}$", r"\frac{§}{§}", "[§]"),
    *("[§", "§](", "[§][§]", "[^§]", "![§", "\\§", "&§;", "&#§;", "§:", "|§|", "§\x00", "§\ud800"),
    *("http://§.example", "<https://§.example/>", "<§@x.example>", "§\u202e", "§\u200b", "\x85§"),
]
LINES = [
    *("§", "# §", "> §", ">> §", "- §", "  - §", "1. §", "7) §", "    §", "\t§", "§  ", "§\\"),
    *("§\n===", "§\n---", "```§", "~~~ § §", "```", "~~~", "---", "***", "", "$$", "$$\n§\n$$"),
    *("\\[", "\\[\n§\n\\]", "|§|§|", "|-|-|", "|§|§|§|§|", "[§]: https://§.example '§'"),
    *("[§]: /§", "[§]: javascript:§", "<div>§", "> - > 1. §", "- - - - §", ">" * 30 + " §"),
    *("  " * 24 + "- §", "* " * 25 + "§"),
]


def make_hostile(seed: int) -> tuple[str, list[str]]:
    """Return a random hostile text, and the words in it, each of which occurs once."""
    choose = random.Random(seed)
    words: list[str] = []

    def fill(template: str) -> str:
        parts = template.split("§")
        filled = parts[0]
        for part in parts[1:]:
            words.append(f"q{seed}x{len(words)}z")
            filled += words[-1] + part
        return filled

    lines = []
    for _ in range(choose.randint(1, 12)):
        inline = "".join(
            fill(choose.choice(WRAPPERS)) + choose.choice(["", " ", " ", "\n"])
            for _ in range(choose.randint(1, 5))
        )
        line = fill(choose.choice(LINES))
        lines.append(f"{line} {inline}" if choose.random() < 0.5 else f"{line}\n{inline}")
    return "\n".join(lines), words


STALLING: dict[str, str] = {
    "short lines": "a\n" * 40_000,
    "log": "2026-01-01 12:00:00 INFO did *something* with [x] for $5\n" * 3_000,
    "open formulas": "\\[\n" * 10_000,
    "open dollars": "$$\n" * 15_000,
    "definitions": "".join(f"[r{at}]: https://e.org/{at}\n" for at in range(5_000)),
    "open brackets": "[" * 50_000,
    "open links": "[a](" * 12_000,
    "open references": "[a][" * 12_000,
    "nested brackets": "[" * 20_000 + "]" * 20_000,
    "nested images": "![a" * 10_000 + "](https://b.c)" * 3_000,
    "emphasis": "*a **b " * 8_000,
    "backticks": "".join("`" * (at % 50) + " " for at in range(2_000)),
    "quotes": "> " * 10_000 + "a",
    "nested lists": "- " * 10_000 + "a",
    "lists": "- a\n" * 10_000,
    "tables": "|a|b|\n|-|-|\n" + "|1|2|\n" * 7_000,
    "one long line": "w" * 200_000,
    "code with a long line": "```python\n" + "x + " * 20_000 + "\n```",
    "much code": "```python\nfor x in range(3):\n    print(x)\n```\n" * 2_000,
    "formulas": "$x^2+y_i$ " * 8_000,
}
