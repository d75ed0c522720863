import { blocks } from "./blocks.js";
import { h } from "./dom.js";

const overlay = () => document.getElementById("overlay");

/** Ask before a press with a confirm dialog. Resolves to true or false. */
export function confirmDialog(dialog) {
  return new Promise((resolve) => {
    const finish = (answer) => { box.remove(); resolve(answer); };
    const box = h("dialog", { class: "modal small", oncancel: () => finish(false) },
      h("header", {}, h("h2", {}, dialog.title.text)),
      h("div", { class: "modal-body text" }, dialog.text.text),
      h("footer", {}, h("button", { type: "button", class: "button", onclick: () => finish(false) }, dialog.deny.text),
        h("button", { type: "button", class: `button ${dialog.style || "primary"}`, onclick: () => finish(true) }, dialog.confirm.text)));
    overlay().append(box);
    box.showModal();
  });
}

let shown = null;

/** Show the top of a person's stack of modals, or none. `act` has submit, close and press. */
export function showModal(stack, act) {
  const view = stack[stack.length - 1];
  if (!view) {
    shown?.box.remove();
    shown = null;
    return;
  }
  if (shown?.view.hash === view.hash) return;
  const values = shown && shown.view.id === view.id ? shown.values : {};
  shown?.box.remove();
  shown = { view, values, errors: {}, box: null };
  draw(act);
}

/** Show errors below the inputs they belong to; what was typed stays. */
export function showErrors(errors, act) {
  if (!shown) return;
  shown.errors = errors;
  shown.box.remove();
  draw(act);
}

function draw(act) {
  const { view, values, errors } = shown;
  const context = {
    values, errors, confirm: confirmDialog,
    live: (blockId) => { const block = view.blocks.find((each) => each.block_id === blockId); return block?.type !== "input" || block.dispatch_action; },
    press: (blockId, item, value) => act.press(view, blockId, item, value, values),
  };
  const submit = (event) => { event.preventDefault(); act.submit(view, values); };
  const close = (event) => { event?.preventDefault(); act.close(view); };
  shown.box = h("dialog", { class: "modal", oncancel: close },
    h("form", { onsubmit: submit, novalidate: true },
      h("header", {}, h("h2", {}, view.title?.text), h("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕")),
      h("div", { class: "modal-body" }, blocks(view.blocks, context)),
      h("footer", {}, h("button", { type: "button", class: "button", onclick: close }, view.close?.text || "Cancel"),
        view.submit && h("button", { type: "submit", class: "button primary" }, view.submit.text))));
  document.getElementById("overlay").append(shown.box);
  shown.box.showModal();
  shown.box.querySelector("input, textarea, select")?.focus();
}
