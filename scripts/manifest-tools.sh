#!/usr/bin/env bash
# Installs helm, and kubernetes-validate with the schemas of Kubernetes, at fixed versions into the user's cache. The tests of deploy/ find them
# there. Quick if they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

helm=v3.18.6
validate=1.37.0
cache=${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}
if [ ! -x "$cache/helm-$helm/helm" ]; then
  echo "helm is built once; that takes some minutes" >&2
  GOBIN=$cache/helm-$helm CGO_ENABLED=0 go install "helm.sh/helm/v3/cmd/helm@$helm"
fi
schemas=$cache/kubernetes-validate-$validate
if [ ! -f "$schemas/.complete" ]; then
  rm -rf "$schemas"
  python3 -m venv "$schemas"
  "$schemas/bin/pip" install -q --disable-pip-version-check "kubernetes-validate==$validate"
  touch "$schemas/.complete"
fi
