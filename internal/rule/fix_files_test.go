package rule

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Pasting a fix as printed must not be the next hazard.
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
		"no transaction": {onward.TransactionNone, script.Alone, goose, swap,
			"build it first:\n-- in a file of its own:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n-- in a file of its own, after that:\n" +
				"ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
		"one statement": {onward.TransactionNone, script.Alone, goose, "so:\nCREATE INDEX CONCURRENTLY k ON t (a);", "so:\nCREATE INDEX CONCURRENTLY k ON t (a);"},
		"a message of one statement": {onward.TransactionMessage, script.Alone, "", "so:\nCREATE INDEX CONCURRENTLY k ON t (a);",
			"so:\n-- in a file of its own that runs without a transaction:\nCREATE INDEX CONCURRENTLY k ON t (a);"},
		"several lines": {onward.TransactionFile, script.Runner, "", "so:\nCREATE INDEX CONCURRENTLY k\n  ON t (a)\n  WHERE a > 0;",
			"so:\n-- in a file of its own that runs without a transaction:\nCREATE INDEX CONCURRENTLY k\n  ON t (a)\n  WHERE a > 0;"},
		"prose": {onward.TransactionFile, script.Runner, goose, "leave it", "leave it"},
		"refresh": {onward.TransactionFile, script.Runner, goose, "refresh it:\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;",
			"refresh it:\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;"},
		"the runner's words": {onward.TransactionFile, script.Runner, goose, swap,
			"build it first:\n-- in a file of its own that begins with\n-- +goose NO TRANSACTION\n-- +goose Up\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
		"words that are no comment": {onward.TransactionFile, script.Runner, "a migration of its own, with this in its metadata.toml:\nrun_in_transaction = false", swap,
			"build it first:\n-- in a migration of its own, with this in its metadata.toml:\n-- run_in_transaction = false\n" +
				"CREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
		"validated later": {onward.TransactionFile, script.Runner, "", valid,
			"in two steps:\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n-- in a transaction of its own, after that:\n" +
				"ALTER TABLE t VALIDATE CONSTRAINT c;\nor leave it"},
		"both": {onward.TransactionFile, script.Runner, "", "so:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
			"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c;\nDROP TABLE s;",
			"so:\n-- in a file of its own that runs without a transaction:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n" +
				"-- in a transaction of its own, after that:\nALTER TABLE t VALIDATE CONSTRAINT c;\nDROP TABLE s;"},
		"its own BEGIN": {onward.TransactionNone, script.Explicit, goose, swap,
			"build it first:\n-- behind COMMIT:\nCREATE UNIQUE INDEX CONCURRENTLY k ON t (a);\n-- behind COMMIT:\nALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX k;"},
	} {
		s := &Stmt{Statement: &script.Statement{Origin: c.origin, Parent: -1, Rare: &script.Rare{}}, Migration: &Migration{Mode: c.mode}}
		s.Migration.Runner = history.Runner{Tool: history.Tool{Apart: c.apart}}
		if diff := cmp.Diff(c.want, addFileComments(c.in, s)); diff != "" {
			t.Errorf("%s: addFileComments (-want +got):\n%s", name, diff)
		}
	}
}

// If one transaction spans all files, a file that has no transaction after an earlier COMMIT may have one on
// another database.
func TestFiledBehindCommitOfAll(t *testing.T) {
	t.Parallel()
	s := &Stmt{Statement: script.NewStatement(1, 1), Migration: &Migration{Mode: onward.TransactionFile, Together: 1}}
	s.Migration.Runner = history.Runner{Tool: history.Tool{
		Name:  "Drizzle",
		Apart: "a step of the deploy of its own: Drizzle runs all that is pending in one transaction",
	}}
	const want = "so:\n-- in a step of the deploy of its own: Drizzle runs all that is pending in one transaction:\nCREATE INDEX CONCURRENTLY k ON t (a);\n" +
		"-- in a later release, because Drizzle runs all new migrations in one transaction:\nALTER TABLE t ADD UNIQUE USING INDEX k;"
	if diff := cmp.Diff(want, addFileComments("so:\nCREATE INDEX CONCURRENTLY k ON t (a);\nALTER TABLE t ADD UNIQUE USING INDEX k;", s)); diff != "" {
		t.Error(diff)
	}
}

// SQL with blanks to fill in cannot be pasted.
func TestWithoutBlanks(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"so:\nSELECT 1;": "so:\nSELECT 1;",
		"give it one:\nALTER TABLE t ALTER COLUMN c SET DEFAULT …;\nor leave it": "give it one: ALTER TABLE t ALTER COLUMN c SET DEFAULT …\nor leave it",
		"take … rows": "take … rows",
	} {
		if got := moveBlanksToProse(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
