// The links, page by page.

import { choice, element, empty, labelled, table } from "../dom.js";
import { ago, count, percent } from "../format.js";
import { read } from "../service.js";

export const title = "Links";
export const about = "Every link that has reported, in the order of their names, and how right its forecasts were.";

const LIMIT = 50;

export async function show(body, _, signal) {
  const state = { mode: "", from: "", cursors: [""] };
  const list = element("div", { "aria-live": "polite" });
  const name = element("input", { type: "search", name: "name", placeholder: "fra1:ams2", autocomplete: "off" });
  const update = async () => list.replaceChildren(...(await page(state, update, signal)));
  const jump = (event) => {
    event.preventDefault();
    state.cursors = [before(name.value.trim())];
    update().catch((error) => list.replaceChildren(element("p", { class: "error", role: "alert" }, error.message)));
  };
  const modes = [["", "all modes"], ["datacenter", "data centre"], ["internet", "internet"]];
  const mode = choice(modes, state.mode, (value) => {
    state.mode = value;
    state.cursors = [""];
    update();
  });
  await update();
  body.replaceChildren(
    element(
      "form",
      { onsubmit: jump, role: "search" },
      labelled("Names from here on", name, true),
      element("button", {}, "Go"),
      labelled("Mode", mode),
    ),
    list,
  );
}

// The name just before all names that begin with a text: pages start after it.
function before(text) {
  if (!text) return "";
  const last = text.charCodeAt(text.length - 1);
  const lower = [..."-.0123456789:>@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"]
    .filter((letter) => letter.charCodeAt(0) < last)
    .at(-1);
  return lower ? text.slice(0, -1) + lower + "z".repeat(20) : text.slice(0, -1);
}

async function page(state, update, signal) {
  const cursor = state.cursors.at(-1);
  const query = new URLSearchParams({ limit: LIMIT, ...(state.mode && { mode: state.mode }), ...(cursor && { cursor }) });
  const answer = await read(`/v1/links?${query}`, signal);
  if (!answer.links.length) {
    return [empty("No link is here. Links appear when they report a sample: POST /v1/links/NAME/samples.")];
  }
  const back = element("button", { type: "button", disabled: state.cursors.length < 2, onclick: () => (state.cursors.pop(), update()) }, "Back");
  const next = element("button", { type: "button", disabled: answer.cursor === null, onclick: () => (state.cursors.push(answer.cursor), update()) }, "Next");
  return [
    table(
      `Links from ${answer.links[0].link_id} to ${answer.links.at(-1).link_id}`,
      [
        ["link", (link) => element("a", { href: `#/link/${encodeURIComponent(link.link_id)}` }, link.link_id)],
        ["mode", (link) => link.mode ?? "–"],
        ["last sample", (link) => ago(link.last_sample)],
        ["scored", (link) => count(link.hits + link.misses), true],
        ["right within 20 %", (link) => percent(link.accuracy_20, 1), true],
        ["leader", (link) => link.leader],
        ["switches", (link) => count(link.mode_switches), true],
      ],
      answer.links,
    ),
    element("p", { class: "controls" }, back, next),
  ];
}
