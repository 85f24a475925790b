"""Which `PBA_` variables of an environment are settings, and what to warn of.

Kubernetes sets variables beside every Service of a namespace: a Service called pba-grpc gives each
pod a `PBA_GRPC_PORT` that is no port. A mistyped name would otherwise set nothing and say nothing.
"""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

__all__ = ["Variables", "is_service_address", "nearest_name", "variable_warnings"]

PREFIX = "PBA_"
_OF_HAPROXY = (f"PBA_HAPROXY_{name}" for name in ("BINARY", "BIND", "LOCAL", "METRICS_HOST"))
_OTHER_USES = frozenset({*_OF_HAPROXY, "PBA_API_KEY", "PBA_URL"})  # the last two are of clients
_DEVELOPMENT = frozenset({"PBA_CRDS", "PBA_TRACES", "PBA_COVERAGE_FOLDER"})
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+:\d+", re.ASCII)
_SERVICE_VARIABLE = re.compile(
    r"_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)


class Variables(EnvSettingsSource):
    """The environment without what Kubernetes sets beside Services."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a setting; called by pydantic."""
        value, key, is_complex = super().get_field_value(field, field_name)
        if isinstance(value, str) and is_service_address(value):
            value = None
        return value, key, is_complex


def is_service_address(value: str) -> bool:
    """Whether ``value`` is what Kubernetes sets as the port of a Service.

    >>> is_service_address("tcp://10.96.7.4:9000"), is_service_address("9000")
    (True, False)
    """
    return _SERVICE_ADDRESS.fullmatch(value) is not None


def nearest_name(name: str, names: Collection[str], prefix: str = "") -> str:
    """Return a question that names what ``name`` is nearest to, or where all are listed.

    ``prefix`` stands before all names, and before the answer.

    >>> nearest_name("gprc_port", ["grpc_port", "grpc_host"])
    'Did you mean grpc_port?'
    """
    matches = get_close_matches(name.removeprefix(prefix), names, 1)
    return (
        f"Did you mean {prefix}{matches[0]}?"
        if matches
        else "docs/deployment.md lists the settings."
    )


def variable_warnings(environment: Mapping[str, str], settings: Collection[str]) -> list[str]:
    """Return a warning for each `PBA_` variable that sets nothing, in the order of their names.

    Values are shown of Services only: any other may be a secret.

    Parameters
    ----------
    settings
        The fields of the settings, in lower case.
    """
    known = {name.upper() for name in settings}
    warnings = []
    for variable, value in sorted(environment.items()):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in _OTHER_USES | _DEVELOPMENT:
            continue
        if is_service_address(value):
            if name.removeprefix(PREFIX) in known:
                warnings.append(_service_warning(variable, value))
        elif name.removeprefix(PREFIX) not in known and not _SERVICE_VARIABLE.search(name):
            nearest = nearest_name(name, known, PREFIX)
            warnings.append(f"{variable} is no setting and is ignored. {nearest}")
    return warnings


def _service_warning(variable: str, value: str) -> str:
    service = variable.lower().removesuffix("_port").replace("_", "-")
    return (
        f"{variable} is {value!r}, which Kubernetes sets beside a Service called {service}; it is "
        "ignored. To set it, put it into `args` of serve_config.yaml, or set enableServiceLinks: "
        "false in the pod."
    )
