// One link: what was measured, and what was forecast at any moment that is still kept.

import { chart } from "../chart.js";
import { cards, element, empty, labelled, table } from "../dom.js";
import { ago, count, moment, percent, rate } from "../format.js";
import { read, repeat } from "../service.js";

export const title = "Link";
export const heading = (name) => name;
export const about = "What the link measured, and what was forecast at a moment: drag to choose one.";

const SAMPLES = 400;
const BEFORE = 120;
const HORIZONS = [1, 5, 15];
const EVERY_MS = 2000;

export async function show(body, name, signal, failed) {
  const path = `/v1/links/${encodeURIComponent(name)}`;
  const picture = element("div", {});
  const state = { chosen: null, data: null }; // `chosen` is the sample of a forecast
  const load = async () => {
    const [link, history] = await Promise.all([read(path, signal), read(`${path}/history?limit=${SAMPLES}`, signal)]);
    return { link, samples: history.samples.map(sample), forecasts: history.forecasts.filter((one) => one.served) };
  };
  const shown = (data) => {
    state.data = data;
    const focused = picture.contains(document.activeElement) && document.activeElement.type === "range";
    picture.replaceChildren(...view(data, state, () => shown(state.data)));
    if (focused) picture.querySelector("input[type=range]")?.focus();
  };
  const update = async () => {
    if (state.chosen !== null) return;
    const data = await load();
    if (state.chosen === null) shown(data); // nobody has chosen a moment meanwhile
  };
  shown(await load());
  body.replaceChildren(picture);
  repeat(update, EVERY_MS, signal, failed);
}

const seconds = (text) => new Date(text) / 1000;
const sample = (one) => ({ at: seconds(one.timestamp), mbps: one.bandwidth_mbps });

function view({ link, samples, forecasts }, state, redraw) {
  const chosen = forecasts.findIndex((one) => one.after === state.chosen);
  const index = chosen < 0 ? forecasts.length - 1 : chosen;
  return [
    summary(link),
    element("h2", {}, "Measured and forecast"),
    forecasts.length ? slider(forecasts, index, state, redraw) : null,
    fan(samples, forecasts[index]) ?? empty("Nothing was measured in the time that is kept."),
    forecasts.length ? details(forecasts[index]) : empty("No forecast of this link is kept. Ask for one: GET /v1/links/NAME/forecast."),
    element("h2", {}, "Misses and hits, one step ahead"),
    hits(samples, forecasts) ?? empty("No forecast is scored yet."),
  ].filter(Boolean);
}

function summary(link) {
  const weights = Object.entries(link.weights).sort((a, b) => b[1] - a[1]);
  return cards([
    ["Mode", link.mode ?? "–", link.mode_since ? `for ${ago(link.mode_since).replace(" ago", "")}` : null],
    ["Last sample", ago(link.last_sample), moment(link.last_sample)],
    ["Right within 20 %", percent(link.accuracy_20, 1), `${count(link.hits)} of ${count(link.hits + link.misses)}`],
    ["Leader", link.leader, weights.slice(0, 3).map(([name, weight]) => `${name} ${percent(weight)}`).join(", ")],
    ["Mode switches", count(link.mode_switches)],
  ]);
}

function slider(forecasts, index, state, redraw) {
  const shown = element("output", {}, moment(forecasts[index].after));
  const range = element("input", {
    type: "range",
    min: 0,
    max: forecasts.length - 1,
    value: index,
    "aria-label": "Moment of the forecast",
    "aria-valuetext": moment(forecasts[index].after),
    oninput: (event) => {
      state.chosen = forecasts[event.target.value].after; // nothing is redrawn while it is dragged
      shown.textContent = moment(state.chosen);
    },
    onchange: (event) => {
      if (Number(event.target.value) === forecasts.length - 1) state.chosen = null;
      redraw();
    },
  });
  return element(
    "p",
    { class: "controls" },
    labelled("Forecast after the sample of", range, true),
    shown,
    element("button", { type: "button", disabled: state.chosen === null, onclick: () => ((state.chosen = null), redraw()) }, "The newest"),
  );
}

function fan(samples, forecast) {
  if (!samples.length) return null;
  const start = forecast ? seconds(forecast.after) : samples.at(-1).at;
  const step = forecast?.step_s ?? 1;
  const shown = samples.filter((one) => one.at > start - BEFORE * step && one.at <= start + 20 * step);
  const line = { name: "measured", kind: "measured", points: shown.map((one) => [one.at, one.mbps]) };
  if (!forecast) return chart({ title: "Bandwidth, Mbit/s", lines: [line] });
  const last = samples.filter((one) => one.at <= start).at(-1);
  const first = last ? [[last.at, last.mbps, last.mbps]] : [];
  const said = forecast.said;
  const band = (low, high) => [
    ...first,
    ...HORIZONS.map((steps, at) => [start + steps * step, said.quantiles_mbps[at][low], said.quantiles_mbps[at][high]]),
  ];
  const points = [
    ...first.map(([at, mbps]) => [at, mbps]),
    ...HORIZONS.map((steps, at) => [start + steps * step, said.points_mbps[at]]),
  ];
  return chart({
    title: "Bandwidth, Mbit/s: what was measured, the forecast, and its 50 and 90 % intervals.",
    lines: [line, { name: "forecast", kind: "forecast", points }],
    bands: [
      { name: "90 %", points: band(0, 6) },
      { name: "50 %", points: band(2, 4) },
    ],
    now: start,
  });
}

function details(forecast) {
  const said = forecast.said;
  const names = [...HORIZONS.map((steps) => `${steps} ahead`), ...[5, 15, 60].map((steps) => `mean of ${steps}`)];
  const actual = [
    ...HORIZONS.map((steps) => forecast.actual_mbps[steps]),
    ...[5, 15, 60].map((steps) => forecast.actual_mean_mbps?.[steps]),
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
      ["came", (row) => (row.actual === undefined ? "not yet, or a gap" : rate(row.actual)), true],
      ["within 20 %", (row) => (row.actual === undefined ? "–" : verdict(row.mbps, row.actual))],
    ],
    rows,
  );
}

function verdict(mbps, actual) {
  const right = isRight(mbps, actual);
  return element("span", { class: right ? "good" : "bad" }, right ? "right" : "missed");
}

const isRight = (mbps, actual) => Math.abs(mbps - actual) <= 0.2 * actual;

function hits(samples, forecasts) {
  const scored = forecasts.filter((one) => one.actual_mbps[1] !== undefined);
  if (!scored.length) return null;
  const marks = scored.map((one) => {
    const mbps = one.said.points_mbps[0];
    const missed = !isRight(mbps, one.actual_mbps[1]);
    const title = `${moment(one.after)}: ${rate(mbps)} forecast, ${rate(one.actual_mbps[1])} came`;
    return { x: seconds(one.after) + one.step_s, y: mbps, missed, title };
  });
  const missed = marks.filter((mark) => mark.missed).length;
  return chart({
    title: `Forecasts one step ahead on what was measured, Mbit/s: ${missed} of ${marks.length} missed (red).`,
    lines: [{ name: "measured", kind: "measured", points: samples.map((one) => [one.at, one.mbps]) }],
    marks,
  });
}
