// What serves, what is published, and who promoted it.

import { element, table } from "../dom.js";
import { moment } from "../format.js";
import { read } from "../service.js";

export const title = "Models";
export const about = "The model that answers in each mode, the versions in the registry, and how they came to serve.";

export async function show(body, _, signal) {
  const { models } = await read("/v1/models", signal);
  const parts = [
    table(
      "What serves",
      [
        ["mode", ([name]) => name],
        ["version", ([, model]) => model.version ?? (model.asleep ? "asleep" : "–")],
        ["window", ([, model]) => (model.window ? `${model.window} samples` : "–")],
        ["checksum", ([, model]) => (model.sha256 ? model.sha256.slice(0, 12) : "–")],
        ["what is wrong", ([, model]) => model.error ?? model.refused ?? model.registry_away ?? "nothing"],
      ],
      Object.entries(models),
    ),
  ];
  for (const mode of ["datacenter", "internet"]) {
    parts.push(element("h2", {}, mode), ...(await published(mode, signal)));
  }
  body.replaceChildren(...parts);
}

async function published(mode, signal) {
  const { champion, versions, history } = await read(`/v1/models/${mode}/versions`, signal);
  const serves = champion.version ?? "the shipped model, since none was promoted";
  const parts = [element("p", {}, `Champion: ${serves}.`)];
  if (versions.length) {
    parts.push(
      table(
        "Published versions",
        [
          ["version", (one) => one.version],
          ["published", (one) => (one.at ? moment(one.at) : "–")],
          ["by", (one) => one.who ?? "–"],
          ["what is wrong", (one) => one.refused ?? "nothing"],
        ],
        versions,
      ),
    );
  }
  if (history.length) {
    parts.push(
      table(
        "Former champions",
        [
          ["number", (one) => one.number, true],
          ["version", (one) => one.version ?? "shipped"],
          ["action", (one) => one.action],
          ["who", (one) => one.who],
          ["why", (one) => one.why],
        ],
        history,
      ),
    );
  }
  return parts;
}
