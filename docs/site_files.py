"""A hook of MkDocs: the site has the folders of the repository, so links are right in both."""

from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PROJECT = Path(__file__).parents[1]
PATTERNS = (
    *("*.md", "LICENSE", "NOTICE"),
    *("docs/**/*.md", "docs/**/*.png", "docs/**/*.svg"),
    *("benchmarks/README.md", "clients/go/README.md", "models/*/card.md", "models/*/*.png"),
    *("cluster/**/*.md", "cluster/**/*.y*ml", "cluster/Dockerfile"),
    *("proto/*.proto", "serve_config.yaml"),
)
"""The pages, and the files that these link to."""


def on_files(files: Files, /, *, config: MkDocsConfig) -> Files:
    """Return what the theme brings, and the files of the repository; called by MkDocs."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    return Files([*theme, *_files(config)])


def _files(config: MkDocsConfig) -> Iterator[File]:
    for pattern in PATTERNS:
        for path in sorted(PROJECT.glob(pattern)):
            if path.is_file():
                name = path.relative_to(PROJECT).as_posix()
                yield File(name, str(PROJECT), config.site_dir, config.use_directory_urls)
