package column

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeEnumValueUsedInTransaction flags the use of an enum value in the transaction
// that added it. https://www.postgresql.org/docs/current/sql-altertype.html
var TypeEnumValueUsedInTransaction = &rule.Rule{
	ID:       "type-enum-value-used-in-transaction",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "a new enum value is used in the transaction that added it",
	Harm: "A value that ALTER TYPE … ADD VALUE added cannot be used before the transaction commits, not even as a default, in a CHECK, " +
		"or in the body of a function in SQL, which is read when it is created: the server answers \"unsafe use of new value\", and the migration fails. " +
		"A cast of stored values fails, too, if one of them is the new value. A type that the same transaction created is free of this from Postgres 17 on.",
	Instead:   "Add the value in one migration and use it in the next.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertype.html"},
	Statement: checkEnumValueUsedInTx,
}

func checkEnumValueUsedInTx(p *rule.Pass, s *rule.Stmt) {
	if !s.Tx.AddsEnumValue || s.Node.GetAlterEnumStmt() != nil {
		return
	}
	fn := findCreatedFunction(s)
	if fn == nil && !readsConstants(s.Node) {
		return
	}
	for addingStmt := range s.Tx.All() {
		if addingStmt == s {
			break
		}
		stmt := addingStmt.Node.GetAlterEnumStmt()
		if stmt == nil || stmt.OldVal != "" || stmt.NewVal == "" || fn == nil && !usesValue(s.Node, stmt.NewVal) {
			continue
		}
		schema, name := pgparse.SchemaAndName(stmt.TypeName)
		typ := addingStmt.After.LookupType(schema, name)
		if fn != nil && !bodyUsesEnumValue(s, fn, typ, stmt.NewVal) {
			continue
		}
		if typ != nil && isTypeCreatedIn(s.Tx, typ.OID) && p.AtLeast(17) {
			continue
		}
		sure, related := touchesType(s, schema, name, typ)
		if fn == nil && !related {
			continue
		}
		instead := fmt.Sprintf("commit the new value first: move %s to a migration of its own, before this one:\n%s;", addingStmt.FormatPlace(), addingStmt.SQL)
		if s.Migration.Together != 0 {
			instead = "commit the new value first: use it in " + s.SeparatePlace()
		}
		r := rule.Report{
			Fact:     fmt.Sprintf("'%s' is used in the transaction that adds it to the type %s at %s", stmt.NewVal, name, addingStmt.RelativePlace(s)),
			Harm:     fmt.Sprintf("the migration fails: unsafe use of new value \"%s\" of enum type %s", stmt.NewVal, name),
			Instead:  instead,
			Evidence: []onward.Evidence{addingStmt.NewEvidence("adds the value")},
		}
		if fn == nil && (!sure || !readsAsType(s.Node, stmt.NewVal)) {
			r.Severity = onward.Warning
		}
		p.Report(s, r)
		return
	}
	if fn == nil {
		checkEnumValueCast(p, s)
	}
}

// isTypeCreatedIn reports whether a transaction created the type itself, so that its
// values are usable at once.
func isTypeCreatedIn(t *rule.Tx, oid catalog.OID) bool {
	for s := range t.All() {
		if s.Node.GetCreateEnumStmt() != nil && s.Before.Type(oid) == nil && s.After.Type(oid) != nil {
			return true
		}
	}
	return false
}

// touchesType reports whether a statement has to do with the type: it casts to it,
// or a table of it has a column of the type (sure), or a column whose type is
// not known.
func touchesType(s *rule.Stmt, schema, name string, typ *catalog.UserType) (sure, related bool) {
	pgparse.Walk(s.Node, func(msg any) bool {
		if t, ok := msg.(*pgparse.TypeName); ok {
			if _, n := pgparse.SchemaAndName(t.Names); n == name {
				sure = true
			}
		}
		return !sure
	})
	if sure {
		return true, true
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		r := s.After.Relation(e.OID)
		if r == nil {
			r = s.After.Lookup(e.Name.Schema, e.Name.Name)
		}
		if r == nil {
			related = true
			continue
		}
		related = related || r.Inferred || r.Partial
		for _, c := range r.Columns {
			if typ != nil && c.Type.OID == typ.OID || c.Type.Name.Name == name && (schema == "" || c.Type.Name.Schema == schema) {
				return true, true
			}
		}
	}
	return false, related
}
