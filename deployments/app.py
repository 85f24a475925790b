"""The builder: `serve_config.yaml` names it as `deployments.app:build`."""

from typing import Any

from ray import serve
from ray.serve import Application

from deployments.model import ModelServer
from deployments.monitor import Monitor
from deployments.router import Router
from deployments.settings import Settings
from pba import baseline

__all__ = ["build"]


def build(args: dict[str, Any]) -> Application:
    """Return the application: the router over a deployment for each model, and the Monitor.

    Parameters
    ----------
    args
        Fields of `Settings`; they win over `PBA_` variables.
    """
    settings = Settings(**args)
    datacenter = serve.deployment(name="DatacenterModel")(ModelServer).bind("datacenter", settings)
    internet = serve.deployment(name="InternetModel")(ModelServer).bind("internet", settings)
    v1 = (
        serve.deployment(name="BaselineModel")(ModelServer).bind(baseline.NAME, settings)
        if settings.v1
        else None
    )
    monitor = serve.deployment(name="Monitor")(Monitor).bind(settings)
    return serve.deployment(name="Router")(Router).bind(datacenter, internet, v1, monitor, settings)
