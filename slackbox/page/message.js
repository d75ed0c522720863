import { blocks, patchBlocks } from "./blocks.js";
import { h, link, nodesOf, picture } from "./dom.js";
import { emojiFor, FREQUENT } from "./emoji.js";
import { icon } from "./icons.js";
import { size } from "./inputs.js";
import { mrkdwn } from "./mrkdwn.js";
import { menuButton } from "./popup.js";
import { author, isReply, personName, postsOf, world } from "./world.js";

const atTime = (ts) => new Date(Number(ts) * 1000);
const HOURS = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
export const clockTime = (ts) => HOURS.format(atTime(ts));

export function dayName(ts) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - atTime(ts).setHours(0, 0, 0, 0)) / 86_400_000);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : DAY.format(atTime(ts));
}

export function avatar(who) {
  const initials = String(who.name).split(/\s+/).map((part) => [...part][0] || "").slice(0, 2).join("").toUpperCase();
  return h("span", { class: `avatar ${who.app ? "app" : ""}`, style: { "--hue": String(who.hue) }, "aria-hidden": "true" }, initials);
}

/**
 * One message and what stands before it (day, unread line). `view` says where it stands:
 * {channel, inThread, contextFor(message), openThread, act}. An update touches only the parts that changed.
 */
export class Row {
  constructor(message, view) {
    this.view = view;
    this.parts = new Map();
    this.before = h("div", { class: "before" });
    this.body = h("div", { class: "blocks" });
    this.main = h("div", { class: "message-main" });
    this.gutter = h("div", { class: "gutter" });
    this.article = h("article", { class: "message", tabindex: -1 }, this.gutter, this.main);
    this.node = h("div", { class: "row" }, this.before, this.article);
    this.node.row = this;
    this.slots = Object.fromEntries(["note", "by", "text", "blocks", "attachments", "files", "edited", "reactions", "thread"].map((name) => [name, name === "blocks" ? this.body : h("div", { class: `part part-${name}` })]));
    this.main.append(...Object.values(this.slots));
    this.update(message);
  }

  update(message) {
    this.message = message;
    this.context ??= this.view.contextFor(this);
    const who = author(message);
    const gone = message.subtype === "tombstone";
    this.article.dataset.ts = message.ts;
    this.article.classList.toggle("ephemeral", Boolean(message.is_ephemeral));
    this.article.classList.toggle("tombstone", gone);
    this.article.classList.toggle("streaming", message.streaming_state === "in_progress");
    this.article.setAttribute("aria-label", `${who.name}, ${clockTime(message.ts)}`);
    this.fill("note", [message.is_ephemeral, message.subtype, message.thread_ts, this.view.pinnedBy(message.ts)], () => note(message, this.view));
    this.fill("text", [message.blocks?.length ? null : message.text, gone], () => text(message, gone));
    patchBlocks(this.body, message.blocks, this.context);
    this.fill("attachments", message.attachments, () => (message.attachments || []).map((each) => attachment(each, this.context)));
    this.fill("files", message.files, () => files(message.files));
    this.fill("edited", [message.edited, message.blocks?.length, message.streaming_state], () => afterthought(message));
    this.fill("reactions", [message.reactions, world.me], () => reactions(message, this.view));
    this.fill("thread", this.view.inThread ? null : [message.reply_count, message.latest_reply, message.reply_users], () => !this.view.inThread && !isReply(message) && message.reply_count > 0 && threadLine(message, this.view));
    this.drawTools(gone);
  }

  /** The actions stay as they are, with a menu that may be open, unless they would change. */
  drawTools(gone) {
    const { message } = this;
    const source = JSON.stringify([gone, message.user === world.me, message.thread_ts, message.reactions, world.me]);
    if (this.toolSource === source) return;
    this.toolSource = source;
    this.tools?.remove();
    this.tools = gone || message.is_ephemeral ? null : tools(this);
    if (this.tools) this.article.append(this.tools);
  }

