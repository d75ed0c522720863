// The same bot on Bolt.
"use strict";

const { load, logger, say, settings, untilStopped } = require("./lines.cjs");
const { App, SocketModeReceiver } = load(settings.bolt);

const clientOptions = { slackApiUrl: settings.apiUrl, logger: logger() };
const receiver = new SocketModeReceiver({
  appToken: settings.appToken,
  clientPingTimeout: settings.clientPingTimeout,
  serverPingTimeout: settings.serverPingTimeout,
  pingPongLoggingEnabled: true,
  logger: logger(),
  installerOptions: { clientOptions },
});
const app = new App({ token: settings.botToken, receiver, clientOptions, logger: logger() });

for (const state of ["connected", "disconnected", "reconnecting"]) {
  receiver.client.on(state, () => say(state));
}
receiver.client.on("slack_event", ({ type, envelope_id, body, retry_num }) => {
  say("envelope", { type, envelope_id, event_id: body.event_id, retry_num });
});

app.message(async ({ message, say: answer }) => {
  if (message.subtype) return;
  await answer({ thread_ts: message.ts, text: `heard: ${message.text}` });
});

app.command("/aiops", async ({ command, ack }) => {
  await ack(`working on ${command.text}`);
});

app.action("restart", async ({ body, ack, client }) => {
  await ack();
  await client.views.open({ trigger_id: body.trigger_id, view: settings.modal });
});

app.action("review", async ({ ack, respond }) => {
  await ack();
  await respond({ replace_original: true, text: "reviewed" });
});

app.view("root_cause", async ({ body, view, ack }) => {
  const cause = view.state.values.cause.text.value;
  say("submitted", { cause, user: body.user.id });
  if (cause.length < 5) await ack({ response_action: "errors", errors: { cause: "Say more." } });
  else await ack();
});

app.shortcut("triage_message", async ({ shortcut, ack, client }) => {
  await ack();
  await client.chat.postMessage({
    channel: shortcut.channel.id,
    thread_ts: shortcut.message.ts,
    text: `used: ${shortcut.callback_id}`,
  });
});

app.error(async (error) => say("error", { text: String(error) }));
untilStopped(() => app.stop());
app.start().then(() => say("ready"));
