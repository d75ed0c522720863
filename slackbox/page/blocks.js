import { chart } from "./charts.js";
import { freshId, h, link, picture, safeUrl } from "./dom.js";
import { element } from "./elements.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { plain, richText, text } from "./richtext.js";
import { dataTable, table } from "./tables.js";

/** Blocks as nodes. `context` says where they stand; see elements.js. */
export function blocks(list, context, outer = "") {
  return (list || []).map((block) => drawBlock(block, context, outer));
}

function drawBlock(block, context, outer) {
  const id = block.block_id || outer;
  const draw = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : null;
  let node;
  try {
    node = draw ? h("div", { class: `block block-${block.type}`, "data-block-id": id }, draw(block, context, id)) : unknown(block, "This page does not draw");
  } catch (error) {
    // Another sender's malformed block must not take the whole conversation down with it.
    node = unknown(block, `Could not be drawn (${error.message}):`);
  }
  node.source = JSON.stringify(block);
  return node;
}

/** Bring the blocks in `box` up to date. A block that did not change keeps its node, and with it focus and all that was opened. */
export function patchBlocks(box, list, context) {
  const old = [...box.children];
  const used = new Set();
  const fresh = (list || []).map((block, index) => {
    const source = JSON.stringify(block);
    const same = old.find((each) => !used.has(each) && each.source === source);
    if (same) { used.add(same); return same; }
    const node = drawBlock(block, context, "");
    const before = old.find((each) => !used.has(each) && block.block_id && each.dataset.blockId === block.block_id) || (old[index]?.className === node.className ? old[index] : null);
    if (before && !used.has(before)) carryOver(before, node);
    return node;
  });
  if (fresh.length === old.length && fresh.every((each, index) => each === old[index])) return;
  const focus = document.activeElement;
  for (const each of old) if (!fresh.includes(each)) each.remove();
  fresh.forEach((each, index) => { if (box.children[index] !== each) box.insertBefore(each, box.children[index] || null); });
  if (focus?.isConnected && focus !== document.activeElement) focus.focus();
}

/** What the reader opened, scrolled or focused in a block goes over to the block that replaces it. */
function carryOver(before, node) {
  const opened = node.querySelectorAll("details");
  before.querySelectorAll("details").forEach((each, index) => { if (opened[index]) opened[index].open = each.open; });
  const focused = before.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
  const left = before.querySelector(".carousel")?.scrollLeft;
  if (!focused && !left) return;
  queueMicrotask(() => {
    if (left) node.querySelector(".carousel")?.scrollTo({ left });
    if (focused) node.querySelector(`[data-action-id="${CSS.escape(focused)}"]`)?.focus();
  });
}

function unknown(block, why) {
  return h("details", { class: "block unknown-block", open: true },
    h("summary", {}, icon("alert"), ` ${why} “${block.type}” blocks`), h("pre", {}, JSON.stringify(block, null, 2)));
}

