"""The statements that read and write the samples of many links, see `pba.store.executor`."""

from collections.abc import Sequence

from pba.store.executor import SetStatement
from pba.telemetry.link_mode import CHECK_EVERY_US
from pba.telemetry.windows import CONTEXT
from pba.types import COLUMNS

__all__ = [
    "ADD_SWITCHES",
    "CREATE_LINKS",
    "INSERT_SAMPLES",
    "LOCK_LINKS",
    "MARK_DUE",
    "READ_FLAGS",
    "READ_LINKS",
    "READ_LONGER",
    "READ_RECENT",
    "RECENT",
    "UPDATE_LINKS",
]

RECENT = 60
"""How many samples of a link are read: the longest window of a model, which callers repeat."""

_MEASURED = ", ".join(COLUMNS)
_STATE = "mode, mode_since_us, candidate, checked_us, switches"
_LINK = ", ".join(f"l.{name}" for name in ("id", "link_id", *_STATE.split(", "), "newest_us"))

READ_FLAGS = SetStatement(
    {},
    "SELECT version, changed_us, changed_by, body FROM flags",
    "SELECT version, changed_us, changed_by, body FROM flags",
)
"""The row of the flags, if there is one."""

_NAMED = "json_each(?1) AS i CROSS JOIN links AS l ON l.link_id = i.value"  # in this order
_RECORDS = """
  FROM {links}
  LEFT JOIN link_records AS r ON r.link = l.id
  LEFT JOIN records AS o ON o.link = l.id"""

READ_LINKS = SetStatement(
    {"name": "text"},
    f"SELECT {_LINK}, l.heard_us, r.body, o.body"
    + _RECORDS.replace("{links}", "{input} JOIN links AS l ON l.link_id = i.name"),
    sqlite_all=f"SELECT {_LINK}, l.heard_us, r.body, o.body" + _RECORDS.replace("{links}", _NAMED),
)
"""Links by name, with the packed record and that of the release before."""

_IF_NEEDED = f"""({{always}} OR l.checked_us IS NULL
  OR abs({{greatest}}(l.newest_us, {{end}}) - l.checked_us) >= {CHECK_EVERY_US}
  OR l.newest_us >= {{first}})
  AND NOT (l.id = {{key}} AND l.newest_us = {{newest}} AND l.heard_us = {{heard}})"""
_KEPT = ("kept_key", "kept_newest_us", "kept_heard_us")


def _recent(count: int) -> SetStatement:
    kept = zip(("key", "newest", "heard"), _KEPT, strict=True)
    postgresql = {"always": "i.always", "greatest": "greatest", "end": "i.end_us"}
    postgresql |= {name: f"i.{column}" for name, column in kept}
    sqlite = {"always": "?4", "greatest": "max", "end": "?3"}
    sqlite |= {"key": "?5", "newest": "?6", "heard": "?7"}
    return SetStatement(
        {"name": "text", "first_us": "int8", "end_us": "int8", "always": "bool"}
        | dict.fromkeys(_KEPT, "int8"),
        f"""
        SELECT l.id, s.at_us, {_MEASURED}
          FROM {{input}} JOIN links AS l ON l.link_id = i.name
         CROSS JOIN LATERAL (
               SELECT * FROM samples WHERE link = l.id ORDER BY at_us DESC LIMIT {count}) AS s
         WHERE {_IF_NEEDED.format(first="i.first_us", **postgresql)}
         ORDER BY l.id, s.at_us DESC
        """,
        f"""
        SELECT link, at_us, {_MEASURED}
          FROM samples
         WHERE link = (SELECT l.id FROM links AS l
                        WHERE l.link_id = ?1 AND {_IF_NEEDED.format(first="?2", **sqlite)})
         ORDER BY at_us DESC LIMIT {count}
        """,
    )


READ_RECENT = _recent(RECENT)
"""The last samples, newest first, of links whose mode is due or that may have those of a report.

Those are reports with samples from ``first_us`` to ``end_us``; ``always`` asks for any link's. Not
those of links whose row is still as the caller has kept it, see `pba.store.recent_samples`.
"""

READ_LONGER = _recent(RECENT * CONTEXT)
"""The same of links whose samples merge, see `pba.telemetry.spacing`."""

CREATE_LINKS = SetStatement(
    {"name": "text"},
    """
    INSERT INTO links (link_id, newest_us, heard_us)
    SELECT i.name, -1, -1
      FROM {input}
     WHERE NOT EXISTS (SELECT FROM links AS l WHERE l.link_id = i.name)
     ORDER BY i.place
        ON CONFLICT DO NOTHING
    """,
    "INSERT INTO links (link_id, newest_us, heard_us) VALUES (?1, -1, -1) ON CONFLICT DO NOTHING",
)
"""Create the links that do not exist, in the order of the rows, as before any sample and report."""

LOCK_LINKS = SetStatement(
    {"name": "text"},
    """
    SELECT l.link_id, l.newest_us, l.heard_us
      FROM links AS l
     WHERE l.link_id IN (SELECT i.name FROM {input})
     ORDER BY l.link_id COLLATE "C"
       FOR NO KEY UPDATE
    """,
)
"""Lock links in the one order of all writers; return newest sample and last report of each.

On SQLite a writer has locked the whole file before it reads.
"""

