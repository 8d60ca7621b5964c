package blocking

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddIdentity flags ADD COLUMN … GENERATED … AS IDENTITY.
// https://www.postgresql.org/docs/current/ddl-identity-columns.html
var ColumnAddIdentity = &rule.Rule{
	ID:       "column-add-identity",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD COLUMN of an identity column rewrites the table while nobody can read it",
	Harm:     "Every row gets a number of its own, so the table and all its indexes are rewritten under ACCESS EXCLUSIVE. Every query waits.",
	Instead: "Add a plain bigint column, let a sequence number the new rows, number the old rows in batches and make it NOT NULL. " +
		"It can become an identity column then, which is instant.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/ddl-identity-columns.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
	},
	Kinds:     rule.AlterTable,
	Statement: checkAddIdentity,
}

func checkAddIdentity(p *rule.Pass, s *rule.Stmt) { judgeNumbered(p, s, fromIdentity, "identity") }
