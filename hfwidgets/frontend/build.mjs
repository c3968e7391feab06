// Bundle src/ into the folder named on the command line: one main module, one style sheet and
// the chunks that a page fetches through the kernel only when a text needs them.
import { build } from "esbuild";

const outdir = process.argv[2] ?? "../static";

await build({
  entryPoints: {
    panel: "src/panel.ts",
    "panel-style": "src/style/panel.css",
    markdown: "src/chunks/markdown.ts",
    highlight: "src/chunks/highlight.ts",
    math: "src/chunks/math.ts",
    task: "src/chunks/task.ts",
  },
  outdir,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "linked",
  logLevel: "warning",
});
