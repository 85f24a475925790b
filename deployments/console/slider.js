// A slider over moments: nothing is redrawn while it is dragged.

import { element, labelled } from "./dom.js";

// Return the control; `chosen` is called with the index once the slider is let go.
export function slider(text, moments, index, chosen) {
  const shown = element("output", {}, moments[index]);
  const range = element("input", {
    type: "range",
    min: 0,
    max: moments.length - 1,
    value: index,
    "aria-label": text,
    "aria-valuetext": moments[index],
    oninput: (event) => {
      shown.textContent = moments[event.target.value];
      range.setAttribute("aria-valuetext", shown.textContent);
    },
    onchange: (event) => chosen(Number(event.target.value)),
  });
  return [labelled(text, range, true), shown];
}
