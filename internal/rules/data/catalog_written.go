package data

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CatalogWritten flags INSERT, UPDATE and DELETE on the system catalogs.
// https://www.postgresql.org/docs/current/catalogs-overview.html
var CatalogWritten = &rule.Rule{
	ID:       "data-catalog-written",
	Category: onward.DataLoss,
	Severity: onward.Warning,
	Summary:  "a system catalog is written by hand",
	Harm: "The object that the row describes is not locked, nothing is checked, and other sessions keep their caches: " +
		"an index that is switched off misses rows from then on, a constraint seems to hold and does not. It needs a superuser, so it fails on most managed servers.",
	Instead:   "Use the command that does the same: it locks, checks and tells the other sessions.",
	Manual:    []string{"https://www.postgresql.org/docs/current/catalogs-overview.html"},
	Kinds:     rule.Data,
	Statement: checkCatalogWritten,
}

func checkCatalogWritten(p *rule.Pass, s *rule.Stmt) {
	target := splitWrite(pgparse.Unwrap(s.Node)).target
	verb := "INSERT"
	switch {
	case s.Node.GetUpdateStmt() != nil:
		verb = "UPDATE"
	case s.Node.GetDeleteStmt() != nil:
		verb = "DELETE"
	}
	name := target.GetRelname()
	if target.GetSchemaname() != "pg_catalog" && (target.GetSchemaname() != "" || commands[name] == "" || s.Before.Lookup("", name) != nil) {
		return
	}
	if !strings.HasPrefix(name, "pg_") || name == "pg_settings" {
		return // UPDATE pg_settings is SET
	}
	instead := commands[name]
	if instead == "" {
		instead = "the command that does the same"
	}
	p.Report(s, rule.Report{
		Fact:    verb + " writes to the system catalog " + name,
		Harm:    "nothing is locked or checked, sessions go on with what they have cached, and without a superuser (on most managed servers) it fails",
		Instead: "use " + instead,
		Cause:   "and %d others do so too",
	})
}

// commands are the catalogs that are written to by hand, and what does the
// same.
var commands = map[string]string{
	"pg_attribute":  "ALTER TABLE … ALTER COLUMN",
	"pg_class":      "ALTER TABLE",
	"pg_constraint": "ALTER TABLE … ADD, VALIDATE or ALTER CONSTRAINT",
	"pg_database":   "ALTER DATABASE",
	"pg_enum":       "ALTER TYPE … ADD VALUE or RENAME VALUE, or a new type",
	"pg_index":      "DROP INDEX CONCURRENTLY and CREATE INDEX CONCURRENTLY",
	"pg_proc":       "CREATE OR REPLACE FUNCTION or ALTER FUNCTION",
	"pg_trigger":    "ALTER TABLE … DISABLE TRIGGER",
	"pg_type":       "ALTER TYPE or ALTER DOMAIN",
	"pg_depend":     "ALTER EXTENSION … ADD or DROP",
	"pg_namespace":  "ALTER SCHEMA",
	"pg_cast":       "CREATE CAST",
}
