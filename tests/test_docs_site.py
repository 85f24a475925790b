"""The documentation as a site: built with strict links, and nothing in it from another host."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_docs import DOCS, PROJECT

pytestmark = pytest.mark.slow

LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?([^\"' >]+)|<link\b[^>]*>")
HREF = re.compile(r"\bhref=[\"']?([^\"' >]+)")
FOREIGN = re.compile(r"(?:[a-z]+:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=PROJECT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    return folder


def test_every_page_of_the_documentation_is_in_it(site: Path):
    pages = [page.relative_to(PROJECT).with_suffix(".html") for page in DOCS.rglob("*.md")]
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    names = {page.with_stem("index") if page.stem == "README" else page for page in pages}
    assert names - built == set()


def test_nothing_in_it_is_loaded_from_another_host(site: Path):
    foreign = []
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert 'class="mermaid"' not in text, f"{page}: the theme loads Mermaid from another host"
        for tag in LOADED.finditer(text):
            source = tag[1] or "".join(HREF.findall(tag[0]))
            foreign += [f"{page.name}: {source}"] if FOREIGN.match(source) else []
    for style in site.rglob("*.css"):
        sources = re.findall(r"url\([\"']?([^)\"']+)", style.read_text())
        foreign += [f"{style.name}: {one}" for one in sources if FOREIGN.match(one)]
    assert foreign == []


def test_a_search_finds_a_setting(site: Path):
    assert "PBA_STORE_URL" in (site / "search/search_index.json").read_text()
