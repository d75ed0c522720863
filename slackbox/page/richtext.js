import { h, link } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { broadcastMention, channel, date, groupMention, mrkdwn, personMention } from "./mrkdwn.js";
import { world } from "./world.js";

/** A text object as nodes. */
export function text(object) {
  if (!object) return [];
  if (typeof object === "string") return plain(object);
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object.text, object.emoji !== false);
}

/** Words without formatting; :names: become emoji. */
export function plain(words, emoji = true) {
  if (!emoji) return [String(words)];
  return String(words ?? "").split(/:([a-z+][a-z0-9_+'-]*):/).map((part, index) => (index % 2 ? emojiFor(part) : part));
}

/** A rich_text object as nodes. Lists one after the other with growing indent show as one nested list. */
export function richText(block) {
  if (typeof block === "string") return plain(block);
  return (block?.elements || []).map((part) => {
    if (part.type === "rich_text_preformatted") return h("pre", { "data-language": part.language }, parts(part.elements));
    if (part.type === "rich_text_quote") return h("blockquote", { class: part.border ? "bordered" : null }, parts(part.elements));
    if (part.type === "rich_text_list") return list(part);
    return h("div", { class: "rich-section" }, parts(part.elements));
  });
}

function list(part) {
  const indent = Math.min(8, part.indent || 0);
  return h(part.style === "ordered" ? "ol" : "ul", { class: `rich-list depth-${indent % 3}`, style: { "margin-left": `${indent * 24}px` }, start: part.offset ? part.offset + 1 : null },
    part.elements.map((each) => h("li", {}, parts(each.elements))));
}

const parts = (list) => (list || []).map((each) => styled(each.style || {}, richElement(each)));

function richElement(each) {
  switch (each.type) {
    case "text": return each.text;
    case "link": return each.style?.unlink ? each.text || each.url : link(each.url, each.text || each.url);
    case "emoji": return emojiFor(each.name);
    case "user": return personMention(each.user_id);
    case "channel": return channel(each.channel_id);
    case "usergroup": return groupMention(each.usergroup_id);
    case "team": return h("span", { class: "mention" }, world.team);
    case "broadcast": return broadcastMention(each.range);
    case "date": return date(each.timestamp, each.format, each.url, each.fallback);
    case "color": return h("span", { class: "color" }, h("i", { class: "swatch", style: { background: /^#[0-9a-f]{3,8}$/i.test(each.value) ? each.value : "none" } }), each.value);
    default: return h("code", { class: "unknown-element" }, JSON.stringify(each));
  }
}

function styled(style, content) {
  return [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"], ["highlight", "mark"]]
    .reduce((node, [name, tag]) => (style[name] ? h(tag, {}, node) : node), content);
}

/** The words of a rich_text object without any form, for sorting. */
export const wordsOf = (value) => (Array.isArray(value) ? value.map(wordsOf).join("") : value?.text ?? value?.name ?? wordsOf(value?.elements ?? []));
