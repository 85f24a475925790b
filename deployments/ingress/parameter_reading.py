"""Parameters by their names, checked as FastAPI checks those of a route, with the same errors."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pba.errors import InvalidRequest, PBAError, quoted

__all__ = ["parameter_error", "read_parameters"]


def read_parameters(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` as the annotations of ``function`` have them; others as they are.

    Raises
    ------
    PBAError
        For the first value that breaks a rule, with its name.
    """
    adapters = _adapters(function)
    return {
        name: _checked(adapters[name], name, value) if name in adapters else value
        for name, value in values.items()
    }


def parameter_error(name: str, fault: Mapping[str, Any]) -> PBAError:
    """Return the error of a parameter with a ``fault`` that pydantic has described."""
    rule = fault.get("ctx", {}).get("error")
    if isinstance(rule, PBAError):  # of a validator that is one of PBA's own checks
        return rule
    return InvalidRequest(f"{name} is {quoted(fault.get('input'))}; {fault['msg']}.", name)


def _checked(adapter: TypeAdapter[Any], name: str, value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise parameter_error(name, error.errors()[0]) from None


@cache
def _adapters(function: Callable[..., Any]) -> dict[str, TypeAdapter[Any]]:
    """Return what checks each parameter that has an annotation for FastAPI."""
    return {
        name: TypeAdapter(parameter.annotation)
        for name, parameter in inspect.signature(function).parameters.items()
        if hasattr(parameter.annotation, "__metadata__")
    }
