// One link: what was measured, and what was forecast at any moment that is still kept.

import { chart } from "../chart.js";
import { cards, element, empty, table } from "../dom.js";
import { fan } from "../fan.js";
import { ago, count, moment, percent, rate } from "../format.js";
import { countedBins, reliability } from "../reliability.js";
import { may, read, repeat } from "../service.js";
import { slider } from "../slider.js";
import { transferForm } from "../transfer.js";

export const title = "Link";
export const heading = (name) => name;
export const about = "What the link measured, and what was forecast at a moment: drag to choose one.";

const SAMPLES = 400;
const HORIZONS = [1, 5, 15];
const INTERVALS = [5, 15, 60];
const EVERY_MS = 2000;

export async function show(body, name, signal, failed) {
  const path = `/v1/links/${encodeURIComponent(name)}`;
  const picture = element("div", {});
  // `chosen` is the sample of a forecast, `until` the time of the last sample that is shown
  const state = { chosen: null, until: null, data: null };
  const load = async () => {
    const query = new URLSearchParams({ limit: SAMPLES, ...(state.until && { to: state.until }) });
    const [link, history, news] = await Promise.all([
      read(path, signal),
      read(`${path}/history?${query}`, signal),
      read(`/v1/events?limit=200&link_id=${encodeURIComponent(name)}`, signal),
    ]);
    const forecasts = history.forecasts.filter((one) => one.served);
    return { link, samples: history.samples.map(sample), forecasts, moments: news.events.map(mark).filter(Boolean) };
  };
  const shown = (data) => {
    state.data = data;
    const focused = picture.contains(document.activeElement) && document.activeElement.type === "range";
    picture.replaceChildren(...view(data, state, redraw, turn));
    if (focused) picture.querySelector("input[type=range]")?.focus();
  };
  const redraw = () => shown(state.data);
  const turn = async (until) => {
    Object.assign(state, { until, chosen: null });
    const data = await load().catch(failed);
    if (data && state.until === until) shown(data);
  };
  const update = async () => {
    if (state.chosen !== null || state.until !== null) return;
    const data = await load();
    if (state.chosen === null && state.until === null) shown(data); // nobody has chosen a moment meanwhile
  };
  shown(await load());
  const transfers = may("transfer") ? transferForm(name, signal) : null;
  body.replaceChildren(...[picture, transfers].filter(Boolean));
  repeat(update, EVERY_MS, signal, failed);
}

const seconds = (text) => new Date(text) / 1000;
const sample = (one) => ({ at: seconds(one.timestamp), mbps: one.bandwidth_mbps });

// What happened to the link, for its charts.
function mark({ kind, at, body }) {
  if (kind === "mode_switch") return { x: seconds(at), kind: "switch", title: `${moment(at)}: from ${body.before} to ${body.after}` };
  if (kind === "drift") return { x: seconds(at), kind: "drift", title: `${moment(at)}: alarm ${body.stage}, ${body.changes.map(({ what }) => what).join(", ")}` };
  return null;
}

function view({ link, samples, forecasts, moments }, state, redraw, turn) {
  const chosen = forecasts.findIndex((one) => one.after === state.chosen);
  const index = chosen < 0 ? forecasts.length - 1 : chosen;
  const scored = forecasts.filter((one) => one.actual_mbps[1] !== undefined);
  return [
    summary(link, scored, samples),
    element("h2", {}, "Measured and forecast"),
    controls(samples, forecasts, index, state, redraw, turn),
    picture(samples, forecasts[index], moments) ?? empty("Nothing older is kept: the service deletes samples after its retention."),
    forecasts.length ? details(forecasts[index]) : empty("No forecast of this time is kept. Ask for one: GET /v1/links/NAME/forecast."),
    element("h2", {}, "Misses and hits, one step ahead"),
    hits(samples, scored, moments) ?? empty("No forecast is scored yet."),
    element("h2", {}, "Confidence against hits"),
    reliability({ "these forecasts": countedBins(scored.map((one) => ({ confidence: one.said.confidence[0], isRight: isRight(one) }))) }),
  ];
}

