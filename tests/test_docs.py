"""What the documents say is what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("*/*.md"))]


def test_generated_tables_are_fresh():
    ran = subprocess.run(
        [sys.executable, "-m", "docs.fill", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_to_a_file_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_make_target_that_is_named_exists(page: Path):
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.M))
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.S)
    named = re.findall(r"`make ([a-z]+)", page.read_text())
    named += re.findall(r"^make ([a-z]+)", "\n".join(blocks), re.M)
    assert set(named) <= targets
