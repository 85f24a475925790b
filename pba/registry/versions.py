"""Published versions of each model: files, and a manifest that is written when they are there."""

import hashlib
import json
from typing import Any, NamedTuple

from pba.errors import BadArtifact, Conflict, NotFound
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts, names
from pba.registry.artifacts import Artifact
from pba.registry.files import Files

__all__ = ["Manifest", "Versions"]

_MANIFEST = "manifest.json"


class Manifest(NamedTuple):
    """What was published: who, when (Unix seconds), and the sha256 of each file."""

    model: str
    version: str
    at_s: float
    who: str
    files: dict[str, str]


class Versions:
    """Adds, reads and verifies versions; every call raises `RegistryUnavailable` if need be."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add(self, folder: str, who: str, at_s: float) -> Manifest:
        """Copy the model in ``folder``; see `pba.registry.Registry.publish`."""
        model, files = _read_folder(folder)
        version = _model(folder, model, files)[0].version
        place = f"{model}/{names.check(version, 'version')}"
        sums = {name: _sha256(content) for name, content in files.items()}
        if self._files.read(f"{place}/{_MANIFEST}") is None:
            for name, content in files.items():
                self._files.write(f"{place}/{name}", content)
            told = Manifest(model, version, at_s, who, sums)._asdict()
            self._files.create(f"{place}/{_MANIFEST}", json.dumps(told, indent=1).encode())
        published = self.manifest(model, version)
        if published.files != sums:
            raise Conflict(
                f"{model} {version} is published already, with other files. A version is never "
                "changed: train or export the model under a new one."
            )
        return published

    def found(self, model: str) -> list[str]:
        """Return what is called as a version is; those without a manifest are none (yet)."""
        there = self._files.names(model)
        return [name for name in there if names.is_name(name)]

    def manifest(self, model: str, version: str) -> Manifest:
        """Return a version's manifest.

        Raises
        ------
        NotFound
            If no such version is published.
        BadArtifact
            If its manifest cannot be read.
        """
        place = f"{model}/{names.check(version, 'version')}/{_MANIFEST}"
        content = self._files.read(place)
        if content is None:
            raise NotFound(
                f"no version {version!r} of {model} is published: {self._files.root} has no "
                f"{place}. `pba models list` names those that are.",
                "version",
            )
        try:
            manifest = Manifest(**json.loads(content))
            _check(manifest, model, version)
        except (ValueError, TypeError, AttributeError) as error:
            raise _altered(place, repr(error)) from error
        return manifest

    def load(
        self, model: str, version: str, threads: int = 1
    ) -> tuple[OnnxForecaster, dict[str, Any]]:
        """Return a version's forecaster, verified and warm, and its card.

        Raises
        ------
        NotFound
            If no such version is published.
        BadArtifact
            If a file is missing or altered, or the model does not answer as it should.
        """
        sums, place = self.manifest(model, version).files, f"{model}/{version}"
        needed = (artifacts.onnx_name(model), "card.json", "golden.json")
        files = {name: self._read(f"{place}/{name}", sums.get(name)) for name in needed}
        forecaster, card = _model(f"{self._files.root}/{place}", model, files, threads)
        if forecaster.version != version:
            raise _altered(place, f"its model calls itself {forecaster.version}")
        return forecaster, card

    def card(self, model: str, version: str) -> dict[str, Any]:
        """Return a version's card; raises as `load`."""
        sums, place = self.manifest(model, version).files, f"{model}/{version}"
        try:
            return _object(self._read(f"{place}/card.json", sums.get("card.json")))
        except ValueError as error:
            raise _altered(f"{place}/card.json", repr(error)) from error

    def weights(self, model: str, version: str) -> bytes:
        """Return a version's Keras file; raises as `load`."""
        name = artifacts.keras_name(model)
        sums = self.manifest(model, version).files
        return self._read(f"{model}/{version}/{name}", sums.get(name))

    def verify(self, model: str, version: str) -> dict[str, Any]:
        """Load a version as serving would, and check every file beside; return its card."""
        card = self.load(model, version)[1]
        for name, sha256 in self.manifest(model, version).files.items():
            self._read(f"{model}/{version}/{name}", sha256)
        return card

    def _read(self, name: str, sha256: str | None) -> bytes:
        """Return a file's content, if it is what the manifest says."""
        content = self._files.read(name)
        if content is None or sha256 is None:
            raise _altered(name, "it is missing" if content is None else "no manifest lists it")
        found = _sha256(content)
        if found != sha256:
            raise _altered(name, f"its sha256 is {found}; the manifest says {sha256}")
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
    wanted = (artifacts.onnx_name(model), artifacts.keras_name(model), "card.md", "golden.json")
    found = {name: files.read(name) for name in wanted} | {"card.json": card}
    return model, {name: content for name, content in found.items() if content is not None}


def _model(
    place: str, model: str, files: dict[str, bytes], threads: int = 1
) -> tuple[OnnxForecaster, dict[str, Any]]:
    try:
        artifact = Artifact(
            place,
            files[artifacts.onnx_name(model)],
            _object(files["card.json"]),
            _object(files["golden.json"]),
        )
    except (KeyError, ValueError) as error:
        raise BadArtifact(f"{place} is not a whole model: {error!r}. Copy it again.") from error
    return artifacts.verify(artifact, model, threads), artifact.card


def _check(manifest: Manifest, model: str, version: str) -> None:
    if (manifest.model, manifest.version) != (model, version):
        raise ValueError(f"it is that of {manifest.model} {manifest.version}")
    texts = [manifest.who, *manifest.files.values()]
    if not all(isinstance(text, str) for text in texts) or not manifest.at_s >= 0:
        raise ValueError(f"{manifest!r:.200} is no manifest")


def _altered(what: str, why: str) -> BadArtifact:
    return BadArtifact(f"{what} in the registry was altered: {why}. Publish it as a new version.")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _object(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError(f"{found!r:.50} is not a JSON object")
    return found
