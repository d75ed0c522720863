/** Build an element: attributes, on* listeners, and children that are nodes or text. Never parses HTML. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    // The page forbids style attributes to itself, so styles go through the object model.
    else if (name === "style") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...nodesOf(children));
  return node;
}

/** Nested lists of nodes, texts and gaps as one flat list of nodes and texts. */
export function nodesOf(children) {
  return [children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

export const at = (id) => document.getElementById(id);

let made = 0;
/** An id that no other element of the page has. */
export const freshId = (kind) => `${kind}-${(made += 1)}`;

/** A web address, or null for anything that could run code. */
export function safeUrl(url) {
  return /^(https?:\/\/|mailto:)/i.test(String(url)) ? String(url) : null;
}

/** A link; an address that is not safe to follow becomes plain text. */
export function link(url, ...children) {
  const href = safeUrl(url);
  if (!href) return h("span", { class: "no-link", title: "This address is not a web address" }, ...children);
  return h("a", { href, target: "_blank", rel: "noreferrer noopener" }, ...children);
}

/** Whether a picture can be shown without asking any other machine for it. */
export function isLocal(url) {
  const text = String(url ?? "");
  if (/^data:image\//i.test(text)) return true;
  const parsed = URL.canParse(text, location.origin) ? new URL(text, location.origin) : null;
  return Boolean(parsed && /^https?:$/.test(parsed.protocol)
    && (parsed.origin === location.origin || /^(localhost|127\.\d+\.\d+\.\d+)$/.test(parsed.hostname)));
}

/** A picture, or its description in a frame when it is not there or showing it would reach beyond this machine. */
export function picture(image, kind) {
  const file = image.slack_file?.id || /files\.download\?file=(\w+)/.exec(image.slack_file?.url || "")?.[1];
  const url = image.image_url || (file ? `/_page/file/${encodeURIComponent(file)}?shown=1` : image.slack_file?.url);
  const alt = image.alt_text || "";
  const frame = (why) => h("span", { class: `${kind} no-image`, role: "img", "aria-label": alt, title: `${alt} (${url})` },
    h("span", { class: "no-image-alt" }, alt || "image"), h("span", { class: "no-image-host" }, why));
  if (!isLocal(url)) return frame(safeUrl(url) && URL.canParse(url) ? new URL(url).host : "no address");
  const node = h("img", { class: kind, src: url, alt, loading: "lazy", onerror: () => node.replaceWith(frame("not found")) });
  return node;
}

/** Post JSON. Throws an Error with the server's own sentence. */
export async function send(path, body) {
  return answerOf(await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
}

export async function ask(path, query) {
  return answerOf(await fetch(`${path}?${new URLSearchParams(query)}`));
}

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `${response.status} ${response.statusText}`);
  return answer;
}

let hiding;
/** A sentence at the bottom of the page for a few seconds. */
export function toast(text) {
  at("toast").textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => { at("toast").textContent = ""; }, 6000);
}

/** Do something that may fail and tell the person if it does. */
export async function tried(work) {
  try { return await work(); } catch (error) { toast(error.message); return undefined; }
}
