import "./page.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dangers } from "./page.ts";

const { clean, cleanLink, lex, render } = await import("../src/chunks/markdown.ts");
const { draw } = await import("../src/chunks/math.ts");
const { highlight } = await import("../src/chunks/highlight.ts");

function show(text: string): HTMLElement {
  const root = document.createElement("div");
  root.append(render(lex(text, true)));
  return root;
}

describe("Markdown", () => {
  it("renders what models write", () => {
    const root = show("# T\n\n**b** *i* `c`\n\n- [x] done\n\n|a|\n|--:|\n|1|\n\n```py\nx<1\n```");
    for (const name of ["h1", "strong", "em", "li > input", "td", "pre > code"]) {
      assert.ok(root.querySelector(name), name);
    }
    assert.equal(root.querySelector("pre > code")?.textContent, "x<1");
    assert.equal(root.querySelector("code.language-py")?.textContent, "x<1");
  });

  it("marks formulas and leaves money alone", () => {
    const root = show("It is \\(a_b*c*d\\), $x$ and $5 or $10.\n\n\\[\nE=mc^2\n\n+1\n\\]");
    const inline = [...root.querySelectorAll(".hfw-math")].map((node) => node.textContent);
    assert.deepEqual(inline, ["a_b*c*d", "x"]);
    assert.equal(root.querySelector(".hfw-math-block")?.textContent, "E=mc^2\n\n+1");
    assert.match(root.textContent ?? "", /\$5 or \$10\./);
  });

  it("makes links that cannot reach back", () => {
    const link = show("[a](https://example.org/?a=1&b=2)").querySelector("a");
    assert.equal(link?.getAttribute("href"), "https://example.org/?a=1&b=2");
    assert.equal(link?.getAttribute("rel"), "noopener noreferrer");
  });

  it("keeps definitions, titles and what stands after a language", () => {
    for (const text of ["[^1]: Smith", "[1]: https://a.b/c", "[r]: /relative 'Title'", "> [r]: javascript:x"]) {
      const shown = show(text);
      assert.equal(shown.textContent?.trim(), text.replace("> ", ""));
      assert.deepEqual(dangers(shown), []);
    }
    assert.equal(show("[1]: https://a.b/c").querySelector("a")?.getAttribute("href"), "https://a.b/c");
    assert.equal(show("[a](https://b.c 'd \"e\"')").querySelector("a")?.title, 'd "e"');
    assert.equal(show('```py title="a.py"\nx\n```').querySelector("code.language-py")?.getAttribute("title"), 'py title="a.py"');
    assert.equal(show("```py\nx\n```").querySelector("code")?.hasAttribute("title"), false);
  });

  it("loads no image by itself", () => {
    const root = show("![cat](https://evil.invalid/p.png?q=secret)");
    assert.equal(root.querySelector("img"), null);
    assert.match(root.textContent ?? "", /cat \(evil\.invalid\)/);
  });
});

