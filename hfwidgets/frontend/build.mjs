// Bundle src/ into the folder named on the command line, and empty it first: the loader, which is the
// widget's module, and the chunks that a page fetches through the kernel. The style sheet is part of the
// panels' chunk.
import { rm } from "node:fs/promises";
import { build } from "esbuild";

const outdir = process.argv[2] ?? "../static";
const options = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "linked",
  logLevel: "warning",
};

// Chunks of earlier sources would end in a wheel, and so would the mark that says which sources these
// are: hatch_build.py writes it.
await rm(outdir, { recursive: true, force: true });
const style = await build({ ...options, entryPoints: ["src/style.css"], legalComments: "none", write: false });
await build({
  ...options,
  entryPoints: {
    panel: "src/panel.ts",
    ui: "src/ui.tsx",
    markdown: "src/chunks/markdown.ts",
    highlight: "src/chunks/highlight.ts",
    math: "src/chunks/math.ts",
    wave: "src/chunks/wave.ts",
  },
  outdir,
  // Sketches are C++; their own grammar is as large as ten others.
  alias: { "highlight.js/lib/languages/arduino": "highlight.js/lib/languages/cpp" },
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { HFW_STYLE: JSON.stringify(style.outputFiles[0].text) },
});
