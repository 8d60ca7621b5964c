package skipped

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableIfNotExistsDiffers flags CREATE TABLE IF NOT EXISTS on a table that is there
// with other columns. https://www.postgresql.org/docs/current/sql-createtable.html
var TableIfNotExistsDiffers = &rule.Rule{
	ID:       "table-if-not-exists-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "CREATE TABLE IF NOT EXISTS names a table that exists with other columns",
	Harm: "IF NOT EXISTS looks at the name alone. The statement is skipped with a notice, the migration counts as done, " +
		"and the columns that it lists never come to be, or keep their type and their NOT NULL: the new code fails on them.",
	Instead:   "Add what is missing with ALTER TABLE … ADD COLUMN, or create the table under another name.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createtable.html"},
	Kinds:     rule.CreateTable,
	Statement: checkTableDiffers,
}

func checkTableDiffers(p *rule.Pass, s *rule.Stmt) {
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
			if def := n.GetColumnDef(); def != nil && reportKeptColumn(p, s, t, def) {
				return
			}
		}
		return
	}
	p.Report(s, describeSkip("table "+name+" exists without "+prose.PickForm(len(missing), "column ", "columns ")+strings.Join(missing, ", "),
		"CREATE TABLE IF NOT EXISTS", "and code that uses "+name+"."+missing[0]+" fails: the column does not exist",
		"add what is missing:\nALTER TABLE "+analysis.QuoteTable(t.Name)+" ADD COLUMN "+add+";"))
}

// reportKeptColumn reports a column that is there with another type, or with NOT NULL where the
// statement has none; false for one that holds all that the statement expects of it.
func reportKeptColumn(p *rule.Pass, s *rule.Stmt, t *catalog.Relation, def *pgparse.ColumnDef) bool {
	col := t.Column(def.GetColname())
	if col == nil || col.Inferred {
		return false
	}
	name := t.Name.String() + "." + col.Name
	var difference, harm string
	switch now := s.Before.TypeOf(def.GetTypeName()); {
	case !analysis.CanHold(col.Type, now) && !isSerial(def):
		difference = "as " + col.Type.String()
		harm = "code that expects " + now.String() + " in " + name + " finds " + col.Type.String()
	case isRequired(primaryKeyColumns(s), def) && !col.NotNull:
		difference = "and may be null"
		harm = "code that relies on " + name + " meets NULLs"
	case col.NotNull && col.Default == nil && col.Identity == "" && col.Generated == "" && col.Sequence == 0 && !isRequired(primaryKeyColumns(s), def) &&
		!isSerial(def):
		difference = "and is NOT NULL"
		harm = "INSERTs that leave " + name + " out, or write NULL, fail"
	default:
		return false
	}
	p.Report(s, describeSkip("column "+col.Name+" of "+t.Name.String()+" exists "+difference, "CREATE TABLE IF NOT EXISTS", "and "+harm,
		"change the column with ALTER TABLE, in steps, or create the table under another name"))
	return true
}

// primaryKeyColumns are the columns of the primary key that a CREATE TABLE has by itself.
func primaryKeyColumns(s *rule.Stmt) []string {
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
