"""The reference for the service: the same forecast from one FastAPI process, without Ray.

Arguments: the port, and for TLS the files of certificate and key.
"""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

from deployments.ingress.http import create_app, json_response
from deployments.ingress.request_body import BodyReader
from deployments.ingress.request_reading import read_query
from pba.serving.local_service import LocalService

MODELS = Path(__file__).parents[1] / "models"


def bare_app() -> FastAPI:
    service = LocalService.load(MODELS)
    app, bodies = create_app(), BodyReader(limit_mb=128, readers=1024, budget_mb=256)

    @app.post("/v1/forecast")
    async def forecast(request: Request) -> Response:
        query = read_query(await bodies.read(request))
        return json_response(service.forecasts([query])[0].as_dict())

    @app.get("/readyz")
    @app.get("/-/healthz")
    async def ready() -> Response:
        return json_response({"status": "ready"})

    return app


if __name__ == "__main__":
    port, *files = sys.argv[1:]
    tls = dict(zip(("ssl_certfile", "ssl_keyfile"), files, strict=bool(files)))
    uvicorn.run(
        bare_app(), host="127.0.0.1", port=int(port), log_level="warning", http="httptools", **tls
    )
