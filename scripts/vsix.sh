#!/bin/sh
# Builds the extension for VS Code: dist/onward-vscode.vsix, or the file that is named. It needs npm. None of the packages'
# scripts runs. The packages lie in the user's cache, by the digest of the lock file.
set -eu
cd "$(dirname "$0")/.."
out=${1:-$PWD/dist/onward-vscode.vsix}

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
packages="$cache/vscode-extension-$(sha256sum editors/vscode/package-lock.json | cut -c 1-16)"
if [ ! -f "$packages/.complete" ]; then
	rm -rf "$packages"
	mkdir -p "$packages"
	cp editors/vscode/package.json editors/vscode/package-lock.json "$packages/"
	npm ci --prefix "$packages" --ignore-scripts --no-audit --no-fund --silent >&2
	touch "$packages/.complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R editors/vscode/src editors/vscode/test editors/vscode/tsconfig.json editors/vscode/package.json editors/vscode/licenses.mjs "$work/"
ln -s "$packages/node_modules" "$work/node_modules"
(
	cd "$work"
	export PATH="$work/node_modules/.bin:$PATH"
	tsc
	esbuild src/extension.ts --bundle --platform=node --format=cjs --target=node20 --external:vscode --minify --legal-comments=none \
		--metafile=meta.json --outfile=extension.js --log-level=warning
	node licenses.mjs meta.json >THIRD-PARTY.txt
	esbuild test/program.test.ts --bundle --platform=node --format=cjs --target=node20 --outfile=program.test.cjs --log-level=warning
	node --test --test-reporter=dot program.test.cjs >&2
)
"${GO:-go}" run ./editors/vscode/pack editors/vscode "$work/extension.js" "$out"
