import { h, toast } from "./dom.js";
import { icon } from "./icons.js";

const pad = (number) => String(number).padStart(2, "0");

/** Seconds since the epoch as a datetime-local control wants them, in the reader's zone. */
function localMoment(seconds) {
  const at = new Date(seconds * 1000);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

const PLACEHOLDERS = { email: "name@example.com", url: "https://example.com" };

/** Text, numbers, addresses, days and times. */
export function typed(item, hand, type, initial) {
  const isMoment = type === "datetime-local";
  const kept = hand.kept(initial);
  const read = () => (isMoment ? (node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null) : node.value);
  const eager = item.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
  const isText = ["text", "email", "url", "number"].includes(type);
  let before = kept;
  const node = h(item.multiline ? "textarea" : "input", {
    ...hand.attributes, class: "input", type: item.multiline ? null : type === "number" ? "text" : type, inputmode: type === "number" ? "decimal" : null,
    rows: item.multiline ? 4 : null, placeholder: item.placeholder?.text || PLACEHOLDERS[type], maxlength: item.max_length, autocomplete: "off",
    "aria-label": hand.field.id ? null : item.placeholder?.text || type.replace("-local", " and time"),
    value: kept === undefined || kept === null ? "" : isMoment && Number(kept) ? localMoment(Number(kept)) : kept,
    oninput: () => {
      hand.keep(read());
      if (isText && eager.includes("on_character_entered") && hand.context.live(hand.blockId)) hand.press(read());
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.isComposing || !isText || (item.multiline && !event.metaKey && !event.ctrlKey)) return;
      if (eager.includes("on_enter_pressed") && hand.context.live(hand.blockId)) { event.preventDefault(); hand.press(read()); }
    },
    onchange: async () => {
      if (isText) return;
      if (await hand.choose(read(), before)) before = read();
      else node.value = isMoment && before ? localMoment(before) : before ?? "";
    },
  });
  return node;
}

const MARKS = [["bold", "B", "Bold", "strong"], ["italic", "I", "Italic", "em"], ["strike", "S", "Strikethrough", "s"], ["code", "<>", "Code", "code"]];
const TAGS = { STRONG: "bold", B: "bold", EM: "italic", I: "italic", S: "strike", STRIKE: "strike", CODE: "code" };

/** A rich text editor: bold, italic, strikethrough, code, lists and quotes; its value is a rich_text block. */
export function richInput(item, hand) {
  const kept = hand.kept(item.initial_value);
  const area = h("div", { class: "rich-area", contenteditable: "true", role: "textbox", "aria-multiline": "true", id: hand.field.id,
    "aria-labelledby": hand.field.labelledBy, "aria-describedby": hand.field.describedBy, "data-action-id": item.action_id, "data-placeholder": item.placeholder?.text || "",
    oninput: () => { hand.keep(readRich(area)); },
    // Only plain words come in from the clipboard, never somebody's markup.
    onpaste: (event) => { event.preventDefault(); document.execCommand("insertText", false, event.clipboardData.getData("text/plain")); },
    ondrop: (event) => event.preventDefault(),
    onkeydown: (event) => {
      if (!(event.metaKey || event.ctrlKey)) return;
      const name = { b: "bold", i: "italic" }[event.key];
      if (name) { event.preventDefault(); mark(name); }
    } });
  const mark = (name) => {
    area.focus();
    if (name === "code") wrapInCode();
    else document.execCommand({ bold: "bold", italic: "italic", strike: "strikeThrough", bullet: "insertUnorderedList", ordered: "insertOrderedList" }[name]);
    hand.keep(readRich(area));
  };
  const tools = [...MARKS.map(([name, sign, label]) => [name, sign, label]), ["bullet", icon("bullets", 15), "Bulleted list"], ["ordered", icon("numbers", 15), "Numbered list"]];
  if (kept) area.append(...drawn(kept));
  return h("div", { class: "rich-input" }, h("div", { class: "rich-tools", role: "toolbar", "aria-label": "Formatting" }, tools.map(([name, sign, label]) =>
    h("button", { type: "button", class: `rich-tool ${name}`, title: label, "aria-label": label, onpointerdown: (event) => event.preventDefault(), onclick: () => mark(name) }, sign))), area);
}

