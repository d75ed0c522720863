import { h } from "./dom.js";
import { element } from "./elements.js";
import { richText, wordsOf } from "./richtext.js";

const isNumber = (value) => value?.type === "raw_number";
const cellText = (value) => (!value ? "" : value.type === "action_cell" ? value.element?.text?.text || "" : value.type === "rich_text" ? wordsOf(value) : String(value.text ?? value.value ?? ""));

function cell(value, context, id) {
  if (!value) return "";
  if (value.type === "rich_text") return richText(value);
  if (value.type === "action_cell") return element(value.element, context, id);
  if (value.text === undefined && value.value === undefined) return JSON.stringify(value);
  return String(value.text ?? value.value);
}

const align = (setting, value) => (setting?.align || (isNumber(value) ? "right" : "left"));

/** A table block: the first row is its head. */
export function table(block, context, id) {
  const [head, ...rows] = block.rows;
  const row = (cells, tag) => h("tr", {}, cells.map((each, index) => h(tag, {
    scope: tag === "th" ? "col" : null, class: `${block.column_settings?.[index]?.is_wrapped ? "wrapped" : ""} to-${align(block.column_settings?.[index], each)}`,
  }, h("div", { class: "cell", title: cellText(each) }, cell(each, context, id)))));
  return h("div", { class: "table-box", tabindex: 0, role: "region", "aria-label": "Table" }, h("table", {}, h("thead", {}, row(head || [], "th")), h("tbody", {}, rows.map((each) => row(each, "td")))));
}

const views = new Map();

/** A data table: caption, sorting by column, pages. The reader's page and order outlive an update of the message. */
export function dataTable(block, context, id) {
  const [head, ...rows] = block.rows;
  const size = block.page_size || 5;
  const key = `${context.place || ""} ${id} ${block.caption}`;
  if (!views.has(key)) views.set(key, { page: 0, by: null, up: true });
  const view = views.get(key);
  const box = h("div", { class: "data-table" });
  const order = (value) => (isNumber(value) ? value.value : cellText(value).toLowerCase());
  const compare = (a, b) => (a === b ? 0 : (a > b ? 1 : -1) * (view.up ? 1 : -1));
  const draw = (focus) => {
    const sorted = view.by === null ? rows : [...rows].sort((a, b) => compare(order(a[view.by]), order(b[view.by])));
    const pages = Math.max(1, Math.ceil(rows.length / size));
    view.page = Math.min(view.page, pages - 1);
    const sort = (index) => { view.up = view.by === index ? !view.up : true; view.by = index; view.page = 0; draw(`sort-${index}`); };
    const heads = head.map((each, index) => h("th", { scope: "col", class: `to-${align(null, rows[0]?.[index])}`, "aria-sort": view.by === index ? (view.up ? "ascending" : "descending") : null },
      h("button", { type: "button", class: "sort", "data-focus": `sort-${index}`, onclick: () => sort(index) }, cellText(each), h("span", { class: "sort-sign", "aria-hidden": "true" }, view.by === index ? (view.up ? "↑" : "↓") : "↕"))));
    const body = sorted.slice(view.page * size, (view.page + 1) * size).map((cells) => h("tr", {}, cells.map((each, index) => {
      const names = index === (block.row_header_column_index ?? 0);
      return h(names ? "th" : "td", { scope: names ? "row" : null, class: `to-${align(null, each)} ${each?.type === "action_cell" ? "action-cell" : ""}` }, h("div", { class: "cell", title: cellText(each) }, cell(each, context, id)));
    })));
    const step = (by, name) => { view.page += by; draw(name); };
    const from = view.page * size;
    box.replaceChildren(
      h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": block.caption }, h("table", {}, h("caption", {}, block.caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body))),
      pages > 1 ? h("div", { class: "pager" },
        h("span", { class: "dim", role: "status" }, `${from + 1}–${Math.min(from + size, rows.length)} of ${rows.length}`),
        h("button", { type: "button", class: "icon-button", "data-focus": "back", disabled: view.page === 0, onclick: () => step(-1, "back"), "aria-label": "Previous page" }, "‹"),
        h("button", { type: "button", class: "icon-button", "data-focus": "on", disabled: view.page >= pages - 1, onclick: () => step(1, "on"), "aria-label": "Next page" }, "›")) : "");
    if (focus) (box.querySelector(`[data-focus="${focus}"]:not([disabled])`) || box.querySelector(".pager button:not([disabled])"))?.focus();
  };
  draw();
  return box;
}