  fill(name, value, make) {
    const source = JSON.stringify(value) ?? "";
    if (this.parts.get(name) === source) return;
    this.parts.set(name, source);
    this.slots[name].replaceChildren(...nodesOf(make()));
  }

  /** What depends on the message above: the author's line, the day, the line above what is new. */
  decorate(previous, isNew) {
    const { message, view } = this;
    const who = author(message);
    const above = previous?.message;
    const day = !view.inThread && (!above || dayName(above.ts) !== dayName(message.ts));
    const replies = view.inThread && above && above.ts === view.thread ? view.replyCount() : null;
    const joined = Boolean(above && !day && replies === null && !isNew && author(above).id === who.id && author(above).name === who.name && !message.is_ephemeral && !above.is_ephemeral
      && Number(message.ts) - Number(above.ts) < 300 && !message.subtype && !above.reply_count && above.subtype !== "tombstone");
    const source = JSON.stringify([day && dayName(message.ts), replies, isNew, joined, who.name, clockTime(message.ts)]);
    if (this.decorated === source) return;
    this.decorated = source;
    this.article.classList.toggle("joined", joined);
    this.before.replaceChildren(...nodesOf([
      day && h("div", { class: "day", role: "separator" }, h("span", {}, dayName(message.ts))),
      replies !== null && h("div", { class: "replies-line" }, h("span", {}, `${replies} ${replies === 1 ? "reply" : "replies"}`)),
      isNew && h("div", { class: "new-line", role: "separator" }, h("span", {}, "New")),
    ]));
    this.gutter.replaceChildren(joined ? h("time", { class: "hover-time" }, clockTime(message.ts)) : avatar(who));
    const status = world.people.get(who.id)?.title;
    this.slots.by.replaceChildren(...nodesOf(joined ? [] : h("div", { class: "by" }, h("strong", { title: status }, who.name), who.app && h("span", { class: "badge" }, "APP"),
      h("a", { class: "time", href: permalink(view.channel, message), title: FULL.format(atTime(message.ts)), onclick: (event) => { event.preventDefault(); view.act.copyLink(message); } }, clockTime(message.ts)))));
  }
}

const ENDED = { expired: "(cut off before it was finished)", stopped_by_user: "(stopped)" };

/** What stands after the text: that it was edited (Slack does not say so of blocks), or how its stream ended. */
function afterthought(message) {
  const ended = ENDED[message.streaming_state];
  if (ended) return h("span", { class: "edited" }, ended);
  return message.edited && !message.blocks?.length && h("span", { class: "edited", title: `Edited ${clockTime(message.edited.ts)}` }, "(edited)");
}

/** The address of a message in the form of Slack's permalinks. */
export function permalink(channel, message) {
  const query = isReply(message) ? `?thread_ts=${message.thread_ts}&cid=${channel}` : "";
  return `${location.origin}/archives/${channel}/p${message.ts.replace(".", "")}${query}`;
}

function note(message, view) {
  const pinned = view.pinnedBy(message.ts);
  const parent = isReply(message) && postsOf(view.channel).get(message.thread_ts);
  return [
    pinned && h("div", { class: "note" }, icon("pin", 14), `Pinned by ${author({ user: pinned }).name}`),
    message.is_ephemeral && h("div", { class: "note" }, icon("eye", 14), "Only visible to you", h("button", { type: "button", class: "text-button", onclick: () => view.act.dismiss(message) }, "Dismiss")),
    message.subtype === "thread_broadcast" && !view.inThread && h("div", { class: "note" }, icon("thread", 14), "replied to a thread: ",
      h("button", { type: "button", class: "text-button", onclick: () => view.openThread(message.thread_ts) }, parent ? summary(parent) : "show the thread")),
    message.subtype === "thread_broadcast" && view.inThread && h("div", { class: "note" }, icon("thread", 14), "Also sent to the channel"),
  ];
}

