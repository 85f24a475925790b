// Whether confidence means what it says, and what answering only the surer forecasts gives.

import { chart } from "./chart.js";
import { empty } from "./dom.js";
import { percent } from "./format.js";

const BINS = 10;
const KINDS = ["forecast", "second", "measured"];
const NONE = "No forecast is scored yet.";

// Return points {scored, confidence, accuracy_20} in tenths of confidence, without empty ones.
//
// A point may be one forecast, or a stretch of time with its mean confidence.
export function confidenceBins(points) {
  const bins = Array.from({ length: BINS }, () => ({ scored: 0, confidence: 0, hits: 0 }));
  for (const { scored, confidence, accuracy_20: accuracy } of points.filter((one) => one.scored)) {
    const bin = bins[Math.min(BINS - 1, Math.floor(BINS * confidence))];
    bin.scored += scored;
    bin.confidence += scored * confidence;
    bin.hits += scored * accuracy;
  }
  return bins.filter((bin) => bin.scored);
}

// Return a reliability diagram; groups: {name: points}.
export function reliability(groups) {
  const bins = drawn(groups, (bin) => [bin.confidence / bin.scored, bin.hits / bin.scored]);
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
    .map(([name, points], at) => ({ name, kind: KINDS[at], dots: true, points: confidenceBins(points).map(place) }));
  return lines.some((line) => line.points.length) ? lines : null;
}

function figure(title, lines) {
  const label = (share) => percent(share);
  return chart({ title, lines, range: [0, 1], span: [0, 1], label, labelX: label });
}
