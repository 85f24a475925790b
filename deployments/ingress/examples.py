"""Example bodies for /docs, by request model; each runs as it stands."""

from collections.abc import Mapping
from typing import Any

__all__ = ["BODIES", "LINK_ID"]

LINK_ID = "fra1:ams2"

_SAMPLES: list[dict[str, Any]] = [
    {
        "timestamp": f"2026-03-01T12:00:0{second}Z",
        "bandwidth_mbps": mbps,
        "latency_ms": 41.2,
        "packet_loss": 0.001,
        "jitter_ms": 2.3,
    }
    for second, mbps in enumerate((812.5, 798.0, 805.1))
]
_COLUMNS = {name: [sample[name] for sample in _SAMPLES] for name in _SAMPLES[0]}
_FORECAST = {"history": _SAMPLES, "mode": "auto", "allocation": {"max_streams": 64}}

_TRANSFER = {
    "history": _COLUMNS,
    "bytes": 4_000_000_000,
    "deadline_s": 300.0,
    "dirty_mbps": 60.0,
}
BODIES: Mapping[str, dict[str, Any]] = {
    "ForecastRequest": _FORECAST,
    "BulkForecastRequest": {
        "requests": [_FORECAST, {"history": _COLUMNS}, {"history": _SAMPLES[:1]}]
    },
    "SamplesRequest": {"samples": _SAMPLES},
    "BulkSamplesRequest": {"samples": [{"link_id": LINK_ID, **sample} for sample in _SAMPLES]},
    "LinksRequest": {"link_ids": [LINK_ID, "unknown"]},
    "TransferBody": _TRANSFER,
    "BulkTransferBody": {"requests": [_TRANSFER, {"link_id": LINK_ID, "bytes": 4_000_000_000}]},
    "FlagsRequest": {
        "version": 0,
        "on_behalf_of": "anna",
        "flags": {"enable_hybrid_mode": True},
        "reason": "links between both modes",
    },
    "RetrainRequest": {"on_behalf_of": "anna", "reason": "a new network"},
    "PromotionRequest": {
        "version": "internet-2026.11.27-3",
        "on_behalf_of": "anna",
        "reason": "better at night",
    },
    "InferenceRequest": {
        "inputs": [
            {
                "name": "telemetry",
                "shape": [1, 60, 5],
                "datatype": "FP32",
                "data": [20.0, 30.0, 0.0, 2.0, None] * 60,
            }
        ]
    },
    "RollbackRequest": {"on_behalf_of": "anna", "reason": "worse at night"},
}
"""By the name of the request model."""
