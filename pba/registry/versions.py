"""Published versions of each model: files, and a manifest that is written after them."""

import hashlib
import json
import re
from typing import Any, NamedTuple

from pba.errors import BadArtifact, Conflict, NotFound, quoted
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import CPU_SESSION, SessionSettings
from pba.registry import artifacts, names
from pba.registry.artifacts import Artifact
from pba.registry.files import Files

__all__ = ["Manifest", "Versions"]

_MANIFEST = "manifest.json"
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", re.ASCII)


class Manifest(NamedTuple):
    """A published version: author, time (Unix seconds), and the sha256 of each file."""

    model: str
    version: str
    at_s: float
    who: str
    files: dict[str, str]


class Versions:
    """Adds, reads and verifies versions; calls raise `RegistryUnavailable` as `Files`."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add(self, folder: str, who: str, at_s: float) -> Manifest:
        """Copy the model in ``folder``; see `pba.registry.Registry.publish`."""
        model, files = _read_folder(folder)
        version = _model(folder, model, files)[0].version
        folder_name = f"{model}/{names.check(version, 'version')}"
        sums = {name: _sha256(content) for name, content in files.items()}
        if self._files.read(f"{folder_name}/{_MANIFEST}") is None:
            for name, content in files.items():
                self._files.write(f"{folder_name}/{name}", content)
            manifest = Manifest(model, version, at_s, who, sums)
            content = json.dumps(manifest._asdict(), indent=1).encode()
            self._files.create(f"{folder_name}/{_MANIFEST}", content)
        published = self.manifest(model, version)
        if published.files != sums:
            raise Conflict(
                f"{model} {version} is published already, with other files. A version is never "
                "changed: train or export the model under a new one."
            )
        return published

    def version_names(self, model: str) -> list[str]:
        """Return the names of versions, including those without a manifest."""
        return [name for name in self._files.names(model) if names.is_name(name)]

    def manifest(self, model: str, version: str) -> Manifest:
        """Return a version's manifest.

        Raises
        ------
        NotFound
            If the version is not published.
        BadArtifact
            If its manifest cannot be read.
        """
        path = f"{model}/{names.check(version, 'version')}/{_MANIFEST}"
        content = self._files.read(path)
        if content is None:
            raise NotFound(
                f"no version {quoted(version)} of {model} is published: {self._files.root} has no "
                f"{path}. `pba models list` names those that are.",
                "version",
            )
        try:
            manifest = Manifest(**json.loads(content))
            _check(manifest, model, version)
        except (ValueError, TypeError, AttributeError) as error:
            raise _altered(path, repr(error)) from error
        return manifest

    def load(
        self, model: str, version: str, session: SessionSettings = CPU_SESSION
    ) -> tuple[OnnxForecaster, dict[str, Any]]:
        """Return a version's forecaster, verified and warmed up, and its card.

        Raises
        ------
        NotFound
            If the version is not published.
        BadArtifact
            If a file is missing or altered, or the outputs are not the golden ones.
        """
        sums, folder = self.manifest(model, version).files, f"{model}/{version}"
        needed = (artifacts.onnx_name(model), "card.json", "golden.json")
        files = {name: self._read(f"{folder}/{name}", sums.get(name)) for name in needed}
        forecaster, card = _model(f"{self._files.root}/{folder}", model, files, session)
        if forecaster.version != version:
            raise _altered(folder, f"its model calls itself {forecaster.version}")
        return forecaster, card

    def card(self, model: str, version: str) -> dict[str, Any]:
        """Return a version's card; raises as `load`."""
        sums, folder = self.manifest(model, version).files, f"{model}/{version}"
        try:
            return _object(self._read(f"{folder}/card.json", sums.get("card.json")))
        except ValueError as error:
            raise _altered(f"{folder}/card.json", repr(error)) from error

    def weights(self, model: str, version: str) -> bytes:
        """Return a version's Keras file; raises as `load`."""
        name = artifacts.keras_name(model)
        sums = self.manifest(model, version).files
        return self._read(f"{model}/{version}/{name}", sums.get(name))

    def verify(self, model: str, version: str) -> dict[str, Any]:
        """Load a version and check all its files; return its card."""
        card = self.load(model, version)[1]
        for name, sha256 in self.manifest(model, version).files.items():
            self._read(f"{model}/{version}/{name}", sha256)
        return card

    def _read(self, name: str, sha256: str | None) -> bytes:
        """Return a file's content if its sum is that of the manifest."""
        content = self._files.read(name)
        if content is None or sha256 is None:
            raise _altered(name, "it is missing" if content is None else "no manifest lists it")
        actual = _sha256(content)
        if actual != sha256:
            raise _altered(name, f"its sha256 is {actual}; the manifest says {sha256}")
        return content


def _read_folder(folder: str) -> tuple[str, dict[str, bytes]]:
    """Return the name of the model in ``folder`` and its files."""
    files = Files(folder)
    try:
        card = files.read("card.json") or b"missing"
        model = names.check(_object(card)["mode"], "mode")
    except (ValueError, KeyError) as error:
        raise BadArtifact(
            f"card.json below {folder} names no model: {error!r}. Name a folder that `python -m "
            "train` wrote."
        ) from error
    others = (artifacts.onnx_name(model), artifacts.keras_name(model), "card.md", "golden.json")
    contents = {name: files.read(name) for name in others} | {"card.json": card}
    return model, {name: content for name, content in contents.items() if content is not None}


def _model(
    folder: str, model: str, files: dict[str, bytes], session: SessionSettings = CPU_SESSION
) -> tuple[OnnxForecaster, dict[str, Any]]:
    try:
        artifact = Artifact(
            folder,
            files[artifacts.onnx_name(model)],
            _object(files["card.json"]),
            _object(files["golden.json"]),
        )
    except (KeyError, ValueError) as error:
        raise BadArtifact(f"{folder} is not a whole model: {error!r}. Copy it again.") from error
    return artifacts.verify(artifact, model, session), artifact.card


def _check(manifest: Manifest, model: str, version: str) -> None:
    if (manifest.model, manifest.version) != (model, version):
        raise ValueError(f"it is that of {manifest.model} {manifest.version}")
    for name in manifest.files:
        if not _FILE.fullmatch(name):
            raise ValueError(f"it names {quoted(name)}, which is no file of its own folder")
    texts = [manifest.who, *manifest.files.values()]
    if not all(isinstance(text, str) for text in texts) or not manifest.at_s >= 0:
        raise ValueError(f"{manifest!r:.200} is no manifest")


def _altered(path: str, why: str) -> BadArtifact:
    return BadArtifact(f"{path} in the registry was altered: {why}. Publish it as a new version.")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _object(content: bytes) -> dict[str, Any]:
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.50} is not a JSON object")
    return value
