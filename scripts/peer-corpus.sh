#!/usr/bin/env bash
# Judges the labelled files of another linter (MigrationPilot) with onward: which labels a finding names, and which safe files end with exit code 1.
# CORPUS: a clone of it; it is fetched into a temporary directory if not told. Nothing of it is kept here.
set -euo pipefail
cd "$(dirname "$0")/.."
onward=$PWD/bin/onward
if [ -z "${CORPUS:-}" ]; then
  CORPUS=$(mktemp -d)
  trap 'rm -rf "$CORPUS"' EXIT
  git clone --quiet --depth 1 https://github.com/mickelsamuel/migrationpilot "$CORPUS"
fi
python3 - "$onward" "$CORPUS/bench/corpus" <<'P'
import glob, json, os, re, subprocess, sys

# The rules that name the hazard of a label.
RULES = {
    "access-exclusive-maintenance": "table-vacuum-full table-cluster",
    "check-constraint-scan": "constraint-check-validating",
    "column-type-rewrite": "column-type-rewrite",
    "concurrently-in-transaction": "transaction-concurrently-in-block",
    "ddl-plus-backfill-same-txn": "transaction-long-work-under-lock",
    "disable-trigger-all": "data-triggers-disabled",
    "drop-column": "column-drop",
    "drop-table-cascade": "table-drop",
    "enum-add-value-in-transaction": "type-enum-value-used-in-transaction",
    "fk-without-not-valid": "constraint-foreign-key-validating",
    "invalid-index-retry": "index-concurrent-if-not-exists",
    "missing-lock-timeout": "transaction-lock-timeout-missing",
    "multi-table-ddl-transaction": "transaction-many-tables-locked transaction-long-work-under-lock transaction-lock-order",
    "non-concurrent-index": "index-create-blocking",
    "partition-attach": "partition-attach-scan partition-attach-default-scan",
    "partition-detach": "partition-detach-blocking",
    "rename-column-breakage": "column-rename",
    "rename-table-breakage": "table-rename",
    "replication-identity-break": "constraint-drop-primary-key",
    "set-not-null-scan": "column-set-not-null-scan",
    "stored-generated-rewrite": "column-add-generated-stored",
    "truncate-cascade": "table-truncate",
    "unbatched-backfill": "data-update-unbatched data-delete-unbatched transaction-long-work-under-lock",
    "unique-constraint-scan": "constraint-unique-blocking",
    "volatile-default-rewrite": "column-add-volatile-default",
}

onward, corpus = sys.argv[1:]
labels = found = safe = stopped = dangerous = reported = 0
for path in sorted(glob.glob(corpus + "/*/*.sql")):
    name = os.path.relpath(path, corpus)
    head = open(path).read().split("--- */")[0]
    about = dict(re.findall(r"^(\w+): (.*)$", head, re.M))
    major = (re.findall(r"\d+", about.get("pg_version", "")) or ["17"])[0]
    run = subprocess.run([onward, "check", "--pg", major, "--format", "json", path], capture_output=True, text=True)
    try:
        findings = json.loads(run.stdout)["findings"]
    except ValueError:
        sys.exit(name + ": " + run.stderr)
    rules = {f["rule"] for f in findings}
    if about["verdict"] == "safe":
        safe += 1
        if run.returncode != 0:
            stopped += 1
            print(f"exit {run.returncode}  {name}: " + ", ".join(sorted({f["rule"] for f in findings if f["severity"] == "error"})))
    if about["verdict"] != "dangerous":
        continue
    dangerous += 1
    reported += any(f["severity"] in ("error", "warning") for f in findings)
    for label in re.findall(r"[\w-]+", about["hazards"]):
        labels += 1
        if label not in RULES:
            print(f"unknown label  {name}: {label}")
        elif rules & set(RULES[label].split()):
            found += 1
        else:
            print(f"not named  {name}: {label} (" + ", ".join(sorted(rules)) + ")")
print(f"{found} of {labels} labels are named; {reported} of {dangerous} dangerous files have an error or a warning")
print(f"{stopped} of {safe} safe files end with an error")
P
