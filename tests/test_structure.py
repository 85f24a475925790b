"""The shape of the code: few modules at the root, short files and functions, one meaning a name."""

import ast
import statistics
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PRODUCT = ("pba", "deployments", "train")
FOLDERS = (*PRODUCT, "benchmarks", "docs", "tests")
GENERATED = ("*_pb2.py", "*_pb2_grpc.py", "sync_client.py")
MOST_ROOT_MODULES = 6
MOST_FILE_LINES = 300
MEDIAN_FILE_LINES = (60, 200)
MOST_FUNCTION_LINES = 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources(*folders: str) -> dict[str, str]:
    """Return the text of every file that people write, by its name."""
    return {
        str(path.relative_to(PROJECT)): path.read_text()
        for folder in folders
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if not any(path.match(pattern) for pattern in GENERATED)
    }


def test_few_modules_lie_beside_the_packages_of_the_library():
    modules = [path.name for path in (PROJECT / "pba").glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_ROOT_MODULES, modules


def test_no_file_is_long():
    lengths = {name: len(text.splitlines()) for name, text in sources(*FOLDERS).items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_FILE_LINES} == {}


def test_the_median_file_is_neither_a_fragment_nor_long():
    lengths = [len(text.splitlines()) for text in sources(*PRODUCT).values() if text]
    least, most = MEDIAN_FILE_LINES
    assert least <= statistics.median(lengths) <= most


def test_no_function_is_long():
    long = {
        f"{name}:{node.lineno}: {node.name}": lines
        for name, text in sources(*FOLDERS).items()
        for node in functions(text)
        if (lines := length(node)) > MOST_FUNCTION_LINES
    }
    assert long == {}


def functions(text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield node


def length(node: Function) -> int:
    """Return the lines of a function without its decorators and its docstring."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    assert docstring.end_lineno is not None
    return lines - (docstring.end_lineno - docstring.lineno + 1)


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    return 1", 2),
        ('@cache\ndef f():\n    """One.\n\n    Two.\n    """\n    return 1', 2),
        ("async def f(\n    x,\n):\n    return x", 4),
    ],
)
def test_a_functions_length_leaves_its_docstring_out(source: str, lines: int):
    (function,) = functions(source)
    assert length(function) == lines


def test_no_public_class_name_stands_for_two_classes():
    places = defaultdict(list)
    for name, text in sources(*PRODUCT).items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{name}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