function summary(link, scored, samples) {
  const weights = Object.entries(link.weights).sort((a, b) => b[1] - a[1]);
  return cards([
    ["Mode", link.mode ?? "–", link.mode_since ? `for ${ago(link.mode_since).replace(" ago", "")}` : null],
    ["Last sample", ago(link.last_sample), moment(link.last_sample)],
    ["Right within 20 %", percent(link.accuracy_20, 1), `${count(link.hits)} of ${count(link.hits + link.misses)}`],
    ["The last value would have been", percent(lastValueShare(scored, samples), 1), `right, in the ${count(scored.length)} shown`],
    ["Leader", link.leader, weights.slice(0, 3).map(([name, weight]) => `${name} ${percent(weight)}`).join(", ")],
    ["Mode switches", count(link.mode_switches)],
  ]);
}

// How often the newest sample would have been right where there is a forecast.
function lastValueShare(scored, samples) {
  const at = new Map(samples.map((one) => [one.at, one.mbps]));
  const pairs = scored.map((one) => [at.get(seconds(one.after)), one.actual_mbps[1]]).filter(([last]) => last !== undefined);
  return pairs.length ? pairs.filter(([last, actual]) => within(last, actual)).length / pairs.length : null;
}

function controls(samples, forecasts, index, state, redraw, turn) {
  const chosen = (at) => {
    const last = at === forecasts.length - 1 && state.until === null;
    state.chosen = last ? null : forecasts[at].after;
    redraw();
  };
  const moments = forecasts.map((one) => moment(one.after));
  const live = state.chosen === null && state.until === null;
  const button = (text, disabled, onclick) => element("button", { type: "button", disabled, onclick }, text);
  return element(
    "p",
    { class: "controls" },
    forecasts.length ? slider("Forecast after the sample of", moments, index, chosen) : null,
    button("Earlier", !samples.length, () => turn(samples[0].at - 0.001)),
    button("The newest", live, () => turn(null)),
  );
}

function picture(samples, forecast, moments) {
  if (!forecast) return fan(samples, null, moments);
  const { said } = forecast;
  const horizons = HORIZONS.map((steps, at) => {
    const [q05, , q25, , q75, , q95] = said.quantiles_mbps[at];
    return { steps, mbps: said.points_mbps[at], q05, q25, q75, q95 };
  });
  return fan(samples, { start: seconds(forecast.after), step: forecast.step_s, horizons }, moments);
}

function details(forecast) {
  const { said } = forecast;
  const names = [...HORIZONS.map((steps) => `${steps} ahead`), ...INTERVALS.map((steps) => `mean of ${steps}`)];
  const actual = [
    ...HORIZONS.map((steps) => forecast.actual_mbps[steps]),
    ...INTERVALS.map((steps) => forecast.actual_mean_mbps?.[steps]),
  ];
  const rows = said.points_mbps.map((mbps, at) => ({
    name: names[at],
    mbps,
    low: said.quantiles_mbps[at][0],
    high: said.quantiles_mbps[at][6],
    confidence: said.confidence[at],
    actual: actual[at],
  }));
  return table(
    `${forecast.source} ${forecast.model_version ?? ""} at ${moment(forecast.made_at)}`,
    [
      ["steps", (row) => row.name],
      ["forecast", (row) => rate(row.mbps), true],
      ["90 % between", (row) => `${rate(row.low)} and ${rate(row.high)}`, true],
      ["confidence", (row) => percent(row.confidence), true],
      ["actual", (row) => (row.actual === undefined ? "not yet, or a gap" : rate(row.actual)), true],
      ["within 20 %", (row) => (row.actual === undefined ? "–" : verdict(within(row.mbps, row.actual)))],
    ],
    rows,
  );
}

function verdict(right) {
  return element("span", { class: right ? "good" : "bad" }, right ? "right" : "missed");
}

const within = (mbps, actual) => Math.abs(mbps - actual) <= 0.2 * actual;
const isRight = (one) => within(one.said.points_mbps[0], one.actual_mbps[1]);

function hits(samples, scored, moments) {
  if (!scored.length) return null;
  const marks = scored.map((one) => {
    const mbps = one.said.points_mbps[0];
    const title = `${moment(one.after)}: ${rate(mbps)} forecast, ${rate(one.actual_mbps[1])} came`;
    return { x: seconds(one.after) + one.step_s, y: mbps, missed: !isRight(one), title };
  });
  const missed = marks.filter((one) => one.missed).length;
  const first = samples[0].at;
  return chart({
    title: `Forecasts one step ahead on what was measured, Mbit/s: ${missed} of ${marks.length} missed (red).`,
    lines: [{ name: "measured", kind: "measured", points: samples.map((one) => [one.at, one.mbps]) }],
    marks,
    moments: moments.filter((one) => one.x >= first && one.x <= samples.at(-1).at),
  });
}
