"""Which URLs are accepted, and that no message shows a piece of a password."""

import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput, StoreUnavailable
from pba.store import Store
from pba.store.url import describe_url, parse_url, url_without_password


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "POSTGRES"])
def test_every_name_of_postgresql_means_the_driver_in_use(scheme: str):
    url = parse_url(f"{scheme}://anna:s%40cret@db:5432/pba\n")
    assert (url.drivername, url.host, url.port) == ("postgresql+psycopg", "db", 5432)
    assert (url.username, url.password, url.database) == ("anna", "s@cret", "pba")


def test_ipv6_hosts_and_sockets_are_read():
    assert parse_url("postgresql://u@[::1]:5432/d").host == "::1"
    assert parse_url("postgresql://u@/d?host=/run/db").query["host"] == "/run/db"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://x", "is mysql://"),
        ("pba.db", "is no URL"),
        ("", "is no URL"),
        ("host=db password=s3cret", "is no URL"),
        ("jdbc:postgresql://db/pba", "is of another kind"),
        ("anna:s3cret@db/pba?to=http://x", "is of another kind"),
        ("sqlite:///", "without a file"),
        ("sqlite://", "three slashes"),
        ("sqlite://data:s3cret/pba.db", "with a host"),
        ("sqlite:///:memory:", "without a file"),
        ("sqlite://data/pba.db", "with a host"),
        ("postgresql://u:s3cret@db:port/d", "port that is not a number"),
        ("postgresql://u:s3cret@db:99999/d", "has the port 99999"),
        ("postgresql://u:s3cret@db:0/d", "has the port 0"),
        ("postgresql://u:s3cret", "port that is not a number"),
        ("postgresql://u:ab@s3cret@db/d", "an @ inside"),
        ("postgresql://u:ab@s3cret:1@db/d", "an @ inside"),
        ("postgresql://u/v:s3cret@db/d", "a / inside"),
        ("postgresql://u:s3cret@db/d?pgbouncer=true", "the option 'pgbouncer'"),
    ],
)
def test_other_urls_are_refused_with_the_cause_and_without_a_secret(url: str, why: str):
    with pytest.raises(InvalidInput, match=r"It is sqlite:///FILE or postgresql.*PBA_STORE") as e:
        parse_url(url)
    assert why in str(e.value)
    assert "s3cret" not in f"{e.value}{e.value.__cause__}{describe_url(url)}"
    assert e.value.__suppress_context__ or e.value.__context__ is None, "the context repeats it"


PASSWORDS = st.text("abc@:/?#%[]&= ", min_size=4, max_size=12)


@given(password=PASSWORDS)
def test_a_password_that_is_not_quoted_is_never_shown(password: str):
    marked = "".join(f"Q{letter}Z" for letter in password)
    url = f"postgresql://anna:{marked}@db/pba"
    assert "Q" not in describe_url(url)
    if "@" in password:
        with pytest.raises(InvalidInput) as error:
            parse_url(url)
        assert "Q" not in str(error.value)
    else:
        parsed = parse_url(url)
        assert (parsed.host, parsed.database) == ("db", "pba"), "no piece of it is sent elsewhere"


def test_a_description_has_neither_user_nor_options():
    url = "postgres://anna:s3cret@db:5432/pba?password=s3cret&sslmode=require"
    assert describe_url(url) == "postgresql://db:5432/pba"
    assert describe_url("sqlite:////srv/pba.db") == "sqlite:////srv/pba.db"


@pytest.mark.parametrize(
    ("url", "passed"),
    [
        ("sqlite:////data/pba.db", "sqlite:////data/pba.db"),
        ("postgres://u:p%40w@h:6/d", "postgresql://u@h:6/d"),
        ("postgresql+psycopg://u@h/d?password=p&sslpassword=q&sslmode=require", None),
        ("postgresql://h/d", "postgresql://h/d"),
    ],
)
def test_a_url_for_another_process_is_passed_without_its_password(url: str, passed: str | None):
    assert url_without_password(url) == (passed or "postgresql://u@h/d?sslmode=require")


@pytest.mark.parametrize("option", ["", "&sslpassword=s3cret-too"])
def test_a_server_that_does_not_answer_is_named_without_the_password(option: str):
    url = f"postgresql://anna:s3cret%40tail@127.0.0.1:1/pba?connect_timeout=1{option}"
    store = Store(url, lambda: 1e9)
    with pytest.raises(StoreUnavailable) as error:
        store.ready()
    for hidden in ("s3cret", "tail"):
        assert hidden not in f"{error.value}{error.value.__cause__}"
    store.close()
