"""The builder: `serve_config.yaml` names it as `deployments.app:build`."""

import logging
from typing import Any

from ray import serve
from ray.serve import Application

from pba.models import v1_features

from .ingress.router import Router
from .replicas.model_replica import ModelReplica
from .replicas.monitor_replica import Monitor
from .settings import read_settings, settings_warnings
from .tls_settings import require_tls_of_haproxy

__all__ = ["build"]

_log = logging.getLogger("ray.serve")


def build(args: dict[str, Any]) -> Application:
    """Return the application: the router over a deployment for each model, and the Monitor.

    The router does not call the Monitor, which polls the store; it is bound to it because Serve
    deploys only what the ingress is bound to.

    Parameters
    ----------
    args
        Fields of `deployments.settings.Settings`; they win over `PBA_` variables.
    """
    settings = read_settings(args)
    require_tls_of_haproxy(settings)
    for warning in settings_warnings(args):
        _log.warning(warning)
    datacenter = serve.deployment(name="DatacenterModel")(ModelReplica).bind("datacenter", settings)
    internet = serve.deployment(name="InternetModel")(ModelReplica).bind("internet", settings)
    v1 = (
        serve.deployment(name="BaselineModel")(ModelReplica).bind(v1_features.NAME, settings)
        if settings.v1
        else None
    )
    monitor = serve.deployment(name="Monitor")(Monitor).bind(settings)
    return serve.deployment(name="Router")(Router).bind(datacenter, internet, v1, monitor, settings)
