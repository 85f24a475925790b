// What changes something: it says first what will happen, asks why, and offers to undo it.

import { element, labelled } from "./dom.js";

// Return a button that asks before it changes anything.
//
// plan: {title, effects: [text], send(reason), undo(answer)?}, or a function that makes one;
//   `send` changes it, and `undo` returns the plan of the change back.
// done: shows the page again after the change, with a notice; it never fails
export function changeButton(text, plan, done, kind = null) {
  const open = () => ask(typeof plan === "function" ? plan() : plan, done);
  return element("button", { type: "button", class: kind, onclick: open }, `${text}…`);
}

function ask(plan, done) {
  const reason = element("input", { name: "reason", required: true, maxlength: 1000, autocomplete: "off" });
  const fault = element("p", { class: "bad", role: "alert" });
  const change = element("button", {}, plan.title);
  const dialog = element(
    "dialog",
    { "aria-labelledby": "change-title", onclose: () => dialog.remove() },
    element("h2", { id: "change-title" }, plan.title),
    element("p", {}, "What will happen:"),
    element("ul", {}, plan.effects.map((effect) => element("li", {}, effect))),
    element(
      "form",
      { onsubmit: submit },
      labelled("Reason, which everybody sees among the events", reason, true),
      element("p", { class: "controls" }, change, element("button", { type: "button", onclick: () => dialog.close() }, "Leave it as it is")),
      fault,
    ),
  );
  async function submit(event) {
    event.preventDefault();
    change.disabled = true;
    fault.textContent = "";
    try {
      const answer = await plan.send(reason.value.trim());
      dialog.close();
      const told = notice(plan, answer, done);
      await done(told);
      told.focus();
    } catch (error) {
      change.disabled = false;
      fault.replaceChildren(error.message, ...(error.status === 409 ? [" ", readAgain(dialog, done)] : []));
    }
  }
  reason.value = plan.reason ?? "";
  document.body.append(dialog);
  dialog.showModal();
  reason.focus();
}

// Somebody was faster: the page shows what they did, and the change can be thought over.
function readAgain(dialog, done) {
  const again = () => {
    dialog.close();
    done(null);
  };
  return element("button", { type: "button", onclick: again }, "Show what it is now");
}

function notice(plan, answer, done) {
  const undo = plan.undo?.(answer);
  return element(
    "p",
    { class: "notice", role: "status", tabindex: "-1" },
    `Done: ${plan.title}. `,
    undo ? changeButton("Undo", { reason: "undo", ...undo }, done) : null,
  );
}
