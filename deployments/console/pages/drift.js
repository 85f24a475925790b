// Alarms about links and modes over time, and what retraining made of them.

import { changeButton } from "../change.js";
import { choice, element, empty, labelled, linkTo, table } from "../dom.js";
import { ago, moment, rate } from "../format.js";
import { may, read, send } from "../service.js";
import { timeline } from "../timeline.js";

export const title = "Drift";
export const about = "Which links and modes have changed, and the retrainings with what their gate decided.";
export const call = "drift"; // without the right to make it, the page is not offered

const SPANS = [["3600", "an hour"], ["86400", "a day"], ["604800", "a week"], ["2592000", "30 days"]];
const MODES = ["datacenter", "internet", "hybrid"];
const ROWS = 20;
const WHAT = { hits: "share right within 20 %", bias: "forecast by actual", error: "relative error", level: "bandwidth" };
const WHAT_OF_MODE = { hits: "share right less confidence", bias: "bias in interval widths", error: "error in interval widths" };

export async function show(body, _, signal, failed) {
  const state = { span: "86400" };
  const done = (told) => render(told).catch(failed);
  const render = async (notice) => {
    const data = await load(signal);
    const draw = (value) => {
      state.span = value;
      line.replaceChildren(alarmLine(data.alarms, Number(value)));
    };
    const line = element("div", { "aria-live": "polite" }, alarmLine(data.alarms, Number(state.span)));
    body.replaceChildren(
      ...[notice].filter(Boolean),
      element("p", { class: "controls" }, labelled("Alarms in the last", choice(SPANS, state.span, draw))),
      line,
      element("h2", {}, "Open alarms"),
      data.open.length ? openTable(data.open) : empty("No alarm is open: links and modes are as they were."),
      element("h2", {}, "Retraining"),
      start(data.champions, done),
      data.jobs.length ? jobTable(data.jobs) : empty("Nothing was retrained yet."),
    );
  };
  await render(null);
}

async function load(signal) {
  const kinds = ["drift", ...MODES.map((mode) => `drift:${mode}`), "retraining", "retrained"];
  const [{ alarms }, { models }, ...lists] = await Promise.all([
    read("/v1/drift", signal),
    read("/v1/models", signal),
    ...kinds.map((kind) => read(`/v1/events?kind=${kind}&limit=1000`, signal)),
  ]);
  const events = lists.map((list) => list.events);
  return {
    open: alarms,
    champions: models,
    alarms: events.slice(0, -2).flat(),
    jobs: events.slice(-2).flat().sort((a, b) => b.number - a.number),
  };
}

// An alarm is one from its opening to its end, however often its events report it.
function alarmLine(events, spanS) {
  const now = Date.now() / 1000;
  const from = now - spanS;
  const alarms = new Map();
  for (const event of [...events].sort((a, b) => a.number - b.number)) {
    const name = event.link_id ?? `all of ${event.kind.replace("drift:", "")}`;
    alarms.set(`${name} ${event.body.opened_s}`, { name, link_id: event.link_id, ...event.body });
  }
  const rows = new Map();
  for (const alarm of alarms.values()) {
    const to = alarm.ended_s ?? now;
    if (to < from) continue;
    const row = rows.get(alarm.name) ?? { name: alarm.name, link_id: alarm.link_id, spans: [] };
    row.spans.push({ from: alarm.opened_s, to, open: alarm.ended_s === null, title: `${alarm.name}, ${moment(1000 * alarm.opened_s)}: ${changes(alarm)}` });
    rows.set(alarm.name, row);
  }
  if (!rows.size) return empty("There was no alarm in that time.");
  const sorted = [...rows.values()].sort((a, b) => !b.link_id - !a.link_id || b.spans.length - a.spans.length);
  const more = sorted.length > ROWS ? ` The ${ROWS} with the most of ${sorted.length}.` : "";
  return timeline({ title: `Alarms from their opening to their end; those still open are red.${more}`, rows: sorted.slice(0, ROWS), span: [from, now] });
}

function openTable(alarms) {
  return table(
    "What has changed and is not settled",
    [
      ["where", (alarm) => (alarm.link_id ? linkTo(alarm.link_id) : `all of ${alarm.mode}`)],
      ["open for", (alarm) => ago(1000 * alarm.opened_s).replace(" ago", "")],
      ["what changed", changes],
    ],
    alarms.slice(0, 100),
  );
}

function changes({ link_id, changes }) {
  const names = link_id ? WHAT : WHAT_OF_MODE;
  return changes.map(({ what, before, after }) => `${names[what]} ${figure(what, before)} → ${figure(what, after)}`).join(", ");
}

function figure(what, value) {
  return what === "level" ? rate(value) : value.toFixed(2);
}

function start(models, done) {
  if (!may("retrain")) return element("p", { class: "about" }, "Starting a retraining needs a key of an operator for all links.");
  return element(
    "p",
    { class: "controls" },
    ["datacenter", "internet"].map((mode) => changeButton(`Retrain ${mode}`, plan(mode, models[mode]), done)),
  );
}

function plan(mode, model) {
  return {
    title: `Retrain ${mode}`,
    effects: [
      `A job trains ${model?.version ?? "the champion"} further with what links of ${mode} have reported.`,
      "A gate compares the result with the champion on the newest data, and promotes it only if it is better.",
      "What serves does not change before that. It takes minutes to hours of the cluster that trains.",
    ],
    send: (reason) => send("POST", `/v1/models/${mode}/retrain`, { reason }),
  };
}

function jobTable(events) {
  return table(
    "Retrainings that were submitted and how they ended, the newest first",
    [
      ["when", (event) => moment(event.at)],
      ["model", (event) => event.body.model],
      ["what", (event) => (event.kind === "retraining" ? `submitted: ${event.body.job}` : `ended: ${event.body.version ?? "no version"}`)],
      ["gate", (event) => decision(event)],
      ["why", (event) => (event.kind === "retraining" ? why(event) : (event.body.reasons ?? []).join("; ") || "better than the champion")],
    ],
    events,
  );
}

function decision({ kind, body }) {
  if (kind === "retraining") return "–";
  const promoted = body.decision === "promote";
  return element("span", { class: promoted ? "good" : "bad" }, promoted ? "promoted" : "refused");
}

function why({ link_id, body }) {
  if (body.reason) return `${body.reason} (${body.who})`;
  return link_id ? ["an alarm of ", linkTo(link_id)] : "an alarm of the mode";
}
