"""Prometheus queries that panels of several dashboards use."""

__all__ = ["RATE", "quantiles", "rare", "rate", "share_in_band"]

RATE = "[$__rate_interval]"


def rate(metric: str, by: str, which: str = "") -> str:
    """Return the rate of a counter, by labels."""
    return f"sum by ({by}) (rate(ray_{metric}{which}{RATE}))"


def rare(metric: str) -> str:
    """Return the rate of what may never have happened, which is then 0."""
    return f"sum(rate(ray_{metric}{RATE})) or vector(0)"


def quantiles(metric: str, by: str = "", legend: str = "") -> list[tuple[str, str]]:
    """Return queries of quantiles of a histogram, each with its legend."""
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels}) (rate(ray_{metric}_bucket{RATE}))"
    return [
        (f"histogram_quantile({share}, {buckets})", f"{legend} p{share * 100:g}".strip())
        for share in ((0.5, 0.95) if by else (0.5, 0.95, 0.99))
    ]


def share_in_band(by: str) -> str:
    """Return the share of scored forecasts that are in band, over the last hour."""
    parts, wholes = (
        f"sum by ({by}) (increase(ray_pba_forecasts_{name}_total[1h]))"
        for name in ("in_band", "scored")
    )
    return f"{parts} / {wholes}"
