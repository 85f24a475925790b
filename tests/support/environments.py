"""Environments for tests: interpreters of this machine, and packages of the locks in them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

__all__ = ["Environment", "newest", "python"]

_UV = Path(sys.executable).with_name("uv")
_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
_OF_CHECKOUT = {"PYTHONPATH", "PBA_COVERAGE_FOLDER", "VIRTUAL_ENV"}


def python(version: str) -> str:
    """Return the interpreter of ``version``, such as ``3.12``; skip the test if there is none."""
    return _find(version) or pytest.skip(f"there is no Python {version} on this machine")


def newest(versions: Iterable[str]) -> str:
    """Return the last of ``versions`` that has an interpreter on this machine."""
    return [version for version in versions if _find(version)][-1]


def _find(version: str) -> str | None:
    for path in _interpreters(version):
        shown = subprocess.run([path, "-c", _VERSION], capture_output=True, text=True, check=False)
        if shown.stdout.strip() == version:
            return path
    return None


def _interpreters(version: str) -> Iterator[str]:
    if path := shutil.which(f"python{version}"):
        yield path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))


class Environment:
    """An environment of its own in ``folder``, which sees neither the checkout nor other packages.

    uv installs: it takes from its cache, in a second, what it has installed before.
    """

    def __init__(self, folder: Path, version: str = "3.11") -> None:
        self.folder = folder
        interpreter = python(version)
        self.variables = {
            name: value for name, value in os.environ.items() if name not in _OF_CHECKOUT
        }
        self._uv("venv", "--python", interpreter, folder)

    def install(self, *words: object) -> None:
        """Install what ``words`` name, as `uv pip install` understands them."""
        self._uv("pip", "install", "--python", self.folder / "bin/python", *words)

    def packages(self) -> list[str]:
        """Return the names of all installed packages."""
        frozen = self._uv("pip", "freeze", "--python", self.folder / "bin/python").stdout
        return [line.replace(" @ ", "==").partition("==")[0] for line in frozen.splitlines()]

    def run(self, name: str, *words: object, cwd: Path, timeout_s: float = 60.0) -> str:
        """Run the program ``name`` of the environment in the folder ``cwd``; return its output."""
        result = self.result(name, *words, cwd=cwd, timeout_s=timeout_s)
        assert result.returncode == 0, f"{result.stdout[-2000:]}\n{result.stderr[-3000:]}"
        return result.stdout

    def result(
        self, name: str, *words: object, cwd: Path, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run the program ``name`` and return how it ended."""
        command = [str(self.folder / "bin" / name), *map(str, words)]
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def _uv(self, *words: object) -> subprocess.CompletedProcess[str]:
        command = [str(_UV), *map(str, words)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, env=self.variables
        )
        assert result.returncode == 0, result.stderr[-3000:]
        return result
