// What the programs of this folder share: settings from the first argument, one JSON object a line to standard output,
// and packages loaded from the folder that holds them, which is not beside these sources.
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const settings = JSON.parse(process.argv[2]);
const load = createRequire(path.join(settings.modules, "package.json"));

function say(kind, more = {}) {
  process.stdout.write(`${JSON.stringify({ kind, ...more })}\n`);
}

// The clients tell of pings and pongs only in their debug log.
function logger() {
  const write = (level, words) => {
    const text = words.map(String).join(" ");
    if (text.includes("received pong")) say("pong");
    else if (text.includes("received ping")) say("ping");
    else if (level === "error" || level === "warn") say("log", { level, text });
  };
  return {
    debug: (...words) => write("debug", words),
    info: (...words) => write("info", words),
    warn: (...words) => write("warn", words),
    error: (...words) => write("error", words),
    setLevel: () => {},
    getLevel: () => "debug",
    setName: () => {},
  };
}

// The parent closes standard input when it has seen enough.
function untilStopped(stop) {
  process.stdin.resume();
  process.stdin.once("end", async () => {
    await stop();
    say("stopped");
    // The newest Socket Mode client leaves a timer of 30 seconds behind when its connection broke.
    process.stdout.write("", () => process.exit(0));
  });
}

module.exports = { load, logger, say, settings, untilStopped };
