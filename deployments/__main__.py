"""`python -m deployments`: the whole service on this machine, on loopback only, until Ctrl-C.

The same as `serve run serve_config.yaml` on a Ray of its own, with HAProxy as ingress.
"""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
import yaml

from pba.errors import InvalidInput
from pba.private_files import create_private_file, create_private_folder
from pba.project import resolve
from pba.store.url import describe_url, parse_url

from . import local_run
from .access_check import access_warnings, require_keys
from .addresses import ANY_HOST, join_address, port_error
from .config_file import default_config, read_config, write_config
from .local_profile import (
    LOOPBACK,
    PORT_BLOCKS,
    end_haproxy,
    environment,
    local_socket,
    metrics_port,
    port_block,
)
from .local_run import Endpoints, StartError
from .screen import Screen, log_path, relevant_lines
from .secure_profile import SecureProfile
from .settings import Settings, read_settings, settings_warnings
from .tls_settings import tls_variables


def main(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="What to deploy; by default serve_config.yaml here, or the shipped one.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    plain: Annotated[bool, typer.Option(help="Ray's Python proxy instead of HAProxy.")] = False,
    log: Annotated[
        Path | None,
        typer.Option(help="Where the logs of Ray go; by default a new file in data/logs."),
    ] = None,
    secure: Annotated[
        Path | None,
        typer.Option(help="Encrypt everything and require keys, with files made in this folder."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print what is deployed, to change it, and end.")
    ] = False,
) -> None:
    """Serve forecasts on this machine until Ctrl-C."""
    config = config or default_config()
    if show:
        typer.echo(read_config(config), nl=False)
    else:
        _run(config, plain, log, secure)


def _run(config: Path, plain: bool, log: Path | None, secure: Path | None) -> None:
    os.umask(0o077)  # of Ray and its processes too: what they write is their user's alone
    application, options = _read(config)
    profile = _prepare(secure, options["host"]) if secure else None
    settings = _settings(config, application)
    hosts = [options["host"], *([settings.grpc_host] if settings.grpc_port else [])]
    _check_tls(settings, plain)
    endpoints, log_file = _endpoints(options, settings, profile), _log(log)
    _require_keys(hosts, settings)
    with tempfile.TemporaryDirectory(prefix="pba-") as name, port_block() as first_port:
        if first_port is None:
            raise typer.BadParameter(f"{len(PORT_BLOCKS)} services run here, the most. Stop one.")
        folder = Path(name)
        host, port = options["host"], options["port"]
        os.environ.update(environment(folder, first_port, plain, host, port))
        os.environ.update(tls_variables(settings) | (profile.ray_variables if profile else {}))
        if settings.certificate_files:
            endpoints = replace(endpoints, socket=local_socket(folder))
        endpoints = replace(endpoints, metrics_port=metrics_port(settings.metrics_port))
        # Behind HAProxy the replicas stay on loopback: it alone answers elsewhere.
        deployed = write_config(config, folder, None if plain else LOOPBACK)
        screen = Screen.redirect(log_file)
        with _stopped_at_the_end(folder, screen):
            screen.line(f"PBA starts {config} on this machine. Ray's logs go to {screen.log}")
            args = application.get("args") or {}
            for warning in [*settings_warnings(args), *access_warnings(hosts, settings)]:
                screen.line(f"Warning: {warning}")
            _serve(deployed, application.get("name", "default"), endpoints, profile, screen)


def _serve(
    config: Path, name: str, endpoints: Endpoints, profile: SecureProfile | None, screen: Screen
) -> NoReturn:
    """Start the application ``name``, show where it answers, and wait."""
    unready = local_run.start(config, name, endpoints, screen)
    screen.line(f"PBA answers after {screen.elapsed_s:.0f} s. Ctrl-C stops it.")
    if unready is not None:
        screen.line(f"Not yet all of it, and it tries again by itself: {unready}")
    pba = _command("pba")
    keys = profile.key_lines(pba) if profile else []
    for line in [*keys, *endpoints.lines(pba), *local_run.program_lines()]:
        screen.line(line)
    while True:
        signal.pause()


def _prepare(folder: Path, host: str) -> SecureProfile:
    """Make what a closed service needs, and have the settings name it."""
    names = [socket.gethostname(), *([] if host in ANY_HOST else [host])]
    try:
        profile = SecureProfile.prepare(folder, names, time.time)  # noqa: TID251 - passed in
    except (InvalidInput, OSError) as error:
        raise typer.BadParameter(f"--secure {folder}: {error}") from None
    os.environ.update(profile.settings)
    return profile


def _read(config: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the application and the HTTP options in ``config``."""
    try:
        content = yaml.safe_load(config.read_text())
        application = dict(content["applications"][0])
        options = content["http_options"]
        options["host"] = str(options["host"]).removeprefix("[").removesuffix("]")
        return application, options
    except (yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        raise typer.BadParameter(
            f"{config} needs http_options and an application, as serve_config.yaml has: {error!r}"
        ) from None


def _settings(config: Path, application: dict[str, Any]) -> Settings:
    """Return the settings of the environment and of ``application``."""
    try:
        settings = read_settings(application.get("args") or {})
        parse_url(settings.store_url)
        return settings
    except InvalidInput as error:
        raise typer.BadParameter(f"the settings in {config} or PBA_ variables: {error}") from None


def _endpoints(
    options: dict[str, Any], settings: Settings, profile: SecureProfile | None
) -> Endpoints:
    """Return where the service will answer, if the ports are free."""
    _require_port(options["host"], options["port"], "port under http_options")
    grpc = ""
    if settings.grpc_port:
        _require_port(settings.grpc_host, settings.grpc_port, "PBA_GRPC_PORT")
        grpc = join_address(settings.grpc_host, settings.grpc_port)
    store = describe_url(settings.store_url)
    scheme = "https" if settings.certificate_files else "http"
    endpoints = Endpoints(
        f"{scheme}://{join_address(options['host'], options['port'])}", grpc, store
    )
    if profile is None:
        return endpoints
    shows_own = bool(settings.tls_client_ca)
    return replace(
        endpoints, curl=profile.curl_options(shows_own), pba=profile.pba_options(shows_own)
    )


def _check_tls(settings: Settings, plain: bool) -> None:
    if settings.certificate_files is None:
        return
    if plain:
        raise typer.BadParameter(
            "HAProxy encrypts HTTP: leave out --plain, or tls_cert and tls_key."
        )
    try:
        settings.certificate_files.read()
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from None


def _require_keys(hosts: list[str], settings: Settings) -> None:
    try:
        require_keys(hosts, settings)
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from None


def _require_port(host: str, port: int, setting: str) -> None:
    if error := port_error(host, port):
        raise typer.BadParameter(f"{error}, or set another {setting}.")


def _log(log: Path | None) -> Path:
    try:
        path = log or log_path(Path(resolve("data/logs")))
        create_private_folder(path.parent)
        create_private_file(path)
    except OSError as error:
        raise typer.BadParameter(
            f"the log cannot be written: {error}. Name another with --log FILE."
        ) from None
    with contextlib.suppress(ValueError):  # a shorter path, where there is one
        return path.absolute().relative_to(Path.cwd())
    return path


def _command(name: str) -> str:
    """Return how a person calls the command ``name`` of this environment from here."""
    path = Path(sys.executable).with_name(name)
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


@contextlib.contextmanager
def _stopped_at_the_end(folder: Path, screen: Screen) -> Iterator[None]:
    """Stop everything when the body ends, whether by Ctrl-C, SIGTERM or an error."""
    code = 0
    try:
        yield
    except (KeyboardInterrupt, SystemExit):  # Ray's handler of SIGTERM raises the second
        pass
    except StartError as error:
        code = 1
        screen.failure(str(error), error.details)
    except Exception as error:
        code = 1
        traceback.print_exc()
        screen.failure(type(error).__name__, relevant_lines(str(error)))
    _exit_on_signals(folder, screen)
    began_s = screen.elapsed_s
    screen.line("Stopping ... ", end="")
    try:
        local_run.stop()
    except (Exception, SystemExit):  # the processes end with this one
        traceback.print_exc()
    end_haproxy(folder)
    screen.line(f"stopped after {screen.elapsed_s - began_s:.0f} s.")
    raise typer.Exit(code)


def _exit_on_signals(folder: Path, screen: Screen) -> None:
    """Have a further Ctrl-C end this process at once; Ray's processes end with it."""

    def handler(_: int, __: FrameType | None) -> NoReturn:
        screen.line("stopped at once.")
        end_haproxy(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(130)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


if __name__ == "__main__":
    typer.run(main)
