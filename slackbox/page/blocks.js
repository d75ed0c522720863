import { chart } from "./charts.js";
import { h, link, safeUrl } from "./dom.js";
import { element, elements } from "./elements.js";
import { date, inline, markdown, mrkdwn } from "./mrkdwn.js";
import { emojiFor } from "./emoji.js";

/** A text object as nodes. */
export function text(object) {
  if (!object) return [];
  if (typeof object === "string") return [object];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text);
}

function plain(words) {
  return String(words).split(/:([a-z+][a-z0-9_+'-]*):/).map((part, index) => (index % 2 ? emojiFor(part) : part));
}

/** Blocks as nodes. `context` carries what a press needs; see message.js and modal.js. */
export function blocks(list, context, outer = "") {
  return (list || []).map((block) => {
    const draw = BLOCKS[block.type];
    const id = block.block_id || outer;
    if (!draw) return unknown(block);
    return h("div", { class: `block block-${block.type}`, "data-block-id": id }, draw(block, context, id));
  });
}

function unknown(block) {
  return h("details", { class: "block unknown-block", open: true },
    h("summary", {}, `This page does not draw “${block.type}” blocks`), h("pre", {}, JSON.stringify(block, null, 2)));
}

const BLOCKS = {
  header: (block) => h("h3", {}, text(block.text)),
  divider: () => h("hr"),
  section: (block, context, id) => h("div", { class: "section" },
    h("div", { class: "section-body" },
      block.text && h("div", { class: "text" }, text(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field text" }, text(field))))),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, context, id))),
  context: (block) => h("div", { class: "context" }, block.elements.map((each) =>
    each.type === "image" ? picture(each, "context-image") : h("span", {}, text(each)))),
  actions: (block, context, id) => h("div", { class: "actions" }, elements(block.elements, context, id)),
  context_actions: (block, context, id) => h("div", { class: "actions faint" }, elements(block.elements, context, id)),
  image: (block) => h("figure", {}, block.title && h("figcaption", {}, text(block.title)), picture(block, "picture")),
  markdown: (block) => h("div", { class: "text markdown" }, markdown(block.text)),
  rich_text: (block) => h("div", { class: "text" }, richText(block)),
  alert: (block) => h("div", { class: `alert ${block.level || "default"}` }, text(block.text)),
  input: (block, context, id) => input(block, context, id),
  table: (block) => table(block),
  data_table: (block, context, id) => dataTable(block, context, id),
  data_visualization: (block) => chart(block),
  plan: (block) => plan(block),
  task_card: (block) => task(block),
  card: (block, context, id) => card(block, context, id),
  carousel: (block, context, id) => h("div", { class: "carousel", tabindex: 0, role: "group", "aria-label": "Cards" },
    block.elements.map((each) => card(each, context, each.block_id || id))),
  container: (block, context, id) => container(block, context, id),
};

function picture(image, kind) {
  const url = image.image_url || image.slack_file?.url;
  return url ? h("img", { class: kind, src: safeUrl(url), alt: image.alt_text }) : h("span", { class: "no-image" }, image.alt_text);
}

const GROUPS = new Set(["radio_buttons", "checkboxes", "multi_static_select", "multi_users_select"]);

function input(block, context, id) {
  const error = context.errors?.[id];
  return h("div", { class: "input-block" },
    h(GROUPS.has(block.element.type) ? "div" : "label", { class: "labelled", role: GROUPS.has(block.element.type) ? "group" : null },
      h("span", { class: "label" }, text(block.label), block.optional && h("span", { class: "dim" }, " (optional)")),
      element(block.element, context, id)),
    block.hint && h("div", { class: "dim" }, text(block.hint)),
    error && h("div", { class: "field-error", role: "alert" }, error));
}

const STATUS = { pending: ["○", "Pending"], in_progress: ["", "In progress"], complete: ["✓", "Complete"], error: ["!", "Error"] };

function plan(block) {
  const tasks = block.tasks || [];
  const done = tasks.filter((each) => each.status === "complete").length;
  return h("details", { class: "plan", open: true },
    h("summary", {}, h("strong", {}, ...plain(block.title)), h("span", { class: "dim count" }, `${done} of ${tasks.length}`)),
    h("div", { class: "tasks" }, tasks.map(task)));
}

function task(block) {
  const [sign, words] = STATUS[block.status] || ["?", block.status];
  return h("div", { class: `task ${block.status}` },
    h("span", { class: "status", role: "img", "aria-label": words, title: words }, sign),
    h("div", { class: "task-body" },
      h("div", { class: "task-title" }, ...plain(block.title)),
      block.details && h("div", { class: "dim text" }, richText(block.details)),
      block.output && h("div", { class: "text task-output" }, richText(block.output)),
      block.sources?.length && h("div", { class: "sources" }, block.sources.map((each) => link(each.url, each.text)))));
}

function card(block, context, id) {
  return h("article", { class: "card" },
    block.hero_image && picture(block.hero_image, "hero"),
    h("div", { class: "card-head" }, block.icon && picture(block.icon, "icon"),
      h("div", {}, block.title && h("div", { class: "card-title" }, text(block.title)),
        block.subtitle && h("div", { class: "dim" }, text(block.subtitle)))),
    block.body && h("div", { class: "text card-body" }, text(block.body)),
    block.actions && h("div", { class: "actions" }, elements(block.actions, context, id)));
}

function container(block, context, id) {
  const title = block.rich_text_title ? richText(block.rich_text_title) : text(block.title);
  const head = [block.icon && picture(block.icon, "icon"), h("strong", {}, title),
    block.subtitle && h("span", { class: "dim" }, text(block.subtitle))];
  const body = h("div", { class: "container-body" }, blocks(block.child_blocks, context, id));
  const kind = `container width-${block.width || "standard"}`;
  if (!block.is_collapsible) {
    return h("div", { class: kind }, h("div", { class: `container-head ${block.has_header_divider ? "ruled" : ""}` }, head), body);
  }
  return h("details", { class: kind, open: !block.default_collapsed }, h("summary", { class: "container-head" }, head), body);
}

function cell(value, context, id) {
  if (!value) return "";
  if (value.type === "rich_text") return richText(value);
  if (value.type === "action_cell") return element(value.element, context, id);
  return value.text;
}

const isNumber = (value) => value?.type === "raw_number";

function table(block) {
  const [head, ...rows] = block.rows;
  const setting = (index) => block.column_settings?.[index] || {};
  const row = (cells, tag) => h("tr", {}, cells.map((each, index) => h(tag, {
    class: [setting(index).is_wrapped ? "wrapped" : "", isNumber(each) ? "number" : ""].join(" "),
    style: setting(index).align ? `text-align:${setting(index).align}` : null,
  }, cell(each))));
  return h("div", { class: "table-box" }, h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rows.map((each) => row(each, "td")))));
}

function dataTable(block, context, id) {
  const [head, ...rows] = block.rows;
  const size = block.page_size || 5;
  const view = { page: 0, by: null, up: true };
  const box = h("div", { class: "table-box data-table" });
  const key = (value) => (isNumber(value) ? value.value : String(cellText(value)).toLowerCase());
  const draw = () => {
    const sorted = view.by === null ? rows : [...rows].sort((a, b) =>
      (key(a[view.by]) > key(b[view.by]) ? 1 : -1) * (view.up ? 1 : -1));
    const pages = Math.max(1, Math.ceil(rows.length / size));
    const sort = (index) => { view.up = view.by === index ? !view.up : true; view.by = index; view.page = 0; draw(); };
    const heads = head.map((each, index) => h("th", { class: isNumber(rows[0]?.[index]) ? "number" : "", "aria-sort": view.by === index ? (view.up ? "ascending" : "descending") : null },
      h("button", { type: "button", class: "sort", onclick: () => sort(index) }, cellText(each), view.by === index ? (view.up ? " ↑" : " ↓") : "")));
    const body = sorted.slice(view.page * size, view.page * size + size).map((cells) => h("tr", {}, cells.map((each, index) =>
      h(index === (block.row_header_column_index || 0) ? "th" : "td", { class: isNumber(each) ? "number" : "" }, cell(each, context, id)))));
    const step = (by) => { view.page += by; draw(); };
    box.replaceChildren(h("table", {}, h("caption", {}, block.caption), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body)),
      pages > 1 ? h("div", { class: "pager" },
        h("button", { type: "button", disabled: view.page === 0, onclick: () => step(-1), "aria-label": "Previous page" }, "‹"),
        h("span", { class: "dim" }, `${view.page + 1} of ${pages}`),
        h("button", { type: "button", disabled: view.page >= pages - 1, onclick: () => step(1), "aria-label": "Next page" }, "›")) : "");
  };
  draw();
  return box;
}

function cellText(value) {
  if (!value) return "";
  if (value.type === "rich_text") return value.elements.flatMap((each) => each.elements || []).map((each) => each.text || "").join("");
  return value.text || value.element?.text?.text || "";
}

/** A rich_text object as nodes. */
export function richText(block) {
  return (block.elements || []).map((part) => {
    if (part.type === "rich_text_preformatted") return h("pre", {}, parts(part.elements));
    if (part.type === "rich_text_quote") return h("blockquote", {}, parts(part.elements));
    if (part.type === "rich_text_list") {
      const tag = part.style === "ordered" ? "ol" : "ul";
      return h(tag, { style: `margin-left:${(part.indent || 0) * 22}px`, start: part.offset ? part.offset + 1 : null },
        part.elements.map((each) => h("li", {}, parts(each.elements))));
    }
    return h("div", { class: "rich-section" }, parts(part.elements));
  });
}

const parts = (list) => (list || []).map((each) => styled(each.style || {}, richElement(each)));

function richElement(each) {
  switch (each.type) {
    case "text": return each.text;
    case "link": return link(each.url, each.text || each.url);
    case "emoji": return emojiFor(each.name);
    case "user": return inline(`<@${each.user_id}>`);
    case "channel": return inline(`<#${each.channel_id}>`);
    case "usergroup": return inline(`<!subteam^${each.usergroup_id}>`);
    case "broadcast": return inline(`<!${each.range}>`);
    case "date": return date(each.timestamp, each.format, each.url, each.fallback);
    case "color": return h("span", {}, h("i", { class: "swatch", style: `background:${each.value}` }), each.value);
    default: return JSON.stringify(each);
  }
}

function styled(style, content) {
  let node = content;
  for (const [name, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]]) {
    if (style[name]) node = h(tag, {}, node);
  }
  return node;
}
