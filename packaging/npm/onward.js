#!/usr/bin/env node
// Runs the program of this machine's package, with its arguments, its input and output, and its exit code.
"use strict";
const { spawn } = require("node:child_process");
const os = require("node:os");

const name = `@onward-sql/onward-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "onward.exe" : "onward";
let program;
try {
  program = require.resolve(`${name}/bin/${file}`);
} catch {
  console.error(
    `onward: the package ${name} is not installed. Either there is no onward for this system, or optional dependencies were left out: ` +
      "npm install --include=optional",
  );
  process.exit(3);
}
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (err) => {
  console.error(`onward: ${program}: ${err.message}`);
  process.exit(3);
});
child.on("exit", (code, signal) => process.exit(signal ? 128 + os.constants.signals[signal] : code));
