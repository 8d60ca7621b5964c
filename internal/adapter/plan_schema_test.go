package adapter

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// A written step drops the plans' schema only if no other plan has something there. A statement of the migrations stays.
func TestKeepUsedSchema(t *testing.T) {
	t.Parallel()
	s := &onward.PlanStep{SQL: "BEGIN;\nDROP SCHEMA IF EXISTS onward;\nCOMMIT;\n", Transaction: onward.TransactionFile, Bookkeeping: true}
	if got := TransactionBody(s); !strings.HasPrefix(got, "DO $onward$") || !strings.Contains(got, "IF NOT EXISTS") || strings.Contains(got, recipe.DropSchema) {
		t.Errorf("TransactionBody of bookkeeping = %q, want a DO block that keeps a used schema", got)
	}
	s.Bookkeeping = false
	if got := TransactionBody(s); got != recipe.DropSchema {
		t.Errorf("TransactionBody without bookkeeping = %q, want %q", got, recipe.DropSchema)
	}
}
