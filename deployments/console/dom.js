// Elements from JavaScript: texts are always texts, so that no name of a link becomes markup.

const SVG = "http://www.w3.org/2000/svg";

// Return an element with attributes and children; children are nodes or texts.
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

// The same in SVG.
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

// Return a definition list of cards: [name, value, note, kind] each.
export function cards(items) {
  return element(
    "dl",
    { class: "cards" },
    items.map(([name, value, note, kind]) =>
      element(
        "div",
        { class: "card" },
        element("dt", {}, name),
        element("dd", { class: kind }, value, note ? element("small", {}, note) : null),
      ),
    ),
  );
}

// Return a table: columns are [title, cell of a row, whether it is a number].
export function table(caption, columns, rows) {
  const head = columns.map(([title, , number]) =>
    element("th", { scope: "col", class: number ? "number" : null }, title),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      columns.map(([, cell, number]) => element("td", { class: number ? "number" : null }, cell(row))),
    ),
  );
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, body),
    ),
  );
}

// Return a control with its label.
export function labelled(text, control, wide = false) {
  return element("label", { class: wide ? "wide" : null }, text, control);
}

// Return a list to choose from: [value, text] each.
export function choice(options, chosen, changed) {
  return element(
    "select",
    { onchange: (event) => changed(event.target.value) },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)),
  );
}

// Return a link to the page of a link of the service.
export function linkTo(name) {
  return element("a", { href: `#/link/${encodeURIComponent(name)}` }, name);
}

// Say why something cannot be shown.
export function fault(error) {
  return element("p", { class: "error", role: "alert" }, error.message);
}

export function empty(text) {
  return element("p", { class: "empty" }, text);
}
