"""Writing a batch: samples, the new modes of their links, and forecasts, in one transaction.

What is stored is read without locks, and decided in Python. Then the statements follow each other
without Python in between, and where another writer was faster their conditions see it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.store.batch_receipts import (
    Decisions,
    Written,
    contexts_after,
    receipts_of,
    records_after,
    samples_after,
)
from pba.store.change_log import change_calls
from pba.store.clock_repair import move_samples_ahead
from pba.store.executor import Call, Executor
from pba.store.flag_table import flags_of
from pba.store.forecast_writes import forecast_calls
from pba.store.link_reading import LinkRow, link_calls, stored_links
from pba.store.recent_samples import KeptSamples, SampleCache
from pba.store.sample_decisions import (
    Values,
    decide,
    is_surprising,
    marks_of,
    samples_of,
    spans_of,
)
from pba.store.sample_statements import (
    ADD_SWITCHES,
    CREATE_LINKS,
    INSERT_SAMPLES,
    LOCK_LINKS,
    MARK_DUE,
    READ_FLAGS,
    UPDATE_LINKS,
)
from pba.store.statements import lock_links, to_micros
from pba.store.transfer_writes import transfer_calls
from pba.store.values import LinkContext, Receipt, SampleReport, StoredForecast, WriteBatch
from pba.telemetry.clocks import was_set_back
from pba.types import NetworkMode

__all__ = ["write_batch"]

_ATTEMPTS = 3
_ALWAYS_US = -2  # before the newest sample of any link, which a new one has at -1


@dataclass(frozen=True, slots=True)
class _Policy:
    """What decides about reports, beside what is stored."""

    now_us: int
    retention_us: int
    default: Flags
    cache: SampleCache


def write_batch(
    executor: Executor,
    batch: WriteBatch,
    now_us: int,
    retention_us: int,
    default: Flags,
    cache: SampleCache,
) -> tuple[list[Receipt], dict[str, KeptSamples]]:
    """Write all of a batch; return a receipt for each report, in order.

    And the last samples of links, for ``cache`` to keep when all of it is committed.

    Parameters
    ----------
    now_us
        The time of the write.
    retention_us
        Samples older than a link's newest one by more than this are not stored.
    default
        The flags until they are changed for the first time.
    cache
        Samples that need not be read if they hold.
    """
    if not batch.reports:
        due = (MARK_DUE, _due_rows({}, batch.forecasts, now_us))
        transfers = transfer_calls(batch.transfers)
        executor.write([*forecast_calls(batch.forecasts), *transfers, due])
        return [], {}
    policy = _Policy(now_us, retention_us, default, cache)
    forecasts = batch.forecasts
    receipts: dict[int, Receipt] = {}
    samples: dict[str, KeptSamples] = {}
    for _ in range(_ATTEMPTS):
        missing = [index for index in range(len(batch.reports)) if index not in receipts]
        reports = [batch.reports[index] for index in missing]
        results, after = _write_reports(
            executor, replace(batch, reports=reports, forecasts=forecasts), policy
        )
        samples |= after
        receipts |= {
            index: receipt
            for index, receipt in zip(missing, results, strict=True)
            if receipt is not None
        }
        forecasts = ()
        if len(receipts) == len(batch.reports):
            return [receipts[index] for index in range(len(batch.reports))], samples
    raise StoreUnavailable(
        f"{len(batch.reports) - len(receipts)} links were deleted while their samples were being "
        "written. Send the samples again."
    )


def _write_reports(
    executor: Executor, batch: WriteBatch, policy: _Policy
) -> tuple[list[Receipt | None], dict[str, KeptSamples]]:
    """Store reports and forecasts; return a receipt for each, None for links deleted meanwhile.

    And the last samples of the links whose contexts are requested, now or lately.
    """
    samples = samples_of(batch.reports)
    spans = spans_of(batch.reports, samples)
    names = sorted({report.link_id for report in batch.reports})
    kept = policy.cache.of(names, policy.now_us)
    flags, links = _read(executor, batch, spans, kept, policy)
    decisions = _decide(batch.reports, samples, links, policy, flags.enable_mode_detection)
    written = _write(executor, decisions, batch, policy.now_us)
    after = samples_after(decisions if batch.with_contexts else kept, decisions, written)
    contexts: dict[str, LinkContext] = {}
    if batch.with_contexts:
        contexts = contexts_after(executor, decisions, written.modes, after)
    with_records = batch.with_records or batch.with_contexts
    records = records_after(decisions, contexts) if with_records else {}
    receipts = receipts_of(
        batch.reports, samples, decisions, written, policy.now_us, contexts, records
    )
    return receipts, after


def _read(
    executor: Executor,
    batch: WriteBatch,
    spans: Mapping[str, tuple[int, int]],
    kept: Mapping[str, KeptSamples],
    policy: _Policy,
) -> tuple[Flags, dict[str, LinkRow]]:
    """Return the flags and the links of the reports; clocks that were ahead are set right first."""
    names = sorted({report.link_id for report in batch.reports})
    always = {
        report.link_id for report in batch.reports if batch.with_contexts or is_surprising(report)
    }
    calls = [(READ_FLAGS, ()), *link_calls(names, spans, always, kept)]
    flags, *rows = executor.read(calls)
    links = stored_links(rows, kept)
    ahead = [
        name
        for name, link in links.items()
        if name in spans and was_set_back(link.newest_us, spans[name][1], policy.now_us)
    ]
    if ahead:
        with executor.in_transaction() as connection:
            stored = lock_links(connection, ahead)
            reported_us = {row.id: spans[name][1] for name, row in stored.items()}
            move_samples_ahead(connection, [*stored.values()], reported_us, policy.now_us)
        flags, *rows = executor.read(calls)
        links = stored_links(rows, kept)
    stored_links_or_new = {name: links.get(name) or LinkRow(name, known=True) for name in names}
    return flags_of(flags[0] if flags else None, policy.default).flags, stored_links_or_new


def _decide(
    reports: Sequence[SampleReport],
    samples: Sequence[Values],
    links: Mapping[str, LinkRow],
    policy: _Policy,
    detect: bool,
) -> Decisions:
    """Return what to write for each link, in the order of names."""
    reported: dict[str, list[Values]] = defaultdict(list)
    surprising: dict[str, bool] = defaultdict(bool)
    for report, values in zip(reports, samples, strict=True):
        reported[report.link_id].append(values)
        surprising[report.link_id] |= is_surprising(report)
    return {
        name: decide(link, reported[name], surprising[name], policy.retention_us, detect)
        for name, link in links.items()
    }


def _write(
    executor: Executor,
    decisions: Decisions,
    batch: WriteBatch,
    now_us: int,
) -> Written:
    """Write links, samples, forecasts and transfers; all writers take their locks in this order."""
    all_decisions = decisions.values()
    samples = _sample_rows(decisions, marks_of(batch.reports))
    switches = [row for decision in all_decisions if (row := decision.switch_row()) is not None]
    versions, *forecast_inserts = forecast_calls(batch.forecasts)
    calls: list[Call] = [
        versions,
        (CREATE_LINKS, [(name,) for name, one in decisions.items() if one.link.key is None]),
        (LOCK_LINKS, [(name,) for name in decisions]),
        (INSERT_SAMPLES, samples),
        (UPDATE_LINKS, [decision.update_row(now_us) for decision in all_decisions]),
        (ADD_SWITCHES, switches),
        *forecast_inserts,
        *transfer_calls(batch.transfers),
        (MARK_DUE, _due_rows(decisions, batch.forecasts, now_us)),
        *change_calls([name for name, decision in decisions.items() if decision.new], now_us),
    ]
    _, _, before, inserted, updated, *_ = executor.write(calls)
    new: dict[str, set[int]] = defaultdict(set)
    for name, at_us in inserted:
        new[name].add(at_us)
    read = {name: (one.link.newest_us, one.link.heard_us) for name, one in decisions.items()}
    return Written(
        new,
        read | {name: (newest_us, heard_us) for name, newest_us, heard_us in before},
        {name: NetworkMode(mode) for name, mode, *_ in updated},
        {name: (key, newest_us, heard_us) for name, _, key, newest_us, heard_us in updated},
    )


def _sample_rows(decisions: Decisions, marks: Collection[tuple[str, int]]) -> list[tuple[Any, ...]]:
    return [
        (
            name,
            at_us,
            *(None if v != v else v for v in values),
            True if (name, at_us) in marks else None,
        )
        for name, decision in decisions.items()
        for at_us, values in decision.new.items()
    ]


def _due_rows(
    decisions: Decisions, forecasts: Sequence[StoredForecast], now_us: int
) -> list[tuple[str, int, int]]:
    """Return the rows of `MARK_DUE`: links with new samples, and with samples after a forecast."""
    after_us = {forecast.link_id: to_micros(forecast.after_s) for forecast in forecasts}
    after_us |= {name: _ALWAYS_US for name, decision in decisions.items() if decision.new}
    return [(name, after_us[name], now_us) for name in sorted(after_us)]
