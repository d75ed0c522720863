import { h, link } from "./dom.js";
import { emojiFor } from "./emoji.js";

let names = { people: {}, channels: {}, groups: {} };
export function setNames(known) { names = known; }

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** Slack's mrkdwn as nodes. */
export function mrkdwn(text) {
  const nodes = [];
  const parts = String(text ?? "").split(/```([\s\S]*?)```/);
  parts.forEach((part, index) => {
    if (index % 2) nodes.push(h("pre", {}, unescape(part.replace(/^\n|\n$/g, ""))));
    else nodes.push(...lines(part));
  });
  return nodes;
}

function lines(text) {
  const nodes = [];
  let quote = null;
  const rows = text.split("\n");
  rows.forEach((line, index) => {
    const quoted = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) nodes.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(quoted[1]));
      return;
    }
    const afterQuote = quote !== null;
    quote = null;
    if (index > 0 && !afterQuote) nodes.push(h("br"));
    nodes.push(...inline(line));
  });
  return nodes;
}

const TOKENS = [
  [/`([^`\n]+)`/, (m) => h("code", {}, unescape(m[1]))],
  [/<([^<>\n]+)>/, (m) => angle(m[1])],
  [/(?<![\w*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\w*])/, (m) => h("strong", {}, ...inline(m[1]))],
  [/(?<![\w_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\w_])/, (m) => h("em", {}, ...inline(m[1]))],
  [/(?<![\w~])~(?!\s)([^~\n]+?)(?<!\s)~(?![\w~])/, (m) => h("s", {}, ...inline(m[1]))],
  [/:([a-z+][a-z0-9_+'-]*):/, (m) => emojiFor(m[1])],
  [/https?:\/\/[^\s<>|]+/, (m) => link(m[0], m[0])],
];

export function inline(text) {
  let best = null;
  for (const [pattern, make] of TOKENS) {
    const match = pattern.exec(text);
    if (match && (!best || match.index < best.match.index)) best = { match, make };
  }
  if (!best) return text ? [unescape(text)] : [];
  const before = text.slice(0, best.match.index);
  const after = text.slice(best.match.index + best.match[0].length);
  return [...(before ? [unescape(before)] : []), best.make(best.match), ...inline(after)];
}

function angle(inside) {
  const [target, label] = inside.split(/\|(.*)/s);
  const kind = target[0];
  if (kind === "@") return mention("@" + (names.people[target.slice(1)] || label || target.slice(1)));
  if (kind === "#") return mention("#" + (names.channels[target.slice(1)] || label || target.slice(1)));
  if (kind === "!") return special(target.slice(1), label);
  return link(unescape(target), unescape(label || target.replace(/^mailto:/, "")));
}

const mention = (text) => h("span", { class: "mention" }, text);

function special(target, label) {
  if (target.startsWith("subteam^")) return mention("@" + (names.groups[target.slice(8)] || label || target.slice(8)));
  if (target.startsWith("date^")) {
    const [, seconds, format, url] = target.split("^");
    return date(Number(seconds), format, url, label);
  }
  return mention("@" + target);
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
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return fallback || "";
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(at);
    if (name.endsWith("pretty") && sameDay(at, new Date())) return "today";
    return PARTS[name] ? new Intl.DateTimeFormat(undefined, PARTS[name]).format(at) : whole;
  });
  const node = h("time", { datetime: at.toISOString(), title: at.toString() }, words);
  return url ? link(url, node) : node;
}

const sameDay = (a, b) => a.toDateString() === b.toDateString();

function ago(at) {
  const minutes = Math.round((at - Date.now()) / 60000);
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(minutes) < 60) return relative.format(minutes, "minute");
  if (Math.abs(minutes) < 1440) return relative.format(Math.round(minutes / 60), "hour");
  return relative.format(Math.round(minutes / 1440), "day");
}

/** Standard Markdown, as the markdown block takes it: the parts that messages use. */
export function markdown(text) {
  const out = [];
  let list = null;
  let ordered = false;
  const pieces = String(text).split(/```(?:\w*\n)?([\s\S]*?)```/);
  pieces.forEach((piece, index) => {
    if (index % 2) { list = null; out.push(h("pre", {}, piece.replace(/\n$/, ""))); return; }
    for (const line of piece.split("\n")) {
      const heading = /^(#{1,6})\s+(.*)$/.exec(line);
      const item = /^\s*(?:[-*+]|(\d+)\.)\s+(.*)$/.exec(line);
      if (item) {
        if (!list || ordered !== Boolean(item[1])) out.push((list = h((ordered = Boolean(item[1])) ? "ol" : "ul")));
        list.append(h("li", {}, ...markdownInline(item[2])));
        continue;
      }
      list = null;
      if (heading) out.push(h("p", { class: "md-heading" }, h("strong", {}, ...markdownInline(heading[2]))));
      else if (/^>\s?/.test(line)) out.push(h("blockquote", {}, ...markdownInline(line.replace(/^>\s?/, ""))));
      else if (line.trim()) out.push(h("p", {}, ...markdownInline(line)));
    }
  });
  return out;
}

function markdownInline(text) {
  const slackish = text
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, "<$2|$1>")
    .replace(/\*\*([^*]+)\*\*/g, "\u0001$1\u0001")
    .replace(/(?<![\w*])\*(?!\s)([^*]+)\*/g, "_$1_")
    .replace(/\u0001/g, "*")
    .replace(/~~([^~]+)~~/g, "~$1~");
  return inline(slackish);
}
