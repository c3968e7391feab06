"""Run the tests in VS Code's renderer of widgets: `python -m tests.browser.vscode [arguments]`.

Its packages (360 MB) are installed once with npm into the cache, which takes minutes: too long for
each run of all tests. The extension's side, which hands outputs to the renderer, is not covered.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import anywidget

from hfwidgets import engine_process

HERE = Path(__file__).parent
PACKAGES = (
    *("@vscode/jupyter-ipywidgets8@1.0.9", "@jupyterlab/services@7", "esbuild@0.28.2"),
    "requirejs@2.3.8",
)
SERVICES = 'export { KernelManager, ServerConnection } from "@jupyterlab/services";\n'
SOCKET = "export default globalThis.WebSocket;\n"
BUNDLE = (
    *("--bundle", "--format=esm", "--define:global=globalThis", "--alias:ws=./socket.js"),
    "--outfile=page/services.js",
)


def build_page() -> Path:
    """Return the folder of the page, installed and bundled again when the packages change."""
    folder = engine_process.cache_dir() / "vscode"
    done, wanted = folder / "packages.txt", "\n".join(PACKAGES)
    if not done.exists() or done.read_text() != wanted:
        print(f"Installing VS Code's renderer into {folder} ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}')
        npm = shutil.which("npm") or "npm"
        install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        subprocess.run(install, cwd=folder, check=True)
        (folder / "services.js").write_text(SERVICES)
        (folder / "socket.js").write_text(SOCKET)
        esbuild = folder / "node_modules" / ".bin" / "esbuild"
        subprocess.run([esbuild, "services.js", *BUNDLE], cwd=folder, check=True)
        _copy_scripts(folder / "node_modules", folder / "page")
        done.write_text(wanted)  # last: a broken installation is not taken for a complete one
    return folder / "page"


def _copy_scripts(packages: Path, page: Path) -> None:
    shutil.copy(packages / "requirejs" / "require.js", page)
    renderer = packages / "@vscode" / "jupyter-ipywidgets8" / "dist" / "ipywidgets.js"
    shutil.copy(renderer, page)
    extension = "share/jupyter/nbextensions/anywidget/index.js"
    roots = (Path(sys.prefix), *Path(anywidget.__file__).parents)
    found = next(root / extension for root in roots if (root / extension).is_file())
    shutil.copy(found, page / "anywidget.js")


def main() -> None:
    """Build the page if needed, and run the tests."""
    environment = {**os.environ, "HFWIDGETS_VSCODE_PAGE": str(build_page())}
    arguments = sys.argv[1:] or ["-q"]
    command = [sys.executable, "-m", "pytest", "-n0", str(HERE / "checks.py"), *arguments]
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
