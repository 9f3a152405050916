#!/usr/bin/env node
// Becomes the program for this machine, which an optional dependency brought. Node 22.15 and later replaces its own
// process; older ones stay beside the program and pass on signals and the exit status.
'use strict'
const { spawn } = require('node:child_process')
const path = require('node:path')

// The C library here, "" for one that is not glibc. Programs for glibc are built for 2.33 and later.
function newGlibc() {
  process.report.excludeNetwork = true
  const version = process.report.getReport().header.glibcVersionRuntime || '0.0'
  const [major, minor] = version.split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 33)
}

function candidates() {
  const here = `${process.platform}-${process.arch}`
  if (here === 'linux-x64') return newGlibc() ? ['linux-x64-gnu', 'linux-x64-musl'] : ['linux-x64-musl']
  if (here === 'linux-arm64') return ['linux-arm64-musl']
  return [here]
}

function find() {
  for (const name of candidates()) {
    try {
      return path.join(path.dirname(require.resolve(`@mpmcp/${name}/package.json`)), 'bin', 'mpmcp')
    } catch {
      // The next one may be there.
    }
  }
  const { supported } = require('./package.json').mpmcp
  const here = `${process.platform}-${process.arch}`
  console.error(
    supported.includes(here)
      ? `mpmcp: the program for ${here} was not installed: it is an optional dependency (@mpmcp/${candidates()[0]}). ` +
          'Install again without --omit=optional (or --no-optional), and remove node_modules if it came from another machine.'
      : `mpmcp: there is no program for ${here} on npm, only for ${supported.join(', ')}: build it from source.`
  )
  process.exit(1)
}

function beside(program, args) {
  const child = spawn(program, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH']) {
    // On a terminal the program has these two already.
    const pass = ['SIGINT', 'SIGQUIT'].includes(signal) && process.stdin.isTTY ? () => {} : () => child.kill(signal)
    process.on(signal, pass)
  }
  child.on('error', (error) => {
    console.error(`mpmcp: cannot start ${program}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (status, signal) => {
    if (!signal) process.exit(status)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const program = find()
const args = process.argv.slice(2)
if (process.execve) {
  try {
    process.execve(program, [program, ...args], process.env)
  } catch {
    // Where Node has it and the system does not, it throws.
  }
}
beside(program, args)
