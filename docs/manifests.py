"""Manifests of `cluster/kubernetes` that repeat another file: `make docs` writes them."""

import textwrap
from pathlib import Path

__all__ = ["prometheus_rule", "ray_service"]

PROJECT = Path(__file__).parents[1]
KUBERNETES = PROJECT / "cluster/kubernetes"

_RULE = """\
# The alerts of cluster/alerts.yml for the Prometheus operator; `make docs` writes this file.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: pba
  labels: {app.kubernetes.io/part-of: pba} # CHANGE: add what your Prometheus selects rules by
spec:
"""
_EMBEDDED, _AFTER = "  serveConfigV2: |\n", "  rayClusterConfig:\n"
_LOOPBACK = "host: 127.0.0.1 # behind your own front end; 0.0.0.0 opens it to the network"
_POD = "host: 0.0.0.0 # the one difference: traffic comes from outside the pod"


def prometheus_rule() -> str:
    """Return the PrometheusRule with the groups of `cluster/alerts.yml`."""
    groups = (PROJECT / "cluster/alerts.yml").read_text().partition("\ngroups:\n")[2]
    return f"{_RULE}  groups:\n{textwrap.indent(groups, '  ')}"


def ray_service() -> str:
    """Return the RayService with today's `serve_config.yaml`, but for the address."""
    text = (KUBERNETES / "base/rayservice.yaml").read_text()
    before, _, rest = text.partition(_EMBEDDED)
    config = (PROJECT / "serve_config.yaml").read_text()
    _, _, config = config.partition("\n")  # its first line is about the file
    config = config.replace(_LOOPBACK, _POD)
    return (
        f"{before}{_EMBEDDED}{textwrap.indent(config, '    ')}{_AFTER}{rest.partition(_AFTER)[2]}"
    )
