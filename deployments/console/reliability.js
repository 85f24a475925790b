// Whether confidence means what it says, and what answering only the surer forecasts gives.

import { chart } from "./chart.js";
import { empty } from "./dom.js";
import { percent } from "./format.js";

const BINS = 10;
const KINDS = ["forecast", "second", "measured"];
const NONE = "No forecast is scored yet.";

// Return the sums of bins of confidence, the lowest first; of points of a series with bins.
export function summedBins(points) {
  const bins = emptyBins();
  for (const { bins: part } of points.filter((one) => one.bins)) {
    for (const [at, bin] of bins.entries()) {
      for (const name of Object.keys(bin)) bin[name] += part[name][at];
    }
  }
  return bins;
}

// Return the same of single forecasts {confidence, isRight}.
export function countedBins(forecasts) {
  const bins = emptyBins();
  for (const { confidence, isRight } of forecasts) {
    const bin = bins[Math.min(BINS - 1, Math.floor(BINS * confidence))];
    bin.scored += 1;
    bin.confidence_sum += confidence;
    bin.hits += Number(isRight);
  }
  return bins;
}

const emptyBins = () => Array.from({ length: BINS }, () => ({ scored: 0, confidence_sum: 0, hits: 0 }));

// Return a reliability diagram; groups: {name: bins}.
export function reliability(groups) {
  const bins = drawn(groups, (bin) => [bin.confidence_sum / bin.scored, bin.hits / bin.scored]);
  if (!bins) return empty(NONE);
  return figure("Share that was right (upwards) of what was that sure (to the right); on the dotted line both are equal.", [
    ...bins,
    { name: "equal", kind: "equal", points: [[0, 0], [1, 1]] },
  ]);
}

// Return how right the surest forecasts were, by the share that they are of all.
export function answered(groups) {
  const lines = drawn(groups, cumulative);
  if (!lines) return empty(NONE);
  return figure("Share that was right (upwards) if only the surest forecasts are used, by what share these are (to the right).", lines);
}

// What the bins down to this one amount to, the surest first.
function cumulative(bin, at, bins) {
  const total = (name, part) => part.reduce((sum, one) => sum + one[name], 0);
  const surer = bins.slice(at);
  return [total("scored", surer) / total("scored", bins), total("hits", surer) / total("scored", surer)];
}

function drawn(groups, place) {
  const lines = Object.entries(groups)
    .slice(0, KINDS.length)
    .map(([name, bins], at) => ({ name, kind: KINDS[at], dots: true, points: bins.filter((bin) => bin.scored).map(place) }));
  return lines.some((line) => line.points.length) ? lines : null;
}

function figure(title, lines) {
  const label = (share) => percent(share);
  return chart({ title, lines, range: [0, 1], span: [0, 1], label, labelX: label });
}
