package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyLocksReferenced flags one statement whose foreign keys lock two or
// more existing tables beside its own: CREATE TABLE does that too.
// https://www.postgresql.org/docs/current/sql-createtable.html
var ForeignKeyLocksReferenced = &rule.Rule{
	ID:       "constraint-foreign-key-locks-referenced",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "one statement with foreign keys to several existing tables blocks writes to all of them at once",
	Harm: "A foreign key takes SHARE ROW EXCLUSIVE on the table it references, also in CREATE TABLE and also with NOT VALID. " +
		"While the statement waits for the second table, the first one already refuses writes; a transaction that writes to both in the other order is a deadlock.",
	Instead:   "Create the table without the foreign keys and add them one by one, each in a transaction of its own, under a lock_timeout.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES"},
	Kinds:     rule.CreateTable | rule.AlterTable,
	Statement: checkForeignKeyLocksReferenced,
}

func checkForeignKeyLocksReferenced(p *rule.Pass, s *rule.Stmt) {
	lockCount := 0
	for i := range s.Result.Effects {
		if e := &s.Result.Effects[i]; e.Lock.BlocksWrites() && p.IsExisting(e) {
			lockCount++
		}
	}
	if lockCount < 2 || s.Settings.IsBounded() {
		return
	}
	var cons []*pgparse.Constraint
	var referencing *catalog.Relation
	severity := onward.Warning
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.CreateStmt:
		cons = listForeignKeys(x.GetTableElts(), x.GetConstraints())
		// It has no rows to look up: what is left is the wait, which
		// transaction-lock-timeout-missing warns of.
		severity = onward.Info
		referencing, _ = s.Before.Resolve(x.GetRelation())
	case *pgparse.AlterTableStmt:
		for _, n := range x.GetCmds() {
			def := n.GetAlterTableCmd().GetDef()
			cons = append(cons, listForeignKeys([]*pgparse.Node{def}, nil)...)
		}
		referencing = s.AlteredRelation()
	}
	var locked []string
	for _, con := range cons {
		ref, _ := s.Before.Resolve(con.GetPktable())
		for i := range s.Result.Effects {
			e := &s.Result.Effects[i]
			if e.Name != ref.Name || e.Name == referencing.Name || !p.IsExisting(e) || !e.Lock.BlocksWrites() || slices.Contains(locked, e.Name.String()) {
				continue
			}
			locked = append(locked, e.Name.String())
		}
	}
	if len(locked) < 2 {
		return
	}
	list := strings.Join(locked[:len(locked)-1], ", ") + " and " + locked[len(locked)-1]
	p.Report(s, rule.Report{
		Severity: severity,
		Fact:     "the foreign keys of " + referencing.Name.String() + " lock " + list + " against writes in one statement",
		Harm:     "while it waits for one of them, writes to the others wait too, and a transaction that writes to them in another order is a deadlock",
		Cause:    "and %d others lock several, too",
		Instead:  "set a short lock_timeout and retry, or add the foreign keys one by one, each in a transaction of its own:\nSET lock_timeout = '5s';",
	})
}

// listForeignKeys returns the foreign keys among the elements of a table's definition.
func listForeignKeys(elements, more []*pgparse.Node) []*pgparse.Constraint {
	var out []*pgparse.Constraint
	add := func(n *pgparse.Node) {
		if con := n.GetConstraint(); con.GetContype() == pgparse.ConstrType_CONSTR_FOREIGN {
			out = append(out, con)
		}
	}
	for _, n := range elements {
		add(n)
		for _, c := range n.GetColumnDef().GetConstraints() {
			add(c)
		}
	}
	for _, n := range more {
		add(n)
	}
	return out
}
