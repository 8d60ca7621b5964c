package table

import (
	"slices"
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
	ID:       "table-if-not-exists-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Preset:   onward.Recommended,
	Summary:  "CREATE TABLE IF NOT EXISTS names a table that exists with other columns",
	Harm: "IF NOT EXISTS looks at the name alone. The statement is skipped with a notice, the migration counts as done, " +
		"and the columns that it lists never come to be, or keep their type and their NOT NULL: the new code fails on them.",
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
	name := t.Name.String()
	if len(missing) == 0 {
		for _, n := range stmt.GetTableElts() {
			if def := n.GetColumnDef(); def != nil && keptAs(p, s, t, def) {
				return
			}
		}
		return
	}
	p.Report(s, rule.Report{
		Fact:    "table " + name + " exists without " + describeColumns(missing) + ", so that CREATE TABLE IF NOT EXISTS does nothing",
		Harm:    "the migration counts as done, and code that uses " + name + "." + missing[0] + " fails: the column does not exist",
		Instead: "add what is missing:\nALTER TABLE " + analysis.QuoteTable(t.Name) + " ADD COLUMN " + add + ";",
	})
}

func describeColumns(names []string) string {
	if len(names) == 1 {
		return "column " + names[0]
	}
	return "columns " + strings.Join(names, ", ")
}

// keptAs reports a column that is there with another type, or with NOT NULL where the
// statement has none; false for one that holds all that the statement expects of it.
func keptAs(p *rule.Pass, s *rule.Stmt, t *catalog.Relation, def *pgparse.ColumnDef) bool {
	col := t.Column(def.GetColname())
	if col == nil || col.Inferred {
		return false
	}
	name := t.Name.String() + "." + col.Name
	var is string
	r := rule.Report{Instead: "change the column with ALTER TABLE, in steps, or create the table under another name"}
	switch now := s.Before.TypeOf(def.GetTypeName()); {
	case !analysis.CanHold(col.Type, now) && !isSerial(def):
		is = "as " + col.Type.String()
		r.Harm = "code that expects " + now.String() + " in " + name + " finds " + col.Type.String()
	case isRequired(stmtKeys(s), def) && !col.NotNull:
		is = "and may be null"
		r.Harm = "code that relies on " + name + " meets NULLs"
	case col.NotNull && col.Default == nil && col.Identity == "" && col.Generated == "" && col.Sequence == 0 && !isRequired(stmtKeys(s), def) && !isSerial(def):
		is = "and is NOT NULL"
		r.Harm = "INSERTs that leave " + name + " out, or write NULL, fail"
	default:
		return false
	}
	r.Fact = "column " + col.Name + " of " + t.Name.String() + " exists " + is + ", so that CREATE TABLE IF NOT EXISTS does nothing"
	r.Harm = "the migration counts as done, and " + r.Harm
	p.Report(s, r)
	return true
}

// isSerial reports a column of one of the serial types.
func isSerial(def *pgparse.ColumnDef) bool {
	return strings.Contains(pgparse.LastText(def.GetTypeName().GetNames()), "serial")
}

// stmtKeys are the columns of the primary key that a CREATE TABLE has by itself.
func stmtKeys(s *rule.Stmt) []string {
	for _, n := range s.Node.GetCreateStmt().GetTableElts() {
		if c := n.GetConstraint(); c.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			return pgparse.StringTexts(c.GetKeys())
		}
	}
	return nil
}

// isRequired reports whether a column definition says NOT NULL, be it as a key.
func isRequired(keys []string, def *pgparse.ColumnDef) bool {
	return slices.Contains(keys, def.GetColname()) || def.GetIsNotNull() || def.GetIdentity() != "" ||
		isSerial(def) || slices.ContainsFunc(def.GetConstraints(), func(n *pgparse.Node) bool {
		switch n.GetConstraint().GetContype() {
		case pgparse.ConstrType_CONSTR_NOTNULL, pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_IDENTITY:
			return true
		}
		return false
	})
}
