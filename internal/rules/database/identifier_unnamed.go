package database

import (
	"fmt"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdentifierUnnamed mentions indexes and constraints whose names the server chooses.
// https://www.postgresql.org/docs/current/sql-createindex.html
var IdentifierUnnamed = &rule.Rule{
	ID:       "identifier-unnamed",
	Category: onward.Design,
	Severity: onward.Info,
	OnlyIn:   onward.DesignSet,
	Summary:  "an index or constraint has no name of its own",
	Harm: "The server makes one from the table and its columns, and appends a number if that name exists: " +
		"two databases with the same history may have different names. The migration that drops or validates it later, and code that distinguishes errors by it, " +
		"must guess.",
	Instead:   "Give it a name.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html", "https://www.postgresql.org/docs/current/sql-createtable.html"},
	Kinds:     rule.CreateTable | rule.AlterTable | rule.CreateIndex,
	Statement: checkUnnamed,
}

// kinds are the constraints whose names the server derives from columns. A primary key's
// name comes from the table, and NOT NULL is dropped by its column.
var kinds = map[pgparse.ConstrType]string{
	pgparse.ConstrType_CONSTR_CHECK: "a check constraint", pgparse.ConstrType_CONSTR_UNIQUE: "a unique constraint",
	pgparse.ConstrType_CONSTR_FOREIGN: "a foreign key", pgparse.ConstrType_CONSTR_EXCLUSION: "an exclusion constraint",
}

func checkUnnamed(p *rule.Pass, s *rule.Stmt) {
	switch pgparse.Unwrap(s.Node).(type) {
	case *pgparse.CreateStmt, *pgparse.AlterTableStmt, *pgparse.IndexStmt:
	default:
		return // of a domain the constraint is no table's
	}
	if s.Operation.IsRendered() || s.Node.GetCreateStmt().GetRelation().GetRelpersistence() == "t" {
		return // what a framework renders it names, and what is temporary nobody looks for
	}
	first, n := "", 0
	pgparse.Walk(s.Node, func(msg any) bool {
		unnamed := ""
		switch x := msg.(type) {
		case *pgparse.IndexStmt:
			if x.GetIdxname() == "" {
				unnamed = "an index"
			}
		case *pgparse.Constraint:
			if x.GetConname() == "" {
				unnamed = kinds[x.GetContype()]
			}
		}
		if unnamed != "" {
			if n++; n == 1 {
				first = unnamed
			}
		}
		return true
	})
	if n == 0 {
		return
	}
	r := rule.Report{
		Fact:    first + " has no name of its own",
		Harm:    "the server chooses one, and appends a number if it exists: another database may have another one, and whoever drops it later must guess",
		Instead: "give it a name: CONSTRAINT … before it, or after CREATE INDEX",
	}
	if n > 1 {
		r.Fact = fmt.Sprintf("%s and %d more have no names of their own", first, n-1)
	}
	p.Report(s, r)
}
