// A bot on the plain Socket Mode client and Web API client.
"use strict";

const { load, logger, say, settings, untilStopped } = require("./lines.cjs");
const { SocketModeClient } = load(settings.socketMode);
const { WebClient } = load(settings.webApi);

const web = new WebClient(settings.botToken, { slackApiUrl: settings.apiUrl, logger: logger() });
const client = new SocketModeClient({
  appToken: settings.appToken,
  clientOptions: { slackApiUrl: settings.apiUrl },
  clientPingTimeout: settings.clientPingTimeout,
  serverPingTimeout: settings.serverPingTimeout,
  pingPongLoggingEnabled: true,
  logger: logger(),
});

for (const state of ["connected", "disconnected", "reconnecting"]) {
  client.on(state, () => say(state));
}
client.on("error", (error) => say("error", { text: String(error) }));
client.on("slack_event", ({ type, envelope_id, body, retry_num }) => {
  say("envelope", { type, envelope_id, event_id: body.event_id, retry_num });
});

// An acknowledgement that meets a closing connection fails; Slack then sends the event once more.
async function acknowledge(ack) {
  try {
    await ack();
    return true;
  } catch (error) {
    say("unsent", { text: String(error) });
    return false;
  }
}

client.on("message", async ({ event, ack }) => {
  if (!(await acknowledge(ack))) return;
  if (event.bot_id || event.subtype) return;
  await web.chat.postMessage({ channel: event.channel, thread_ts: event.ts, text: `heard: ${event.text}` });
});

client.on("slash_commands", async ({ body, ack }) => {
  await ack({ text: `working on ${body.text}` });
});

client.on("interactive", async ({ body, ack }) => {
  if (body.type === "block_actions" && body.actions[0].action_id === "restart") {
    await ack();
    await web.views.open({ trigger_id: body.trigger_id, view: settings.modal });
  } else if (body.type === "block_actions") {
    await ack();
    await fetch(body.response_url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ replace_original: true, text: "reviewed" }),
    });
  } else if (body.type === "view_submission") {
    const cause = body.view.state.values.cause.text.value;
    say("submitted", { cause, user: body.user.id });
    await ack(cause.length < 5 ? { response_action: "errors", errors: { cause: "Say more." } } : undefined);
  } else {
    await ack();
    await web.chat.postMessage({ channel: body.channel.id, thread_ts: body.message.ts, text: `used: ${body.callback_id}` });
  }
});

untilStopped(() => client.disconnect());
client.start().then(() => say("ready"));
