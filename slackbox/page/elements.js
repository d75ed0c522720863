import { h, safeUrl } from "./dom.js";
import { icon } from "./icons.js";

let people = [];
let channels = [];
export function setChoices(everyone, rooms) { people = everyone; channels = rooms; }

export function elements(list, context, blockId) {
  return list.map((each) => element(each, context, blockId));
}

/** One interactive element. A change is kept in context.values; a press goes to context.press. */
export function element(item, context, blockId) {
  const draw = ELEMENTS[item.type];
  if (draw) return draw(item, context, blockId);
  return h("span", { class: "unknown-block" }, `“${item.type}” is not drawn here`);
}

const words = (object) => object?.text ?? "";

function keep(context, blockId, item, value) {
  (context.values[blockId] ??= {})[item.action_id] = value;
}

function kept(context, blockId, item, initial) {
  const value = context.values[blockId]?.[item.action_id];
  return value === undefined ? initial : value;
}

async function press(item, context, blockId, value) {
  if (item.confirm && !(await context.confirm(item.confirm))) return false;
  await context.press(blockId, item, value);
  return true;
}

function button(item, context, blockId) {
  const attributes = { class: `button ${item.style || ""}`, "aria-label": item.accessibility_label };
  if (item.url) {
    return h("a", { ...attributes, href: safeUrl(item.url), target: "_blank", rel: "noreferrer noopener", onclick: () => item.action_id && press(item, context, blockId) }, words(item.text), " ↗");
  }
  return h("button", { ...attributes, type: "button", "data-action-id": item.action_id, onclick: (event) => whileBusy(event.currentTarget, () => press(item, context, blockId)) }, words(item.text));
}

async function whileBusy(node, work) {
  node.classList.add("busy");
  try { await work(); } finally { node.classList.remove("busy"); }
}

function menu(item, context, blockId, groups, initial) {
  const chosen = kept(context, blockId, item, initial);
  const options = (list) => list.map(([value, label]) => h("option", { value, selected: value === chosen }, label));
  const node = h("select", { "aria-label": words(item.placeholder) || "Choose", "data-action-id": item.action_id, onchange: async (event) => {
    const value = event.target.value;
    keep(context, blockId, item, value);
    if (context.live(blockId)) {
      const pressed = await press(item, context, blockId, value);
      if (!pressed) { keep(context, blockId, item, chosen); node.value = chosen ?? ""; }
    }
  } }, h("option", { value: "", disabled: true, selected: !chosen }, words(item.placeholder) || "Choose an option"),
    groups.map(([label, list]) => (label ? h("optgroup", { label }, options(list)) : options(list))));
  return node;
}

const pairs = (options) => (options || []).map((each) => [each.value, words(each.text)]);
const offered = (item) => (item.option_groups
  ? item.option_groups.map((group) => [words(group.label), pairs(group.options)])
  : [["", pairs(item.options)]]);

function many(item, context, blockId, list, initial) {
  const chosen = new Set(kept(context, blockId, item, initial));
  return h("div", { class: "choices" }, list.map(([value, label, description]) => h("label", {},
    h("input", { type: "checkbox", checked: chosen.has(value), onchange: (event) => {
      if (event.target.checked) chosen.add(value); else chosen.delete(value);
      keep(context, blockId, item, [...chosen]);
      if (context.live(blockId)) press(item, context, blockId, [...chosen]);
    } }), h("span", {}, label, description && h("span", { class: "dim" }, description)))));
}

function radios(item, context, blockId) {
  const chosen = kept(context, blockId, item, item.initial_option?.value);
  const name = `${blockId}-${item.action_id}-${Math.random()}`;
  return h("div", { class: "choices", role: "radiogroup" }, item.options.map((each) => h("label", {},
    h("input", { type: "radio", name, checked: each.value === chosen, onchange: () => {
      keep(context, blockId, item, each.value);
      if (context.live(blockId)) press(item, context, blockId, each.value);
    } }), h("span", {}, words(each.text), each.description && h("span", { class: "dim" }, words(each.description))))));
}

