package database

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdentifierCapitalsLost flags IF EXISTS with a name that is another one without its capital
// letters. https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
var IdentifierCapitalsLost = &rule.Rule{
	ID:       "identifier-capitals-lost",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "IF EXISTS skips what is there under a name with capital letters",
	Harm: "A name without quotes has no capital letters, whatever the file says. IF EXISTS then finds nothing and drops nothing, " +
		"the migration counts as run, and what was to go stays, on every database.",
	Instead:   "Write the name in double quotes, letter by letter.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS"},
	Statement: checkCapitalsLost,
}

func checkCapitalsLost(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	l := lostNames{end: s.Migration.After()}
	switch n := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.AlterTableStmt:
		l.checkAlteredNames(s, n)
	case *pgparse.DropStmt:
		l.checkDroppedNames(s, n)
	}
	if len(l.skipped) == 0 {
		return
	}
	r := rule.Report{
		Fact:    "IF EXISTS skips " + prose.EnumerateNames(l.skipped) + ": what is there is called " + prose.EnumerateNames(l.meant),
		Harm:    "a name without quotes has no capital letters: nothing is dropped, and the migration counts as run",
		Instead: "write it in quotes: " + l.meant[0],
	}
	if len(l.skipped) > 1 {
		r.Instead = "write the names in quotes: " + l.meant[0] + ", …"
	}
	p.Report(s, r)
}

// lostNames are the names that IF EXISTS passes over, and those that were meant.
type lostNames struct {
	end            *catalog.Catalog // of the migration
	skipped, meant []string
}

func (l *lostNames) addLostName(kind, name, twin string) {
	l.skipped = append(l.skipped, kind+" "+name)
	l.meant = append(l.meant, `"`+twin+`"`)
}

func (l *lostNames) checkAlteredNames(s *rule.Stmt, n *pgparse.AlterTableStmt) {
	r, known := s.Before.Resolve(n.GetRelation())
	switch {
	case !known && n.GetMissingOk():
		if twin := s.Before.FindCaseVariant(r.Name); twin != nil {
			l.addLostName("table", r.Name.String(), twin.Name.Name)
		}
	case known:
		after := l.end.Relation(r.OID)
		for _, c := range n.GetCmds() {
			cmd := c.GetAlterTableCmd()
			if !cmd.GetMissingOk() || after == nil || r.Inferred {
				continue
			}
			switch cmd.GetSubtype() {
			case pgparse.AlterTableType_AT_DropColumn:
				for _, col := range after.Columns {
					if r.Column(cmd.GetName()) == nil && differsInCase(col.Name, cmd.GetName()) {
						l.addLostName("column", cmd.GetName()+" of "+r.Name.String(), col.Name)
					}
				}
			case pgparse.AlterTableType_AT_DropConstraint:
				for _, con := range after.Constraints {
					if r.Constraint(cmd.GetName()) == nil && differsInCase(con.Name, cmd.GetName()) {
						l.addLostName("constraint", cmd.GetName()+" of "+r.Name.String(), con.Name)
					}
				}
			}
		}
	}
}

func (l *lostNames) checkDroppedNames(s *rule.Stmt, n *pgparse.DropStmt) {
	kind := dropped[n.GetRemoveType()]
	if !n.GetMissingOk() || kind == "" {
		return
	}
	for _, o := range n.GetObjects() {
		rv := &pgparse.RangeVar{}
		for _, part := range o.GetList().GetItems() {
			rv.Schemaname, rv.Relname = rv.Relname, part.GetString_().GetSval()
		}
		r, known := s.Before.Resolve(rv)
		if known {
			continue
		}
		if twin := s.Before.FindCaseVariant(r.Name); twin != nil && l.end.Relation(twin.OID) != nil {
			l.addLostName(kind, r.Name.String(), twin.Name.Name)
		}
	}
}

// differsInCase reports whether a name differs from one without quotes in its capital
// letters alone.
func differsInCase(name, plain string) bool { return name != plain && strings.EqualFold(name, plain) }

// dropped are the kinds of relations that DROP removes.
var dropped = map[pgparse.ObjectType]string{
	pgparse.ObjectType_OBJECT_TABLE: catalog.Table.String(), pgparse.ObjectType_OBJECT_VIEW: catalog.View.String(),
	pgparse.ObjectType_OBJECT_MATVIEW: catalog.MaterializedView.String(), pgparse.ObjectType_OBJECT_SEQUENCE: catalog.Sequence.String(),
	pgparse.ObjectType_OBJECT_INDEX: "index",
}
