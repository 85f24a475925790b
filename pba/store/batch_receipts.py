"""What reporters get after a batch was written: receipts, and what forecasts start from."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from pba.forecasting.link_record import LinkRecord
from pba.store.executor import Executor
from pba.store.link_reading import contexts_of
from pba.store.recent_samples import KeptSamples
from pba.store.sample_decisions import LinkDecision, Values, suspicions
from pba.store.sample_statements import RECENT
from pba.store.values import LinkContext, Receipt, SampleReport
from pba.types import NetworkMode

__all__ = [
    "Decisions",
    "Written",
    "contexts_after",
    "receipts_of",
    "records_after",
    "samples_after",
]

Decisions = Mapping[str, LinkDecision]
Records = Mapping[str, LinkRecord]


@dataclass(frozen=True, slots=True)
class Written:
    """What the database did, by link: new samples, and the modes and states of rows afterwards.

    ``before`` has newest sample and last report as they were when the links were locked.
    """

    new: Mapping[str, set[int]]
    before: Mapping[str, tuple[int, int]]
    modes: Mapping[str, NetworkMode]
    states: Mapping[str, tuple[int, int, int]]


def samples_after(
    names: Container[str], decisions: Decisions, written: Written
) -> dict[str, KeptSamples]:
    """Return the last samples of those links in ``names`` that no other writer changed."""
    return {
        name: KeptSamples(*state, decisions[name].last(RECENT))
        for name, state in written.states.items()
        if name in names
        and decisions[name].link.known
        and written.before[name] == decisions[name].link.state[1:]
    }


def receipts_of(
    reports: Sequence[SampleReport],
    samples: Sequence[Values],
    decisions: Decisions,
    written: Written,
    now_us: int,
    contexts: Mapping[str, LinkContext],
    records: Records,
) -> list[Receipt | None]:
    """Return the receipt of each report, None for links that were deleted meanwhile.

    With the ``contexts`` and ``records`` of links as far as they are given.
    """
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
                late=sum(at_us < written.before[name][0] for at_us in new),
                expired=expired,
                mode=written.modes[name],
                record=records.get(name),
                context=contexts.get(name),
                reasons=suspicions(report, kept, decisions[name].suspect, now_us),
            )
        )
    return receipts


def contexts_after(
    executor: Executor,
    decisions: Decisions,
    modes: Mapping[str, NetworkMode],
    after: Mapping[str, KeptSamples],
) -> dict[str, LinkContext]:
    """Return what forecasts of links start from, in ``modes`` and with the samples ``after``."""
    links = {
        name: (
            decisions[name].link.in_mode(mode),
            after[name].samples if name in after else decisions[name].last(RECENT),
        )
        for name, mode in modes.items()
    }
    return contexts_of(executor, links)


def records_after(decisions: Decisions, contexts: Mapping[str, LinkContext]) -> Records:
    """Return the record of each link, as it is in its context if there is one."""
    return {
        name: contexts[name].record if name in contexts else decision.link.record
        for name, decision in decisions.items()
    }
