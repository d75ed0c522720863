// One after the other, the calls that web_calls.py makes with the Python client; each result is printed under its name.
"use strict";

const { load, say, settings } = require("./lines.cjs");
const { WebClient } = load(settings.webApi);

const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => "error", setName() {} };
const client = new WebClient(settings.botToken, { slackApiUrl: settings.apiUrl, logger: quiet });
const channel = settings.channel;

async function refused(call) {
  try {
    await call();
    return "accepted";
  } catch (error) {
    return error.data.error;
  }
}

async function everyPage(method, key) {
  const found = [];
  for await (const page of client.paginate(method, { channel, limit: 1 })) found.push(...page[key]);
  return found;
}

async function main() {
  const me = await client.auth.test();
  say("auth", { user: me.user_id });

  const metadata = { event_type: "interop", event_payload: { part: 1, name: "a & b" } };
  const posted = await client.chat.postMessage({ channel, text: "first", blocks: settings.blocks, metadata, unfurl_links: false });
  await client.chat.update({ channel, ts: posted.ts, text: "first, edited", blocks: settings.blocks });
  await client.chat.postMessage({ channel, text: "second" });
  await client.chat.postMessage({ channel, text: "a reply", thread_ts: posted.ts });
  say("history", { texts: (await everyPage("conversations.history", "messages")).map((each) => each.text) });
  const read = await client.conversations.replies({ channel, ts: posted.ts, include_all_metadata: true });
  say("metadata", { texts: read.messages.map((each) => each.text), metadata: read.messages[0].metadata });

  await client.reactions.add({ channel, timestamp: posted.ts, name: "eyes" });
  say("reaction", { again: await refused(() => client.reactions.add({ channel, timestamp: posted.ts, name: "eyes" })) });

  const rooms = [];
  for await (const page of client.paginate("conversations.list", { limit: 2 })) rooms.push(...page.channels);
  say("channels", { names: rooms.map((each) => each.name).sort() });
  say("person", { name: (await client.users.info({ user: "U0ANA" })).user.name });

  const uploaded = await client.filesUploadV2({ channel_id: channel, filename: "log.txt", content: "drain n1\n", title: "Log" });
  say("file", { names: uploaded.files[0].files.map((each) => each.name) });

  say("refusals", {
    channel: await refused(() => client.chat.postMessage({ channel: "C0NOWHERE", text: "x" })),
    blocks: await refused(() => client.chat.postMessage({ channel, text: "x", blocks: [{ type: "shout" }] })),
    scope: await refused(() => client.pins.add({ channel, timestamp: posted.ts })),
  });
  // The test has armed a refusal for the next one; the client waits as it is told and posts it.
  say("armed");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.stdin.pause();
  say("patient", { text: (await client.chat.postMessage({ channel, text: "after the wait" })).message.text });
}

main();
