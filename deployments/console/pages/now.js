// What the service does at this moment.

import { chart } from "../chart.js";
import { cards, element, empty, linkTo, table } from "../dom.js";
import { ago, count, mean, milliseconds, moment, percent, sum } from "../format.js";
import { follow, read, repeat } from "../service.js";

export const title = "Now";
export const about = "Whether the service is ready, how much it does, and how right it was in the last hour.";
export const call = "metrics"; // without the right to make it, the page is not offered

const EVERY_MS = 5000;
const HOUR_S = 3600;

export async function show(body, _, signal, failed) {
  const figures = element("div", {});
  const news = element("ol", { class: "news" });
  const live = element("section", { "aria-label": "Events" }, element("h2", {}, "Events as they happen"), news);
  const update = async () => figures.replaceChildren(...(await overview(signal)));
  await update();
  const { events } = await read("/v1/events?limit=8", signal);
  const last = events.length ? String(events[0].number) : null;
  if (!events.length) news.append(element("li", { class: "none" }, "None yet."));
  events.reverse().forEach((event) => add(news, event));
  body.replaceChildren(figures, live);
  follow("/v1/events/watch", (event) => add(news, event), signal, last);
  repeat(update, EVERY_MS, signal, failed);
}

function add(news, event) {
  const link = event.link_id ? linkTo(event.link_id) : null;
  news.querySelector(".none")?.remove();
  news.prepend(element("li", {}, `${moment(event.at)} ${event.kind} `, link));
  while (news.children.length > 8) news.lastChild.remove();
}

async function overview(signal) {
  const since = Date.now() / 1000 - HOUR_S;
  const [metrics, models, drift, ready, hour, sources] = await Promise.all([
    read("/v1/metrics", signal),
    read("/v1/models", signal),
    read("/v1/drift", signal),
    read("/readyz", signal).catch((error) => ({ problem: error.message })),
    read(`/v1/metrics/series?from=${since}&step=60`, signal),
    read(`/v1/metrics/series?from=${since}&step=3600&by=source`, signal),
  ]);
  const points = hour.series[0]?.points ?? [];
  const parts = [
    cards([
      ["Service", ready.problem ? "not ready" : "ready", ready.problem, ready.problem ? "bad" : "good"],
      ["Links", count(metrics.links)],
      ["Forecasts scored, last hour", count(sum(points, "scored")), perSecond(points)],
      ["Right within 20 %, last hour", percent(mean(points, "accuracy_20"), 1), `expected ${percent(mean(points, "confidence"), 1)}`],
      ["From rules alone, last hour", percent(heuristicShare(sources.series), 1)],
      ["Forecast takes", milliseconds(metrics.overall.latency_ms?.avg), `95 % within ${milliseconds(metrics.overall.latency_ms?.p95)}`],
      ["Links to score", count(metrics.scoring?.due), metrics.scoring?.due ? `the oldest waits ${metrics.scoring.oldest_due_s.toFixed(1)} s` : null],
      ["Open alarms", count(drift.alarms.length), null, drift.alarms.length ? "bad" : "good"],
    ]),
    element("h2", {}, "Right within 20 %, a minute each"),
    chart({
      title: "Share of forecasts one step ahead within 20 % of what came, and what they expected of themselves.",
      lines: [
        { name: "right", kind: "forecast", points: points.map((point) => [seconds(point), point.accuracy_20]) },
        { name: "expected", kind: "second", points: points.map((point) => [seconds(point), point.confidence]) },
      ],
      range: [0, 1],
      span: [since, since + HOUR_S],
      label: (share) => percent(share),
    }) ?? empty("No forecast was scored in the last hour. Report samples of a link, and ask for its forecast."),
    element("h2", {}, "Champions"),
    championTable(models.models),
  ];
  if (drift.alarms.length) parts.push(element("h2", {}, "Open alarms"), alarmTable(drift.alarms));
  return parts;
}

function championTable(models) {
  return table(
    "What answers in each mode",
    [
      ["mode", ([name]) => name],
      ["version", ([, model]) => model.version ?? (model.asleep ? "asleep" : "–")],
      ["what is wrong", ([, model]) => model.error ?? model.refused ?? model.registry_away ?? "nothing"],
    ],
    Object.entries(models),
  );
}

function alarmTable(alarms) {
  return table(
    "What has changed",
    [
      ["where", (alarm) => (alarm.link_id ? linkTo(alarm.link_id) : alarm.mode)],
      ["stage", (alarm) => alarm.stage],
      ["since", (alarm) => ago(1000 * alarm.since_s)],
      ["what", (alarm) => alarm.changes.map((change) => change.what).join(", ")],
    ],
    alarms.slice(0, 20),
  );
}

const seconds = (point) => new Date(point.at) / 1000;

function perSecond(points) {
  const last = points.at(-2) ?? points.at(-1);
  return last ? `${(last.scored / 60).toFixed(1)} a second` : null;
}

function heuristicShare(series) {
  const total = series.reduce((all, one) => all + sum(one.points, "scored"), 0);
  const rules = series.filter((one) => one.source === "heuristic");
  return total ? rules.reduce((all, one) => all + sum(one.points, "scored"), 0) / total : null;
}
