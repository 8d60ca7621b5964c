package alembic

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/script"
)

// formatFix returns the text of a fix for an operation; "" if SQL in op.execute is as good.
func formatFix(op script.Operation, way advice.Way) string {
	switch w := way.(type) {
	case advice.BuildIndex:
		if op.Class == "create_index" {
			return "build it in an autocommit block, concurrently:\n" +
				"with op.get_context().autocommit_block():\n    op.create_index(…, postgresql_concurrently=True)"
		}
		return wrapInAutocommit(w.SQL)
	case advice.DropIndex:
		if op.Class == "drop_index" {
			return "drop it in an autocommit block, concurrently:\n" +
				"with op.get_context().autocommit_block():\n    op.drop_index(…, postgresql_concurrently=True)"
		}
		return wrapInAutocommit(w.SQL)
	}
	return ""
}

// wrapInAutocommit returns the code that sends a statement outside a transaction.
func wrapInAutocommit(sql string) string {
	return "with op.get_context().autocommit_block():\n    op.execute(\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", " ").Replace(sql) + "\")"
}