INSERT_SAMPLES = SetStatement(
    {"name": "text", "at_us": "int8"}
    | dict.fromkeys(COLUMNS, "float8")
    | {"during_transfer": "bool"},
    f"""
    WITH new AS (
           INSERT INTO samples (link, at_us, {_MEASURED}, during_transfer)
           SELECT l.id, i.at_us, {_MEASURED}, during_transfer
             FROM {{input}} JOIN links AS l ON l.link_id = i.name
               ON CONFLICT DO NOTHING
        RETURNING link, at_us)
    SELECT l.link_id, new.at_us FROM new JOIN links AS l ON l.id = new.link
    """,
    f"""
    INSERT INTO samples (link, at_us, {_MEASURED}, during_transfer)
    SELECT l.id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM links AS l WHERE l.link_id = ?1
        ON CONFLICT DO NOTHING
    """,
    returned=2,
)
"""Insert samples that are not stored yet; return what is new."""

MARK_DUE = SetStatement(
    {"name": "text", "after_us": "int8", "now_us": "int8"},
    """
    INSERT INTO due_links (link, since_us, generation)
    SELECT l.id, max(i.now_us), 1
      FROM {input} JOIN links AS l ON l.link_id = i.name
     WHERE i.after_us < l.newest_us
     GROUP BY l.id
     ORDER BY l.id
        ON CONFLICT (link) DO UPDATE SET generation = due_links.generation + 1
    """,
    """
    INSERT INTO due_links (link, since_us, generation)
    SELECT id, ?3, 1 FROM links WHERE link_id = ?1 AND ?2 < newest_us
        ON CONFLICT (link) DO UPDATE SET generation = due_links.generation + 1
    """,
)
"""Have links with samples after ``after_us`` scored, in the order of keys: all writers lock so."""

_NEW_STATE = {
    "mode": "text",
    "mode_since_us": "int8",
    "candidate": "text",
    "checked_us": "int8",
    "switches": "int4",
}
# A link that was deleted and came back meanwhile has no mode yet, and gets the usual one.
_DEFAULTS = {"mode": "'internet'", "mode_since_us": "{newest}"}


def _changes(same: str, new: Sequence[str], old: str, newest: str) -> str:
    """Return what sets the state of a mode: ``new`` where ``same`` holds."""
    kept = {
        name: f"coalesce({old}{name}, {_DEFAULTS[name].format(newest=newest)})"
        if name in _DEFAULTS
        else old + name
        for name in _NEW_STATE
    }
    return ", ".join(
        f"{name} = CASE WHEN {same} THEN {value} ELSE {kept[name]} END"
        for name, value in zip(_NEW_STATE, new, strict=True)
    )


def _last_report(end: str, now: str, old: str) -> str:
    """Return the time of the last report after one at ``now`` with samples up to ``end``.

    A report without a newer sample must show there, even if two came at one time of the clock: see
    `pba.store.recent_samples`.
    """
    again = f"{end} <= {old}newest_us AND {now} BETWEEN {old}heard_us - 1000000 AND {old}heard_us"
    return f"CASE WHEN {again} THEN {old}heard_us + 1 ELSE {now} END"


_SAME = "i.decided AND l.checked_us IS NOT DISTINCT FROM i.read_us"

UPDATE_LINKS = SetStatement(
    {"name": "text", "newest_us": "int8", "now_us": "int8", "decided": "bool", "read_us": "int8"}
    | _NEW_STATE,
    f"""
    UPDATE links AS l
       SET newest_us = greatest(l.newest_us, i.newest_us),
           heard_us = {_last_report("i.newest_us", "i.now_us", "l.")},
           {_changes(_SAME, [f"i.{name}" for name in _NEW_STATE], "l.", "i.newest_us")}
      FROM {{input}}
     WHERE l.link_id = i.name
 RETURNING l.link_id, l.mode, l.id, l.newest_us, l.heard_us
    """,
    f"""
    UPDATE links
       SET newest_us = max(newest_us, ?2),
           heard_us = {_last_report("?2", "?3", "")},
           {_changes("?4 AND checked_us IS ?5", ["?6", "?7", "?8", "?9", "?10"], "", "?2")}
     WHERE link_id = ?1
    """,
    f"SELECT l.link_id, l.mode, l.id, l.newest_us, l.heard_us FROM {_NAMED}",
)
"""Update links: the mode only where one was decided from what is still the last detection.

That was at ``read_us``. Returns the modes that hold, and the state of each link.
"""

ADD_SWITCHES = SetStatement(
    {"name": "text", "at_us": "int8", "switches": "int4", "body": "text"},
    """
    INSERT INTO events (at_us, kind, link_id, body)
    SELECT i.at_us, 'mode_switch', i.name, i.body
      FROM {input}
      JOIN links AS l
        ON l.link_id = i.name AND l.mode_since_us = i.at_us AND l.switches = i.switches
     WHERE NOT EXISTS (SELECT FROM events AS e WHERE e.kind = 'mode_switch'
                          AND e.link_id = i.name AND e.at_us = i.at_us)
     ORDER BY i.place
    """,
    """
    INSERT INTO events (at_us, kind, link_id, body)
    SELECT ?2, 'mode_switch', link_id, ?4
      FROM links WHERE link_id = ?1 AND mode_since_us = ?2 AND switches = ?3
    """,
)
"""Record switches of modes that hold; one that another writer has recorded is not repeated."""
