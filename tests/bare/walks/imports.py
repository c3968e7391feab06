"""Import every module but those of the engine, and every public name."""

import importlib
import pkgutil

import hfwidgets

OPTIONAL = {"hfwidgets.mcp._http_client"}  # imported by an MCP client once the extra is there

failed = {}
names = [
    module.name
    for module in pkgutil.walk_packages(hfwidgets.__path__, "hfwidgets.")
    if not module.name.startswith(("hfwidgets.engine.", "hfwidgets.frontend"))
    and not module.name.endswith("__main__")
    and module.name not in OPTIONAL
]
for name in names:
    try:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            getattr(module, public)
    except Exception as error:
        failed[name] = repr(error)
assert not failed, failed
print("walked", len(names))
