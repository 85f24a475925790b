"""The builder: `serve_config.yaml` names it as `deployments.app:build`."""

from typing import Any

from ray.serve import Application

from deployments.model import DatacenterModel, InternetModel
from deployments.router import Router
from deployments.settings import Settings

__all__ = ["build"]


def build(args: dict[str, Any]) -> Application:
    """Return the application: the router over one deployment for each mode.

    Parameters
    ----------
    args
        Fields of `Settings`; they win over `PBA_` variables.
    """
    settings = Settings(**args)
    return Router.bind(
        DatacenterModel.bind("datacenter"), InternetModel.bind("internet"), settings
    )
