package rules

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// judgeProgram judges the statements of a migration that is a program, and returns the findings of a rule.
func judgeProgram(t *testing.T, id string, mode onward.Transaction, parts ...script.Part) []onward.Finding {
	t.Helper()
	for i := range parts {
		p := &parts[i]
		p.Start, p.Message = -1, true
		p.Line, p.Column, p.EndLine, p.EndColumn = i+3, 5, i+3, 60
	}
	var out []onward.Finding
	for _, f := range judgeSource(t, script.Source{LineComment: "#", Mode: mode, Parts: parts}, history.Runner{LockTimeout: 3000}) {
		if f.Rule == id {
			out = append(out, f)
		}
	}
	return out
}

// A loop of a program commits each round, unless the migration has a transaction.
func TestProgramWritesInBatches(t *testing.T) {
	t.Parallel()
	batch := script.Part{SQL: "UPDATE shop_order SET note = '' WHERE id IN (SELECT id FROM shop_order LIMIT 1000)", Loop: true}
	if got := judgeProgram(t, "data-update-unbatched", onward.TransactionNone, batch); len(got) > 0 {
		t.Errorf("without a transaction: %v", got)
	}
	got := judgeProgram(t, "data-update-unbatched", onward.TransactionFile, batch)
	if len(got) != 1 || !strings.Contains(got[0].Harm, "the migration commits once") || strings.Contains(got[0].Harm, "DO block") {
		t.Errorf("in a transaction: %v", got)
	}
}

// What a program sends after it looked at the database is left out in the second run.
func TestProgramLooksFirst(t *testing.T) {
	t.Parallel()
	for _, looks := range []bool{true, false} {
		got := judgeProgram(t, "idempotency-partial-failure", onward.TransactionNone,
			script.Part{SQL: "ALTER TABLE shop_order ADD COLUMN zone text", Conditional: looks},
			script.Part{SQL: "CREATE UNIQUE INDEX CONCURRENTLY shop_order_zone ON shop_order (zone)"})
		if want := map[bool]int{true: 0, false: 1}[looks]; len(got) != want {
			t.Errorf("looks first: %v: %v", looks, got)
		}
	}
}
