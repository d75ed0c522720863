import { h } from "./dom.js";
import { emojiFor, findEmoji } from "./emoji.js";
import { icon } from "./icons.js";
import { avatar } from "./message.js";
import { Listbox, menuButton } from "./popup.js";
import { author, world } from "./world.js";

const escape = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const named = (name) => [...world.people.values()].find((each) => each.profile.display_name === name || each.name === name);
const grouped = (handle) => [...world.groups.values()].find((each) => each.handle === handle);
const roomed = (name) => [...world.channels.values()].find((each) => each.name === name && !each.is_im);

/** People type @name, #channel and addresses; Slack stores ids and marked links. `labels` as a command gets them. */
export function encode(text, { labels = false, links = true } = {}) {
  return escape(text).split(/(```[\s\S]*?```|`[^`\n]+`)/).map((part, index) => {
    if (index % 2) return part;
    return part
      .replace(/https?:\/\/[^\s<>]+[^\s<>.,;:!?)\]'"]/g, (url) => (links ? `<${url}>` : url))
      .replace(/(^|[\s(])@([\w.-]*\w)/g, (whole, before, name) => {
        const person = named(name);
        const group = grouped(name);
        if (person) return `${before}<@${person.id}${labels ? `|${person.name}` : ""}>`;
        if (group) return `${before}<!subteam^${group.id}${labels ? `|@${name}` : ""}>`;
        return ["here", "channel", "everyone"].includes(name) ? `${before}<!${name}>` : whole;
      })
      .replace(/(^|[\s(])#([\w-]+)/g, (whole, before, name) => (roomed(name) ? `${before}<#${roomed(name).id}|${labels ? name : ""}>` : whole));
  }).join("");
}

