// What happened, the newest first, and what happens.

import { element, empty, fault, labelled, linkTo, table } from "../dom.js";
import { moment } from "../format.js";
import { follow, latest, read } from "../service.js";

export const title = "Events";
export const about = "Mode switches, alarms, promotions, retraining and changes of flags, with who made them.";
export const call = "events"; // without the right to make it, the page is not offered

const LIMIT = 100;

export async function show(body, _, signal) {
  const state = { kind: "", link: "", events: [] };
  const list = element("div", { "aria-live": "polite" });
  const kind = element("input", { name: "kind", placeholder: "mode_switch", autocomplete: "off", pattern: "[a-z0-9_:]*" });
  const link = element("input", { name: "link", placeholder: "fra1:ams2", autocomplete: "off" });
  let watching = new AbortController();
  signal.addEventListener("abort", () => watching.abort());
  const load = async () => {
    const query = new URLSearchParams({ ...(state.kind && { kind: state.kind }), ...(state.link && { link_id: state.link }) });
    const newest = await read("/v1/events?limit=1", signal); // before the list: none is missed after it
    const { events } = await read(`/v1/events?${query}&limit=${LIMIT}`, signal);
    return { query, events, last: newest.events.length ? String(newest.events[0].number) : null };
  };
  const shown = ({ query, events, last }) => {
    state.events = events;
    list.replaceChildren(view(state.events));
    watching.abort();
    watching = new AbortController();
    const on = (event) => {
      if (state.events.some((one) => one.number === event.number)) return;
      state.events = [event, ...state.events].slice(0, LIMIT);
      list.replaceChildren(view(state.events));
    };
    follow(`/v1/events/watch?${query}`, on, watching.signal, last);
  };
  const update = latest(load, shown, (error) => list.replaceChildren(fault(error)));
  const filter = (event) => {
    event.preventDefault();
    Object.assign(state, { kind: kind.value.trim(), link: link.value.trim() });
    update();
  };
  shown(await load());
  body.replaceChildren(
    element(
      "form",
      { onsubmit: filter },
      labelled("Of this kind", kind),
      labelled("Of this link", link),
      element("button", {}, "Show"),
    ),
    list,
  );
}

function view(events) {
  if (!events.length) return empty("There is no such event.");
  return table(
    "Events, the newest first",
    [
      ["when", (event) => moment(event.at)],
      ["kind", (event) => event.kind],
      ["link", (event) => (event.link_id ? linkTo(event.link_id) : "")],
      ["details", (event) => element("pre", {}, Object.entries(event.body).map(([name, value]) => `${name}: ${text(value)}`).join("\n"))],
    ],
    events,
  );
}

const text = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
