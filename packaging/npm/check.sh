#!/bin/bash
# check.sh: the packages of pack.py as people install them, from a registry on this machine (verdaccio): a global
# installation, npx, without scripts, without optional dependencies, on a machine that has no program; signals and the
# exit status through the shim. NODES names further node programs to run the shim with.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$PWD/build/release/npm-check
packages=$PWD/build/release/npm-packages
passed=0 failed=0

ok() { # ok WHAT STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1"
        sed 's/^/    | /' "$work/out"
    fi
}

run() { # run COMMAND...: what it says goes to $work/out
    "$@" >"$work/out" 2>&1 </dev/null
}

says() {
    grep -qF -- "$1" "$work/out"
}

mkdir -p "$work"
if ! [ -x "$work/server/node_modules/.bin/verdaccio" ]; then
    mkdir -p "$work/server"
    echo '{"private":true,"dependencies":{"verdaccio":"6.1.2"},"overrides":{"node-fetch":"2.7.0"}}' >"$work/server/package.json"
    (cd "$work/server" && npm install --silent --no-audit --no-fund) || { echo "not run: npm cannot install verdaccio"; exit 0; }
fi
rm -rf "${work:?}/home" "${work:?}/storage"
mkdir -p "$work/home" "$work/storage"
port=$((20000 + $$ % 20000))
cat >"$work/config.yaml" <<EOF
storage: $work/storage
auth: { htpasswd: { file: $work/storage/htpasswd, max_users: 10 } }
packages: { '**': { access: \$all, publish: \$all, unpublish: \$all } }
log: { type: file, path: $work/verdaccio.log, level: warn }
EOF
"$work/server/node_modules/.bin/verdaccio" -c "$work/config.yaml" -l "127.0.0.1:$port" >"$work/server.out" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null' EXIT
registry=http://127.0.0.1:$port/
until curl -fsS -o /dev/null "$registry" 2>/dev/null; do
    kill -0 $server 2>/dev/null || { cat "$work/server.out"; exit 1; }
    sleep 0.2
done

# A home of its own: nothing of the person's configuration is read or changed.
export HOME=$work/home npm_config_registry=$registry npm_config_cache=$work/home/cache npm_config_update_notifier=false
echo "//127.0.0.1:$port/:_authToken=local" >"$HOME/.npmrc"
for folder in "$packages"/*/; do
    run npm publish --access public "$folder"
    ok "publish $(basename "$folder")" $?
done
version=$(sed -n 's/^VERSION := //p' Makefile)

run npm install -g --prefix "$work/home/g" mpmcp && run "$work/home/g/bin/mpmcp" --version && says "mpmcp $version"
ok "npm install -g, then mpmcp" $?
run env -C "$work/home" npx -y mpmcp --version && says "mpmcp $version"
ok "npx -y mpmcp" $?
run npm install --ignore-scripts --prefix "$work/home/i" mpmcp && run "$work/home/i/node_modules/.bin/mpmcp" --version && says "mpmcp $version"
ok "--ignore-scripts" $?
run npm install --omit=optional --prefix "$work/home/o" mpmcp
! run "$work/home/o/node_modules/.bin/mpmcp" --version && says "without --omit=optional"
ok "--omit=optional: says what to do" $?
run npm install --os=freebsd --cpu=x64 --prefix "$work/home/w" mpmcp && ! [ -d "$work/home/w/node_modules/@mpmcp" ]
ok "another system: installs, without a program" $?

shim=$work/home/g/lib/node_modules/mpmcp/mpmcp.js
for node in node ${NODES:-}; do
    name=$("$node" --version)
    run "$node" -e "Object.defineProperty(process,'platform',{value:'sunos'});require('$shim')"
    [ $? -eq 1 ] && says "no program for sunos"
    ok "$name: another system is named" $?
    run "$node" "$shim" --no-such-option
    [ $? -eq 2 ]
    ok "$name: exit status of the program" $?
    # The bridge answers the first message, then is told to end.
    rm -f "$work/in"
    mkfifo "$work/in"
    MIXPANEL_SA_TOKEN=YTpi "$node" "$shim" http://127.0.0.1:1/mcp <"$work/in" >"$work/out" 2>&1 &
    bridge=$!
    exec 7>"$work/in"
    echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' >&7
    until grep -q '"id":1' "$work/out" || ! kill -0 $bridge 2>/dev/null; do sleep 0.05; done
    [ "$(cat /proc/$bridge/comm)" = mpmcp ] && how="replaced by the program" || how="beside the program"
    kill -TERM $bridge
    wait $bridge
    status=$?
    exec 7>&-
    grep -q '"id":1' "$work/out" && { [ $status -eq 0 ] || [ $status -eq 143 ]; }
    ok "$name: a message and SIGTERM reach the program ($how, status $status)" $?
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
