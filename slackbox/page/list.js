import { h } from "./dom.js";
import { Row } from "./message.js";
import { world } from "./world.js";

const KEPT = 400;

/** The messages of a channel or a thread. A change touches one row; the reader's place stays unless they are at the end. */
export class MessageList {
  constructor(box, view) {
    this.box = box;
    this.view = view;
    this.rows = new Map();
    this.order = [];
    this.stuck = true;
    this.since = null;
    this.rowsBox = h("div", { class: "rows" });
    this.top = h("div", { class: "list-top" });
    this.bottom = h("div", { class: "list-bottom" });
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() }, "New messages ↓");
    box.replaceChildren(this.top, this.rowsBox, this.bottom, this.jump);
    box.onscroll = () => {
      this.stuck = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
      if (this.stuck) { this.jump.hidden = true; view.atEnd?.(); }
      if (box.scrollTop < 60) view.wantOlder?.();
    };
    box.onkeydown = (event) => this.key(event);
    // Content that grows after it was placed (pictures, opened containers) must not push the end out of sight.
    this.sizes = new ResizeObserver(() => { if (this.stuck) this.settle(); });
    this.sizes.observe(this.rowsBox);
  }

  close() {
    this.sizes.disconnect();
  }

  /** Show these messages, oldest first, from the end; `since` draws the line above what is new. */
  fill(messages, since = null) {
    this.since = since;
    const rows = messages.map((each) => new Row(each, this.view));
    this.rows = new Map(rows.map((row) => [row.message.ts, row]));
    this.order = messages.map((each) => each.ts);
    rows.forEach((row, index) => this.decorate(index));
    this.rowsBox.replaceChildren(...rows.map((row) => row.node));
    this.stuck = true;
    this.focusable();
    this.settle();
  }

  /** Add a message or bring it up to date. */
  put(message) {
    const row = this.rows.get(message.ts);
    if (row) {
      row.update(message);
      this.decorate(this.order.indexOf(message.ts));
    } else this.insert(message);
    if (this.stuck) this.settle();
    else if (!row && message.user !== world.me) this.jump.hidden = false;
  }

  insert(message) {
    const row = new Row(message, this.view);
    let index = this.order.length;
    while (index > 0 && this.order[index - 1] > message.ts) index -= 1;
    this.rowsBox.insertBefore(row.node, this.rows.get(this.order[index])?.node || null);
    this.order.splice(index, 0, message.ts);
    this.rows.set(message.ts, row);
    this.decorate(index);
    this.decorate(index + 1);
    if (this.view.inThread) this.decorate(1);
    if (index === this.order.length - 1 && !this.stop?.article.contains(document.activeElement)) this.focusable(row);
    if (this.stuck && this.order.length > KEPT + 100) this.trim();
  }

  /** Put older messages before the first; what the reader looks at stays where it is. */
  prepend(messages) {
    const height = this.box.scrollHeight;
    const place = this.box.scrollTop;
    for (const each of [...messages].reverse()) if (!this.rows.has(each.ts)) this.insert(each);
    this.box.scrollTop = place + this.box.scrollHeight - height;
  }

  trim() {
    for (const ts of this.order.splice(0, this.order.length - KEPT)) {
      this.rows.get(ts).node.remove();
      this.rows.delete(ts);
    }
    this.view.trimmed?.();
  }

  drop(ts) {
    const index = this.order.indexOf(ts);
    if (index < 0) return;
    const row = this.rows.get(ts);
    const focused = row.node.contains(document.activeElement);
    row.node.remove();
    this.rows.delete(ts);
    this.order.splice(index, 1);
    this.decorate(index);
    if (this.view.inThread) this.decorate(1);
    if (focused) this.rows.get(this.order[Math.min(index, this.order.length - 1)])?.article.focus();
    this.focusable();
  }

  decorate(index) {
    const row = this.rows.get(this.order[index]);
    if (!row) return;
    const previous = this.rows.get(this.order[index - 1]);
    const isNew = (ts, message) => this.since !== null && ts > this.since && message.user !== world.me;
    const first = isNew(row.message.ts, row.message) && !(previous && isNew(previous.message.ts, previous.message)) && !this.order.slice(0, index).some((ts) => isNew(ts, this.rows.get(ts).message));
    row.decorate(previous, first);
  }

  decorateAll() {
    this.order.forEach((_, index) => this.decorate(index));
  }

  /** Scroll to the end once per frame, however many messages arrive in it. */
  settle() {
    if (this.settling) return;
    this.settling = true;
    requestAnimationFrame(() => {
      this.settling = false;
      if (this.stuck) this.box.scrollTop = this.box.scrollHeight;
    });
  }

  toEnd() {
    this.stuck = true;
    this.jump.hidden = true;
    this.settle();
    this.view.atEnd?.();
  }

  /** Bring one message into sight and mark it for a moment. */
  reveal(ts) {
    const row = this.rows.get(ts);
    if (!row) return;
    this.stuck = false;
    row.article.scrollIntoView({ block: "center" });
    row.article.classList.add("found");
    setTimeout(() => row.article.classList.remove("found"), 3000);
  }

  /** One message is in the tab order; the arrows move on from there. */
  focusable(row = this.rows.get(this.order.at(-1))) {
    this.stop?.article.setAttribute("tabindex", "-1");
    this.stop = row;
    row?.article.setAttribute("tabindex", "0");
  }

  focusLast() {
    (this.rows.get(this.order.at(-1))?.article || this.box).focus();
  }

  key(event) {
    const article = event.target.closest?.(".message");
    if (!article || event.target !== article || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row } = article.parentNode;
    const index = this.order.indexOf(row.message.ts);
    const move = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: this.order.length - 1 }[event.key];
    if (move !== undefined) {
      const next = this.rows.get(this.order[Math.max(0, Math.min(this.order.length - 1, move))]);
      this.focusable(next);
      next.article.focus();
    } else if (!this.view.key?.(event.key.toLowerCase(), row.message, article)) return;
    event.preventDefault();
  }
}