/** The words a person typed, from what Slack stores. */
function decode(text) {
  return String(text || "")
    .replace(/<@(\w+)(?:\|[^>]*)?>/g, (whole, id) => `@${world.people.get(id)?.name || id}`)
    .replace(/<#(\w+)(?:\|([^>]*))?>/g, (whole, id, name) => `#${world.channels.get(id)?.name || name || id}`)
    .replace(/<!subteam\^(\w+)(?:\|[^>]*)?>/g, (whole, id) => `@${world.groups.get(id)?.handle || id}`)
    .replace(/<!(\w+)>/g, "@$1").replace(/<([^|>]+)(?:\|[^>]*)?>/g, "$1")
    .replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** The box one writes in, with completion of commands, people, channels and emoji. `view`: {place, name, inThread, send, edit, lastOwn, escape}. */
export class Composer {
  constructor(form, view) {
    this.view = view;
    this.drafts = new Map();
    this.editing = null;
    this.box = h("textarea", { rows: 1, autocomplete: "off", "aria-expanded": "false" });
    this.list = new Listbox(this.box, { label: "Suggestions", onpick: (item) => this.pick(item) });
    this.hint = h("div", { class: "compose-hint", role: "status" });
    this.suggest = h("div", { class: "suggest", hidden: true }, this.hint, this.list.node);
    this.note = h("div", { class: "compose-note" });
    this.broadcast = h("input", { type: "checkbox" });
    this.also = h("span");
    const also = view.inThread && h("label", { class: "also" }, this.broadcast, this.also);
    const extra = menuButton({ class: "tool", title: "Shortcuts", "aria-label": "Shortcuts and commands" }, "+", () => this.extras(), { above: true });
    form.replaceChildren(this.suggest, h("div", { class: "compose-box" }, this.note, this.box,
      h("div", { class: "compose-tools" }, extra,
        h("button", { type: "button", class: "tool", title: "Mention someone", "aria-label": "Mention someone", onclick: () => this.type("@") }, icon("at")), also, h("span", { class: "spacer" }),
        h("button", { class: "send", "aria-label": "Send", disabled: true }, icon("send", 15)))));
    this.button = form.querySelector(".send");
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("click", () => this.look());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("blur", () => { this.suggest.hidden = true; });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
  }

  /** Now this is about another place: the draft of the old one is kept for it. */
  move(place, name) {
    if (this.place !== place) {
      if (this.place && !this.editing) this.drafts.set(this.place, this.box.value);
      this.stopEditing();
      this.place = place;
      this.broadcast.checked = false;
      this.set(this.drafts.get(place) || "");
    }
    this.box.placeholder = this.view.inThread ? "Reply…" : `Message ${name}`;
    this.box.setAttribute("aria-label", this.view.inThread ? `Reply in the thread in ${name}` : `Message ${name}`);
    this.also.textContent = `Also send to ${name}`;
  }

  set(text) {
    this.box.value = text;
    this.changed();
  }

  type(sign) {
    this.box.focus();
    this.box.setRangeText(`${/\S$/.test(this.box.value.slice(0, this.box.selectionStart)) ? " " : ""}${sign}`, this.box.selectionStart, this.box.selectionEnd, "end");
    this.changed();
  }

  extras() {
    const global = world.shortcuts.filter((each) => each.kind === "global");
    return [
      { heading: "Commands" },
      ...world.commands.map((each) => ({ label: each.command, hint: each.description, act: () => { this.box.focus(); this.set(`${each.command} `); } })),
      global.length > 0 && { heading: "Shortcuts" },
      ...global.map((each) => ({ label: each.name, hint: world.bot.name, act: () => this.view.shortcut(each.callback_id) })),
    ];
  }

  changed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(180, this.box.scrollHeight)}px`;
    this.button.disabled = !this.box.value.trim();
    this.look();
  }

  /** What could be meant by the word at the cursor. */
  look() {
    const upto = this.box.value.slice(0, this.box.selectionStart);
    const command = document.activeElement === this.box ? this.commands(upto) : null;
    const word = document.activeElement === this.box && !command?.items.length ? this.word(upto) : null;
    const found = (command || word) && { items: word?.items || command?.items || [], hint: command?.hint };
    const open = Boolean(found && (found.items.length || found.hint));
    this.suggest.hidden = !open;
    this.box.setAttribute("aria-expanded", String(open));
    this.hint.replaceChildren(...(found?.hint || []));
    this.list.show(found?.items || []);
  }

  commands(upto) {
    if (!upto.startsWith("/") || this.view.inThread || this.editing) return upto.startsWith("/") && this.view.inThread && !this.editing ? { items: [], hint: ["Commands do not run in threads. Use a message shortcut instead."] } : null;
    const [, name, space, rest] = /^(\S+)(\s*)([\s\S]*)$/.exec(upto);
    const known = world.commands.find((each) => each.command === name);
    if (!known || (!space && !rest)) {
      const items = world.commands.filter((each) => each.command.startsWith(name) && each.command !== name).map((each) => ({
        label: h("span", {}, h("strong", {}, each.command), " ", h("span", { class: "dim" }, each.hint)), hint: `${each.description} · ${world.bot.name}`, text: `${each.command} `, from: 0,
      }));
      return known ? { items, hint: usage(known) } : { items };
    }
    const ways = known.hint.split(/\s*\|\s*/).filter(Boolean);
    const items = ways.filter((each) => each.toLowerCase().startsWith(rest.toLowerCase()) && literal(each) !== rest.trim()).filter((each) => literal(each)).map((each) => ({
      label: h("span", {}, h("strong", {}, literal(each)), h("span", { class: "dim" }, each.slice(literal(each).length))), text: `${literal(each)}${each === literal(each) ? "" : " "}`, from: upto.length - rest.length,
    }));
    return { items, hint: usage(known) };
  }

  word(upto) {
    const typed = /(^|[\s(])([@#:])([\w.+-]*)$/.exec(upto);
    if (!typed) return null;
    const [, , sign, part] = typed;
    const from = upto.length - part.length - 1;
    const low = part.toLowerCase();
    const item = (label, text, hint, mark) => ({ label, text: `${text} `, hint, icon: mark, from });
    if (sign === ":") return part.length < 2 ? null : { items: findEmoji(low).slice(0, 8).map((name) => item(`:${name}:`, `:${name}:`, "", emojiFor(name))) };
    if (sign === "#") return { items: [...world.channels.values()].filter((each) => !each.is_im && !each.is_mpim && each.name.toLowerCase().includes(low)).slice(0, 10).map((each) => item(`#${each.name}`, `#${each.name}`, each.topic)) };
    const people = [...world.people.values()].filter((each) => `${each.name} ${each.real_name}`.toLowerCase().includes(low));
    const groups = [...world.groups.values()].filter((each) => each.handle.toLowerCase().includes(low));
    const wide = [["here", "Everyone who is online here"], ["channel", "Everyone in this channel"]].filter(([name]) => part && name.startsWith(low));
    return { items: [
      ...people.map((each) => item(each.real_name || each.name, `@${each.name}`, `@${each.name}${each.is_bot ? " · app" : each.profile.title ? ` · ${each.profile.title}` : ""}`, avatar(author({ user: each.id })))),
      ...groups.map((each) => item(`@${each.handle}`, `@${each.handle}`, `${each.name} · ${each.users.length} people`)),
      ...wide.map(([name, hint]) => item(`@${name}`, `@${name}`, hint)),
    ].slice(0, 10) };
  }

  pick(item) {
    this.box.setRangeText(item.text, item.from, this.box.selectionStart, "end");
    this.box.focus();
    this.changed();
  }

  key(event) {
    if (!this.suggest.hidden && this.list.key(event, { tab: true })) return;
    if (event.key === "Escape") {
      if (!this.suggest.hidden && this.list.items.length) this.suggest.hidden = true;
      else if (this.editing) this.stopEditing();
      else return;
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value) {
      const own = this.view.lastOwn();
      if (own) { event.preventDefault(); this.edit(own); }
    }
  }

  edit(message) {
    this.editing = message;
    this.note.replaceChildren("Editing a message", h("button", { type: "button", class: "text-button", onclick: () => this.stopEditing() }, "Cancel"));
    this.set(decode(message.text));
    this.box.focus();
  }

  stopEditing() {
    if (!this.editing) return;
    this.editing = null;
    this.note.replaceChildren();
    this.set("");
  }

  async submit() {
    const text = this.box.value.trim();
    if (!text) return;
    const { editing } = this;
    const broadcast = this.broadcast.checked;
    if (editing) this.stopEditing();
    this.set("");
    this.broadcast.checked = false;
    const done = editing ? await this.view.edit(editing, encode(text)) : await this.view.send(text, broadcast);
    if (!done && !this.box.value) this.set(text);
  }
}

const usage = (command) => (command.hint ? [h("strong", {}, command.command), " ", command.hint] : [command.description]);
const literal = (way) => way.split(/[\s]*[<[]/)[0].trim();
