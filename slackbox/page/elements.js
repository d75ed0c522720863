import { h, picture, safeUrl, send } from "./dom.js";
import { icon } from "./icons.js";
import { fileInput, richInput, typed } from "./inputs.js";
import { menuButton } from "./popup.js";
import { among, selectField } from "./select.js";
import { roomName, world } from "./world.js";
import { text } from "./richtext.js";

/**
 * One interactive element. `context` is where it stands:
 * {values, live(blockId), press(blockId, item, value), confirm(dialog, opener), suggest(blockId, item, query)}.
 * `field` names the control of an input block: {id, describedBy}.
 */
export function element(item, context, blockId, field = {}) {
  if (Object.hasOwn(ELEMENTS, item.type)) return ELEMENTS[item.type](item, new Hand(item, context, blockId, field));
  return h("span", { class: "unknown-element", title: JSON.stringify(item) }, `“${item.type}” is not drawn here`);
}

const words = (object) => object?.text ?? "";

/** What a person does with one element: keeps what is entered and sends what is pressed. */
class Hand {
  constructor(item, context, blockId, field) {
    Object.assign(this, { item, context, blockId, field });
  }

  get attributes() {
    return { "data-action-id": this.item.action_id, id: this.field.id, "aria-describedby": this.field.describedBy, autofocus: this.item.focus_on_load };
  }

  kept(initial) {
    const value = this.context.values[this.blockId]?.[this.item.action_id];
    return value === undefined ? initial : value;
  }

  keep(value) {
    (this.context.values[this.blockId] ??= {})[this.item.action_id] = value;
    this.context.entered?.(this.blockId);
  }

  /** Press, after a confirm dialog if the element has one. False when the person declined. */
  async press(value, opener) {
    if (this.item.confirm && !(await this.context.confirm(this.item.confirm, opener))) return false;
    await this.context.press(this.blockId, this.item, value);
    return true;
  }

  /** A new choice: kept, and sent where the block asks for that. */
  async choose(value, before) {
    this.keep(value);
    if (!this.context.live(this.blockId)) return true;
    const pressed = await this.press(value);
    if (!pressed) this.keep(before);
    return pressed;
  }
}

function button(item, hand) {
  const attributes = { class: `button ${item.style === "primary" || item.style === "danger" ? item.style : ""}`, "aria-label": item.accessibility_label, "data-action-id": item.action_id };
  if (item.url && safeUrl(item.url)) {
    return h("a", { ...attributes, href: item.url, target: "_blank", rel: "noreferrer noopener", onclick: () => item.action_id && hand.press() }, words(item.text), icon("out", 13));
  }
  return h("button", { ...attributes, type: "button", onclick: (event) => busy(event.currentTarget, () => hand.press(undefined, event.currentTarget)) }, text(item.text));
}

async function busy(node, work) {
  if (node.getAttribute("aria-busy")) return;
  node.setAttribute("aria-busy", "true");
  try { await work(); } finally { node.removeAttribute("aria-busy"); }
}

const optionOf = (each, group) => ({ value: each.value, label: words(each.text), hint: words(each.description), group, raw: each });
const offered = (item) => (item.option_groups
  ? item.option_groups.flatMap((group) => group.options.map((each) => optionOf(each, words(group.label))))
  : (item.options || []).map((each) => optionOf(each)));

const people = () => [...world.people.values()].filter((each) => !each.deleted).map((each) => ({ value: each.id, label: each.real_name || each.name, hint: `@${each.profile.display_name || each.name}` }));
const publicRooms = () => [...world.channels.values()].filter((each) => !each.is_private && !each.is_im && !each.is_mpim && !each.is_archived).map((each) => ({ value: each.id, label: `#${each.name}` }));
const kindOf = (room) => (room.is_im ? "im" : room.is_mpim ? "mpim" : room.is_private ? "private" : "public");

function conversations(item) {
  const kinds = item.filter?.include;
  return [...world.channels.values()].filter((each) => !each.is_archived && (!kinds || kinds.includes(kindOf(each))) && !(item.filter?.exclude_bot_users && each.is_im && each.members.includes(world.bot.user)))
    .map((each) => ({ value: each.id, label: each.is_im || each.is_mpim ? roomName(each) : `#${each.name}` }));
}

/** A select menu, single or multiple, over options that are known or asked for. */
function select(item, hand, { options, find, initial, raw = false }) {
  const many = item.type.startsWith("multi_");
  const all = options ? options() : [];
  const labelled = (value) => (raw ? optionOf(value) : all.find((each) => each.value === value) || { value, label: String(value) });
  const before = hand.kept(initial);
  const wire = (list) => (many ? list.map((each) => (raw ? each.raw : each.value)) : raw ? list[0]?.raw : list[0]?.value);
  let last = before;
  return selectField({
    label: words(item.placeholder) || "Choose", placeholder: words(item.placeholder) || (many ? "Choose options" : "Choose an option"),
    find: find || among(all), many, most: item.max_selected_items, minimum: find ? item.min_query_length ?? 3 : 0, attributes: hand.attributes,
    chosen: (many ? before || [] : before === undefined || before === null ? [] : [before]).map(labelled),
    onchange: async (list) => {
      const value = wire(list);
      const taken = await hand.choose(value, last);
      if (taken) last = value;
      return taken;
    },
  });
}

const values = (list) => list?.map((each) => each.value);

