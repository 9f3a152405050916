// check.mjs BUNDLE: the bundle as a client takes it, by the code of MCPB itself: unpacked, the command for each
// platform with its settings filled in, and the one of this machine started. Runs beside its node_modules.
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { getMcpConfigForManifest, unpackExtension } from '@anthropic-ai/mcpb'

const here = process.platform
const folder = mkdtempSync(path.join(tmpdir(), 'mcpb-'))
let failed = 0

function ok(what, good, why) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}${good ? '' : `: ${why}`}`)
  failed += good ? 0 : 1
}

function configFor(platform, manifest, userConfig) {
  Object.defineProperty(process, 'platform', { value: platform })
  try {
    return getMcpConfigForManifest({ manifest, extensionPath: folder, systemDirs: {}, userConfig, pathSeparator: '/' })
  } finally {
    Object.defineProperty(process, 'platform', { value: here })
  }
}

function runs(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

try {
  ok('unpacks', await unpackExtension({ mcpbPath: process.argv[2], outputDir: folder, silent: true }), 'see above')
  const file = path.join(folder, 'manifest.json')
  execFileSync('node_modules/.bin/mcpb', ['validate', file])
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  ok('entry point', runs(path.join(folder, manifest.server.entry_point)), 'missing or not executable')
  ok('the token is sensitive', manifest.user_config.service_account_token.sensitive === true, 'it is not')
  for (const platform of manifest.compatibility.platforms) {
    const bare = await configFor(platform, manifest, {})
    ok(`${platform}: command`, runs(bare.command), bare.command)
    ok(`${platform}: settings that nobody touched`,
      bare.env.MIXPANEL_REGION === 'us' && bare.env.MIXPANEL_SA_TOKEN === '' && bare.env.MPMCP_READ_ONLY === 'false', JSON.stringify(bare.env))
    const full = await configFor(platform, manifest, { region: 'eu', read_only: true, service_account_token: 'YTpi' })
    ok(`${platform}: settings filled in`,
      full.env.MIXPANEL_REGION === 'eu' && full.env.MIXPANEL_SA_TOKEN === 'YTpi' && full.env.MPMCP_READ_ONLY === 'true', JSON.stringify(full.env))
    if (platform !== here) continue
    const run = (config, args, input) =>
      spawnSync(config.command, [...config.args, ...args], { input, env: { HOME: folder, PATH: '/usr/bin:/bin', ...config.env }, encoding: 'utf8' })
    const ping = run(bare, [], '{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    ok(`${platform}: answers`, /"id":1/.test(ping.stdout), ping.stderr)
    const status = run(full, ['status'], '')
    ok(`${platform}: uses the token`, /MIXPANEL_SA_TOKEN/.test(status.stdout) && /\bEU\b/.test(status.stdout), status.stdout + status.stderr)
  }
} finally {
  rmSync(folder, { recursive: true })
}
process.exit(failed ? 1 : 0)
