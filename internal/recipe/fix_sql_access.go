package recipe

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
)

// Grant returns the statement that grants privileges on a relation. Roles are quoted already.
// https://www.postgresql.org/docs/current/sql-grant.html
func Grant(privileges string, relation *catalog.Relation, roles string) string {
	kind := ""
	if relation.Kind == catalog.Sequence {
		kind = "SEQUENCE "
	}
	return "GRANT " + privileges + " ON " + kind + analysis.QuoteTable(relation.Name) + " TO " + roles
}

// SetReplicaIdentity returns the statement that says which columns identify a row for subscribers: "FULL", "DEFAULT".
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY
func SetReplicaIdentity(table catalog.Name, identity string) string {
	return alterTable(table) + "REPLICA IDENTITY " + identity
}

// EnableRule returns the statement that switches a rewrite rule on.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-RULE
func EnableRule(table catalog.Name, name string) string {
	return alterTable(table) + "ENABLE RULE " + quoteIdent(name)
}

// EnableTrigger returns the statement that switches a trigger on. No name means all triggers, also the triggers of foreign keys.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
func EnableTrigger(table catalog.Name, trigger string) string {
	if trigger == "" {
		return alterTable(table) + "ENABLE TRIGGER ALL"
	}
	return alterTable(table) + "ENABLE TRIGGER " + quoteIdent(trigger)
}
