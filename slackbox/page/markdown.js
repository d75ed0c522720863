import { h, link } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { tokenize } from "./tokens.js";

const TOKENS = [
  [/`([^`\n]+)`/g, (m) => h("code", {}, m[1])],
  [/!?\[([^\]\n]*)\]\(([^)\s]+)\)/g, (m) => link(m[2], inline(m[1] || m[2]))],
  [/\*\*(?!\s)([^\n]+?)(?<!\s)\*\*/g, (m) => h("strong", {}, inline(m[1]))],
  [/__(?!\s)([^_\n]+?)(?<!\s)__/g, (m) => h("strong", {}, inline(m[1]))],
  [/(?<![\w*])\*(?![\s*])([^*\n]+?)(?<!\s)\*(?![\w*])/g, (m) => h("em", {}, inline(m[1]))],
  [/(?<![\w_])_(?![\s_])([^_\n]+?)(?<!\s)_(?![\w_])/g, (m) => h("em", {}, inline(m[1]))],
  [/~~(?!\s)([^~\n]+?)(?<!\s)~~/g, (m) => h("s", {}, inline(m[1]))],
  [/:([a-z+][a-z0-9_+'-]*):/g, (m) => emojiFor(m[1])],
  [/https?:\/\/[^\s<>)\]]+[^\s<>)\].,;:!?'"]/g, (m) => link(m[0], m[0])],
];

const inline = (text) => tokenize(text, TOKENS);

/** Standard Markdown, as the markdown block takes it: the parts that messages use. */
export function markdown(text) {
  return String(text ?? "").split(/```(?:[\w+-]*\n)?([\s\S]*?)```/).flatMap((piece, index) =>
    (index % 2 ? [h("pre", {}, piece.replace(/\n$/, ""))] : paragraphs(piece.split("\n"))));
}

const CELLS = /^\s*\|(.*)\|\s*$/;
const RULE = /^\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$/;

function paragraphs(rows) {
  const out = [];
  const lists = [];
  for (let at = 0; at < rows.length; at += 1) {
    const line = rows[at];
    const item = /^(\s*)(?:[-*+]|(\d+)[.)])\s+(.*)$/.exec(line);
    if (item) { listItem(out, lists, item); continue; }
    lists.length = 0;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (heading) out.push(h("p", { class: `md-heading level-${heading[1].length}`, role: "heading", "aria-level": String(Math.min(6, heading[1].length + 2)) }, inline(heading[2])));
    else if (/^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/.test(line)) out.push(h("hr"));
    else if (/^>\s?/.test(line)) out.push(h("blockquote", {}, inline(line.replace(/^>\s?/, ""))));
    else if (CELLS.test(line) && RULE.test(rows[at + 1] || "")) {
      const from = at;
      while (CELLS.test(rows[at + 1] || "") || (at === from && RULE.test(rows[at + 1] || ""))) at += 1;
      out.push(grid(rows.slice(from, at + 1).filter((each, index) => index !== 1)));
    } else if (line.trim()) out.push(h("p", {}, inline(line)));
  }
  return out;
}

function listItem(out, lists, [, indent, number, words]) {
  const depth = Math.floor(indent.length / 2);
  lists.length = Math.min(lists.length, depth + 1);
  const level = lists.length - 1;
  const tag = number ? "ol" : "ul";
  const task = /^\[([ xX])\]\s+(.*)$/.exec(words);
  const node = h("li", { class: task ? "md-task" : null }, task ? [h("input", { type: "checkbox", disabled: true, checked: task[1] !== " ", "aria-label": task[2] }), " ", ...inline(task[2])] : inline(words));
  if (level < depth || level < 0 || lists[level].localName !== tag) {
    const list = h(tag, { start: number && number !== "1" ? number : null });
    if (level < depth && level >= 0) lists[level].lastChild.append(list);
    else out.push(list);
    if (level < depth) lists.push(list);
    else lists[level] = list;
  }
  lists.at(-1).append(node);
}

function grid(rows) {
  const cells = rows.map((each) => CELLS.exec(each)[1].split("|").map((one) => inline(one.trim())));
  return h("div", { class: "table-box" }, h("table", {}, h("thead", {}, h("tr", {}, cells[0].map((each) => h("th", { scope: "col" }, each)))),
    h("tbody", {}, cells.slice(1).map((row) => h("tr", {}, row.map((each) => h("td", {}, each)))))));
}
