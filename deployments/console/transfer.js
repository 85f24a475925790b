// How long a transfer over a link would take, and how best to send it; neither is recorded.

import { cards, element, fault, labelled } from "./dom.js";
import { count, percent, rate } from "./format.js";
import { read, send } from "./service.js";

const MB = 1e6;
const WINDOW = 120;

// Return a section that asks for the size and the deadline of a transfer.
export function transferForm(name, signal) {
  const size = element("input", { type: "number", name: "size", min: 0.001, step: "any", value: 1000, required: true });
  const deadline = element("input", { type: "number", name: "deadline", min: 0.001, step: "any" });
  const result = element("div", { "aria-live": "polite" });
  const submit = async (event) => {
    event.preventDefault();
    const bytes = Math.round(size.value * MB);
    const body = { link_id: name, bytes, record: false, ...(deadline.value && { deadline_s: Number(deadline.value) }) };
    try {
      const [transfer, allocation] = await Promise.all([send("POST", "/v1/transfer", body, signal), advice(name, bytes, signal)]);
      result.replaceChildren(duration(transfer), element("h3", {}, "How to send it"), how(allocation));
    } catch (error) {
      if (!signal.aborted) result.replaceChildren(fault(error));
    }
  };
  return element(
    "section",
    { "aria-label": "Transfer" },
    element("h2", {}, "How long would a transfer take?"),
    element(
      "form",
      { onsubmit: submit },
      labelled("Size, MB", size),
      labelled("Deadline, seconds (if there is one)", deadline),
      element("button", {}, "Forecast the transfer"),
    ),
    result,
  );
}

// From the newest samples as they are, since a forecast by name would be recorded and scored.
async function advice(name, bytes, signal) {
  const { samples } = await read(`/v1/links/${encodeURIComponent(name)}/history?limit=${WINDOW}`, signal);
  const { allocation } = await send("POST", "/v1/forecast?as_of=newest", { history: samples, allocation: { bytes } }, signal);
  return allocation;
}

function how(allocation) {
  return cards([
    ["Streams", count(allocation.streams), `by the policy ${allocation.policy}`],
    ["Safe rate", rate(allocation.safe_rate_mbps), `reached with ${percent(1 - allocation.quantile)}`],
    ["Pace", rate(allocation.pacing_total_mbps), "all streams together"],
    ["Buffer of a stream", `${count(Math.round(allocation.buffer_bytes / 1024))} KiB`],
  ]);
}

function duration({ bytes, duration_s: times, probability_in_time: inTime, advice, reasons }) {
  const median = times["0.5"];
  return cards([
    ["Takes", seconds(median), `80 % between ${seconds(times["0.1"])} and ${seconds(times["0.9"])}`],
    ["Mean rate", median ? rate((8 * bytes) / median / MB) : "–"],
    ["Ends in time", percent(inTime), inTime === null ? "no deadline" : null],
    ["Advice", advice, reasons.join(", "), advice === "start" ? "good" : null],
  ]);
}

const seconds = (value) => (value === null ? "without end" : value < 120 ? `${value.toFixed(1)} s` : `${(value / 60).toFixed(1)} min`);
