"""Build the documentation: `python -m sphinx -W --keep-going -c notebooks/docs notebooks build/docs`.

DOCS_EXECUTE=off shows the saved outputs of the notebooks; otherwise those without are run once, and
their outputs are kept in build/docs-cache.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT)]

from hfwidgets import __version__  # noqa: E402

project = "hfwidgets"
author = project_copyright = "the hfwidgets authors"
version = release = __version__
extensions = [
    *("myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"),
    *("sphinx_copybutton", "generated", "accessible"),
]
exclude_patterns = ["**/.ipynb_checkpoints", "hfwidgets-notebooks"]
suppress_warnings = ["myst.header"]  # included documents begin below a heading of their own

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = os.environ.get("DOCS_EXECUTE", "cache")
nb_execution_cache_path = str(ROOT / "build" / "docs-cache")
nb_execution_excludepatterns = [
    f"{name}.ipynb" for name in ("batch", "chat", "evaluate", "tabular", "text", "tour")
]
nb_execution_timeout, nb_execution_raise_on_error = 300, True
nb_execution_in_temp = True
nb_mime_priority_overrides = [
    ("*", "application/vnd.jupyter.widget-view+json", None),
    ("*", "application/javascript", None),
]
nb_ipywidgets_js = {}  # else every page loads the widget manager from a CDN

default_role = "code"  # docstrings use single backticks
napoleon_numpy_docstring, napoleon_use_ivar = False, True
autodoc_typehints, autoclass_content = "signature", "both"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 72

html_search_scorer = str(HERE / "scorer.js")
html_theme = "furo"
html_title = "hfwidgets"
html_static_path = ["_static"]
html_css_files = ["outputs.css"]
html_show_sphinx = html_copy_source = False
html_theme_options = {"navigation_with_keys": False}
