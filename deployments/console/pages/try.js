// Forecasts of a file that somebody pastes or drops; nothing is stored.

import { choice, element, empty, fault, labelled, table } from "../dom.js";
import { fan, horizonsOf } from "../fan.js";
import { count, percent, rate } from "../format.js";
import { latest, may, send } from "../service.js";
import { slider } from "../slider.js";

export const title = "Try it";
export const about = "Forecasts of your own measurements: CSV, iperf3, speedtest and others, as docs/formats.md lists them. Nothing is stored.";
export const call = "forecast"; // without the right to make it, the page is not offered

const MOST_BYTES = 4e6;
const WINDOW = 120;
const LEAST = 2;
const EXAMPLE = "timestamp_s,bandwidth_mbps,latency_ms";

export async function show(body, _, signal) {
  if (!may("forecast")) throw Object.assign(new Error("Forecasts need a key."), { status: 401 });
  const result = element("div", { "aria-live": "polite" });
  const text = element("textarea", { name: "text", rows: 6, spellcheck: "false", placeholder: `${EXAMPLE}\n1772366400,812.5,41.2\n1772366401,798.0,41.0\n…` });
  const file = element("input", { type: "file", name: "file" });
  const read = async (content, name) => {
    result.replaceChildren(element("p", {}, "Reading…"));
    try {
      if (!content.size) throw new Error("There is nothing to read. Paste measurements, or choose a file.");
      if (content.size > MOST_BYTES) throw new Error(`The file has ${count(content.size)} bytes; the console reads 4 MB. Use pba forecast FILE.`);
      const document = await send("POST", "/console/traces", { name, content: await base64(content) }, signal);
      result.replaceChildren(...opened(document, signal));
    } catch (error) {
      if (!signal.aborted) result.replaceChildren(fault(error));
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (file.files.length) read(file.files[0], file.files[0].name);
    else read(new Blob([text.value]), "pasted");
  };
  const drop = (event) => {
    event.preventDefault();
    const [dropped] = event.dataTransfer.files;
    if (dropped) read(dropped, dropped.name);
    else read(new Blob([event.dataTransfer.getData("text")]), "dropped");
  };
  const form = element(
    "form",
    { class: "drop", onsubmit: submit, ondragover: (event) => event.preventDefault(), ondrop: drop },
    labelled("Measurements, pasted or dropped here", text, true),
    labelled("Or a file", file),
    element("button", {}, "Forecast"),
  );
  body.replaceChildren(form, result);
}

// The bytes of a blob as JSON can carry them.
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

function opened({ format, notes, links, traces }, signal) {
  const state = { trace: traces[0], end: null };
  const picture = element("div", {});
  const update = latest(
    () => forecast(state, signal),
    (answer) => picture.replaceChildren(...view(state, answer, update)),
    (error) => picture.replaceChildren(fault(error)),
  );
  const choose = (name) => {
    Object.assign(state, { trace: traces.find((one) => one.name === name), end: null });
    update();
  };
  update();
  const more = links > traces.length ? `, of which the first ${traces.length} are shown` : "";
  return [
    element("p", { class: "about" }, `Read as ${format}: ${count(links)} ${links === 1 ? "link" : "links"}${more}.`),
    notes.length ? element("details", {}, element("summary", {}, `Notes about the file (${notes.length})`), element("ul", {}, notes.map((note) => element("li", {}, note)))) : null,
    traces.length > 1 ? element("p", { class: "controls" }, labelled("Link", choice(traces.map(({ name }) => [name, name]), state.trace.name, choose))) : null,
    picture,
  ].filter(Boolean);
}

// Forecast after the chosen sample, by default the newest one.
async function forecast({ trace, end }, signal) {
  const until = end ?? trace.history.timestamp.length;
  const cut = (values) => values.slice(Math.max(0, until - WINDOW), until);
  const history = Object.fromEntries(Object.entries(trace.history).map(([name, values]) => [name, cut(values)]));
  return send("POST", "/v1/forecast?as_of=newest", { history }, signal);
}

function view(state, answer, update) {
  const { timestamp, bandwidth_mbps: mbps } = state.trace.history;
  const samples = timestamp.map((at, index) => ({ at, mbps: mbps[index] }));
  const until = state.end ?? samples.length;
  const moments = samples.slice(LEAST - 1).map((_, index) => `sample ${count(index + LEAST)} of ${count(samples.length)}`);
  const chosen = (index) => {
    state.end = index + LEAST;
    update();
  };
  const start = samples[until - 1].at;
  return [
    moments.length ? element("p", { class: "controls" }, slider("Forecast after", moments, until - LEAST, chosen)) : null,
    fan(samples, { start, step: answer.step_s, horizons: horizonsOf(answer) }) ?? empty("There is nothing to draw."),
    details(answer, samples.slice(until)),
  ].filter(Boolean);
}

function details(answer, after) {
  const rows = [
    ...answer.horizons.map((one) => ({ name: `${one.steps} ahead`, mbps: one.bandwidth_mbps, came: after[one.steps - 1]?.mbps, ...one })),
    ...answer.intervals.map((one) => ({ name: `mean of ${one.steps}`, mbps: one.mean_mbps, ...one })),
  ];
  const because = answer.reasons.length ? ` (${answer.reasons.join(", ")})` : "";
  return table(
    `${answer.mode}: ${answer.source} ${answer.model_version ?? ""}, a step is ${answer.step_s} s${because}`,
    [
      ["steps", (row) => row.name],
      ["forecast", (row) => rate(row.mbps), true],
      ["90 % between", (row) => `${rate(row.quantiles["0.05"])} and ${rate(row.quantiles["0.95"])}`, true],
      ["confidence", (row) => percent(row.confidence), true],
      ["actual", (row) => (row.came === undefined ? "–" : rate(row.came)), true],
    ],
    rows,
  );
}
