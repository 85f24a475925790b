"""Calls of `tritonclient`, in an environment of its own, which knows nothing of PBA.

`python triton_calls.py HTTP GRPC MODEL INPUT.npy OUTPUT.npz` has both clients send the input in
every way they have, and writes what comes back: an array for each output, by client and way.
"""

import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

NAMES = ("probabilities", "level_mbps", "path")


def main(http: str, grpc: str, model: str, source: str, target: str) -> None:
    telemetry, outputs = np.load(source), {}
    for kind, address in ((tritonclient.http, http), (tritonclient.grpc, grpc)):
        client = kind.InferenceServerClient(address)
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(model)
        metadata = client.get_model_metadata(model)
        version = metadata["versions"][0] if kind is tritonclient.http else metadata.versions[0]
        name = kind.__name__.rpartition(".")[2]
        for way, options in ways(kind, telemetry).items():
            for chosen in ("", version):
                result = client.infer(model, model_version=chosen, **options)
                for output in NAMES:
                    outputs[f"{name}/{way}/{chosen or 'any'}/{output}"] = result.as_numpy(output)
        assert "telemetry has shape" in refusal(client, model, inputs(kind, telemetry[:, 1:]))
        client.close()
    np.savez(target, **outputs)


def refusal(client, model, tensors):
    """Return the text of the error that a wrong request gets."""
    try:
        client.infer(model, tensors)
    except InferenceServerException as error:
        return str(error)
    return "none"


def ways(kind, telemetry):
    """Return the arguments of each way to ask."""
    if kind is tritonclient.grpc:
        named = [kind.InferRequestedOutput(name) for name in NAMES]
        sent = inputs(kind, telemetry)
        return {"all": {"inputs": sent}, "named": {"inputs": sent, "outputs": named}}
    binary, plain = inputs(kind, telemetry), inputs(kind, telemetry, binary_data=False)
    named, text = (
        [kind.InferRequestedOutput(name, binary_data=is_binary) for name in NAMES]
        for is_binary in (True, False)
    )
    return {
        "binary": {"inputs": binary},
        "binary, named": {"inputs": binary, "outputs": named},
        "binary in": {"inputs": binary, "outputs": text},
        "JSON": {"inputs": plain, "outputs": text},
        "JSON in": {"inputs": plain, "outputs": named},
        "gzip": {"inputs": binary, "request_compression_algorithm": "gzip"},
    }


def inputs(kind, telemetry, **options):
    tensor = kind.InferInput("telemetry", telemetry.shape, "FP32")
    tensor.set_data_from_numpy(telemetry, **options)
    return [tensor]


if __name__ == "__main__":
    main(*sys.argv[1:])
