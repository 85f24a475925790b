// What serves, what is published, who promoted it; promotion and the way back.

import { changeButton } from "../change.js";
import { element, table } from "../dom.js";
import { count, moment, percent } from "../format.js";
import { may, read, send } from "../service.js";

export const title = "Models";
export const about = "The model that answers in each mode, the versions in the registry, and how they came to serve.";
export const call = "models"; // without the right to make it, the page is not offered

const SWAP = ["It is verified first: a damaged version is refused, and nothing changes.", "Every router serves it within seconds; no request fails meanwhile."];

export async function show(body, _, signal, failed) {
  const done = (told) => render(told).catch(failed);
  const render = async (notice) => {
    const [{ models }, ...published] = await Promise.all([
      read("/v1/models", signal),
      ...["datacenter", "internet"].map((mode) => read(`/v1/models/${mode}/versions`, signal)),
    ]);
    body.replaceChildren(
      ...[notice].filter(Boolean),
      serving(models),
      ...Object.entries(models).map(card).filter(Boolean),
      ...published.flatMap((one) => [element("h2", {}, one.model), ...versions(one, done)]),
    );
  };
  await render(null);
}

function serving(models) {
  return table(
    "What serves",
    [
      ["mode", ([name]) => name],
      ["version", ([, model]) => model.version ?? (model.asleep ? "asleep" : "–")],
      ["window", ([, model]) => (model.window ? `${model.window} samples` : "–")],
      ["checksum", ([, model]) => (model.sha256 ? model.sha256.slice(0, 12) : "–")],
      ["what is wrong", ([, model]) => model.error ?? model.refused ?? model.registry_away ?? "nothing"],
    ],
    Object.entries(models),
  );
}

// What the model's card says of traces that it has never seen.
function card([mode, { version, metrics }]) {
  const sets = Object.entries(metrics?.sets ?? {});
  if (!sets.length) return null;
  return element(
    "details",
    {},
    element("summary", {}, `Card of ${version}: on test traces, one step ahead`),
    table(
      `${mode}: public sets, and the rule that the newest value stays`,
      [
        ["set", ([name]) => name],
        ["windows", ([, set]) => count(set.windows), true],
        ["right within 20 %", ([, set]) => percent(set.model?.["1"]?.accuracy_20, 1), true],
        ["last value", ([, set]) => percent(set.last_value?.["1"]?.accuracy_20, 1), true],
        ["90 % interval", ([, set]) => percent(set.model?.["1"]?.coverage_90, 1), true],
        ["calibration error", ([, set]) => percent(set.model?.["1"]?.calibration_error, 1), true],
      ],
      sets,
    ),
  );
}

function versions(published, done) {
  const { model, champion, versions, history } = published;
  const parts = [element("p", {}, `Champion: ${champion.version ?? "shipped"}.`)];
  if (champion.number && may("roll_back")) {
    parts.push(element("p", {}, changeButton("Roll back", rollback(model, champion), done, "danger")));
  }
  if (versions.length) parts.push(publishedTable(published, done));
  if (history.length) {
    parts.push(
      table(
        "Former champions",
        [
          ["number", (one) => one.number, true],
          ["version", (one) => one.version],
          ["what", (one) => one.action],
          ["when", (one) => (one.at ? moment(one.at) : "–")],
          ["who", (one) => one.who],
          ["why", (one) => one.why],
        ],
        history,
      ),
    );
  }
  return parts;
}

function publishedTable({ model, champion, versions }, done) {
  const promotable = (one) => may("promote") && !one.refused && one.version !== champion.version;
  return table(
    "Published versions",
    [
      ["version", (one) => one.version],
      ["published", (one) => (one.at ? moment(one.at) : "–")],
      ["by", (one) => one.who ?? "–"],
      ["what is wrong", (one) => one.refused ?? "nothing"],
      ["action", (one) => (promotable(one) ? changeButton("Promote", promotion(model, one.version, champion), done) : "")],
    ],
    versions,
  );
}

function promotion(model, version, champion) {
  return {
    title: `Promote ${version}`,
    effects: [`${version} becomes the champion of ${model}, in place of ${champion.version}.`, ...SWAP],
    send: (reason) => send("POST", `/v1/models/${model}/promote`, { version, expected: champion.number, reason }),
    undo: (pointer) => rollback(model, pointer),
  };
}

function rollback(model, champion) {
  const { version, number } = champion;
  return {
    title: `Roll back ${model}`,
    effects: [`${version} no longer serves ${model}; the champion before it does.`, ...SWAP],
    send: (reason) => send("POST", `/v1/models/${model}/rollback`, { expected: number, reason }),
    undo: (pointer) => promotion(model, version, pointer),
  };
}
