package table

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IfNotExistsDiffers flags CREATE TABLE IF NOT EXISTS on a table that is there
// with other columns. https://www.postgresql.org/docs/current/sql-createtable.html
var IfNotExistsDiffers = &rule.Rule{
	ID:        "table-if-not-exists-differs",
	Category:  onward.Idempotency,
	Severity:  onward.Warning,
	Preset:    onward.Recommended,
	Summary:   "CREATE TABLE IF NOT EXISTS names a table that exists without some of its columns",
	Harm:      "IF NOT EXISTS looks at the name alone. The statement is skipped with a notice, the migration counts as done, and the columns that it lists never come to be: the new code fails on them.",
	Instead:   "Add what is missing with ALTER TABLE … ADD COLUMN, or create the table under another name.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createtable.html"},
	Kinds:     rule.CreateTable,
	Statement: ifNotExistsDiffers,
}

func ifNotExistsDiffers(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetCreateStmt()
	if !stmt.GetIfNotExists() {
		return
	}
	t, _ := s.Before.Resolve(stmt.GetRelation())
	if t == nil || !t.Kind.IsTable() || t.Inferred || t.Partial || t.Persistence == catalog.Temporary || s.Before.Relation(t.OID) == nil {
		return
	}
	var missing []string
	add := ""
	for _, n := range stmt.GetTableElts() {
		def := n.GetColumnDef()
		if def == nil || t.Column(def.GetColname()) != nil {
			continue
		}
		missing = append(missing, def.GetColname())
		if add == "" {
			add = pgparse.QuoteIdent(def.GetColname()) + " " + s.Before.TypeOf(def.GetTypeName()).String()
		}
	}
	if len(missing) == 0 {
		return
	}
	name := t.Name.String()
	p.Report(s, rule.Report{
		Fact:    "table " + name + " exists without " + columns(missing) + ", so that CREATE TABLE IF NOT EXISTS does nothing",
		Harm:    "the migration counts as done, and code that uses " + name + "." + missing[0] + " fails: the column does not exist",
		Instead: "add what is missing:\nALTER TABLE " + analysis.Table(t.Name) + " ADD COLUMN " + add + ";",
	})
}

func columns(names []string) string {
	if len(names) == 1 {
		return "column " + names[0]
	}
	return "columns " + strings.Join(names, ", ")
}
