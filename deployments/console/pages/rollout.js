// v1 and v3 side by side, and the flags that share links between them.

import { cards, element, empty, table } from "../dom.js";
import { count, moment, percent, rate } from "../format.js";
import { read } from "../service.js";

export const title = "Rollout";
export const about = "Which share of the links v3 answers, and how it compares with v1 where both have a forecast.";

export async function show(body, _, signal) {
  const [state, rollout] = await Promise.all([read("/v1/flags", signal), read("/v1/rollout", signal)]);
  const { flags } = state;
  body.replaceChildren(
    cards([
      ["v3 answers", flags.force_v1_mode ? "no link" : `${flags.v3_rollout_percentage} % of links`, flags.force_v1_mode ? "the kill switch is on" : null, flags.force_v1_mode ? "bad" : null],
      ["Shadow forecasts", flags.shadow ? "yes" : "no"],
      ["Hybrid mode", flags.enable_hybrid_mode ? "yes" : "no"],
      ["Flags changed", state.changed_at ? moment(state.changed_at) : "never", state.changed_by],
    ]),
    element("h2", {}, "Verdict"),
    ...verdict(rollout),
    element("h2", {}, "Change them"),
    element("p", {}, "pba flags set v3_rollout_percentage=50, or pba flags set force_v1_mode=true as the kill switch."),
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
        ["verdict", ([, part]) => part.verdict ?? "–"],
      ],
      [["all", overall], ...modes],
    ),
  ];
}
