// v1 and v3 side by side, and the flags that share links between them.

import { changeButton } from "../change.js";
import { cards, element, empty, labelled, table } from "../dom.js";
import { count, moment, percent, rate } from "../format.js";
import { may, read, send } from "../service.js";

export const title = "Rollout";
export const about = "Which share of the links v3 answers, and how it compares with v1 where both have a forecast.";
export const call = "rollout"; // without the right to make it, the page is not offered

// What each flag does when it is on, and when it is off.
const FLAGS = {
  enable_v3_prediction: ["v3 answers for its share of the links.", "v1 answers every request."],
  enable_hybrid_mode: ["Both models answer for borderline links.", "The internet model answers for borderline links."],
  enable_mode_detection: ["Modes are detected.", "Links keep their mode, and new ones are of mode internet."],
  shadow: ["The arm that does not answer forecasts too, for comparison.", "Only the arm that answers forecasts; v1 may fall asleep."],
  automatic_steps: ["v3 goes on to 10, 50 and 100 % of links whenever it proves better.", "Steps are taken by hand."],
  automatic_return: ["All links return to v1 if v3 proves worse.", "Links stay with v3 whatever the verdict."],
};
const COMMON = ["Every router follows within two seconds.", "The comparison of both arms begins anew."];

export async function show(body, _, signal, failed) {
  const render = async (notice) => {
    const [state, rollout, past] = await Promise.all([
      read("/v1/flags", signal),
      read("/v1/rollout", signal),
      read("/v1/events?kind=flags_changed&limit=5", signal),
    ]);
    const done = (told) => render(told).catch(failed);
    body.replaceChildren(
      ...[notice, summary(state), ...controls(state, done)].filter(Boolean),
      element("h2", {}, "Verdict"),
      ...verdict(rollout),
      element("h2", {}, "Last changes"),
      past.events.length ? changes(past.events, state, done) : empty("The flags have never been changed."),
    );
  };
  await render(null);
}

function summary({ flags, changed_at, changed_by }) {
  return cards([
    ["v3 answers", share(flags), flags.force_v1_mode ? "the kill switch is on" : null, flags.force_v1_mode ? "bad" : null],
    ["Shadow forecasts", flags.shadow ? "yes" : "no"],
    ["Hybrid mode", flags.enable_hybrid_mode ? "yes" : "no"],
    ["Flags changed", changed_at ? moment(changed_at) : "never", changed_by],
  ]);
}

function share(flags) {
  return flags.force_v1_mode || !flags.enable_v3_prediction ? "no link" : `${flags.v3_rollout_percentage} % of links`;
}

function controls(state, done) {
  if (!may("set_flags")) {
    return [element("p", { class: "about" }, "Changing flags needs a key of an operator for all links.")];
  }
  const { flags } = state;
  const rows = Object.entries(FLAGS).map(([name, effects]) => ({ name, on: flags[name], effects }));
  return [
    element("h2", {}, "Share and kill switch"),
    element("div", { class: "controls" }, ...percentage(state, done), killSwitch(state, done)),
    element("h2", {}, "Flags"),
    table(
      "What each flag does now",
      [
        ["flag", (row) => row.name],
        ["is", (row) => (row.on ? "on" : "off")],
        ["so", (row) => row.effects[row.on ? 0 : 1]],
        ["action", (row) => changeButton(row.on ? "Turn off" : "Turn on", toggle(state, row), done)],
      ],
      rows,
    ),
  ];
}

function percentage(state, done) {
  const now = state.flags.v3_rollout_percentage;
  const input = element("input", { type: "number", min: 0, max: 100, step: 1, value: now, name: "percentage" });
  const plan = () => {
    const value = input.value === "" ? now : Number(input.value);
    const [low, high] = [Math.min(now, value), Math.max(now, value)];
    const move = value > now ? "from v1 to v3" : "from v3 to v1";
    const effects = low === high ? ["The share stays as it is."] : [`Links in the buckets ${low} to ${high - 1} of 100, about ${high - low} %, move ${move}.`];
    return change(state, `Have v3 answer ${value} % of links`, effects, { v3_rollout_percentage: value });
  };
  return [labelled("Share of links that v3 answers, %", input), changeButton("Set the share", plan, done)];
}

function killSwitch(state, done) {
  const on = state.flags.force_v1_mode;
  const effects = on
    ? [`v3 answers ${state.flags.v3_rollout_percentage} % of links again.`]
    : ["v1 answers every request, whatever the other flags are.", "If v1 sleeps, it starts first, which takes some seconds."];
  const name = on ? "Release the kill switch" : "Have v1 answer everything";
  return changeButton(name, change(state, name, effects, { force_v1_mode: !on }), done, on ? null : "danger");
}

function toggle(state, { name, on, effects }) {
  return change(state, `Turn ${name} ${on ? "off" : "on"}`, [effects[on ? 1 : 0]], { [name]: !on });
}

// A change of flags that are at the version of `state`, and the change back.
function change(state, title, effects, flags) {
  const before = Object.fromEntries(Object.keys(flags).map((name) => [name, state.flags[name]]));
  return {
    title,
    effects: [...effects, ...COMMON],
    send: (reason) => send("PUT", "/v1/flags", { version: state.version, flags, reason }),
    undo: (answer) => change(answer, `Set ${words(before)} again`, [`${words(before)}, as before.`], before),
  };
}

const words = (flags) => Object.entries(flags).map(([name, value]) => `${name} = ${value}`).join(", ");

function changes(events, state, done) {
  const undo = (event) => {
    if (event !== events[0] || event.body.version !== state.version || !may("set_flags")) return "";
    const before = Object.fromEntries(Object.entries(event.body.changed).map(([name, values]) => [name, values.before]));
    if (!Object.keys(before).length) return "";
    return changeButton("Undo", { ...change(state, `Set ${words(before)} again`, [`${words(before)}, as before.`], before), reason: "undo" }, done);
  };
  return table(
    "Changes of the flags, the newest first",
    [
      ["when", (event) => moment(event.at)],
      ["who", (event) => event.body.who],
      ["what", (event) => Object.entries(event.body.changed).map(([name, { after }]) => `${name} = ${after}`).join(", ") || "nothing"],
      ["why", (event) => event.body.reason ?? "–"],
      ["action", undo],
    ],
    events,
  );
}

function verdict(rollout) {
  const modes = Object.entries(rollout.modes ?? {});
  const overall = rollout.overall ?? rollout;
  if (!overall.pairs) return [empty("There is no moment yet for which both have a scored forecast.")];
  return [
    table(
      "Both arms after the same samples, one step ahead",
      [
        ["mode", ([name]) => name],
        ["pairs", ([, part]) => count(part.pairs), true],
        ["v3 right", ([, part]) => percent(part.v3?.accuracy_20, 1), true],
        ["v1 right", ([, part]) => percent(part.v1?.accuracy_20, 1), true],
        ["v3 error", ([, part]) => rate(part.v3?.mae_mbps), true],
        ["v1 error", ([, part]) => rate(part.v1?.mae_mbps), true],
        ["blocks", ([, part]) => `${part.blocks ?? "–"} of ${part.blocks_needed ?? "–"}`, true],
        ["evidence", ([, part]) => `${part.evidence.toPrecision(3)} of ${part.decides_at ?? "–"}`, true],
        ["v3 is", ([, part]) => part.verdict ?? "–"],
      ],
      [["all", overall], ...modes],
    ),
    element("p", { class: "about" }, "The verdict falls once the evidence, which grows by blocks of time, reaches what decides."),
  ];
}
