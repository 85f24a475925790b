"""Sessions of ONNX Runtime, which only this module imports: threads, and where operators run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pba.errors import BadArtifact, InvalidInput
from pba.extras import require_library
from pba.models.onnx_check import check_model

__all__ = ["CPU_SESSION", "PROVIDERS", "SessionSettings", "choose_providers", "open_session"]

PROVIDERS: Mapping[str, str] = {
    "CUDA": "CUDAExecutionProvider",
    "TensorRT": "TensorrtExecutionProvider",
    "OpenVINO": "OpenVINOExecutionProvider",
    "CPU": "CPUExecutionProvider",
}
"""ONNX Runtime's names of the providers that a model may run on, by theirs in `user_config`."""

_CPU = PROVIDERS["CPU"]
# TF32, the default of ONNX Runtime on CUDA, has three digits: golden answers differ in the fourth.
_OPTIONS: Mapping[str, Mapping[str, str]] = {PROVIDERS["CUDA"]: {"use_tf32": "0"}}


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a model runs.

    Parameters
    ----------
    threads
        Threads within one operator. Under load, more replicas help more than more threads.
    providers
        Names of `PROVIDERS`, the preferred first. What is not there is passed over, and an operator
        that one lacks runs on the next.
    """

    threads: int = 1
    providers: tuple[str, ...] = ("CPU",)


CPU_SESSION = SessionSettings()
"""One thread of the CPU."""


def choose_providers(names: Sequence[str], available: Collection[str]) -> list[str]:
    """Return ONNX Runtime's names of those providers that are there, in the order of ``names``.

    Parameters
    ----------
    available
        ONNX Runtime's names of what is there.

    Raises
    ------
    InvalidInput
        If none is.

    Examples
    --------
    >>> choose_providers(["TensorRT", "CUDA", "CPU"], ["CPUExecutionProvider"])
    ['CPUExecutionProvider']
    """
    chosen = [PROVIDERS[name] for name in names if PROVIDERS[name] in available]
    if not chosen:
        raise _absent(names, available)
    return chosen


def open_session(model: bytes, settings: SessionSettings) -> Any:
    """Return ONNX Runtime's session of an ONNX file.

    Raises
    ------
    BadArtifact
        If the file must not be loaded, or cannot be.
    InvalidInput
        If none of the providers is there, or none starts.
    """
    check_model(model)
    require_library("onnxruntime", "a network")
    import onnxruntime

    providers = choose_providers(settings.providers, onnxruntime.get_available_providers())
    attempts = [providers[first:] for first in range(len(providers))]
    failure: Exception | None = None
    for names in [*attempts, [_CPU]]:  # the last tells a bad model from providers that do not start
        try:
            session = _start(model, settings.threads, names)
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            failure = error
            continue
        started = session.get_providers()  # without a library, say, it goes on with the CPU alone
        if not set(started) & set(providers):
            raise _absent(settings.providers, started)
        return session
    raise BadArtifact(
        f"ONNX Runtime cannot read the {len(model)} bytes given: {failure}. Copy the model again."
    ) from failure


def _start(model: bytes, threads: int, providers: Sequence[str]) -> Any:
    """Return a session that fails where a provider fails, now or in a run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.load_model_format", "ONNX")
    chosen = [(name, _OPTIONS.get(name, {})) for name in providers]
    # By itself it would go on with other providers, without these options, and print that.
    return onnxruntime.InferenceSession(model, options, providers=chosen, enable_fallback=0)


def _absent(names: Sequence[str], available: Collection[str]) -> InvalidInput:
    there = [name for name, provider in PROVIDERS.items() if provider in available]
    return InvalidInput(
        f"providers is {', '.join(names)}; ONNX Runtime has {', '.join(there)} here. Name one of "
        "these too, or install the ONNX Runtime and the drivers of another."
    )
