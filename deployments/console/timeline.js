// Spans on a time line, a row each, as SVG.

import { clock, figureWidth } from "./chart.js";
import { element, shape } from "./dom.js";

const RIGHT = 12;
const ROW = 22;
const FOOT = 24;

// Return a figure.
//
// rows: [{name, spans: [{from, to, open, title}]}], times in seconds; an open span lasts until now
// span: the times at both ends
export function timeline({ title, rows, span }) {
  const [first, last] = span;
  const width = figureWidth();
  const left = Math.min(190, width / 3);
  const height = rows.length * ROW + FOOT;
  const x = (at) => left + ((Math.min(Math.max(at, first), last) - first) / (last - first)) * (width - left - RIGHT);
  const svg = shape(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title },
    rows.flatMap((row, at) => drawn(row, at * ROW, x, left, width)),
    (width < 500 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1]).map((share) => {
      const at = first + share * (last - first);
      const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
      return shape("text", { x: x(at).toFixed(1), y: height - 8, "text-anchor": anchor }, clock(at, last - first));
    }),
  );
  return element("figure", {}, svg, element("figcaption", {}, title));
}

function drawn({ name, spans }, top, x, left, width) {
  const middle = top + ROW / 2;
  return [
    shape("line", { class: "grid", x1: left, x2: width - RIGHT, y1: middle, y2: middle }),
    shape("text", { x: left - 8, y: middle + 4, "text-anchor": "end" }, shortened(name, left / 7)),
    ...spans.map(({ from, to, open, title }) =>
      shape(
        "rect",
        {
          class: open ? "span open" : "span",
          x: x(from).toFixed(1),
          y: top + 5,
          width: Math.max(3, x(to) - x(from)).toFixed(1),
          height: ROW - 10,
          rx: 2,
        },
        shape("title", {}, title),
      ),
    ),
  ];
}

const shortened = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
