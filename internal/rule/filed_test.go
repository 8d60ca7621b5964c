package rule

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// What is pasted as it is printed must not be the next hazard.
func TestFiled(t *testing.T) {
	t.Parallel()
	const (
		goose = "a file of its own that begins with\n-- +goose NO TRANSACTION\n-- +goose Up"
		swap  = "build it first:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"
		valid = "in two steps:\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c;\nor leave it"
	)
	for name, c := range map[string]struct {
		mode            onward.Transaction
		origin          script.Origin
		apart, in, want string
	}{
		"no transaction": {onward.TransactionNone, script.Alone, goose, swap, swap},
		"prose":          {onward.TransactionFile, script.Runner, goose, "leave it", "leave it"},
		"refresh": {onward.TransactionFile, script.Runner, goose, "refresh it:\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;",
			"refresh it:\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;"},
		"the runner's words": {onward.TransactionFile, script.Runner, goose, swap,
			"build it first:\n-- in a file of its own that begins with\n-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
		"words that are no comment": {onward.TransactionFile, script.Runner, "a migration of its own, with this in its metadata.toml:\nrun_in_transaction = false", swap,
			"build it first:\n-- in a migration of its own, with this in its metadata.toml:\n-- run_in_transaction = false\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
		"validated later": {onward.TransactionFile, script.Runner, "", valid,
			"in two steps:\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n-- in a transaction of its own, after that:\nALTER TABLE t VALIDATE CONSTRAINT c;\nor leave it"},
		"both": {onward.TransactionFile, script.Runner, "", "so:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c;\nDROP TABLE s;",
			"so:\n-- in a file of its own that runs without a transaction:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t VALIDATE CONSTRAINT c;\nDROP TABLE s;"},
		"its own BEGIN": {onward.TransactionNone, script.Explicit, goose, swap,
			"build it first:\n-- in front of BEGIN or behind COMMIT:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n-- behind COMMIT:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
	} {
		s := &Stmt{Statement: &script.Statement{Origin: c.origin, Parent: -1}, Migration: &Migration{Mode: c.mode}}
		s.Migration.Runner = history.Runner{Tool: history.Tool{Apart: c.apart}}
		if diff := cmp.Diff(c.want, filed(c.in, s)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
