// What was measured, and a forecast with its 50 and 90 % intervals.

import { chart } from "./chart.js";

const BEFORE = 120;
const AFTER = 20;

// Return a figure, null without samples.
//
// samples: [{at, mbps}], times in seconds
// forecast: {start, step, horizons: [{steps, mbps, q05, q25, q75, q95}]}, or null
// moments: as `chart` has them
export function fan(samples, forecast, moments = []) {
  if (!samples.length) return null;
  const start = forecast?.start ?? samples.at(-1).at;
  const step = forecast?.step ?? 1;
  const inside = (at) => at > start - BEFORE * step && at <= start + AFTER * step;
  const shown = samples.filter((one) => inside(one.at));
  const line = { name: "measured", kind: "measured", points: shown.map((one) => [one.at, one.mbps]) };
  if (!forecast) return chart({ title: "Bandwidth, Mbit/s", lines: [line] });
  const last = samples.filter((one) => one.at <= start).at(-1);
  const ends = forecast.horizons.map((one) => ({ at: start + one.steps * step, ...one }));
  const band = (low, high) => [...(last ? [[last.at, last.mbps, last.mbps]] : []), ...ends.map((one) => [one.at, one[low], one[high]])];
  const points = [...(last ? [[last.at, last.mbps]] : []), ...ends.map((one) => [one.at, one.mbps])];
  return chart({
    title: "Bandwidth, Mbit/s: what was measured, the forecast, and its 50 and 90 % intervals.",
    lines: [line, { name: "forecast", kind: "forecast", points }],
    bands: [
      { name: "90 %", points: band("q05", "q95") },
      { name: "50 %", points: band("q25", "q75") },
    ],
    moments: moments.filter((one) => inside(one.x)),
    now: start,
  });
}

// The horizons of a forecast as the service answers it.
export function horizonsOf(forecast) {
  return forecast.horizons.map(({ steps, bandwidth_mbps, quantiles }) => ({
    steps,
    mbps: bandwidth_mbps,
    q05: quantiles["0.05"],
    q25: quantiles["0.25"],
    q75: quantiles["0.75"],
    q95: quantiles["0.95"],
  }));
}