function external(item, hand) {
  const find = async (query) => (await hand.context.suggest(hand.blockId, item, query)).map((each) => optionOf(each.option, each.group));
  return select(item, hand, { find, initial: item.initial_option ?? item.initial_options, raw: true });
}

function choices(item, hand, many) {
  const initial = many ? values(item.initial_options) || [] : item.initial_option?.value;
  const name = `${hand.blockId}-${item.action_id}-${Math.random()}`;
  const rows = item.options.map((each) => {
    const value = each.value;
    const now = hand.kept(initial);
    const box = h("input", { type: many ? "checkbox" : "radio", name, checked: many ? now.includes(value) : now === value, onchange: async () => {
      const before = hand.kept(initial);
      const next = many ? [...before.filter((other) => other !== value), ...(box.checked ? [value] : [])] : value;
      if (!(await hand.choose(next, before))) for (const row of rows) { const each = row.querySelector("input"); each.checked = many ? before.includes(each.dataset.value) : before === each.dataset.value; }
    } });
    box.dataset.value = value;
    return h("label", { class: "choice" }, box, h("span", {}, h("span", { class: "choice-label" }, text(each.text)), each.description && h("span", { class: "choice-hint" }, text(each.description))));
  });
  return h("div", { class: "choices", role: many ? "group" : "radiogroup", "data-action-id": item.action_id, "aria-labelledby": hand.field.labelledBy, "aria-describedby": hand.field.describedBy }, rows);
}

function overflow(item, hand) {
  const node = menuButton({ class: "button overflow", "aria-label": "More actions", "data-action-id": item.action_id }, icon("dots"), () => item.options.map((each) => ({
    label: words(each.text), hint: words(each.description), href: each.url && safeUrl(each.url), act: () => hand.press(each.value, node),
  })));
  return node;
}

function feedback(item, hand) {
  const sides = [["positive_button", "up"], ["negative_button", "down"]].filter(([name]) => item[name]);
  const buttons = sides.map(([name, sign]) => h("button", { type: "button", class: "icon-button", title: words(item[name].text), "data-action-id": item.action_id,
    "aria-label": item[name].accessibility_label || words(item[name].text), "aria-pressed": String(hand.kept() === item[name].value),
    onclick: (event) => busy(event.currentTarget, async () => {
      hand.keep(item[name].value);
      for (const [index, [side]] of sides.entries()) buttons[index].setAttribute("aria-pressed", String(side === name));
      await hand.press(item[name].value);
    }) }, icon(sign)));
  return h("span", { class: "feedback" }, buttons);
}

const iconButton = (item, hand) => h("button", { type: "button", class: "icon-button", title: words(item.text), "data-action-id": item.action_id,
  "aria-label": item.accessibility_label || words(item.text), onclick: (event) => busy(event.currentTarget, () => hand.press(undefined, event.currentTarget)) }, icon(item.icon === "trash" ? "trash" : "dots"));

/** A workflow button looks like a button; nothing runs workflows here. */
const workflow = (item) => h("button", { type: "button", class: "button", disabled: true, title: "Workflows do not run in slackbox" }, text(item.text));

const ELEMENTS = {
  button,
  overflow,
  feedback_buttons: feedback,
  icon_button: iconButton,
  workflow_button: workflow,
  image: (item) => picture(item, "accessory-image"),
  static_select: (item, hand) => select(item, hand, { options: () => offered(item), initial: item.initial_option?.value }),
  multi_static_select: (item, hand) => select(item, hand, { options: () => offered(item), initial: values(item.initial_options) }),
  external_select: external,
  multi_external_select: external,
  users_select: (item, hand) => select(item, hand, { options: people, initial: item.initial_user }),
  multi_users_select: (item, hand) => select(item, hand, { options: people, initial: item.initial_users }),
  channels_select: (item, hand) => select(item, hand, { options: publicRooms, initial: item.initial_channel }),
  multi_channels_select: (item, hand) => select(item, hand, { options: publicRooms, initial: item.initial_channels }),
  conversations_select: (item, hand) => select(item, hand, { options: () => conversations(item), initial: item.initial_conversation }),
  multi_conversations_select: (item, hand) => select(item, hand, { options: () => conversations(item), initial: item.initial_conversations }),
  checkboxes: (item, hand) => choices(item, hand, true),
  radio_buttons: (item, hand) => choices(item, hand, false),
  plain_text_input: (item, hand) => typed(item, hand, "text", item.initial_value),
  email_text_input: (item, hand) => typed(item, hand, "email", item.initial_value),
  url_text_input: (item, hand) => typed(item, hand, "url", item.initial_value),
  number_input: (item, hand) => typed(item, hand, "number", item.initial_value),
  datepicker: (item, hand) => typed(item, hand, "date", item.initial_date),
  timepicker: (item, hand) => typed(item, hand, "time", item.initial_time),
  datetimepicker: (item, hand) => typed(item, hand, "datetime-local", item.initial_date_time),
  rich_text_input: richInput,
  file_input: fileInput,
};

/** Ask the app for options of an external select. Answers [{option, group}]. */
export async function suggestions(place, blockId, item, query) {
  const answer = await send("/_test/suggest", { ...place, action_id: item.action_id, block_id: blockId, query });
  const groups = (answer.option_groups || []).flatMap((group) => group.options.map((option) => ({ option, group: words(group.label) })));
  return [...groups, ...(answer.options || []).map((option) => ({ option }))];
}