function wrapInCode() {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  const code = h("code", {}, range.toString());
  range.deleteContents();
  range.insertNode(code);
  selection.selectAllChildren(code);
}

function drawn(block) {
  return (block.elements || []).map((part) => {
    const inline = (list) => (list || []).map((each) => MARKS.reduce((node, [name, , , tag]) => (each.style?.[name] ? h(tag, {}, node) : node), each.text ?? each.url ?? ""));
    if (part.type === "rich_text_list") return h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((each) => h("li", {}, inline(each.elements))));
    return h("div", {}, inline(part.elements));
  });
}

/** What stands in the editor as a rich_text block, or null when it is empty. */
export function readRich(area) {
  const parts = [];
  let section = null;
  const open = () => { if (!section) parts.push(section = { type: "rich_text_section", elements: [] }); return section.elements; };
  const walk = (node, style, into) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.data) into().push({ type: "text", text: node.data, ...(Object.keys(style).length ? { style } : {}) });
      return;
    }
    if (node.nodeName === "BR") { into().push({ type: "text", text: "\n" }); return; }
    if (node.nodeName === "UL" || node.nodeName === "OL") {
      section = null;
      parts.push({ type: "rich_text_list", style: node.nodeName === "OL" ? "ordered" : "bullet", elements: [...node.children].map((each) => {
        const inside = [];
        for (const child of each.childNodes) walk(child, style, () => inside);
        return { type: "rich_text_section", elements: inside };
      }) });
      return;
    }
    if (node.nodeName === "DIV" || node.nodeName === "P") {
      if (section?.elements.length) section.elements.push({ type: "text", text: "\n" });
      for (const child of node.childNodes) walk(child, style, into);
      return;
    }
    const name = TAGS[node.nodeName];
    for (const child of node.childNodes) walk(child, name ? { ...style, [name]: true } : style, into);
  };
  for (const child of area.childNodes) walk(child, {}, open);
  const trimmed = parts.filter((part) => part.elements.length);
  for (const part of trimmed) if (part.type === "rich_text_section" && part.elements.at(-1).text === "\n") part.elements.pop();
  const full = trimmed.filter((part) => part.elements.length);
  return full.some((part) => JSON.stringify(part).includes('"text":')) && area.textContent.trim() ? { type: "rich_text", elements: full } : null;
}

/** A file input: names and sizes reach the app as files of this workspace. */
export function fileInput(item, hand) {
  const list = h("ul", { class: "file-list" });
  const most = item.max_files ?? 10;
  const taken = hand.kept([]) || [];
  const draw = () => list.replaceChildren(...taken.map((file) => h("li", {}, icon("file"), h("span", {}, file.name), h("span", { class: "dim" }, size(file.size)),
    h("button", { type: "button", class: "chip-off", "aria-label": `Remove ${file.name}`, onclick: () => { taken.splice(taken.indexOf(file), 1); hand.keep([...taken]); draw(); } }, "✕"))));
  const picker = h("input", { ...hand.attributes, type: "file", class: "file-picker", multiple: most > 1, accept: item.filetypes?.map((each) => `.${each}`).join(","), onchange: async () => {
    for (const file of picker.files) {
      if (taken.length >= most) { toast(`No more than ${most} ${most === 1 ? "file" : "files"}.`); break; }
      taken.push({ name: file.name, size: file.size, mimetype: file.type || "application/octet-stream" });
    }
    picker.value = "";
    hand.keep([...taken]);
    draw();
  } });
  draw();
  return h("div", { class: "file-input" }, picker, list);
}

/** Bytes as people read them. */
export function size(bytes) {
  if (!(bytes >= 1000)) return `${bytes ?? 0} B`;
  const steps = ["kB", "MB", "GB"];
  const power = Math.min(steps.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${steps[power - 1]}`;
}
