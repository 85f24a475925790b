// How right forecasts are, over time.

import { chart } from "../chart.js";
import { choice, element, empty, fault, labelled, table } from "../dom.js";
import { count, mean, milliseconds, percent, rate, sum } from "../format.js";
import { answered, reliability, summedBins } from "../reliability.js";
import { latest, read } from "../service.js";

export const title = "Quality";
export const about = "How often forecasts were right within 20 %, how often intervals held, and how sure they were.";
export const call = "metric_series"; // without the right to make it, the page is not offered

const SPANS = [["3600", "an hour"], ["21600", "six hours"], ["86400", "a day"], ["604800", "a week"], ["2592000", "30 days"]];
const TARGETS = [
  ["1", "1 step ahead"], ["5", "5 steps ahead"], ["15", "15 steps ahead"],
  ["-5", "mean of 5 steps"], ["-15", "mean of 15 steps"], ["-60", "mean of 60 steps"],
];
const PARTS = [["mode", "mode"], ["version", "version"], ["source", "source"], ["arm", "arm"]];
const KINDS = ["forecast", "second", "measured"];

export async function show(body, _, signal) {
  const state = { span: "86400", horizon: "1", by: "mode" };
  const pictures = element("div", { "aria-live": "polite" });
  const update = latest(
    () => view(state, signal),
    (parts) => pictures.replaceChildren(...parts),
    (error) => pictures.replaceChildren(fault(error)),
  );
  const set = (name) => (value) => {
    state[name] = value;
    update();
  };
  pictures.replaceChildren(...(await view(state, signal)));
  body.replaceChildren(
    element(
      "p",
      { class: "controls" },
      labelled("In the last", choice(SPANS, state.span, set("span"))),
      labelled("Forecasts", choice(TARGETS, state.horizon, set("horizon"))),
      labelled("Keep apart", choice(PARTS, state.by, set("by"))),
    ),
    pictures,
  );
}

async function view(state, signal) {
  const until = Date.now() / 1000;
  const span = [until - Number(state.span), until];
  const query = new URLSearchParams({ from: span[0], by: state.by, horizon: state.horizon, bins: true });
  const [{ series }, { models }] = await Promise.all([read(`/v1/metrics/series?${query}`, signal), read("/v1/models", signal)]);
  if (!series.length) return [empty("No such forecast was scored in that time.")];
  const largest = [...series].sort((a, b) => scored(b) - scored(a)).slice(0, KINDS.length);
  const lines = (name) =>
    largest.map((one, at) => ({
      name: one[state.by],
      kind: KINDS[at],
      points: one.points.map((point) => [new Date(point.at) / 1000, point[name]]),
    }));
  const share = (title, name) => [
    element("h2", {}, title),
    chart({ title, lines: lines(name), range: [0, 1], span, label: (value) => percent(value) }),
  ];
  const bins = Object.fromEntries(largest.map((one) => [one[state.by], summedBins(one.points)]));
  return [
    ...share("Share right within 20 %", "accuracy_20"),
    ...share("Mean confidence", "confidence"),
    ...share("Share inside the 90 % interval", "coverage_90"),
    element("h2", {}, "Confidence against what was right"),
    reliability(bins),
    element("h2", {}, "Accuracy against the share that is answered"),
    answered(bins),
    element("h2", {}, "In all of that time"),
    totals(series, state.by, models),
  ];
}

const scored = (series) => sum(series.points, "scored");

// The card's figures of the rule that the newest value stays, on traces that the model has not seen.
function lastValue(models, one, by) {
  const model = Object.values(models).find((each) => each[by === "mode" ? "mode" : "version"] === one[by]);
  return percent(model?.metrics?.pooled?.last_value?.["1"]?.accuracy_20, 1);
}

function totals(series, by, models) {
  const latency = (one) => one.points.filter((point) => point.latency_ms).map((point) => point.latency_ms.p95);
  return table(
    "Shares of the forecasts that are scored",
    [
      [by, (one) => one[by]],
      ["scored", (one) => count(scored(one)), true],
      ["right within 20 %", (one) => percent(mean(one.points, "accuracy_20"), 1), true],
      ["last value, on test traces", (one) => lastValue(models, one, by), true],
      ["confidence", (one) => percent(mean(one.points, "confidence"), 1), true],
      ["too high", (one) => percent(mean(one.points, "missed_over"), 1), true],
      ["too low", (one) => percent(mean(one.points, "missed_under"), 1), true],
      ["50 % interval", (one) => percent(mean(one.points, "coverage_50"), 1), true],
      ["90 % interval", (one) => percent(mean(one.points, "coverage_90"), 1), true],
      ["mean error", (one) => rate(mean(one.points, "mae_mbps")), true],
      ["95 % within", (one) => (latency(one).length ? milliseconds(Math.max(...latency(one))) : "–"), true],
    ],
    series,
  );
}
