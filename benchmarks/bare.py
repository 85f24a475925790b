"""The yardstick: the same forecast from one FastAPI process, without Ray."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

from deployments.ingress import http
from deployments.ingress.request_reading import read_query
from pba.serving.local_service import LocalService

MODELS = Path(__file__).parents[1] / "models"


def app() -> FastAPI:
    service = LocalService.load(MODELS)
    bare = http.api()

    @bare.post("/v1/forecast")
    async def forecast(request: Request) -> Response:
        query = read_query(await http.read_body(request, 128))
        return http.json(service.forecasts([query])[0].as_dict())

    @bare.get("/readyz")
    async def ready() -> Response:
        return http.json({"status": "ready"})

    return bare


if __name__ == "__main__":
    uvicorn.run(app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