const summary = (message) => {
  const words = (message.text || message.attachments?.[0]?.title || message.attachments?.[0]?.fallback || "a message").replace(/<[^|>]*\|([^>]*)>/g, "$1").replace(/[*_~`<>]/g, "");
  return words.length > 70 ? `${words.slice(0, 69)}…` : words;
};

function text(message, gone) {
  if (message.blocks?.length) return [];
  if (gone) return h("div", { class: "text dim" }, "This message was deleted.");
  if (message.subtype === "channel_join") return h("div", { class: "text dim" }, mrkdwn(message.text || "joined the channel"));
  return message.text ? h("div", { class: `text ${/^(\s*:[a-z0-9_+'-]+:\s*){1,6}$/.test(message.text) ? "jumbo" : ""}` }, mrkdwn(message.text)) : [];
}

const COLORS = { good: "var(--green)", warning: "var(--amber)", danger: "var(--red)" };

function attachment(each, context) {
  const raw = String(each.color || "").replace(/^#?([0-9a-f]{6}|[0-9a-f]{3})$/i, "#$1");
  const color = (Object.hasOwn(COLORS, each.color) && COLORS[each.color]) || (/^#([0-9a-f]{6}|[0-9a-f]{3})$/i.test(raw) ? raw : "var(--line)");
  const formatted = (name, words) => (each.mrkdwn_in && !each.mrkdwn_in.includes(name) ? String(words) : mrkdwn(words));
  return [each.pretext && h("div", { class: "text" }, mrkdwn(each.pretext)),
    h("div", { class: "attachment", style: { "--bar": color } },
      each.author_name && h("div", { class: "attachment-author" }, each.author_icon && picture({ image_url: each.author_icon, alt_text: "" }, "context-image"), each.author_link ? link(each.author_link, each.author_name) : each.author_name, each.author_subname && h("span", { class: "dim" }, each.author_subname)),
      each.title && h("div", { class: "attachment-title" }, each.title_link ? link(each.title_link, mrkdwnTitle(each.title)) : mrkdwnTitle(each.title)),
      h("div", { class: "attachment-body" }, h("div", { class: "attachment-main" },
        each.text && folded(h("div", { class: "text" }, formatted("text", each.text)), each.text),
        each.fields?.length > 0 && h("div", { class: "fields attachment-fields" }, each.fields.map((field) => h("div", { class: `field text ${field.short ? "" : "wide"}` }, field.title && h("div", { class: "field-title" }, field.title), formatted("fields", field.value)))),
        each.blocks && blocks(each.blocks, context),
        !each.text && !each.blocks && !each.title && !each.fields && each.fallback && h("div", { class: "text" }, each.fallback),
        each.actions?.length > 0 && h("div", { class: "actions" }, each.actions.map((action) => h("button", { type: "button", class: "button", disabled: true, title: "Legacy attachment actions do not run in slackbox" }, action.text || action.name))),
        each.image_url && picture({ image_url: each.image_url, alt_text: each.title || each.fallback || "attached picture" }, "picture")),
      each.thumb_url && picture({ image_url: each.thumb_url, alt_text: "" }, "thumb")),
      (each.footer || each.ts) && h("div", { class: "attachment-footer" }, each.footer_icon && picture({ image_url: each.footer_icon, alt_text: "" }, "context-image"), [each.footer, each.ts && FULL.format(atTime(each.ts))].filter(Boolean).join(" · ")))];
}

const mrkdwnTitle = (title) => String(title).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** Long attachment text folds as it does in Slack: 700 characters or five lines. */
function folded(node, words) {
  if (words.length <= 700 && words.split("\n").length <= 5) return node;
  node.classList.add("folded");
  const more = h("button", { type: "button", class: "text-button", "aria-expanded": "false", onclick: () => {
    const open = node.classList.toggle("folded") === false;
    more.textContent = open ? "Show less" : "Show more";
    more.setAttribute("aria-expanded", String(open));
  } }, "Show more");
  return [node, more];
}

function files(list) {
  return (list || []).map((file) => {
    if (file.mode === "tombstone") return h("div", { class: "file-chip dim" }, icon("file"), "This file was deleted.");
    const href = `/_page/file/${encodeURIComponent(file.id)}?user=${encodeURIComponent(world.me)}`;
    const shown = /^image\/(png|jpeg|gif|webp)$/.test(file.mimetype || "");
    const name = h("a", { href, download: shown ? null : file.name, target: shown ? "_blank" : null, rel: "noreferrer noopener" }, file.title || file.name);
    if (shown) return h("figure", { class: "file-image" }, h("figcaption", { class: "dim" }, name), h("img", { class: "picture", src: href, alt: file.alt_txt || file.title || file.name, loading: "lazy" }));
    return h("div", { class: "file-chip" }, icon("file", 20), h("div", {}, h("strong", {}, name), h("div", { class: "dim" }, [(file.filetype || "file").toUpperCase(), size(file.size)].join(" · "))));
  });
}

function reactions(message, view) {
  if (!message.reactions?.length) return [];
  return h("div", { class: "reactions" }, message.reactions.map((each) => {
    const mine = each.users.includes(world.me);
    const names = each.users.map(personName).join(", ");
    return h("button", { type: "button", class: `reaction ${mine ? "mine" : ""}`, "aria-pressed": String(mine), title: `${names} reacted with :${each.name}:`, "aria-label": `${each.name}, ${each.count}, ${names}`,
      onclick: () => view.act.react(message, each.name, mine) }, emojiFor(each.name), h("span", {}, String(each.count)));
  }), !message.is_ephemeral && reactButton(message, view, "reaction add"));
}

function reactButton(message, view, kind) {
  return menuButton({ class: kind, title: "Add reaction", "aria-label": "Add reaction" }, icon("smile"), () => FREQUENT.map((name) => ({
    label: h("span", {}, emojiFor(name), ` ${name.replace(/_/g, " ")}`), act: () => view.act.react(message, name, message.reactions?.some((each) => each.name === name && each.users.includes(world.me))),
  })));
}

function threadLine(message, view) {
  const count = message.reply_count;
  return h("button", { type: "button", class: "thread-line", onclick: () => view.openThread(message.ts) },
    (message.reply_users || []).slice(0, 5).map((user) => avatar(author({ user }))),
    h("strong", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
    message.latest_reply && h("span", { class: "dim" }, `Last reply ${dayName(message.latest_reply) === "Today" ? "today" : dayName(message.latest_reply)} at ${clockTime(message.latest_reply)}`));
}

function tools(row) {
  const { message, view } = row;
  const { act } = view;
  const own = message.user === world.me;
  const shortcuts = world.shortcuts.filter((each) => each.kind === "message");
  return h("div", { class: "tools", role: "group", "aria-label": "Message actions" },
    reactButton(message, view, "tool"),
    !view.inThread && h("button", { type: "button", class: "tool", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => view.openThread(isReply(message) ? message.thread_ts : message.ts) }, icon("thread")),
    menuButton({ class: "tool", title: "More actions", "aria-label": "More message actions" }, icon("dots"), () => [
      { label: "Copy link", hint: "L", act: () => act.copyLink(message) },
      !view.inThread && { label: "Mark unread", hint: "U", act: () => act.markUnread(message) },
      own && { label: "Edit message", hint: "E", act: () => act.edit(row.message) },
      own && { label: "Delete message…", danger: true, act: () => act.remove(message) },
      shortcuts.length > 0 && "-",
      shortcuts.length > 0 && { heading: "Message shortcuts" },
      ...shortcuts.map((each) => ({ label: each.name, hint: world.bot.name, act: () => act.shortcut(message, each.callback_id) })),
      "-",
      { label: "Copy as JSON", act: () => act.copyJson(row.message) },
    ]));
}
