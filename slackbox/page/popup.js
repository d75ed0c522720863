import { freshId, h } from "./dom.js";

let open = null;

/** Close whatever floats over the page. */
export function closePopup(giveBack = true) {
  if (!open) return;
  const { node, anchor, onclose } = open;
  open = null;
  node.remove();
  anchor.setAttribute("aria-expanded", "false");
  onclose?.();
  if (giveBack && anchor.isConnected) anchor.focus();
}

export const popupIsOpen = () => open !== null;

/** Float a node at an anchor, in the top layer so that nothing clips it. One at a time. */
export function openPopup(anchor, node, { onclose, above = false, wide = false } = {}) {
  closePopup(false);
  node.setAttribute("popover", "manual");
  node.classList.add("popup");
  // A modal makes everything outside itself inert, so what floats over it must live in it.
  (anchor.closest("dialog") || document.body).append(node);
  node.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  open = { node, anchor, onclose, above, wide };
  place();
}

function place() {
  if (!open) return;
  const { node, anchor, above, wide } = open;
  if (!anchor.isConnected) { closePopup(false); return; }
  const box = anchor.getBoundingClientRect();
  if (wide) node.style.width = `${Math.max(box.width, 240)}px`;
  const room = { below: innerHeight - box.bottom - 8, above: box.top - 8 };
  const up = above || (node.scrollHeight > room.below && room.above > room.below);
  node.style.maxHeight = `${Math.max(120, Math.min(420, up ? room.above : room.below))}px`;
  const height = node.offsetHeight;
  node.style.top = `${Math.max(8, up ? box.top - height - 4 : box.bottom + 4)}px`;
  node.style.left = `${Math.max(8, Math.min(box.left, innerWidth - node.offsetWidth - 8))}px`;
}

addEventListener("resize", place);
document.addEventListener("scroll", (event) => { if (open && !open.node.contains(event.target)) place(); }, true);
document.addEventListener("pointerdown", (event) => {
  if (open && !open.node.contains(event.target) && !open.anchor.contains(event.target)) closePopup(false);
}, true);
document.addEventListener("focusin", (event) => {
  if (open && !open.node.contains(event.target) && event.target !== open.anchor) closePopup(false);
});

/** Move focus among items as a menu does: arrows, Home, End, the first letter; Escape and Tab leave. */
function walk(event, items) {
  const index = items.indexOf(document.activeElement);
  const moves = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 };
  if (event.key in moves) items[(moves[event.key] + items.length) % items.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") closePopup();
  else if (event.key.length === 1 && /\S/.test(event.key)) {
    const later = [...items.slice(index + 1), ...items.slice(0, index + 1)];
    later.find((each) => each.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    return;
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Open a menu at its button. Items: {label, act, danger, checked, href, hint}, "-" for a line, {heading}. */
export function openMenu(anchor, items, options = {}) {
  const rows = items.filter(Boolean).map((item) => {
    if (item === "-") return h("hr", { role: "separator" });
    if (item.heading) return h("div", { class: "menu-heading", role: "presentation" }, item.heading);
    const role = item.checked === undefined ? "menuitem" : "menuitemradio";
    const act = () => { closePopup(); item.act?.(); };
    return h(item.href ? "a" : "button", {
      class: `menu-item ${item.danger ? "danger" : ""}`, type: item.href ? null : "button", role, tabindex: -1, href: item.href,
      target: item.href && "_blank", rel: item.href && "noreferrer noopener",
      "aria-checked": item.checked === undefined ? null : String(item.checked), onclick: act,
    }, h("span", { class: "menu-label" }, item.label), item.hint && h("span", { class: "menu-hint" }, item.hint));
  });
  const menu = h("div", { class: "menu", role: "menu", "aria-label": options.label || "Menu", onkeydown: (event) => walk(event, [...menu.querySelectorAll(".menu-item")]) }, rows);
  openPopup(anchor, menu, options);
  (menu.querySelector("[aria-checked=true]") || menu.querySelector(".menu-item"))?.focus();
}

/** A button that opens a menu; `items` is asked for when it opens. */
export function menuButton(attributes, content, items, options = {}) {
  const node = h("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", ...attributes, onclick: (event) => {
    event.stopPropagation();
    if (node.getAttribute("aria-expanded") === "true") closePopup();
    else openMenu(node, items(), { label: attributes["aria-label"], ...options });
  }, onkeydown: (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    event.stopPropagation();
    node.click();
  } }, content);
  return node;
}

/** A list of options under a text box that keeps the focus: the box owns the keys, the list shows the choice. */
export class Listbox {
  constructor(box, { label, onpick }) {
    this.box = box;
    this.onpick = onpick;
    this.id = freshId("list");
    this.node = h("div", { class: "listbox", role: "listbox", id: this.id, "aria-label": label });
    this.items = [];
    this.index = -1;
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", this.id]]) box.setAttribute(name, value);
  }

  /** Show options: {label, hint, icon, group, selected, raw}. `note` stands where there are none. */
  show(items, { note = "", start = 0 } = {}) {
    this.items = items;
    let group = "";
    this.node.replaceChildren(...items.flatMap((item, index) => {
      const row = h("div", { class: "option", role: "option", id: `${this.id}-${index}`, "aria-selected": String(Boolean(item.selected)),
        onpointerdown: (event) => { event.preventDefault(); }, onclick: () => this.onpick(item),
        onpointermove: () => this.point(index, false) },
        item.icon, h("span", { class: "option-text" }, h("span", { class: "option-label" }, item.label), item.hint && h("span", { class: "option-hint" }, item.hint)));
      if (!item.group || item.group === group) return [row];
      group = item.group;
      return [h("div", { class: "option-group", role: "presentation" }, group), row];
    }));
    if (!items.length && note) this.node.append(h("div", { class: "option-note", role: "status" }, note));
    this.index = -1;
    this.point(Math.min(start, items.length - 1), true);
  }

  point(index, scroll) {
    this.node.querySelector(".pointed")?.classList.remove("pointed");
    this.index = index;
    const row = index < 0 ? null : document.getElementById(`${this.id}-${index}`) || this.node.querySelectorAll(".option")[index];
    if (!row) { this.box.removeAttribute("aria-activedescendant"); return; }
    row.classList.add("pointed");
    this.box.setAttribute("aria-activedescendant", row.id);
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  /** Arrows, Enter and optionally Tab. True when the key was used. */
  key(event, { tab = false } = {}) {
    if (!this.items.length || event.isComposing) return false;
    if (event.key === "ArrowDown") this.point((this.index + 1) % this.items.length, true);
    else if (event.key === "ArrowUp") this.point((this.index - 1 + this.items.length) % this.items.length, true);
    else if ((event.key === "Enter" || (tab && event.key === "Tab")) && !event.shiftKey && this.index >= 0) this.onpick(this.items[this.index]);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
