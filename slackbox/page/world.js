/** What this page knows of the workspace, as the person it is open for may see it. */
export const world = {
  me: null, team: "", bot: { name: "app" }, people: new Map(), channels: new Map(), groups: new Map(), commands: [], shortcuts: [],
  posts: new Map(), private: new Map(), loaded: new Set(), reads: new Map(), statuses: new Map(), assistant: new Map(),
  screen: { stack: [], home: null }, violations: [], unacked: [], connections: 0,
};

/** Take the whole state that the server sends first. Ephemeral messages stay: only a reload ends them. */
export function takeSnapshot(all) {
  world.me = all.me;
  world.team = all.team;
  world.bot = all.bot;
  world.people = new Map(all.people.map((each) => [each.id, each]));
  world.groups = new Map(all.groups.map((each) => [each.id, each]));
  world.channels = new Map(all.channels.map((each) => [each.id, each]));
  world.posts = new Map(all.channels.map((each) => [each.id, new Map()]));
  for (const [id, list] of Object.entries(all.messages)) for (const each of list) world.posts.get(id).set(each.ts, each);
  world.reads = new Map(Object.entries(all.reads));
  world.assistant = new Map(all.assistant.map((each) => [each.thread_ts, each]));
  world.statuses = new Map(all.assistant.filter((each) => each.status).map((each) => [each.thread_ts, each]));
  world.loaded.clear();
  world.commands = all.commands;
  world.shortcuts = all.shortcuts;
  world.screen = all.screen;
  world.connections = all.connections;
  world.violations = all.violations;
  world.unacked = all.unacked;
}

export const postsOf = (channel) => {
  if (!world.posts.has(channel)) world.posts.set(channel, new Map());
  return world.posts.get(channel);
};

/** Ephemeral messages that the present person got since the page was loaded. */
export const privateOf = (channel) => {
  const key = `${world.me} ${channel}`;
  if (!world.private.has(key)) world.private.set(key, new Map());
  return world.private.get(key);
};

export const isReply = (message) => Boolean(message.thread_ts && message.thread_ts !== message.ts);
export const inChannel = (message) => !isReply(message) || message.subtype === "thread_broadcast";
export const inThread = (message, thread) => message.ts === thread || message.thread_ts === thread;

/** The messages of a channel, or of a thread, oldest first. */
export function shownIn(channel, thread) {
  const wanted = thread ? (each) => inThread(each, thread) : inChannel;
  return [...postsOf(channel).values(), ...privateOf(channel).values()].filter(wanted).sort(byTime);
}

const byTime = (a, b) => (a.ts < b.ts ? -1 : 1);

const HUES = [265, 150, 25, 200, 330, 95, 45, 290];
const hueOf = (id) => HUES[[...world.people.keys()].indexOf(id) % HUES.length] ?? 215;

/** Who wrote a message: {id, name, app, hue}. */
export function author(message) {
  if (message.user === "USLACKBOT") return { id: "USLACKBOT", name: "Slackbot", app: true, hue: 300 };
  const person = world.people.get(message.user);
  if (person && !(person.is_bot && message.username)) return { id: person.id, name: person.real_name || person.name, app: person.is_bot, hue: person.is_bot ? 215 : hueOf(person.id) };
  const name = message.username || message.bot_profile?.name || message.bot_id || message.user || "unknown";
  return { id: message.bot_id || message.user, name, app: true, hue: 8 };
}

export const personName = (id) => world.people.get(id)?.profile.display_name || world.people.get(id)?.name || id;

/** A conversation's name as the sidebar shows it. */
export function roomName(room) {
  if (!room.is_im && !room.is_mpim) return room.name;
  const others = room.members.filter((each) => each !== world.me);
  return (others.length ? others : room.members).map((each) => world.people.get(each)?.real_name || each).join(", ");
}

export const roomTitle = (room) => (room.is_im || room.is_mpim ? roomName(room) : `#${room.name}`);

/** The person's direct message with the app, if the workspace has it. */
export const botRoom = () => [...world.channels.values()].find((each) => each.is_im && each.members.includes(world.bot.user) && each.members.includes(world.me));

function mentionsMe(message) {
  const text = `${message.text || ""} ${message.blocks ? JSON.stringify(message.blocks) : ""}`;
  const groups = [...world.groups.values()].filter((each) => each.users.includes(world.me));
  return text.includes(`<@${world.me}`) || text.includes(`"user_id":"${world.me}"`) || /<!(channel|here|everyone)/.test(text)
    || groups.some((each) => text.includes(`<!subteam^${each.id}`));
}

/** How much a person has not read in a channel: {count, mentions}. */
export function unreadIn(room) {
  const since = world.reads.get(room.id) || "0";
  let count = 0;
  let mentions = 0;
  for (const each of postsOf(room.id).values()) {
    if (each.ts <= since || each.user === world.me || !inChannel(each) || each.subtype === "tombstone") continue;
    count += 1;
    if (room.is_im || room.is_mpim || mentionsMe(each)) mentions += 1;
  }
  return { count, mentions };
}
