import { h, link } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { tokenize } from "./tokens.js";
import { personName, world } from "./world.js";

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** Slack's mrkdwn as nodes. */
export function mrkdwn(text) {
  return String(text ?? "").split(/```([\s\S]*?)```/).flatMap((part, index) =>
    (index % 2 ? [h("pre", {}, unescape(part.replace(/^\n|\n$/g, "")))] : lines(part)));
}

function lines(text) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, index) => {
    const quoted = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(h("br"));
      else nodes.push((quote = h("blockquote")));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (index > 0 && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...inline(line));
  });
  return nodes;
}

const TOKENS = [
  [/`([^`\n]+)`/g, (m) => h("code", {}, unescape(m[1]))],
  [/<([^<>\n]+)>/g, (m) => angle(m[1])],
  [/(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])/g, (m) => h("strong", {}, inline(m[1]))],
  [/(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])/g, (m) => h("em", {}, inline(m[1]))],
  [/(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/g, (m) => h("s", {}, inline(m[1]))],
  [/:([a-z+][a-z0-9_+'-]*|-1|\+1):/g, (m) => emojiFor(m[1])],
  [/https?:\/\/[^\s<>|]+[^\s<>|.,;:!?)\]'"]/g, (m) => link(unescape(m[0]), unescape(m[0]))],
];

/** One line of mrkdwn as nodes. */
export const inline = (text) => tokenize(text, TOKENS, unescape);

function angle(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  const id = target.slice(1);
  if (target[0] === "@") return mention(`@${world.people.has(id) ? personName(id) : label || id}`, id === world.me);
  if (target[0] === "#") return channel(id, label);
  if (target[0] === "!") return special(id, label);
  return link(unescape(target), unescape(label || target.replace(/^mailto:/, "")));
}

const mention = (text, own = false) => h("span", { class: `mention ${own ? "own" : ""}` }, text);

export const personMention = (id) => mention(`@${personName(id)}`, id === world.me);
export const broadcastMention = (range) => mention(`@${range}`, true);
export function groupMention(id, label) {
  const group = world.groups.get(id);
  return mention(`@${group?.handle || (label || id).replace(/^@/, "")}`, group?.users.includes(world.me));
}

/** A channel name that opens the channel. */
export function channel(id, label) {
  const room = world.channels.get(id);
  if (!room) return mention(`#${label || id}`);
  return h("a", { class: "mention", href: `/?channel=${encodeURIComponent(id)}`, "data-channel": id }, `#${room.name}`);
}

function special(target, label) {
  if (target.startsWith("subteam^")) return groupMention(target.slice(8).split("|")[0], label);
  if (target.startsWith("date^")) {
    const [, seconds, format, url] = target.split("^");
    return date(Number(seconds), format, url, label);
  }
  return broadcastMention(target);
}

const PARTS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_pretty: { year: "numeric", month: "long", day: "numeric" },
  date_short_pretty: { year: "numeric", month: "short", day: "numeric" },
  date_long_pretty: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

/** A moment in the reader's own time zone. */
export function date(seconds, format, url, fallback) {
  const moment = new Date(seconds * 1000);
  if (Number.isNaN(moment.getTime()) || !format) return fallback || "";
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(moment);
    if (name.endsWith("pretty") && moment.toDateString() === new Date().toDateString()) return "today";
    return Object.hasOwn(PARTS, name) ? new Intl.DateTimeFormat(undefined, PARTS[name]).format(moment) : whole;
  });
  const node = h("time", { datetime: moment.toISOString(), title: moment.toString() }, words);
  return url ? link(url, node) : node;
}

function ago(moment) {
  const minutes = Math.round((moment - Date.now()) / 60000);
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
  if (Math.abs(minutes) < 1440) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 1440), "day");
}
