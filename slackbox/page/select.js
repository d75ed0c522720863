import { freshId, h } from "./dom.js";
import { closePopup, Listbox, openPopup } from "./popup.js";

/**
 * A menu with search, for one or several choices. An option is {value, label, hint, group, raw}.
 * `find(query)` gives the options (it may be asynchronous); `chosen` is a list of options; `onchange` gets the new list.
 */
export function selectField({ label, placeholder, find, chosen = [], many = false, most = Infinity, minimum = 0, attributes = {}, onchange }) {
  const state = { chosen: [...chosen] };
  const chips = h("span", { class: "chips" });
  const words = h("span", { class: "select-words" });
  const trigger = h("button", { type: "button", class: "select-trigger", "aria-haspopup": "listbox", "aria-expanded": "false", role: "combobox",
    "data-action-id": attributes["data-action-id"], id: attributes.id, "aria-describedby": attributes["aria-describedby"], "aria-label": attributes.id ? null : label,
    onclick: () => (trigger.getAttribute("aria-expanded") === "true" ? closePopup() : drop()),
    onkeydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); event.stopPropagation(); drop(); }
      if (event.key === "Backspace" && many && state.chosen.length) set(state.chosen.slice(0, -1));
    } }, words, h("span", { class: "select-arrow", "aria-hidden": "true" }));
  const node = h("span", { class: `select ${many ? "many" : ""}` }, many && chips, trigger);

  function draw() {
    const one = !many && state.chosen[0];
    words.textContent = one ? one.label : placeholder;
    words.classList.toggle("empty-choice", !one);
    chips.replaceChildren(...(many ? state.chosen.map((each) => h("span", { class: "chip" }, each.label,
      h("button", { type: "button", class: "chip-off", "aria-label": `Remove ${each.label}`, onclick: () => { set(state.chosen.filter((other) => other !== each)); trigger.focus(); } }, "✕"))) : []));
  }

  async function set(list) {
    const before = state.chosen;
    state.chosen = list;
    draw();
    if ((await onchange?.(list)) === false) { state.chosen = before; draw(); }
  }

  function pick(item) {
    if (!many) { closePopup(); set([item]); return; }
    const has = state.chosen.some((each) => each.value === item.value);
    if (!has && state.chosen.length >= most) return;
    set(has ? state.chosen.filter((each) => each.value !== item.value) : [...state.chosen, item]);
    search.dispatchEvent(new Event("refresh"));
  }

  let search = null;
  function drop() {
    search = h("input", { type: "text", class: "select-search", placeholder: minimum ? `Type at least ${minimum} ${minimum === 1 ? "letter" : "letters"}` : "Search", "aria-label": `Search: ${label}`, autocomplete: "off", spellcheck: "false", "aria-expanded": "true" });
    const list = new Listbox(search, { label, onpick: pick });
    if (many) list.node.setAttribute("aria-multiselectable", "true");
    let turn = 0;
    const show = async (wait) => {
      const mine = (turn += 1);
      const query = search.value.trim();
      if (query.length < minimum) { list.show([], { note: `Type at least ${minimum} ${minimum === 1 ? "letter" : "letters"} to search.` }); return; }
      const given = find(query);
      if (given instanceof Promise) {
        if (wait) { list.show([], { note: "Loading…" }); await new Promise((done) => setTimeout(done, 120)); }
        if (mine !== turn) return;
      }
      const options = await Promise.resolve(given).catch((error) => { if (mine === turn) list.show([], { note: error.message }); return null; });
      if (mine !== turn || !options) return;
      const marked = options.map((each) => ({ ...each, selected: state.chosen.some((other) => other.value === each.value) }));
      list.show(marked, { note: query ? `Nothing found for “${query}”.` : "Nothing to choose from.", start: many ? Math.max(0, list.index) : Math.max(0, marked.findIndex((each) => each.selected)) });
      if (many && state.chosen.length >= most) list.node.append(h("div", { class: "option-note" }, `No more than ${most}.`));
    };
    search.addEventListener("input", () => show(true));
    search.addEventListener("refresh", () => show(false));
    search.addEventListener("keydown", (event) => {
      if (list.key(event)) return;
      if (event.key === "Escape" || event.key === "Tab") { event.preventDefault(); event.stopPropagation(); closePopup(); }
      if (event.key === "Enter") event.preventDefault();
    });
    openPopup(trigger, h("div", { class: "select-popup", id: freshId("popup") }, search, list.node), { wide: true });
    search.focus();
    show(false);
  }

  draw();
  return node;
}

/** A `find` over options that are all known. */
export function among(options) {
  return (query) => {
    const wanted = query.toLowerCase();
    return options.filter((each) => `${each.label} ${each.hint || ""}`.toLowerCase().includes(wanted));
  };
}
