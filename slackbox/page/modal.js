import { blocks, patchBlocks } from "./blocks.js";
import { freshId, h } from "./dom.js";
import { icon } from "./icons.js";

/** A dialog in the top layer. Tab stays inside it, and when it closes the focus goes back to where it was. */
function openDialog(attributes, ...children) {
  const opener = document.activeElement;
  const box = h("dialog", { ...attributes, onkeydown: (event) => { if (event.key === "Tab") wrap(event, box); } }, ...children);
  document.body.append(box);
  box.showModal();
  box.leave = () => {
    box.close();
    box.remove();
    if (opener?.isConnected && document.querySelector("dialog[open]") === null) opener.focus();
  };
  return box;
}

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), textarea, select, [contenteditable=true], summary, [tabindex='0']";

function wrap(event, box) {
  const all = [...box.querySelectorAll(FOCUSABLE)].filter((each) => each.getClientRects().length && !each.closest(".popup"));
  if (!all.length) return;
  const [first, last] = [all[0], all.at(-1)];
  if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
  if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
}

/** Ask before a press with a confirm dialog. Resolves to true or false. */
export function confirmDialog(dialog) {
  return new Promise((resolve) => {
    const title = freshId("title");
    const finish = (answer) => { box.leave(); resolve(answer); };
    const deny = h("button", { type: "button", class: "button", onclick: () => finish(false) }, dialog.deny?.text || "Cancel");
    const yes = h("button", { type: "button", class: `button ${dialog.style || "primary"}`, onclick: () => finish(true) }, dialog.confirm?.text || "OK");
    const words = blocks([{ type: "section", text: dialog.text }], {});
    const box = openDialog({ class: "modal small", role: "alertdialog", "aria-labelledby": title, oncancel: (event) => { event.preventDefault(); finish(false); } },
      h("header", {}, h("h2", { id: title }, dialog.title?.text)), h("div", { class: "modal-body" }, words), h("footer", {}, deny, yes));
    // A dangerous answer must not be one Enter away.
    (dialog.style === "danger" ? deny : yes).focus();
  });
}

/** Every interactive element of a view: [block id, element]. */
function controls(view) {
  const found = [];
  const walk = (node, blockId) => {
    if (Array.isArray(node)) { for (const each of node) walk(each, blockId); return; }
    if (!node || typeof node !== "object") return;
    const id = node.block_id || blockId;
    if (node.action_id) found.push([id, node]);
    for (const name of ["elements", "element", "accessory", "child_blocks", "actions"]) walk(node[name], id);
  };
  walk(view.blocks, "");
  return found;
}

/** What was entered survives an update only where block id, action id and kind are the same, and the option is still there. */
function carried(values, before, view) {
  const kept = {};
  const old = new Map(controls(before).map(([id, each]) => [`${id}\n${each.action_id}`, each]));
  for (const [id, each] of controls(view)) {
    const value = values[id]?.[each.action_id];
    const last = old.get(`${id}\n${each.action_id}`);
    if (value === undefined || last?.type !== each.type) continue;
    const options = each.options && new Set(each.options.map((one) => one.value));
    if (options && ![value].flat().every((one) => options.has(one))) continue;
    (kept[id] ??= {})[each.action_id] = value;
  }
  return kept;
}

/** The person's stack of modals; only the top one is shown. `act` has submit, close, press, suggest. */
export class Modals {
  constructor(act) {
    this.act = act;
    this.values = new Map();
    this.box = null;
    this.view = null;
  }

  show(stack) {
    const view = stack.at(-1);
    for (const id of this.values.keys()) if (!stack.some((each) => each.id === id)) this.values.delete(id);
    if (!view) { this.hide(); return; }
    const depth = stack.length;
    if (this.view?.id === view.id && this.view.hash === view.hash && this.depth === depth) return;
    if (this.view?.id === view.id && this.box) { this.refresh(view, depth); return; }
    this.hide();
    Object.assign(this, { view, depth });
    this.open();
  }

  hide() {
    this.box?.leave();
    Object.assign(this, { box: null, view: null });
  }