const BLOCKS = {
  header: (block) => h("h3", { class: `level-${block.level || 1}` }, text(block.text)),
  divider: () => h("hr"),
  section: (block, context, id) => h("div", { class: "section" },
    h("div", { class: "section-body" },
      block.text && h("div", { class: "text" }, text(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field text" }, text(field))))),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, context, id))),
  context: (block) => h("div", { class: "context" }, block.elements.map((each) =>
    (each.type === "image" ? picture(each, "context-image") : h("span", { class: "text" }, text(each))))),
  actions: (block, context, id) => h("div", { class: "actions" }, block.elements.map((each) => element(each, context, id))),
  context_actions: (block, context, id) => h("div", { class: "actions context-actions" }, block.elements.map((each) => element(each, context, id))),
  image: (block) => imageBlock(block),
  markdown: (block) => h("div", { class: "text markdown" }, markdown(block.text)),
  rich_text: (block) => h("div", { class: "text rich" }, richText(block)),
  alert: (block) => h("div", { class: `alert ${block.level || "default"}`, role: "note" }, icon(ALERT_ICONS[block.level] || "info"), h("div", { class: "text" }, text(block.text))),
  input: (block, context, id) => input(block, context, id),
  table: (block, context, id) => table(block, context, id),
  data_table: (block, context, id) => dataTable(block, context, id),
  data_visualization: (block) => chart(block),
  plan: (block) => plan(block),
  task_card: (block) => task(block),
  card: (block, context, id) => card(block, context, id),
  carousel: (block, context, id) => carousel(block, context, id),
  container: (block, context, id) => container(block, context, id),
  call: (block) => h("div", { class: "file-chip" }, icon("bell", 18), h("div", {}, h("strong", {}, "Call"), h("div", { class: "dim" }, block.call_id))),
  auth_provider: (block, context, id) => authProvider(block, context, id),
  file: (block) => h("div", { class: "file-chip" }, icon("file"), h("span", {}, block.external_id || block.file_id || "file")),
  video: (block) => h("div", { class: "video" }, block.thumbnail_url && picture({ image_url: block.thumbnail_url, alt_text: block.alt_text }, "picture"),
    h("strong", {}, safeUrl(block.title_url) ? link(block.title_url, text(block.title)) : text(block.title)), block.description && h("div", { class: "dim" }, text(block.description))),
};

const ALERT_ICONS = { warning: "alert", error: "alert", success: "check", info: "info" };

function authProvider(block, context, id) {
  const state = block.is_connected ? h("span", { class: "dim" }, block.connected_identity ? text(block.connected_identity) : "Connected") : block.auth_url && link(block.auth_url, "Connect");
  return h("div", { class: "provider" }, block.icon_url && picture({ image_url: block.icon_url, alt_text: "" }, "icon"),
    h("div", { class: "section-body" }, h("strong", {}, text(block.name)), block.description && h("div", { class: "dim" }, text(block.description))),
    state, block.accessory && element(block.accessory, context, id));
}

function imageBlock(block) {
  const shown = picture(block, "picture");
  return h("figure", {}, block.title && h("figcaption", { class: "dim" }, text(block.title)), shown);
}

const NOT_LABELABLE = new Set(["radio_buttons", "checkboxes", "rich_text_input"]);

function input(block, context, id) {
  const names = { id: freshId("input"), label: freshId("label"), hint: freshId("hint"), error: freshId("error") };
  const loose = NOT_LABELABLE.has(block.element.type);
  const field = { id: loose ? undefined : names.id, labelledBy: loose ? names.label : undefined, describedBy: `${names.error}${block.hint ? ` ${names.hint}` : ""}` };
  const words = [text(block.label), block.optional && h("span", { class: "optional" }, " (optional)")];
  return h("div", { class: "input-block" },
    h(loose ? "div" : "label", { class: "label", id: names.label, for: loose ? null : names.id }, words),
    element(block.element, context, id, field),
    h("div", { class: "field-error", id: names.error, role: "alert", "data-error-for": id }),
    block.hint && h("div", { class: "hint", id: names.hint }, text(block.hint)));
}

const STATUS = { pending: ["", "Pending"], in_progress: ["", "In progress"], complete: ["✓", "Complete"], error: ["!", "Error"] };

function plan(block) {
  const tasks = block.tasks || [];
  const done = tasks.filter((each) => each.status === "complete").length;
  const running = tasks.some((each) => each.status === "in_progress");
  return h("details", { class: "plan", open: true },
    h("summary", { class: "foldable" }, running ? statusMark("in_progress") : null, h("strong", { class: "plan-title" }, text(block.title)), h("span", { class: "dim count" }, `${done} of ${tasks.length}`)),
    h("div", { class: "tasks" }, tasks.map(task)));
}

function statusMark(status) {
  const [sign, words] = STATUS[status] || ["?", String(status)];
  return h("span", { class: `status ${status}`, role: "img", "aria-label": words, title: words }, sign);
}

function task(block) {
  return h("div", { class: `task ${block.status || "pending"}` },
    statusMark(block.status || "pending"),
    h("div", { class: "task-body" },
      h("div", { class: "task-title" }, plain(block.title)),
      block.details && h("div", { class: "task-details text" }, richText(block.details)),
      block.output && h("div", { class: "task-output text" }, richText(block.output)),
      block.sources?.length > 0 && h("div", { class: "sources" }, block.sources.map((each) => link(each.url, each.text || each.url)))));
}

function card(block, context, id) {
  return h("article", { class: "card" },
    block.hero_image && picture(block.hero_image, "hero"),
    (block.icon || block.title || block.subtitle) && h("div", { class: "card-head" }, block.icon && picture(block.icon, "icon"),
      h("div", { class: "card-names" }, block.title && h("div", { class: "card-title text" }, text(block.title)),
        block.subtitle && h("div", { class: "card-subtitle text" }, text(block.subtitle)))),
    block.body && h("div", { class: "text card-body" }, text(block.body)),
    block.subtext && h("div", { class: "dim text" }, text(block.subtext)),
    block.actions && h("div", { class: "actions" }, block.actions.map((each) => element(each, context, block.block_id || id))));
}

function carousel(block, context, id) {
  const strip = h("div", { class: "carousel", tabindex: 0, role: "group", "aria-roledescription": "carousel", "aria-label": `${block.elements.length} cards` },
    block.elements.map((each) => card(each, context, each.block_id || id)));
  const move = (by) => strip.scrollBy({ left: by * 262, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  return h("div", { class: "carousel-box" }, strip, block.elements.length > 1 && h("div", { class: "carousel-steps" },
    h("button", { type: "button", class: "icon-button", "aria-label": "Earlier cards", onclick: () => move(-1) }, "‹"),
    h("button", { type: "button", class: "icon-button", "aria-label": "Further cards", onclick: () => move(1) }, "›")));
}

function container(block, context, id) {
  const title = block.rich_text_title ? richText(block.rich_text_title) : text(block.title);
  const head = [block.icon && picture(block.icon, "icon"), h("div", { class: "container-names" }, h("strong", {}, title), block.subtitle && h("div", { class: "dim text" }, text(block.subtitle)))];
  const body = h("div", { class: "container-body" }, blocks(block.child_blocks, context, id));
  const kind = `container width-${block.width || "standard"}`;
  if (!block.is_collapsible) return h("div", { class: kind }, h("div", { class: `container-head ${block.has_header_divider ? "ruled" : ""}` }, head), body);
  return h("details", { class: kind, open: !block.default_collapsed }, h("summary", { class: "container-head foldable" }, head), body);
}
