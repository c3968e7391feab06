// Bundle the unit tests and run them with node's own runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const outdir = mkdtempSync(join(import.meta.dirname, "node_modules", ".test-"));
try {
  await build({
    entryPoints: readdirSync("test").filter((n) => /\.test\.tsx?$/.test(n)).map((n) => `test/${n}`),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["jsdom"],
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { HFW_STYLE: '""' },
    logLevel: "warning",
  });
  const files = readdirSync(outdir).map((name) => join(outdir, name));
  const run = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(outdir, { recursive: true });
}
