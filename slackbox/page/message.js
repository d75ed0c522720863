import { blocks } from "./blocks.js";
import { h, link } from "./dom.js";
import { icon } from "./icons.js";
import { emojiFor } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

const HUES = { U0ANA: 265, U0BEN: 150, U0CHEN: 25 };

export const clockTime = (ts) => new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" }).format(new Date(Number(ts) * 1000));
const fullTime = (ts) => new Date(Number(ts) * 1000).toLocaleString();

function author(message, world) {
  if (message.user === "USLACKBOT") return { name: "slackbox", app: false, hue: 300 };
  const person = world.people.get(message.user);
  if (person) return { name: person.real_name, app: person.is_bot, hue: HUES[person.id] ?? 215 };
  return { name: message.username || message.bot_profile?.name || message.bot_id || message.user, app: true, hue: 8 };
}

export function avatar(name, hue, app) {
  const initials = name.split(/\s+/).map((part) => part[0]).slice(0, 2).join("").toUpperCase();
  return h("span", { class: `avatar ${app ? "app" : ""}`, style: `--hue:${hue}`, "aria-hidden": "true" }, initials);
}

/** One message. `view` says where it stands: {world, me, inThread, openThread, shortcut, contextFor}. */
export function messageNode(message, previous, view) {
  const who = author(message, view.world);
  const before = previous && author(previous, view.world);
  const joined = before && before.name === who.name && !message.is_ephemeral && !previous.is_ephemeral
    && Number(message.ts) - Number(previous.ts) < 300 && !message.blocks && !previous.reply_count;
  const node = h("article", { class: `message ${joined ? "joined" : ""} ${message.is_ephemeral ? "ephemeral" : ""}`, "data-ts": message.ts, tabindex: 0 },
    h("div", { class: "gutter" }, joined ? h("time", { class: "hover-time" }, clockTime(message.ts)) : avatar(who.name, who.hue, who.app)),
    h("div", { class: "message-main" },
      message.is_ephemeral && h("div", { class: "only-you" }, icon("eye", 14), " Only visible to you"),
      message.subtype === "thread_broadcast" && !view.inThread && h("div", { class: "only-you" }, "replied to a thread"),
      !joined && h("div", { class: "by" }, h("strong", {}, who.name), who.app && h("span", { class: "badge" }, "APP"),
        h("time", { title: fullTime(message.ts), class: "dim" }, clockTime(message.ts))),
      body(message, view),
      reactions(message),
      !view.inThread && message.reply_count ? threadLine(message, view) : null));
  if (!message.is_ephemeral && message.subtype !== "tombstone") node.append(tools(message, view));
  return node;
}

function body(message, view) {
  const context = view.contextFor(message);
  const shown = [];
  if (message.blocks?.length) shown.push(...blocks(message.blocks, context));
  else if (message.text) shown.push(h("div", { class: "text" }, mrkdwn(message.text)));
  for (const each of message.attachments || []) shown.push(attachment(each, context));
  if (message.edited && !message.blocks?.length) shown.push(h("span", { class: "dim edited" }, "(edited)"));
  return h("div", { class: "body" }, shown);
}

const COLORS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

function attachment(each, context) {
  const raw = String(each.color || "").replace(/^#?([0-9a-f]{6})$/i, "#$1");
  const color = COLORS[each.color] || (/^#[0-9a-f]{6}$/i.test(raw) ? raw : "var(--line)");
  return h("div", { class: "attachment", style: `border-color:${color}` },
    each.pretext && h("div", { class: "text" }, mrkdwn(each.pretext)),
    each.author_name && h("div", { class: "dim" }, each.author_name),
    each.title && h("div", {}, h("strong", {}, each.title_link ? link(each.title_link, each.title) : each.title)),
    each.text && h("div", { class: "text" }, mrkdwn(each.text)),
    each.fields?.length && h("div", { class: "fields" }, each.fields.map((field) =>
      h("div", { class: "field text" }, h("strong", {}, field.title), h("br"), mrkdwn(field.value)))),
    each.blocks && blocks(each.blocks, context),
    !each.text && !each.blocks && each.fallback && h("div", { class: "text" }, each.fallback),
    each.footer && h("div", { class: "dim" }, each.footer));
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return h("div", { class: "reactions" }, message.reactions.map((each) =>
    h("span", { class: "reaction", title: each.users.join(", ") }, emojiFor(each.name), ` ${each.count}`)));
}

function threadLine(message, view) {
  const count = message.reply_count;
  return h("button", { type: "button", class: "thread-line", onclick: () => view.openThread(message.ts) },
    (message.reply_users || []).slice(0, 3).map((user) => {
      const who = author({ user }, view.world);
      return avatar(who.name || user, who.hue, who.app);
    }),
    h("strong", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
    h("span", { class: "dim" }, `Last reply ${clockTime(message.latest_reply)}`));
}

function tools(message, view) {
  const more = h("details", { class: "overflow" });
  more.append(h("summary", { "aria-label": "More message actions" }, "⋮"),
    h("div", { class: "menu", role: "menu" }, view.world.shortcuts.map((each) =>
      h("button", { type: "button", role: "menuitem", onclick: () => { more.open = false; view.shortcut(message, each.callback_id); } }, each.name)),
      h("button", { type: "button", role: "menuitem", onclick: () => { more.open = false; navigator.clipboard?.writeText(JSON.stringify(message, null, 2)); } }, "Copy JSON")));
  return h("div", { class: "tools" },
    !view.inThread && h("button", { type: "button", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => view.openThread(message.thread_ts || message.ts) }, icon("thread")),
    more);
}
