"""Writing a batch: samples, the new modes of their links, and forecasts, in one transaction.

What is stored is read without locks, and decided in Python. Then the statements follow each other
without Python in between, and where another writer was faster their conditions see it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.store.clock_repair import move_samples_ahead
from pba.store.executor import Call, Executor
from pba.store.flag_table import flags_of
from pba.store.forecast_writes import forecast_calls
from pba.store.link_reading import LinkRow, contexts_of, link_calls, stored_links
from pba.store.sample_decisions import (
    LinkDecision,
    Values,
    decide,
    is_surprising,
    samples_of,
    spans_of,
    suspicions,
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
from pba.store.values import Receipt, SampleReport, StoredForecast, WriteBatch
from pba.telemetry.clocks import was_set_back
from pba.types import NetworkMode

__all__ = ["write_batch"]

_ATTEMPTS = 3
_ALWAYS_US = -2  # before the newest sample of any link, which a new one has at -1

_Decisions = dict[str, LinkDecision]


@dataclass(frozen=True, slots=True)
class _Policy:
    """What decides about reports, beside what is stored."""

    now_us: int
    retention_us: int
    default: Flags


@dataclass(frozen=True, slots=True)
class _Written:
    """What the database did: new samples by link, newest one before, and modes afterwards."""

    new: Mapping[str, set[int]]
    newest_us: Mapping[str, int]
    modes: Mapping[str, NetworkMode]


def write_batch(
    executor: Executor, batch: WriteBatch, now_us: int, retention_us: int, default: Flags
) -> list[Receipt]:
    """Write all of a batch; return a receipt for each report, in order.

    Parameters
    ----------
    now_us
        The time of the write.
    retention_us
        Samples older than a link's newest one by more than this are not stored.
    default
        The flags until they are changed for the first time.
    """
    if not batch.reports:
        due = (MARK_DUE, _due_rows({}, batch.forecasts, now_us))
        executor.write([*forecast_calls(batch.forecasts), due])
        return []
    policy = _Policy(now_us, retention_us, default)
    forecasts = batch.forecasts
    receipts: dict[int, Receipt] = {}
    for _ in range(_ATTEMPTS):
        missing = [index for index in range(len(batch.reports)) if index not in receipts]
        reports = [batch.reports[index] for index in missing]
        results = _write_reports(
            executor, replace(batch, reports=reports, forecasts=forecasts), policy
        )
        receipts |= {
            index: receipt
            for index, receipt in zip(missing, results, strict=True)
            if receipt is not None
        }
        forecasts = ()
        if len(receipts) == len(batch.reports):
            return [receipts[index] for index in range(len(batch.reports))]
    raise StoreUnavailable(
        f"{len(batch.reports) - len(receipts)} links were deleted while their samples were being "
        "written. Send the samples again."
    )


def _write_reports(executor: Executor, batch: WriteBatch, policy: _Policy) -> list[Receipt | None]:
    """Store reports and forecasts; return a receipt for each, None for links deleted meanwhile."""
    samples = [samples_of(report) for report in batch.reports]
    spans = spans_of(batch.reports, samples)
    flags, links = _read(executor, batch, spans, policy)
    decisions = _decide(batch.reports, samples, links, policy, flags.enable_mode_detection)
    written = _write(executor, decisions, batch.forecasts, policy.now_us)
    receipts = _receipts(batch.reports, samples, decisions, written, policy.now_us)
    if not (batch.with_records or batch.with_contexts):
        return receipts
    return _with_links(executor, batch, receipts, decisions)


def _read(
    executor: Executor, batch: WriteBatch, spans: Mapping[str, tuple[int, int]], policy: _Policy
) -> tuple[Flags, dict[str, LinkRow]]:
    """Return the flags and the links of the reports; clocks that were ahead are set right first."""
    names = sorted({report.link_id for report in batch.reports})
    always = {
        report.link_id for report in batch.reports if batch.with_contexts or is_surprising(report)
    }
    calls = [(READ_FLAGS, ()), *link_calls(names, spans, always)]
    flags, *rows = executor.read(calls)
    links = stored_links(*rows)
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
        links = stored_links(*rows)
    stored_links_or_new = {name: links.get(name) or LinkRow(name) for name in names}
    return flags_of(flags[0] if flags else None, policy.default).flags, stored_links_or_new


def _decide(
    reports: Sequence[SampleReport],
    samples: Sequence[Values],
    links: Mapping[str, LinkRow],
    policy: _Policy,
    detect: bool,
) -> _Decisions:
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
    decisions: _Decisions,
    forecasts: Sequence[StoredForecast],
    now_us: int,
) -> _Written:
    """Write links, samples and forecasts; all writers take their locks in this order."""
    all_decisions = decisions.values()
    samples = [
        (decision.link.name, at_us, *(None if v != v else v for v in values))
        for decision in all_decisions
        for at_us, values in decision.new.items()
    ]
    switches = [row for decision in all_decisions if (row := decision.switch_row()) is not None]
    versions, *forecast_inserts = forecast_calls(forecasts)
    calls: list[Call] = [
        versions,
        (CREATE_LINKS, [(name, now_us) for name, one in decisions.items() if one.link.key is None]),
        (LOCK_LINKS, [(name,) for name in decisions]),
        (INSERT_SAMPLES, samples),
        (UPDATE_LINKS, [decision.update_row(now_us) for decision in all_decisions]),
        (ADD_SWITCHES, switches),
        *forecast_inserts,
        (MARK_DUE, _due_rows(decisions, forecasts, now_us)),
    ]
    _, _, before, inserted, updated, *_ = executor.write(calls)
    new: dict[str, set[int]] = defaultdict(set)
    for name, at_us in inserted:
        new[name].add(at_us)
    newest_us = {name: decision.link.newest_us for name, decision in decisions.items()}
    return _Written(
        new, newest_us | dict(before), {name: NetworkMode(mode) for name, mode in updated}
    )


def _due_rows(
    decisions: _Decisions, forecasts: Sequence[StoredForecast], now_us: int
) -> list[tuple[str, int, int]]:
    """Return the rows of `MARK_DUE`: links with new samples, and with samples after a forecast."""
    after_us = {forecast.link_id: to_micros(forecast.after_s) for forecast in forecasts}
    after_us |= {name: _ALWAYS_US for name, decision in decisions.items() if decision.new}
    return [(name, after_us[name], now_us) for name in sorted(after_us)]


def _receipts(
    reports: Sequence[SampleReport],
    samples: Sequence[Values],
    decisions: _Decisions,
    written: _Written,
    now_us: int,
) -> list[Receipt | None]:
    receipts: list[Receipt | None] = []
    for report, values in zip(reports, samples, strict=True):
        name = report.link_id
        if name not in written.modes:
            receipts.append(None)
            continue
        kept = [at_us for at_us in values if at_us >= decisions[name].since_us]
        new = written.new[name] & values.keys()
        written.new[name].difference_update(new)  # of two reports with one sample the first has it
        expired = len(values) - len(kept)
        receipts.append(
            Receipt(
                accepted=len(new),
                duplicates=len(report.timestamps_s) - len(new) - expired,
                late=sum(at_us < written.newest_us[name] for at_us in new),
                expired=expired,
                mode=written.modes[name],
                reasons=suspicions(report, kept, decisions[name].suspect, now_us),
            )
        )
    return receipts


def _with_links(
    executor: Executor,
    batch: WriteBatch,
    receipts: Sequence[Receipt | None],
    decisions: _Decisions,
) -> list[Receipt | None]:
    """Return the receipts with the records and contexts that the batch requests."""
    modes = {
        report.link_id: receipt.mode
        for report, receipt in zip(batch.reports, receipts, strict=True)
        if receipt is not None
    }
    links = {
        name: (decisions[name].link.in_mode(mode), decisions[name].samples)
        for name, mode in modes.items()
    }
    if not batch.with_contexts:
        records = {name: link.record for name, (link, _) in links.items()}
        return [
            receipt and replace(receipt, record=records[report.link_id])
            for report, receipt in zip(batch.reports, receipts, strict=True)
        ]
    contexts = contexts_of(executor, links)
    return [
        receipt
        and replace(
            receipt, context=contexts[report.link_id], record=contexts[report.link_id].record
        )
        for report, receipt in zip(batch.reports, receipts, strict=True)
    ]
