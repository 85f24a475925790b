"""The registry's public interface: publish, verify, promote, roll back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pba.errors import BadArtifact, Conflict, NotFound, quoted
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import CPU_SESSION, SessionSettings
from pba.registry import names
from pba.registry.files import Files
from pba.registry.names import SHIPPED
from pba.registry.pointers import UNREADABLE, Expected, Pointer, Pointers
from pba.registry.versions import Manifest, Versions
from pba.types import rfc3339_of

__all__ = ["Registry"]


class Registry:
    """Publishes, verifies and promotes versions of models.

    Calls block. Any number of processes may share one root.

    Parameters
    ----------
    root
        A folder or an fsspec URL. docs/registry.md lists the protocols that allow changes.
    clock
        Returns the current Unix time in seconds.

    Raises
    ------
    RegistryUnavailable
        From every call, if the root does not respond.
    InvalidRequest
        From every call, for an invalid name of a model or a version.
    """

    def __init__(self, root: str, clock: Callable[[], float]) -> None:
        self.root = root
        self._files = Files(root)
        self._versions = Versions(self._files)
        self._pointers = Pointers(self._files)
        self._clock = clock

    def publish(self, folder: str, who: str) -> Manifest:
        """Copy the model that `python -m train` wrote to ``folder``; return its manifest.

        Publishing the same files again changes nothing. Two callers that publish different files
        under one version at the same time can corrupt that version, which is then refused.

        Raises
        ------
        BadArtifact
            If the model must not be served.
        Conflict
            If that version exists already with other files.
        """
        return self._versions.add(folder, who, self._clock())

    def models(self) -> list[str]:
        """Return the names of the models in the registry."""
        return [name for name in self._files.names() if names.is_name(name)]

    def versions(self, model: str) -> list[dict[str, Any]]:
        """Return the published versions, oldest first.

        Each has ``version`` and either ``at`` and ``who``, or ``refused`` with the reason.
        """
        versions = []
        for version in self._versions.version_names(names.check(model, "model")):
            try:
                manifest = self._versions.manifest(model, version)
                row = {"at": rfc3339_of(manifest.at_s), "who": manifest.who}
            except NotFound:  # publishing is in progress, or was interrupted
                continue
            except BadArtifact as error:
                row = {"refused": str(error)}
            versions.append({"version": version, **row})
        return sorted(versions, key=lambda row: (row.get("at", ""), row["version"]))

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
        return self._versions.load(names.check(model, "model"), version, session)

    def verify(self, model: str, version: str) -> dict[str, Any]:
        """Load a version and check all its files; return its card.

        Raises
        ------
        NotFound, BadArtifact
            As `load`.
        """
        return self._versions.verify(names.check(model, "model"), version)

    def card(self, model: str, version: str) -> dict[str, Any]:
        """Return a version's card; raises as `load`."""
        return self._versions.card(names.check(model, "model"), version)

    def weights(self, model: str, version: str) -> bytes:
        """Return a version's Keras file, to continue its training; raises as `load`."""
        return self._versions.weights(names.check(model, "model"), version)

    def champion(self, model: str, since: Pointer | None = None) -> Pointer:
        """Return the newest pointer of ``model``; with ``since``, one read before, at low cost.

        A pointer that cannot be read has the version ``?`` and the reason as ``why``.
        """
        return self._pointers.newest(names.check(model, "model"), since)

    def history(self, model: str, count: int = 20) -> list[Pointer]:
        """Return the last ``count`` pointers of ``model``, the newest first."""
        newest = self.champion(model)
        older = range(newest.number - 1, max(newest.number - count, 0), -1)
        pointers = [newest, *(self._pointers.read(model, number) for number in older)]
        return pointers[: newest.number]

    def promote(
        self, model: str, version: str, who: str, why: str = "", expected: Expected = None
    ) -> Pointer:
        """Verify a version and make it champion.

        Raises
        ------
        NotFound, BadArtifact
            As `load`; the champion stays.
        Conflict
            If the champion is not ``expected``, or was changed by another caller meanwhile.
        """
        now = self._expected(model, expected)
        self.verify(model, version)
        # Promoting the champion again makes replicas that refused it retry. One rollback undoes it.
        back = now.back if now.version in (version, UNREADABLE) else now.number
        return self._add(model, Pointer(now.number, version, "promoted", back, 0.0, who, why))

    def rollback(self, model: str, who: str, why: str = "", expected: Expected = None) -> Pointer:
        """Make the previous champion champion again; the one before the first is ``shipped``.

        Raises
        ------
        Conflict
            As `promote`, and if there is no previous champion.
        NotFound, BadArtifact
            As `load`, of the version that would be champion again; the champion stays.
        """
        now = self._expected(model, expected)
        if now.back is None:
            raise Conflict(
                f"{model} serves the model that it came with; there is nothing to go back to."
            )
        then = self._pointers.read(model, now.back)
        if then.version != SHIPPED:
            self.verify(model, then.version)
        return self._add(
            model, Pointer(now.number, then.version, "rolled_back", then.back, 0.0, who, why)
        )

    def _expected(self, model: str, expected: Expected) -> Pointer:
        now = self.champion(model)
        if expected not in (None, now.number, now.version):
            raise Conflict(
                f"the champion of {model} is {now.version}, number {now.number}; "
                f"{quoted(expected)} was expected. Look again, then say which one is to be "
                "replaced.",
                "expected",
            )
        return now

    def _add(self, model: str, draft: Pointer) -> Pointer:
        pointer = replace(draft, number=draft.number + 1, at_s=self._clock())
        if not self._pointers.add(model, pointer):
            raise Conflict(
                f"somebody else changed the champion of {model} at the same time. Look at what it "
                "is now, then decide again.",
                "expected",
            )
        return pointer
