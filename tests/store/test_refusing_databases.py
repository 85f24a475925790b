"""Every refusal of a database has one name and a cause, and ends without a restart."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pba.errors import StoreUnavailable
from pba.store import Store
from tests.store.builders import NOW_S, sample_report, write
from tests.support.postgres import require_password

USER, PASSWORD = "lowly", "s3cret"


class Refusing:
    """The emptied database of a server, and a store that reaches it as a user without rights."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        server = conninfo_to_dict(admin_url)
        self.url = f"postgres://{USER}:{PASSWORD}@/{server['dbname']}?host={server['host']}"
        self.now_s = 0.0
        self.store = Store(self.url, lambda: NOW_S)
        self.store.schema._clock = lambda: self.now_s

    def run(self, *statements: str) -> None:
        """Run statements as the database's owner."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def refusal(self) -> str:
        """Return why `Store.ready` fails, after the pause."""
        self.now_s += 10
        with pytest.raises(StoreUnavailable, match="the telemetry store is away: ") as error:
            self.store.ready()
        assert PASSWORD not in str(error.value)
        return str(error.value)

    def recovers(self) -> None:
        """Write and read, after the pause."""
        self.now_s += 10
        write(self.store.ready(), sample_report("a", 0, 3))
        assert len(self.store.link_contexts(["a"])["a"].history) == 3


@pytest.fixture
def refusing(server: str) -> Iterator[Refusing]:
    database = Refusing(server)
    database.run(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",  # in which, since PostgreSQL 15, only its owner creates tables
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",
    )
    yield database
    database.store.close()
    database.run(f"DROP OWNED BY {USER} CASCADE", f"DROP ROLE {USER}")


def test_a_schema_in_which_the_user_may_not_create_tables(refusing: Refusing):
    reason = refusing.refusal()
    assert "permission denied for schema public" in reason
    assert "Grant the user of PBA_STORE_URL" in reason
    refusing.run(f"GRANT CREATE ON SCHEMA public TO {USER}")
    refusing.recovers()


@pytest.mark.parametrize(
    ("lost", "returned", "why"),
    [
        ("REVOKE INSERT, DELETE ON samples FROM {}", "GRANT ALL ON samples TO {}", "on samples"),
        ("REVOKE SELECT ON links FROM {}", "GRANT ALL ON links TO {}", "SELECT on links"),
        ("REVOKE ALL ON flags FROM {}", "GRANT ALL ON flags TO {}", "on flags"),
        (
            "REVOKE ALL ON SEQUENCE links_id_seq FROM {}",
            "GRANT USAGE ON SEQUENCE links_id_seq TO {}",
            "USAGE on public.links_id_seq",
        ),
        (
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC, {}",
            "GRANT USAGE ON SCHEMA public TO {}",
            "",
        ),
        ("ALTER TABLE samples RENAME TO s", "ALTER TABLE s RENAME TO samples", "tables samples"),
    ],
)
def test_rights_that_are_lost_while_it_runs(refusing: Refusing, lost: str, returned: str, why: str):
    Store(refusing.admin_url, lambda: NOW_S).ready().close()
    refusing.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}")
    refusing.run(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}")
    refusing.store.ready()
    refusing.run(lost.format(USER))
    with pytest.raises(StoreUnavailable, match="the telemetry store is away: "):
        write_and_read_flags(refusing.store)
    assert why.lower() in refusing.refusal().lower()
    refusing.run(returned.format(USER))
    refusing.recovers()


def write_and_read_flags(store: Store) -> None:
    store.flags()
    write(store, sample_report("new", 0, 3))


def test_rights_that_are_incomplete_from_the_start(refusing: Refusing):
    Store(refusing.admin_url, lambda: NOW_S).ready().close()
    refusing.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {USER}")
    reason = refusing.refusal()
    assert "INSERT, UPDATE, DELETE ON samples" in reason
    assert "USAGE ON public.links_id_seq" in reason
    refusing.run(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}",
    )
    refusing.recovers()


@pytest.mark.parametrize(
    ("refuse", "allow", "why"),
    [
        ("ALTER ROLE {} NOLOGIN", "ALTER ROLE {} LOGIN", "not permitted to log in"),
        (
            "ALTER ROLE {} SET default_transaction_read_only = on",
            "ALTER ROLE {} RESET default_transaction_read_only",
            "read-only transaction",
        ),
    ],
)
def test_a_user_that_may_not_log_in_or_create(
    refusing: Refusing, refuse: str, allow: str, why: str
):
    refusing.run(f"GRANT CREATE ON SCHEMA public TO {USER}", refuse.format(USER))
    assert why in refusing.refusal()
    refusing.run(allow.format(USER))
    refusing.store.close()  # a role's settings apply to new connections
    refusing.recovers()


@pytest.mark.parametrize(("encoding", "search_path"), [("SQL_ASCII", "public"), ("UTF8", "own")])
def test_unusual_encodings_and_schemas_serve(server: str, encoding: str, search_path: str):
    host = conninfo_to_dict(server)["host"]
    other = f"postgresql://postgres@/other?host={host}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE other ENCODING {encoding} LOCALE 'C' TEMPLATE template0"
        )
        connection.execute(f"ALTER DATABASE other SET search_path = {search_path}")
        with psycopg.connect(other, autocommit=True) as inside:
            inside.execute("CREATE SCHEMA own")
        store = Store(other, lambda: NOW_S)
        write(store.ready(), sample_report("a", 0, 3))
        assert [link.link_id for link in store.links(None, "", 5)] == ["a"]
        store.close()
        connection.execute("DROP DATABASE other")


def test_a_wrong_password(refusing: Refusing):
    require_password(refusing.admin_url, USER)
    refusing.run(
        f"GRANT CREATE ON SCHEMA public TO {USER}", f"ALTER ROLE {USER} PASSWORD 'another'"
    )
    assert "password authentication failed" in refusing.refusal()
    refusing.run(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    refusing.recovers()


def test_a_database_that_does_not_exist_yet(server: str):
    missing = conninfo_to_dict(server)["host"]
    store = Store(f"postgresql://postgres@/later?host={missing}", lambda: NOW_S)
    now_s = 0.0
    store.schema._clock = lambda: now_s
    with pytest.raises(StoreUnavailable, match='"later" does not exist'):
        store.ready()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE later")
        now_s = 10.0
        assert store.ready().links(None, "", 1) == []
        store.close()
        connection.execute("DROP DATABASE later")


def test_stores_of_one_database_share_what_they_notice_of_its_schema(server: str):
    now_s = 0.0
    with psycopg.connect(server, autocommit=True) as database:
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
        first = Store(server, lambda: NOW_S).ready()
        first.schema._clock = lambda: now_s
        second = Store(server, lambda: NOW_S, schema=first.schema).ready()
        database.execute("ALTER TABLE flags RENAME TO flags_away")
        with pytest.raises(StoreUnavailable):
            first.flags()
        with pytest.raises(StoreUnavailable, match="the tables flags"):
            second.ready()
        database.execute("ALTER TABLE flags_away RENAME TO flags")
    now_s = 10.0
    first.ready()
    second.ready()
    first.close()
    second.close()
