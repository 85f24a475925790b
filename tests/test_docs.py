"""The documentation agrees with the code: links, commands, names, settings, reason codes, words."""

import ast
import doctest
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from deployments.__main__ import main
from deployments.error_codes import STATUS
from pba import cli

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
GENERATED = [DOCS / "evaluation/report.md", *sorted(PROJECT.glob("models/*/card.md"))]
WRITTEN = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "benchmarks/README.md",
    PROJECT / "cluster/README.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if page not in GENERATED),
]
PAGES = [*WRITTEN, *GENERATED, PROJECT / "CHANGELOG.md"]
SOURCES = [
    path
    for folder in ("pba", "deployments", "train", "benchmarks", "proto", "cluster")
    for path in sorted((PROJECT / folder).rglob("*"))
    if path.suffix in (".py", ".proto", ".yaml") and "_pb2" not in path.name
]
EXTERNAL_PROGRAMS = {"curl", "docker", "export", "kubectl", "ray", "serve", "sqlite3", "umask"}
EXTERNAL_PROGRAMS |= {"pg_dump", "pg_restore", "pip"}
PRIVATE_WORDS = re.compile(
    r"\b(?:(?:is|are|was|were) (?:told|said|heard|asked)|the asked|to be had|hears?|heard"
    r"|spoke|speaks?|(?:who|which) speaks|nobody|somebody|for ever|anew|so sure as"
    r"|(?:of )?what came|as said|is of|by heart|lived? through|contestants?|keepers?|nudges?"
    r"|held against|is taken for|makes? no (?:matter|odds)|what became of)\b",
    re.IGNORECASE,
)


def page_name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def prose(page: Path) -> str:
    """Return the text of a page without fenced blocks and generated tables."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)
    return re.sub(r"<!-- (\w+) -->.*?<!-- end of \1 -->", "", text, flags=re.S)


def anchors(page: Path) -> set[str]:
    """Return the anchors that a code host gives the headings of a page."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)
    counts: dict[str, int] = {}
    slugs = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = counts.get(slug, 0)
        counts[slug] = number + 1
        slugs.add(f"{slug}-{number}" if number else slug)
    return slugs


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each internal link of a page: as it is written, the file and the anchor."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = link.partition("#")
            yield link, (page.parent / target).resolve() if target else page, anchor


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, without their indentation."""
    pattern = rf"^( *)```{language}\n(.*?)^ *```"
    matches = re.findall(pattern, page.read_text(), re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in matches]


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command in the ``sh`` blocks of a page."""
    for block in blocks(page, "sh"):
        for line in _lines(block):
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield words


def _lines(block: str) -> Iterator[str]:
    """Yield whole commands: a quoted body and a trailing backslash continue a line."""
    whole = ""
    for line in block.replace("\\\n", " ").splitlines():
        whole += line + "\n"
        if len(re.findall("'", whole)) % 2 == 0:
            yield whole.strip()
            whole = ""


