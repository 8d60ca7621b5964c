package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var publicationSendsTable = &Check{Rule: rule.Rule{
	ID:       "publication-sends-table",
	Category: onward.Compatibility, Severity: onward.Warning,
	Summary: "A table that the release touches is replicated by name: it is in a publication, or a subscription writes it",
	Harm: "Logical replication sends rows, and no change of the schema. A subscriber that lacks a new column stops at the first row that has it, " +
		"one that has a column dropped under it stops, too, and its slot keeps WAL until somebody comes. " +
		"A table that a subscription writes gets rows that new constraints here refuse.",
	Instead: "Add columns on the subscriber first, and drop them there last; a new table needs ALTER SUBSCRIPTION … REFRESH PUBLICATION. " +
		"If the touched tables are not known, publications are a note.",
	Manual: []string{"https://www.postgresql.org/docs/current/logical-replication-restrictions.html"},
}, Scope: onward.ScopeTouched, Look: checkPublications}

const publicationsSQL = `
SELECT t.pubname::text, array_agg(t.schemaname || '.' || t.tablename ORDER BY 1),
	ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY 1)
FROM pg_publication_tables t WHERE $1::text[] IS NULL OR t.schemaname || '.' || t.tablename = ANY($1::text[]) GROUP BY 1 ORDER BY 1`

const subscriptionsSQL = `
SELECT s.subname::text, array_agg(n.nspname || '.' || c.relname ORDER BY 1)
FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
GROUP BY 1 ORDER BY 1`

func checkPublications(p *Pass) error {
	severity, clause := onward.Off, ", which the release touches"
	if p.Touched == nil {
		severity, clause = onward.Info, ""
	}
	var name string
	var list, slots []string
	err := p.Each(publicationsSQL, []any{p.Touched}, []any{&name, &list, &slots}, func() {
		fact := "publication " + name + " sends " + listNames(formatTables(list)) + clause
		if len(slots) > 0 {
			fact += "; logical slots of the database: " + listNames(slots)
		}
		p.AddFinding(severity, name, fact, "no change of the schema is sent: a subscriber stops at the first row that does not fit, and its slot keeps WAL",
			"add columns on the subscriber first, and drop them there last")
	})
	if err != nil {
		return err
	}
	return p.Each(subscriptionsSQL, []any{p.Touched}, []any{&name, &list}, func() {
		p.AddFinding(severity, name, "subscription "+name+" writes "+listNames(formatTables(list))+
			clause, "rows arrive as the publisher has them: a new constraint or a dropped column here stops it",
			"change the publisher's rows and columns first; ALTER SUBSCRIPTION "+quoteName(name)+" DISABLE stops it for the time of the migration")
	})
}