describe("hostile text", () => {
  const attacks = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><g/onload=alert(1)//<p>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\u0000script:alert(1))",
    "[x](\u0001javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](//evil.invalid)",
    "<javascript:alert(1)>",
    '[x](https://a.b "\\" onmouseover=alert(1) ")',
    "![x](javascript:alert(1))",
    '![x](https://a.b/"onerror="alert(1))',
    "```x\" onload=alert(1)\ncode\n```",
    '<div id="main" name="x" style="position:fixed" data-commandlinker-command="y">z</div>',
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<form><input name=attributes><input name=nodeName></form>",
    "$\\href{javascript:alert(1)}{x}$",
    "- <details open ontoggle=alert(1)>",
    "| <img src=x onerror=alert(1)> |\n|--|\n| <iframe srcdoc=x> |",
    "[a]: javascript:alert(1)\n\n[a]",
    "<style>*{display:none}</style>",
  ];
  for (const text of attacks) {
    it(`disarms ${JSON.stringify(text)}`, () => assert.deepEqual(dangers(show(text)), []));
  }

  it("shows raw HTML as text", () => {
    assert.match(show("a <b>c</b>").textContent ?? "", /<b>c<\/b>/);
  });

  it("cleans HTML even if the parser let it through", () => {
    const root = document.createElement("div");
    root.append(clean('<p id=x class="evil hfw-math" onclick=a() style=x data-y=1>t</p><img src=y>'));
    assert.deepEqual(dangers(root), []);
    assert.equal(root.querySelector("p")?.className, "");
  });

  it("knows the schemes that are safe", () => {
    for (const good of ["https://a.b", "http://a.b", "mailto:a@b.c"]) assert.equal(cleanLink(good), good);
    const bad = ["", "a", "//a.b", "ftp://a", "javascript://a", "java\tscript:a", " https", "http:a"];
    for (const href of [...bad, "/logout", "?a", "#a", "https:\\\\a.b", "https://", "https://a b"]) {
      assert.equal(cleanLink(href), null, href);
    }
  });

  it("uses the very text that it checked", () => {
    const invisible = ["\u200b", "\u00ad", "\u202e", "\u0085", "\u2060", "\ufeff", "\u0000", "\u{e0001}", "\u2028"];
    for (const sign of invisible) {
      for (const href of [`${sign}https://a.b/c`, `https:${sign}//a.b/c`, `https://a.b/c${sign}`]) {
        assert.equal(cleanLink(href), "https://a.b/c", JSON.stringify(href));
        const root = document.createElement("div");
        root.append(clean(`<a href="${href}">x</a>`));
        const kept = root.querySelector("a")?.getAttribute("href") ?? null;
        if (kept !== null) assert.equal(cleanLink(kept), kept, JSON.stringify(href));
      }
      for (const form of [`[x](<${sign}https://a.b/c>)`, `![x](<${sign}https://a.b/c>)`]) {
        const link = show(form).querySelector("a");
        if (link) assert.equal(link.getAttribute("href"), "https://a.b/c", JSON.stringify(form));
      }
      assert.equal(cleanLink(`java${sign}script:alert(1)`), null);
    }
  });

  it("keeps the text of a link that it refuses", () => {
    for (const text of ["[a](/logout)", "![a](//evil.invalid/x)", "[a](javascript:alert(1))"]) {
      assert.equal(show(text).textContent?.trim(), text);
      assert.equal(show(text).querySelector("a"), null);
    }
  });
});

describe("formulas as MathML", () => {
  it("draws", () => {
    const span = document.createElement("span");
    draw(span, "\\frac{1}{2}", false);
    assert.ok(span.querySelector("math mfrac"));
  });

  for (const tex of [
    "\\href{javascript:alert(1)}{x}",
    "\\url{javascript:alert(1)}",
    "\\includegraphics{https://evil.invalid/x.png}",
    "\\label{main} \\tag{1} x",
    "\\htmlId{main}{x}",
    "\\eqref{main}",
    "\\label{main} x",
    "\\data{a=b}{x}",
    "\\text{<img src=x onerror=alert(1)>}",
  ]) {
    it(`keeps ${tex} from acting`, () => {
      const span = document.createElement("span");
      draw(span, tex, false);
      const acting = dangers(span).filter((found) => !/\[style=/.test(found));
      assert.deepEqual(acting, []);
    });
  }

  it("takes the address out of a reference", () => {
    const span = document.createElement("span");
    draw(span, "\\eqref{main}", false);
    assert.ok(span.querySelector("a"));
    assert.ok(!span.querySelector("[href], [id]"));
  });

  it("shows the source of what it cannot read", () => {
    const span = document.createElement("span");
    draw(span, "\\frac{1}{", false);
    assert.equal(span.textContent, "\\frac{1}{");
    assert.ok(span.classList.contains("hfw-math-raw"));
  });
});

describe("highlighting", () => {
  it("colors known languages, as text nodes", () => {
    const root = document.createElement("div");
    const colored = highlight("def f(): return '<img src=x>'", "python");
    assert.ok(colored);
    root.append(colored);
    assert.equal(root.textContent, "def f(): return '<img src=x>'");
    assert.ok(root.querySelector(".hljs-keyword"));
    assert.equal(root.querySelector("img"), null);
  });

  it("leaves unknown ones", () => assert.equal(highlight("x", "klingon"), null));
});
