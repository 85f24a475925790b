"""Measures the coverage of services that a test run starts, while tests/conftest.py asks so.

Python imports a module of this name when it starts. Measuring begins after the first import of a
module of `deployments`: tracing makes Python half as fast, and imports take most of the time of a
start. So processes of Ray itself are not measured, nor those that train, which spend their time in
TensorFlow, nor what runs at import; the tests' own process measures both. Only the thread of that
import and those that start later are measured: in a replica, the thread of the event loop, which
imports the deployment's class and runs its methods.

Ray ends its workers without running exit handlers, and some tests kill them. So a thread saves
every few seconds what is new, to a file that appears whole or not at all. What is lost: the
code that ran after the last save, so the end of a graceful shutdown and what a kill interrupts.
"""

import atexit
import importlib.abc
import os
import sys
import threading
import uuid
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

SAVE_S = 4.0  # to look takes a good part of a second of a busy core
LONGEST_S = 32.0  # the pause doubles up to this while nothing new runs
PACKAGES = ["pba", "deployments", "train"]
STARTS_WITH = "deployments"
FOLDER = os.environ.get("PBA_COVERAGE_FOLDER")


class Measurement:
    """Measures this process from now on."""

    def __init__(self, folder: Path) -> None:
        import coverage

        self._file = folder / f".coverage.{os.getpid()}.{uuid.uuid4().hex}"
        # Folders, because coverage imports packages, and then takes away from `sys.modules` what
        # other threads have imported meanwhile.
        code = Path(str(sys.modules[STARTS_WITH].__file__)).parents[1]
        source = [str(code / name) for name in PACKAGES if (code / name).is_dir()]
        self._coverage = coverage.Coverage(
            data_file=None, config_file=False, branch=True, source=source
        )
        # A process need not import all packages, and a warning would be output of the program.
        warnings = ["module-not-imported", "module-not-measured", "no-data-collected"]
        self._coverage.set_option("run:disable_warnings", warnings)
        self._arcs = 0
        self._ended = threading.Event()
        self._coverage.start()
        self._thread = threading.Thread(target=self._save_often, daemon=True)
        self._thread.start()
        atexit.register(self.end)

    def end(self) -> None:
        """Save for the last time."""
        self._ended.set()
        self._thread.join()

    def _save_often(self) -> None:
        sys.settrace(None)
        pause_s = SAVE_S
        while not self._ended.wait(pause_s):
            pause_s = SAVE_S if self._save() else min(2 * pause_s, LONGEST_S)
        self._save()

    def _save(self) -> bool:
        """Save if there is anything new; return whether there was."""
        from coverage import CoverageData

        data = self._coverage.get_data()
        arcs = {name: data.arcs(name) or [] for name in data.measured_files()}
        count = sum(map(len, arcs.values()))
        if count <= self._arcs:
            return False
        self._arcs = count
        unfinished = self._file.with_name(f".coverage-unfinished-{os.getpid()}")
        saved = CoverageData(str(unfinished))
        saved.add_arcs(arcs)
        saved.close()
        unfinished.replace(self._file)
        return True


class Starter(importlib.abc.MetaPathFinder):
    """Starts measuring when a service's first module, with all that it imports, is imported."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._depth = 0

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != STARTS_WITH:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next(filter(None, specs), None)
        if spec and spec.loader:
            self._follow(spec.loader, is_package=spec.submodule_search_locations is not None)
        return spec

    def _follow(self, loader: Any, is_package: bool) -> None:
        exec_module = loader.exec_module

        def follow(module: ModuleType) -> None:
            self._depth += 1
            try:
                exec_module(module)
            finally:
                self._depth -= 1
                if self._depth == 0 and not is_package and self in sys.meta_path:
                    sys.meta_path.remove(self)
                    Measurement(self._folder)

        loader.exec_module = follow


if FOLDER:
    from untraced_imports import trace_no_imports_of_large_packages

    trace_no_imports_of_large_packages()
    sys.meta_path.insert(0, Starter(Path(FOLDER)))
