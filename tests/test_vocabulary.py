"""Identifiers are the field's terms: a list of words that none may have between underscores."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FOLDERS = ("pba", "deployments", "train", "benchmarks", "tests", "docs")
WORDS = frozenset(
    [  # fmt: skip
        "said",
        "told",
        "heard",
        "made",
        "held",
        "asked",
        "found",
        "spoken",
        "wanted",
        "learnt",
        "keeper",
        "nudge",
        "nudges",
        "telling",
        "opening",
        "asking",
        "blame",
        "hear",
        "contestant",
        "contestants",
        "pupil",
        "pupils",
        "taught",
        "tallies",
    ]
)
NAMED_EXCEPTIONS = frozenset(
    {
        "made_at",  # on the wire
        "made_at_s",
        "made_us",  # a column of the database
        "heard_us",
        "NOT_FOUND",  # of gRPC
    }
)


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything that is named in ``tree``."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Name(id=name) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.alias():
                yield node.lineno, node.asname or node.name.rpartition(".")[2]
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from ((node.lineno, name) for name in names)


def is_refused(name: str) -> bool:
    return name not in NAMED_EXCEPTIONS and not WORDS.isdisjoint(name.lower().split("_"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_identifier_is_a_term_of_the_field(folder: str):
    refused = [
        f"{path.relative_to(PROJECT)}:{line}: {name}"
        for path in sorted((PROJECT / folder).rglob("*.py"))
        if "_pb2" not in path.name
        for line, name in [(1, path.stem), *identifiers(ast.parse(path.read_text()))]
        if is_refused(name)
    ]
    assert refused == [], "\n" + "\n".join(refused)


@pytest.mark.parametrize(
    "source",
    [
        "said = 1",
        "def who_is_told(): ...",
        "def f(wanted): ...",
        "f(held=1)",
        "class Said: ...",
        "x.found_s",
        "import y as made",
        "try: ...\nexcept ValueError as TAUGHT: ...",
        "match x:\n    case [*asked]: ...",
    ],
)
def test_a_refused_word_is_noticed_wherever_it_is_used(source: str):
    assert any(is_refused(name) for _, name in identifiers(ast.parse(source)))


@pytest.mark.parametrize("source", ["made_at = row.made_us", "StatusCode.NOT_FOUND", "NotFound()"])
def test_named_exceptions_and_other_words_pass(source: str):
    assert not any(is_refused(name) for _, name in identifiers(ast.parse(source)))
