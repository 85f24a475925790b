"""Files are created exclusively or not at all, whatever becomes of the response."""

from pathlib import Path

import fsspec
import pytest

from pba.errors import InvalidRequest, RegistryUnavailable
from pba.registry import Registry
from pba.registry.files import Files
from tests.registry.builders import NAME, NOW_S


def test_without_exclusive_creation_nothing_is_written(tmp_path: Path):
    registry = Registry("ftp://nowhere.invalid/models", lambda: NOW_S)
    files = Files(registry.root)
    for change in (files.write, files.create):
        with pytest.raises(InvalidRequest, match="ftp cannot create a file only where there is no"):
            change("name", b"content")


@pytest.mark.parametrize("root", ["nowhere://models", "s3"])
def test_a_registry_that_does_not_respond_is_named(tmp_path: Path, root: str):
    if root == "s3":
        (tmp_path / "s3").write_text("a file where a folder should be")
        root = str(tmp_path / "s3")
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        Registry(root, lambda: NOW_S).champion(NAME)


def test_listings_are_not_cached(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    calls, open_url = [], fsspec.core.url_to_fs

    def record(root: str, **options: object) -> object:
        calls.append(options)
        return open_url(root, **options)

    monkeypatch.setattr(fsspec.core, "url_to_fs", record)
    registry.champion(NAME)
    assert calls
    assert all(options == {"use_listings_cache": False} for options in calls)


class Lossy:
    """A file system that loses its responses after writing, and retries by itself."""

    protocol = ("memory",)

    def __init__(self, content: bytes | None, error: Exception) -> None:
        self.content, self.error = content, error

    def pipe_file(self, path: str, content: bytes, mode: str) -> None:
        if self.content is None and isinstance(self.error, FileExistsError):
            self.content = content
        raise self.error

    def cat_file(self, path: str, end: int) -> bytes:
        if self.content is None:
            raise FileNotFoundError(path)
        return self.content[:end]


def lossy(monkeypatch: pytest.MonkeyPatch, content: bytes | None, error: Exception) -> Files:
    system = Lossy(content, error)
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda root, **_: (system, root))
    return Files("memory://lossy")


def test_after_a_lost_response_the_file_decides(monkeypatch: pytest.MonkeyPatch):
    assert lossy(monkeypatch, None, FileExistsError()).create("name", b"mine")
    assert lossy(monkeypatch, b"mine", TimeoutError()).create("name", b"mine")
    assert not lossy(monkeypatch, b"yours", TimeoutError()).create("name", b"mine")
    with pytest.raises(RegistryUnavailable):
        lossy(monkeypatch, None, TimeoutError()).create("name", b"mine")
