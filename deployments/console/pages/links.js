// The links, page by page.

import { choice, element, empty, fault, labelled, linkTo, table } from "../dom.js";
import { ago, count, percent } from "../format.js";
import { latest, read } from "../service.js";

export const title = "Links";
export const about = "Every link that has reported, and how right its forecasts were: search by a part of the name.";
export const call = "links"; // without the right to make it, the page is not offered

const LIMIT = 50;

export async function show(body, _, signal) {
  const state = { mode: "", search: "", sort: "name", cursors: [""] };
  const list = element("div", { "aria-live": "polite" });
  const name = element("input", { type: "search", name: "name", placeholder: "fra1:ams2", autocomplete: "off" });
  const update = latest(
    () => page(state, signal),
    (answer) => list.replaceChildren(...view(state, answer, update)),
    (error) => list.replaceChildren(fault(error)),
  );
  const jump = (event) => {
    event.preventDefault();
    Object.assign(state, { search: name.value.trim(), cursors: [""] });
    update();
  };
  const set = (key) => (value) => {
    Object.assign(state, { [key]: value, cursors: [""] });
    update();
  };
  const modes = [["", "all modes"], ["datacenter", "data centre"], ["internet", "internet"]];
  const orders = [
    ["name", "by name"], ["accuracy", "least right"], ["drift", "most drift"], ["silent", "silent for longest"],
  ];
  list.replaceChildren(...view(state, await page(state, signal), update));
  body.replaceChildren(
    element(
      "form",
      { onsubmit: jump, role: "search" },
      labelled("Names with this in them", name, true),
      element("button", {}, "Search"),
      labelled("Mode", choice(modes, state.mode, set("mode"))),
      labelled("Order", choice(orders, state.sort, set("sort"))),
    ),
    list,
  );
}

async function page(state, signal) {
  const cursor = state.cursors.at(-1);
  const { mode, search, sort } = state;
  const query = new URLSearchParams({ limit: LIMIT, sort, ...(mode && { mode }), ...(search && { search }), ...(cursor && { cursor }) });
  return read(`/v1/links?${query}`, signal);
}

function view(state, answer, update) {
  const { mode, search } = state;
  const turn = (change) => (event) => {
    event.target.disabled = true; // until the page is there
    change();
    update();
  };
  const first = state.cursors.length < 2;
  const back = element("button", { type: "button", disabled: first, onclick: turn(() => state.cursors.pop()) }, "Back");
  if (!answer.links.length && !first) return [empty("There are no more."), back];
  if (!answer.links.length) {
    const none = search || mode ? "No link is like that." : "No link is here. Links appear when they report a sample: POST /v1/links/NAME/samples.";
    return [empty(none)];
  }
  const last = answer.cursor === null;
  const next = element("button", { type: "button", disabled: last, onclick: turn(() => state.cursors.push(answer.cursor)) }, "Next");
  return [
    table(
      `Links from ${answer.links[0].link_id} to ${answer.links.at(-1).link_id}`,
      [
        ["link", (link) => linkTo(link.link_id)],
        ["mode", (link) => link.mode ?? "–"],
        ["last sample", (link) => ago(link.last_sample)],
        ["scored", (link) => count(link.hits + link.misses), true],
        ["right within 20 %", (link) => percent(link.accuracy_20, 1), true],
        ["drift", (link) => (link.drift === null ? "–" : link.drift.toFixed(2)), true],
        ["leader", (link) => link.leader],
        ["switches", (link) => count(link.mode_switches), true],
      ],
      answer.links,
    ),
    element("p", { class: "controls" }, back, next),
  ];
}