def test_generated_tables_are_fresh():
    run = subprocess.run(
        [sys.executable, "-m", "docs.fill", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_internal_link_leads_to_a_file_and_a_heading(page: Path):
    for link, target, anchor in links(page):
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_lists_every_page_itself():
    listed = {target for _, target, _ in links(DOCS / "README.md")}
    assert set(DOCS.rglob("*.md")) - listed == {DOCS / "README.md"}


def test_every_document_that_the_code_names_exists():
    for source in [*SOURCES, PROJECT / "serve_config.yaml"]:
        for name in re.findall(r"(?<![\w/-])docs/[\w./-]+\.md", source.read_text()):
            assert (PROJECT / name).exists(), f"{source.relative_to(PROJECT)}: {name}"


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_every_file_that_a_page_names_exists(page: Path):
    names = re.findall(r"`([\w./-]+/[\w.-]+|[\w-]+\.(?:py|yaml|yml|proto))`", page.read_text())
    roots = ("pba", "deployments", "train", "benchmarks", "tests", "proto", "cluster", "docs")
    for name in names:
        if name.endswith(".py") and "/" not in name:
            assert list(PROJECT.glob(f"[a-z]*/**/{name}")), name
        elif name.split("/")[0] in roots and "median_of_five" not in name:
            assert (PROJECT / name).exists(), name


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_every_python_name_that_a_page_names_exists(page: Path):
    for name in re.findall(r"`((?:pba|deployments)(?:\.\w+)+)(?:\([^`]*\))?`", page.read_text()):
        if name not in ("pba.db", "pba.v1.Predictor", "pba.v1.Operations"):  # a file, gRPC services
            assert resolve(name) is not None, name


def resolve(name: str) -> Any:
    """Return the module, class or attribute called ``name``, or None."""
    module, _, attribute = name.rpartition(".")
    if importlib.util.find_spec(module) is None:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return getattr(importlib.import_module(module), attribute, None)


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_every_make_target_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    named = re.findall(r"`make\s+([a-z-]+)", page.read_text())
    named += [words[1] for words in commands(page) if words[0] == "make" and words[1][0] != "."]
    assert set(named) <= targets


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_every_shell_command_exists(page: Path):
    for words in commands(page):
        program = words[0].removeprefix(".venv/bin/")
        if program == "pba":
            check_pba_command(words[1:])
        elif program == "python" and words[1] == "-m":
            assert importlib.util.find_spec(words[2]), words
        else:
            assert program in EXTERNAL_PROGRAMS | {"make", "python"}, words


def test_every_pba_command_in_the_text_exists():
    for page in WRITTEN:
        for line in re.findall(r"`pba ([a-z][^`]*)`", page.read_text()):
            check_pba_command(shlex.split(line))


def check_pba_command(words: list[str]) -> None:
    """Check that the subcommand of ``words`` exists, and its options."""
    command: Any = get_command(cli.app)
    for word in words:
        if hasattr(command, "commands") and not word.startswith("-") and "/" not in word:
            assert word in command.commands, words
            command = command.commands[word]
    if command.name == "serve":  # which passes its words on
        service = typer.Typer()
        service.command()(main)
        command = get_command(service)
    options = {option for parameter in command.params for option in parameter.opts}
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert used <= options, words


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_every_python_example_imports_what_exists(page: Path):
    for code in blocks(page, "python"):
        if ">>>" not in code:
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and "median_of_five" not in str(node.module):
                    module = importlib.import_module(str(node.module))
                    for alias in node.names:
                        name = f"{node.module}.{alias.name}"
                        assert hasattr(module, alias.name) or importlib.util.find_spec(name), name


_RUNS = re.compile(r"<!-- runs -->\n```python\n(.*?)```", re.S)
RUNNABLE = [
    pytest.param(code, id=f"{page_name(page)}-{number}")
    for page in WRITTEN
    for number, code in enumerate(_RUNS.findall(page.read_text()))
]
SESSIONS = [
    pytest.param(code, id=f"{page_name(page)}-{number}")
    for page in WRITTEN
    for number, code in enumerate(blocks(page, "python"))
    if code.startswith(">>>")
]


@pytest.mark.parametrize("code", RUNNABLE)
def test_an_example_that_needs_no_service_runs(code: str):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("model internet ")


@pytest.mark.parametrize("code", SESSIONS)
def test_an_interactive_example_prints_what_it_shows(code: str):
    session = doctest.DocTestParser().get_doctest(code, {}, "example", None, None)
    result = doctest.DocTestRunner().run(session)
    assert result.attempted
    assert not result.failed


def reason_codes() -> set[str]:
    """Return the reason codes in the code: strings of statements and calls that concern reasons."""
    codes: set[str] = set()
    for folder in ("pba/forecasting", "pba/serving", "deployments"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Assign | ast.AugAssign | ast.Call):
                    head = ast.unparse(node.func if isinstance(node, ast.Call) else node)
                    if re.match(r"(self\.)?_?reasons|_FAILURES|ModelFailure", head):
                        constants = [
                            part for part in ast.walk(node) if isinstance(part, ast.Constant)
                        ]
                        codes |= {str(part.value) for part in constants}
    return {code for code in codes if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def test_the_glossary_explains_every_reason_code_and_no_other():
    section = (DOCS / "glossary.md").read_text().split("## Reason codes")[1]
    listed = set(re.findall(r"^\| `(\w+)` \|", section, re.M))
    assert len(listed) >= 8
    assert listed == reason_codes()


def test_the_http_page_lists_every_call_and_every_status():
    page = (DOCS / "http.md").read_text()
    source = "\n".join(path.read_text() for path in PROJECT.glob("deployments/ingress/**/*.py"))
    calls = re.findall(r"@\w+\.(get|post|put|delete)\(\s*\"(/[^\"]*)\"", source)
    assert len(calls) >= 22
    listed = {
        (method, path)
        for line in page.splitlines()
        for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[^`?]*)", line)
    }
    assert listed == {(method.upper(), path) for method, path in calls}
    statuses = set(re.findall(r"^\| (\d{3}) \|", page, re.M))
    assert statuses == {str(int(codes.http)) for codes in STATUS.values()}


@pytest.mark.parametrize("page", WRITTEN, ids=page_name)
def test_no_page_uses_private_or_archaic_words(page: Path):
    assert not [match[0] for match in PRIVATE_WORDS.finditer(prose(page))]
