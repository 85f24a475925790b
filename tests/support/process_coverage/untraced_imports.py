"""Imports of large packages are not traced: it would double their time, and measure nothing."""

import importlib.abc
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["trace_no_imports_of_large_packages"]

_LARGE = frozenset({"keras", "ray", "tensorflow", "tf2onnx"})


class _UntracedFinder(importlib.abc.MetaPathFinder):
    """Switches the tracing of this thread off while one of the packages is imported."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname not in _LARGE:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (f.find_spec(fullname, path, target) for f in others)), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_untraced(module: ModuleType) -> None:
                trace = sys.gettrace()
                sys.settrace(None)
                try:
                    execute(module)
                finally:
                    sys.settrace(trace)

            spec.loader.exec_module = execute_untraced
        return spec


def trace_no_imports_of_large_packages() -> None:
    """Have no import of these packages traced from now on."""
    sys.meta_path.insert(0, _UntracedFinder())
