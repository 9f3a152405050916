#!/bin/sh
# check.sh: the bundle of pack.py through the code of MCPB itself, which comes from npm.
set -eu
cd "$(dirname "$0")/../.."
bundle=$(ls "$PWD"/build/release/dist/mpmcp-*.mcpb)
work=build/release/mcpb
mkdir -p $work
cp packaging/mcpb/package.json packaging/mcpb/check.mjs $work
cd $work
command -v npm >/dev/null && npm install --silent --no-audit --no-fund || { echo "not run: the check of the bundle (npm cannot install @anthropic-ai/mcpb)"; exit 0; }
exec node check.mjs "$bundle"