function typed(item, context, blockId, type) {
  const tag = item.multiline ? "textarea" : "input";
  return h(tag, {
    type: item.multiline ? null : type, rows: item.multiline ? 4 : null, placeholder: words(item.placeholder),
    maxlength: item.max_length, minlength: item.min_length, "data-action-id": item.action_id,
    step: item.type === "number_input" && item.is_decimal_allowed ? "any" : null,
    value: kept(context, blockId, item, item.initial_value ?? item.initial_date ?? item.initial_time ?? ""),
    oninput: (event) => keep(context, blockId, item, event.target.value),
    onchange: (event) => context.live(blockId) && press(item, context, blockId, event.target.value),
  });
}

function overflow(item, context, blockId) {
  const box = h("details", { class: "overflow" });
  const choose = (each) => { box.open = false; press(item, context, blockId, each.value); };
  box.append(h("summary", { class: "button", "aria-label": "More actions", "data-action-id": item.action_id }, "⋯"),
    h("div", { class: "menu", role: "menu" }, item.options.map((each) => each.url
      ? h("a", { role: "menuitem", href: safeUrl(each.url), target: "_blank", rel: "noreferrer noopener", onclick: () => choose(each) }, words(each.text))
      : h("button", { type: "button", role: "menuitem", onclick: () => choose(each) }, words(each.text)))));
  return box;
}

function feedback(item, context, blockId) {
  return h("span", { class: "feedback" }, [["positive_button", "up"], ["negative_button", "down"]].map(([name, sign]) =>
    h("button", { type: "button", class: "button small", title: words(item[name].text), "data-action-id": item.action_id,
      "aria-label": item[name].accessibility_label || words(item[name].text),
      onclick: (event) => {
        event.currentTarget.classList.add("chosen");
        press(item, context, blockId, item[name].value);
      } }, icon(sign))));
}

const users = () => [["", people.map((each) => [each.id, each.real_name])]];
const rooms = () => [["", channels.map((each) => [each.id, `#${each.name}`])]];

const ELEMENTS = {
  button,
  overflow,
  feedback_buttons: feedback,
  icon_button: (item, context, blockId) => h("button", { type: "button", class: "button small", title: words(item.text), "aria-label": item.accessibility_label || words(item.text), onclick: () => press(item, context, blockId) }, icon("trash")),
  image: (item) => h("img", { class: "accessory-image", src: safeUrl(item.image_url || item.slack_file?.url), alt: item.alt_text }),
  static_select: (item, context, id) => menu(item, context, id, offered(item), item.initial_option?.value),
  users_select: (item, context, id) => menu(item, context, id, users(), item.initial_user),
  channels_select: (item, context, id) => menu(item, context, id, rooms(), item.initial_channel),
  conversations_select: (item, context, id) => menu(item, context, id, rooms(), item.initial_conversation),
  multi_static_select: (item, context, id) => many(item, context, id, offered(item).flatMap(([, list]) => list), (item.initial_options || []).map((each) => each.value)),
  multi_users_select: (item, context, id) => many(item, context, id, users()[0][1], item.initial_users || []),
  checkboxes: (item, context, id) => many(item, context, id, item.options.map((each) => [each.value, words(each.text), words(each.description)]), (item.initial_options || []).map((each) => each.value)),
  radio_buttons: radios,
  plain_text_input: (item, context, id) => typed(item, context, id, "text"),
  email_text_input: (item, context, id) => typed(item, context, id, "email"),
  url_text_input: (item, context, id) => typed(item, context, id, "url"),
  number_input: (item, context, id) => typed(item, context, id, "number"),
  datepicker: (item, context, id) => typed(item, context, id, "date"),
  timepicker: (item, context, id) => typed(item, context, id, "time"),
};
