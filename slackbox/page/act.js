import { ask, send, toast, tried } from "./dom.js";
import { encode } from "./composer.js";
import { suggestions } from "./elements.js";
import { permalink } from "./message.js";
import { confirmDialog } from "./modal.js";
import { postsOf, roomTitle, world } from "./world.js";

const slow = () => toast(`${world.bot.name} did not answer in time.`);
const user = () => world.me;

/** What a person does to the workspace. Each tells the person when it failed. */
export const act = {
  press: (channel, message, blockId, item, value, state) => tried(async () => {
    const answer = await send("/_test/press", { user: user(), channel, ts: message.ts, action_id: item.action_id, block_id: blockId || undefined, value, state });
    if (!answer.acked) slow();
  }),
  pressInView: (viewId, blockId, item, value, state) => tried(async () => {
    const answer = await send("/_test/press", { user: user(), view_id: viewId, action_id: item.action_id, block_id: blockId || undefined, value, state });
    if (!answer.acked) slow();
  }),
  suggest: (place, blockId, item, query) => suggestions({ user: user(), ...place }, blockId, item, query),
  submit: (viewId, values) => send("/_test/submit", { user: user(), view_id: viewId, values }),
  close: (viewId, everything) => tried(() => send("/_test/close", { user: user(), view_id: viewId, everything })),
  home: () => tried(() => send("/_test/home", { user: user() })),
  reload: () => tried(() => send("/_test/reload", { user: user() })),
  shortcut: (channel, message, callbackId) => tried(async () => {
    const answer = await send("/_test/shortcut", { user: user(), channel, ts: message?.ts, callback_id: callbackId });
    if (!answer.acked) slow();
  }),
  globalShortcut: (callbackId) => tried(async () => {
    const answer = await send("/_test/shortcut", { user: user(), callback_id: callbackId });
    if (!answer.acked) slow();
  }),
  say: (channel, thread, text, broadcast) => tried(async () => {
    if (!text.startsWith("/")) {
      await send("/_test/post", { user: user(), channel, text: encode(text), thread_ts: thread || undefined, reply_broadcast: broadcast || undefined });
      return true;
    }
    const [, command, rest] = /^(\S+)\s*([\s\S]*)$/.exec(text);
    const known = world.commands.find((each) => each.command === command);
    await send("/_test/command", { user: user(), channel, command, text: known?.escapes ? encode(rest, { labels: true, links: false }) : rest, thread_ts: thread || undefined });
    return true;
  }),
  edit: (channel, message, text) => tried(async () => { await send("/_test/edit", { user: user(), channel, ts: message.ts, text }); return true; }),
  remove: async (channel, message) => {
    const sure = await confirmDialog({ title: { text: "Delete message" }, text: { type: "plain_text", text: "This cannot be undone." }, confirm: { text: "Delete" }, deny: { text: "Cancel" }, style: "danger" });
    if (sure) await tried(() => send("/_test/delete", { user: user(), channel, ts: message.ts }));
  },
  react: (channel, message, name, remove) => tried(() => send("/_test/react", { user: user(), channel, ts: message.ts, name, remove })),
  read: (channel, ts) => tried(() => send("/_page/read", { user: user(), channel, ts })),
  copyLink: (channel, message) => copy(permalink(channel, message), "Link copied."),
  copyJson: (message) => copy(JSON.stringify(message, null, 2), "Message copied as JSON."),
  older: (channel, before) => tried(() => ask("/_page/messages", { user: user(), channel, before })),
  thread: (channel, thread) => tried(() => ask("/_page/messages", { user: user(), channel, thread })),
};

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    // Without a secure address the clipboard is closed; the text can still be taken from here.
    toast(text);
  }
}

/** The moment just before a message, for marking it unread. */
export function justBefore(channel, ts) {
  const earlier = [...postsOf(channel).keys()].filter((each) => each < ts).sort().at(-1);
  return earlier || "0";
}

export const describeRoom = (room) => (room.is_im || room.is_mpim ? "Direct message" : `${room.members.length} ${room.members.length === 1 ? "member" : "members"}${room.topic ? ` · ${room.topic}` : ""}`);
export { roomTitle };
