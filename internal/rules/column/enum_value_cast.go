package column

import (
	"fmt"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// checkEnumValueCast flags a cast of what rows hold to a type that the transaction
// gave a value: it fails where a row holds that value.
func checkEnumValueCast(p *rule.Pass, s *rule.Stmt) {
	if !isEvaluated(s.Node) {
		return
	}
	for addingStmt := range s.Tx.All() {
		if addingStmt == s {
			return
		}
		stmt := addingStmt.Node.GetAlterEnumStmt()
		if stmt == nil || stmt.OldVal != "" || stmt.NewVal == "" {
			continue
		}
		schema, name := pgparse.SchemaAndName(stmt.TypeName)
		typ := addingStmt.After.LookupType(schema, name)
		if typ != nil && isTypeCreatedIn(s.Tx, typ.OID) && p.AtLeast(17) {
			continue
		}
		c := caster{s: s, typ: typ, name: name, value: stmt.NewVal}
		if !c.hasCast() {
			continue
		}
		instead := fmt.Sprintf("commit the new value first: move %s to a migration of its own, before this one:\n%s;", addingStmt.FormatPlace(), addingStmt.SQL)
		if s.Migration.Together != 0 {
			instead = "commit the new value first: cast to it in " + s.SeparatePlace()
		}
		p.Report(s, rule.Report{
			Severity: onward.Warning,
			Fact:     fmt.Sprintf("what rows hold is cast to %s in the transaction that adds '%s' to it at %s", name, stmt.NewVal, addingStmt.RelativePlace(s)),
			Harm:     fmt.Sprintf("where a row holds '%s', the migration fails: unsafe use of new value \"%s\" of enum type %s", stmt.NewVal, stmt.NewVal, name),
			Instead:  instead,
			Evidence: []onward.Evidence{addingStmt.NewEvidence("adds the value")},
		})
		return
	}
}

// isEvaluated reports whether the expressions of a statement are evaluated when it runs. A
// view's or a trigger's are not.
func isEvaluated(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt, *pgparse.CreateTableAsStmt,
		*pgparse.AlterTableStmt:
		return true
	}
	return false
}
