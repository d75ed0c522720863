import { act } from "./act.js";
import { at, h } from "./dom.js";
import { Composer } from "./composer.js";
import { MessageList } from "./list.js";
import { confirmDialog } from "./modal.js";
import { inChannel, isReply, postsOf, privateOf, roomTitle, shownIn, world } from "./world.js";

/** One column of messages with its composer: the channel, or a thread beside it. */
export class Pane {
  /** `ui` is shared: {channel, thread, openThread, drop(ts), held}. */
  constructor(kind, ui) {
    this.ui = ui;
    this.inThread = kind === "thread";
    this.box = at(this.inThread ? "thread-messages" : "messages");
    this.composer = new Composer(at(this.inThread ? "thread-composer" : "composer"), {
      inThread: this.inThread,
      send: (text, broadcast) => act.say(ui.channel, this.inThread ? ui.thread : null, text, broadcast),
      edit: (message, text) => act.edit(ui.channel, message, text),
      lastOwn: () => shownIn(ui.channel, this.inThread ? ui.thread : null).filter((each) => each.user === world.me && !each.is_ephemeral && each.subtype !== "tombstone").at(-1),
      shortcut: (callbackId) => act.globalShortcut(callbackId),
    });
    this.list = null;
  }

  /** Draw everything anew for the present channel or thread. */
  open(since = null) {
    const { channel, thread } = this.ui;
    this.list?.close();
    this.more = true;
    const view = {
      channel, inThread: this.inThread, thread, openThread: (ts) => this.ui.openThread(ts),
      contextFor: (row) => this.contextFor(row, channel),
      act: this.actions(channel),
      pinnedBy: (ts) => world.channels.get(channel)?.pins[ts],
      key: (key, message, article) => this.key(key, message, article),
      replyCount: () => shownIn(channel, thread).filter((each) => each.ts !== thread && !each.is_ephemeral).length,
      wantOlder: this.inThread ? null : () => this.older(channel),
      atEnd: this.inThread ? null : () => this.ui.markRead(),
      trimmed: () => { this.more = true; },
    };
    this.list = new MessageList(this.box, view);
    this.list.fill(shownIn(channel, this.inThread ? thread : null), since);
    this.composer.move(`${channel} ${this.inThread ? thread : ""}`, roomTitle(world.channels.get(channel)));
    this.drawEnds();
  }

  async older(channel) {
    if (!this.more || this.loading || !this.list.order.length) return;
    this.loading = true;
    const answer = await act.older(channel, this.list.order[0]);
    this.loading = false;
    if (!answer || this.ui.channel !== channel) return;
    this.more = Boolean(answer.more);
    for (const each of answer.messages) postsOf(channel).set(each.ts, each);
    this.list.prepend(answer.messages.filter(inChannel));
    this.drawEnds();
  }

  /** What stands above the first message and below the last one. */
  drawEnds() {
    const room = world.channels.get(this.ui.channel);
    if (this.inThread) {
      const status = world.statuses.get(this.ui.thread);
      const words = status && (status.loading_messages?.length ? status.loading_messages : null);
      clearInterval(this.turning);
      const line = status ? h("span", {}, words ? words[0] : `${world.bot.name} ${status.status}`) : null;
      if (words?.length > 1) {
        let index = 0;
        this.turning = setInterval(() => { index += 1; line.textContent = words[index % words.length]; }, 3000);
      }
      const prompts = world.assistant.get(this.ui.thread)?.prompts || [];
      const offer = ({ title, message }) => h("button", { type: "button", class: "button", onclick: () => { this.composer.set(message); this.composer.box.focus(); } }, title);
      this.list.bottom.replaceChildren(...(prompts.length ? [h("div", { class: "prompts", role: "group", "aria-label": "Suggested prompts" }, prompts.map(offer))] : []), ...(status ? [h("div", { class: "typing", role: "status" }, h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), line)] : []));
      if (this.list.stuck) this.list.settle();
      return;
    }
    const complete = !this.more || postsOf(this.ui.channel).size < 100;
    this.list.top.replaceChildren(...(complete ? [h("div", { class: "beginning" }, h("h2", {}, roomTitle(room)),
      h("p", {}, room.is_im ? "This conversation is just between the two of you." : `This is the very beginning of ${roomTitle(room)}.`))] : []));
  }

  /** What hangs on the channel rather than on a message, such as pins, has changed. */
  refresh() {
    for (const row of this.list?.rows.values() || []) row.update(row.message);
  }

  put(message) {
    this.list.put(message);
  }

  contextFor(row, channel) {
    const values = {};
    return {
      values, place: row.message.ts, confirm: confirmDialog,
      live: (blockId) => {
        const all = [...(row.message.blocks || []), ...(row.message.attachments || []).flatMap((each) => each.blocks || [])];
        const block = all.find((each) => each.block_id === blockId);
        return block?.type !== "input" || Boolean(block.dispatch_action);
      },
      press: (blockId, item, value) => act.press(channel, row.message, blockId, item, value, values),
      suggest: (blockId, item, query) => act.suggest({ channel, ts: row.message.ts }, blockId, item, query),
    };
  }

  actions(channel) {
    return {
      react: (message, name, remove) => act.react(channel, message, name, remove),
      edit: (message) => this.composer.edit(message),
      remove: (message) => act.remove(channel, message),
      shortcut: (message, callbackId) => act.shortcut(channel, message, callbackId),
      copyLink: (message) => act.copyLink(channel, message),
      copyJson: (message) => act.copyJson(message),
      markUnread: (message) => this.ui.markUnread(message),
      dismiss: (message) => { privateOf(channel).delete(message.ts); this.ui.drop(message.ts); },
    };
  }

  /** Single keys on a focused message, as in Slack. True when the key did something. */
  key(key, message, article) {
    const own = message.user === world.me && !message.is_ephemeral;
    if ((key === "t" || key === "arrowright" || key === "enter") && !this.inThread && !message.is_ephemeral) this.ui.openThread(isReply(message) ? message.thread_ts : message.ts);
    else if (key === "e" && own) this.composer.edit(message);
    else if (key === "delete" && own) act.remove(this.ui.channel, message);
    else if (key === "l") act.copyLink(this.ui.channel, message);
    else if (key === "u" && !this.inThread) this.ui.markUnread(message);
    else if (key === "r" || key === "m") article.querySelector(key === "r" ? '.tools [aria-label="Add reaction"]' : '.tools [aria-label="More message actions"]')?.click();
    else return false;
    return true;
  }
}
