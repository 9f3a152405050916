// The sandbox of tests/server as a child process: its facts (mcp, oauth, token) and its end.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export async function startSandbox(...switches) {
  const process = spawn("python3", ["../server/sandbox.py", "--until-eof", ...switches], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await new Promise((yes, no) => {
    createInterface(process.stdout).once("line", (l) => yes([l]));
    process.once("exit", () => no(new Error("the sandbox did not start")));
  });
  return { ...JSON.parse(line), stop: () => process.stdin.end() };
}
