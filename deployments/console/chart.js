// Charts of lines and bands, mostly over time, as SVG.

import { element, shape } from "./dom.js";

const HEIGHT = 260;
const LEFT = 52;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 12;

// Return a figure.
//
// lines: [{name, kind, points: [[x, y], ...], dots?}]; a y of null breaks the line.
// bands: [{name, points: [[x, low, high], ...]}]
// marks: [{x, y, missed, title}]
// moments: [{x, kind, title}], vertical lines; `kind` names them in the legend too
// span: the times at both ends, where they are not those of what is drawn
// label, labelX: what stands at the axes; times by default
export function chart({ title, lines = [], bands = [], marks = [], moments = [], now = null, range = null, span = null, label, labelX }) {
  const xs = [
    ...lines.flatMap((line) => line.points.map(([x]) => x)),
    ...bands.flatMap((band) => band.points.map(([x]) => x)),
  ];
  const ys = [
    ...lines.flatMap((line) => line.points.map(([, y]) => y)),
    ...bands.flatMap((band) => band.points.flatMap(([, low, high]) => [low, high])),
  ].filter((y) => y !== null && Number.isFinite(y));
  if (!xs.length || !ys.length) return null;
  const [first, last] = span ?? [Math.min(...xs), Math.max(...xs)];
  const width = figureWidth();
  const scaleX = scale(first, last > first ? last : first + 1, LEFT, width - RIGHT);
  const [low, high] = range ?? spread(Math.min(...ys), Math.max(...ys));
  const scaleY = scale(low, high, HEIGHT - BOTTOM, TOP);
  const svg = shape(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title },
    axes(scaleX, scaleY, label, labelX),
    bands.map((band, at) => shape("path", { class: at ? "band inner" : "band", d: area(band.points, scaleX, scaleY) })),
    now === null ? null : vertical(scaleX(now), "now"),
    moments.map(({ x, kind, title }) => vertical(scaleX(x), `moment ${kind}`, title)),
    lines.flatMap((line) => drawn(line, scaleX, scaleY)),
    marks.map((mark) =>
      shape(
        "circle",
        {
          class: mark.missed ? "mark missed" : "mark",
          cx: scaleX(mark.x).toFixed(1),
          cy: scaleY(mark.y).toFixed(1),
          r: 3,
        },
        shape("title", {}, mark.title),
      ),
    ),
  );
  return element("figure", {}, svg, legend(lines, bands, moments), element("figcaption", {}, title));
}

// Figures are drawn as wide as the page, so that their texts are as large on a telephone.
export function figureWidth() {
  return Math.max(300, Math.min(1100, document.querySelector("main").clientWidth - 56));
}

function scale(from, to, start, end) {
  const width = to - from || 1;
  const scaled = (value) => start + ((value - from) / width) * (end - start);
  return Object.assign(scaled, { from, to });
}

// Ends that leave the lines some room, from zero where that is near.
function spread(low, high) {
  const room = 0.08 * (high - low || Math.abs(high) || 1);
  const from = low >= 0 && low < 0.6 * high ? 0 : low - room;
  return [from, high + room];
}

function axes(scaleX, scaleY, label = (y) => y, labelX = null) {
  const right = scaleX(scaleX.to);
  const rows = ticks(scaleY.from, scaleY.to, 5).map((y) => {
    const at = scaleY(y).toFixed(1);
    return [
      shape("line", { class: "grid", x1: LEFT, x2: right, y1: at, y2: at }),
      shape("text", { x: LEFT - 6, y: Number(at) + 4, "text-anchor": "end" }, String(label(y))),
    ];
  });
  const span = scaleX.to - scaleX.from;
  const shares = right < 500 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
  const columns = shares.map((share) => {
    const x = scaleX.from + share * span;
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    const place = { x: scaleX(x).toFixed(1), y: HEIGHT - 8, "text-anchor": anchor };
    return shape("text", place, labelX ? labelX(x) : clock(x, span));
  });
  return [rows, columns].flat(2);
}

function ticks(from, to, most) {
  const rough = (to - from) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const values = [];
  for (let y = Math.ceil(from / step) * step; y <= to + 1e-9 * step; y += step) {
    values.push(Number(y.toPrecision(10)));
  }
  return values;
}

export function clock(seconds, span) {
  const time = new Date(1000 * seconds);
  const text = time.toLocaleTimeString("en-GB").slice(0, span < 1200 ? 8 : 5);
  return span > 129600 ? `${time.toLocaleDateString("en-CA").slice(5)} ${text}` : text;
}

function drawn(line, scaleX, scaleY) {
  let path = "";
  let pen = "M";
  for (const [x, y] of line.points) {
    if (y === null || !Number.isFinite(y)) {
      pen = "M";
    } else {
      path += `${pen}${scaleX(x).toFixed(1)} ${scaleY(y).toFixed(1)}`;
      pen = "L";
    }
  }
  return [shape("path", { class: `stroke ${line.kind}`, d: path }), ...lone(line, scaleX, scaleY)];
}

// A point without neighbours is a dot, since no line leads to it; of `dots` each is.
function lone(line, scaleX, scaleY) {
  const known = (point) => point && point[1] !== null && Number.isFinite(point[1]);
  return line.points
    .filter((point, at) => known(point) && (line.dots || (!known(line.points[at - 1]) && !known(line.points[at + 1]))))
    .map(([x, y]) =>
      shape("circle", { class: `dot ${line.kind}`, cx: scaleX(x).toFixed(1), cy: scaleY(y).toFixed(1), r: 3 }),
    );
}

function area(points, scaleX, scaleY) {
  const edge = (index) => points.map((point) => `${scaleX(point[0]).toFixed(1)} ${scaleY(point[index]).toFixed(1)}`);
  return points.length ? `M${edge(2).join("L")}L${edge(1).reverse().join("L")}Z` : "";
}

function vertical(x, kind, title) {
  const at = x.toFixed(1);
  const line = { class: kind, x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM };
  return shape("line", line, title ? shape("title", {}, title) : null);
}

function legend(lines, bands, moments) {
  const sample = (node) => shape("svg", { viewBox: "0 0 20 8", "aria-hidden": "true" }, node);
  const items = [
    ...lines.map((line) => [line.name, shape("line", { class: `stroke ${line.kind}`, x2: 20, y1: 4, y2: 4 })]),
    ...bands.map((band, at) => [band.name, shape("rect", { class: at ? "band inner" : "band", width: 20, height: 8 })]),
    ...new Map(moments.map(({ kind }) => [kind, shape("line", { class: `moment ${kind}`, x1: 10, x2: 10, y2: 8 })])),
  ];
  return element("ul", { class: "legend" }, items.map(([name, node]) => element("li", {}, sample(node), name)));
}
