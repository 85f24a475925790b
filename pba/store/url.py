"""The URL of the store: which are accepted, and what of one may be shown.

A URL holds a password, and a URL that is not quoted well may hold a piece of it anywhere. So no
message repeats a URL.
"""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pba.errors import InvalidInput
from pba.project import resolve

__all__ = ["describe_url", "has_password", "parse_url", "url_without_password"]

_SECRETS = ("password", "sslpassword")
_PORTS = range(1, 65536)


def parse_url(text: str) -> URL:
    """Return the URL of a SQLite file, absolute, or of a PostgreSQL database.

    ``postgres://`` and ``postgresql://``, with the name of any driver, mean the same. A relative
    file starts where `pba.project` says.

    Raises
    ------
    InvalidInput
        For any other URL, or one that can never work. The message shows nothing of its values.

    Examples
    --------
    >>> parse_url("postgres://anna@db/pba").drivername
    'postgresql+psycopg'
    """
    scheme, _, rest = text.strip().partition("://")
    backend = scheme.lower().partition("+")[0]
    if backend in ("postgres", "postgresql"):
        return _postgresql(rest)
    if backend == "sqlite":
        return _sqlite(rest)
    if not rest:
        raise _invalid("is no URL")
    raise _invalid(f"is {backend}://…" if backend.isalnum() else "is of another kind")


def url_without_password(text: str) -> str:
    """Return what a process elsewhere needs of a URL, in a place that others may read.

    A relative file is made absolute. libpq takes a password from where that process runs.

    Examples
    --------
    >>> url_without_password("postgres://anna:secret@db:5432/pba?password=secret&sslmode=require")
    'postgresql://anna@db:5432/pba?sslmode=require'
    """
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        return url.render_as_string(hide_password=False)
    kept = url.difference_update_query(_SECRETS)._replace(drivername="postgresql", password=None)
    return kept.render_as_string()


def has_password(text: str) -> bool:
    """Return whether a URL holds a password; False for one that is refused.

    >>> has_password("postgresql://anna:secret@db/pba"), has_password("postgresql://anna@db/pba")
    (True, False)
    """
    try:
        url = parse_url(text)
    except InvalidInput:
        return False
    return url.password is not None or not url.query.keys().isdisjoint(_SECRETS)


def describe_url(text: str) -> str:
    """Return what of a URL may be shown: the file, or host, port and database.

    Examples
    --------
    >>> describe_url("postgres://anna:secret@db:5432/pba?password=secret")
    'postgresql://db:5432/pba'
    """
    try:
        url = parse_url(text)
    except InvalidInput as error:
        return f"none: {error}"
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    shown = URL.create("postgresql", host=url.host, port=url.port, database=url.database)
    return shown.render_as_string()


def _postgresql(rest: str) -> URL:
    if rest.count("@") > 1:
        raise _invalid("has an @ inside its user or password; write it as %40")
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):  # both repeat a piece of the URL
        raise _invalid("has a port that is not a number") from None
    if "@" in f"{url.host}{url.database}":
        raise _invalid("has a / inside its user; write it as %2F")
    if url.port is not None and url.port not in _PORTS:
        raise _invalid(f"has the port {url.port}; a port is 1 to 65535")
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    if unknown := url.query.keys() - known:
        raise _invalid(f"has the option {min(unknown)!r}, which PostgreSQL's clients do not know")
    return url


def _sqlite(rest: str) -> URL:
    if not rest.startswith("/"):
        raise _invalid("is sqlite:// with a host; a file follows three slashes")
    url = make_url(f"sqlite://{rest}")
    if not url.database or url.database == ":memory:":
        raise _invalid("is sqlite:// without a file")
    return url if url.database.startswith("file:") else url.set(database=resolve(url.database))


def _invalid(what: str) -> InvalidInput:
    return InvalidInput(
        f"store_url {what}. It is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE. Set "
        "PBA_STORE_URL.",
        "store_url",
    )
