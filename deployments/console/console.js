// The console: one page at a time, chosen by the part of the address after #.

import { element, labelled } from "./dom.js";
import { endSession, loadSession, offers, openSession } from "./service.js";
import * as drift from "./pages/drift.js";
import * as events from "./pages/events.js";
import * as link from "./pages/link.js";
import * as links from "./pages/links.js";
import * as models from "./pages/models.js";
import * as now from "./pages/now.js";
import * as quality from "./pages/quality.js";
import * as rollout from "./pages/rollout.js";
import * as tryIt from "./pages/try.js";

const PAGES = { now, links, link, quality, rollout, models, drift, events, try: tryIt };
const main = document.querySelector("main");
let ending = new AbortController();

function menu(name) {
  const items = Object.entries(PAGES).filter(([, page]) => page.call && offers(page.call));
  const shown = name === "link" ? "links" : name;
  document.querySelector("nav").replaceChildren(
    ...items.map(([key, page]) =>
      element("a", { href: `#/${key}`, "aria-current": key === shown ? "page" : null }, page.title),
    ),
  );
}

async function show() {
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  const [, name = "", rest = ""] = location.hash.match(/^#\/([^/?]*)\/?(.*)$/) ?? [];
  const page = PAGES[name] ?? now;
  menu(page === now ? "now" : name);
  const parameter = decoded(rest);
  const title = page.heading?.(parameter) ?? page.title;
  document.title = `${title} · PBA`;
  const body = element("div", { "aria-busy": "true" });
  main.replaceChildren(
    element("h1", {}, title),
    element("p", { class: "about" }, page.about),
    body,
  );
  try {
    await page.show(body, parameter, signal, (error) => failed(body, error));
  } catch (error) {
    if (!signal.aborted) failed(body, error);
  }
  body.removeAttribute("aria-busy");
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function failed(body, error) {
  if (error.status === 401) {
    body.replaceChildren(signIn());
    return;
  }
  body.replaceChildren(
    element(
      "div",
      { class: "error", role: "alert" },
      element("p", {}, error.message),
      element("button", { type: "button", onclick: show }, "Try again"),
    ),
  );
}

function signIn() {
  const key = element("input", { type: "password", autocomplete: "off", required: true, name: "key" });
  const fault = element("p", { class: "bad", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await openSession(key.value.trim());
      await caller();
      await show();
    } catch (error) {
      fault.textContent = error.message;
    }
  };
  return element(
    "form",
    { onsubmit: submit },
    element("p", {}, "This service needs a key. It stays in a cookie that no script can read, until you sign out."),
    labelled("Key", key, true),
    element("button", {}, "Sign in"),
    fault,
  );
}

async function signOut() {
  await endSession();
  await caller();
  await show();
}

// Say who looks: the name of a key, or nobody in particular.
async function caller() {
  const place = document.querySelector(".caller");
  try {
    const identity = await loadSession();
    const who = identity.name ? `${identity.name}, ${identity.role}` : "no key needed";
    const leave = identity.name ? element("button", { type: "button", onclick: signOut }, "Sign out") : null;
    place.replaceChildren(...[who, " ", leave].filter(Boolean));
  } catch {
    place.textContent = "not signed in";
  }
}

addEventListener("hashchange", async () => {
  await show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
await caller(); // what a page offers depends on it
await show();
