#!/bin/sh
# Installs what package-lock.json names, once per lock file, with whatever Node >= 20 and npm are there. Everything
# else runs on the Node 24 that comes as a package. `npm ci` refuses lock files whose optional packages for other
# platforms a registry does not carry; `npm install` with the lock installs the same versions.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.slipway-installed
want=$(cat package-lock.json web/package.json package.json | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0
command -v node >/dev/null || { echo "✘ node is missing. → Install Node 20 or newer, with npm." >&2; exit 3; }
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || {
  echo "✘ node $(node -v) is too old. → Install Node 20 or newer." >&2; exit 3; }
started=$(date +%s)
# onnxruntime-node's own script fetches GPU libraries from elsewhere; the CPU library is inside the package.
export ONNXRUNTIME_NODE_INSTALL=skip ONNXRUNTIME_NODE_INSTALL_CUDA=skip
npm install --no-audit --no-fund --loglevel=error >node_modules.log 2>&1 || { cat node_modules.log >&2; rm -f node_modules.log; exit 3; }
rm -f node_modules.log
git checkout -q -- package-lock.json 2>/dev/null || true
cat package-lock.json web/package.json package.json | cksum >"$stamp"
echo "  ✔ installed            $(($(date +%s) - started)) s"
