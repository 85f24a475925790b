"""Manifests of `cluster/kubernetes` that repeat another file: `make docs` writes them."""

import textwrap
from pathlib import Path

__all__ = ["prometheus_rule", "ray_service", "single_node_config"]

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
_SINGLE = """\
# What serve_config.yaml deploys on one machine, open to other pods; `make docs` writes this file.
apiVersion: ray.io/v1
kind: RayService
metadata:
  name: pba
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
    """Return the RayService with today's `cluster/serve_config.yaml`."""
    text = (KUBERNETES / "base/rayservice.yaml").read_text()
    before, _, rest = text.partition(_EMBEDDED)
    config = _embedded(PROJECT / "cluster/serve_config.yaml")
    return f"{before}{config}{_AFTER}{rest.partition(_AFTER)[2]}"


def single_node_config() -> str:
    """Return the patch with `serve_config.yaml`, but for the address."""
    return f"{_SINGLE}{_embedded(PROJECT / 'serve_config.yaml').replace(_LOOPBACK, _POD)}"


def _embedded(path: Path) -> str:
    """Return a config as the text that it is in a RayService, without what its title says."""
    lines = path.read_text().splitlines(keepends=True)
    while lines[0].startswith("#"):
        del lines[0]
    return f"{_EMBEDDED}{textwrap.indent(''.join(lines), '    ')}"