  context(view) {
    if (!this.values.has(view.id)) this.values.set(view.id, {});
    return {
      values: this.values.get(view.id), place: view.id, confirm: confirmDialog,
      live: (blockId) => { const block = this.view.blocks.find((each) => each.block_id === blockId); return block?.type !== "input" || Boolean(block.dispatch_action); },
      press: (blockId, item, value) => this.act.press(view.id, blockId, item, value, this.values.get(view.id)),
      suggest: (blockId, item, query) => this.act.suggest({ view_id: view.id }, blockId, item, query),
      entered: (blockId) => this.clearError(blockId),
    };
  }

  open() {
    const { view } = this;
    const title = freshId("title");
    this.body = h("div", { class: "modal-body" });
    this.failure = h("div", { class: "modal-failure", role: "alert" });
    this.head = h("header");
    this.foot = h("footer");
    this.box = openDialog({ class: "modal", "aria-labelledby": title, oncancel: (event) => { event.preventDefault(); this.close(true); } },
      h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(); } }, this.head, this.body, this.failure, this.foot));
    this.titleId = title;
    this.frame();
    patchBlocks(this.body, view.blocks, this.context(view));
    (this.body.querySelector("[autofocus]") || this.body.querySelector(`.input-block :is(${FOCUSABLE})`) || this.foot.querySelector(".primary") || this.head.querySelector("button")).focus();
  }

  frame() {
    const { view } = this;
    this.head.replaceChildren(...[
      this.depth > 1 && h("button", { type: "button", class: "icon-button", "aria-label": "Back", title: "Back", onclick: () => this.close(false) }, icon("back", 18)),
      h("h2", { id: this.titleId }, view.title?.text || ""),
      h("button", { type: "button", class: "icon-button close", "aria-label": "Close", title: "Close", onclick: () => this.close(true) }, icon("close", 18))].filter(Boolean));
    this.foot.replaceChildren(...[
      h("button", { type: "button", class: "button", onclick: () => this.close(false) }, view.close?.text || (view.submit ? "Cancel" : "Close")),
      view.submit && h("button", { type: "submit", class: "button primary" }, h("span", {}, view.submit.text))].filter(Boolean));
  }

  refresh(view, depth) {
    const values = carried(this.values.get(view.id) || {}, this.view, view);
    const held = this.values.get(view.id);
    for (const key of Object.keys(held || {})) delete held[key];
    if (held) Object.assign(held, values);
    Object.assign(this, { view, depth });
    this.failure.textContent = "";
    this.frame();
    patchBlocks(this.body, view.blocks, this.context(view));
    this.box.removeAttribute("aria-busy");
    if (!this.box.contains(document.activeElement) || document.activeElement === this.box) (this.body.querySelector(FOCUSABLE) || this.head.querySelector("button")).focus();
  }

  async submit() {
    if (this.box.getAttribute("aria-busy")) return;
    const { view, box } = this;
    this.failure.textContent = "";
    this.showErrors({});
    box.setAttribute("aria-busy", "true");
    try {
      const answer = await this.act.submit(view.id, this.values.get(view.id) || {});
      if (this.view?.id !== view.id) return;
      this.showErrors(answer.errors || {});
      if (answer.failure) this.failure.textContent = answer.failure;
    } catch (error) {
      this.failure.textContent = error.message;
    } finally {
      box.removeAttribute("aria-busy");
    }
  }

  /** Errors stand below the inputs they belong to; what was typed stays. */
  showErrors(errors) {
    let first = null;
    for (const slot of this.body.querySelectorAll("[data-error-for]")) {
      const words = errors[slot.dataset.errorFor] || "";
      slot.textContent = words;
      const block = slot.closest(".input-block");
      block.classList.toggle("invalid", Boolean(words));
      const control = block.querySelector(FOCUSABLE);
      if (words) control?.setAttribute("aria-invalid", "true");
      else control?.removeAttribute("aria-invalid");
      if (words && !first) first = control;
    }
    const known = new Set([...this.body.querySelectorAll("[data-error-for]")].map((each) => each.dataset.errorFor));
    const lost = Object.entries(errors).filter(([id]) => !known.has(id));
    if (lost.length) this.failure.textContent = lost.map(([id, words]) => `${words} (${id})`).join(" ");
    first?.focus();
  }

  clearError(blockId) {
    const slot = this.body?.querySelector(`[data-error-for="${CSS.escape(blockId)}"]`);
    if (!slot?.textContent) return;
    slot.textContent = "";
    slot.closest(".input-block").classList.remove("invalid");
  }

  close(everything) {
    this.act.close(this.view.id, everything);
  }
}
