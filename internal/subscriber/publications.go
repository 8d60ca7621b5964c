// Package subscriber says what the logical subscribers of a database need for a step. Postgres replicates no DDL: a
// subscriber stops at the first row of a table or column that it does not have.
// https://www.postgresql.org/docs/current/logical-replication-restrictions.html
package subscriber

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Publication sends changes of rows to subscribers.
type Publication struct {
	Name string
	// AllTables: it also sends tables that are created later. For Schemas that holds for tables in them.
	AllTables bool
	Schemas   []string
	Tables    []Table
	// Except are the tables that EXCEPT leaves out, with their partitions. It also leaves out later partitions, and no later child tables.
	Except []string
	// Subscribers describe its slots and their readers.
	Subscribers []string
}

// Table is a table that a publication sends.
type Table struct {
	// Name is "public.orders"; Roots are the partitioned tables that it is a partition of.
	Name  string
	Roots []string
	// Listed: the publication sends a fixed list of columns.
	Listed bool
}

// Read reads the publications of a database, and their subscribers as far as the role may see them.
func Read(ctx context.Context, conn *pgx.Conn) ([]Publication, error) {
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return nil, err
	}
	listed, schemas, except := "false", "'{}'::text[]", "'{}'::text[]"
	if version >= 150000 {
		listed = "EXISTS (SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid AND r.prattrs IS NOT NULL)"
		schemas = "ARRAY(SELECT nspname::text FROM pg_catalog.pg_publication_namespace s JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = " +
			"p.oid ORDER BY 1)"
	}
	if version >= 190000 {
		except = "ARRAY(SELECT n.nspname || '.' || e.relname FROM pg_catalog.pg_publication_rel r CROSS JOIN LATERAL (SELECT r.prrelid UNION " +
			"SELECT relid FROM pg_catalog.pg_partition_tree(r.prrelid)) AS l (oid) JOIN pg_catalog.pg_class e ON e.oid = l.oid " +
			"JOIN pg_catalog.pg_namespace n ON n.oid = e.relnamespace WHERE r.prpubid = p.oid AND r.prexcept ORDER BY 1)"
	}
	rows, _ := conn.Query(ctx, `SELECT p.pubname::text, p.puballtables, `+schemas+`, `+except+`, coalesce(t.schemaname || '.' || t.tablename, ''),
			ARRAY(SELECT rn.nspname || '.' || rc.relname FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN pg_catalog.pg_class rc ON rc.oid = a.relid JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace WHERE a.relid <> c.oid),
			`+listed+`
		FROM pg_catalog.pg_publication p LEFT JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
		LEFT JOIN pg_catalog.pg_namespace tn ON tn.nspname = t.schemaname LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = tn.oid AND c.relname = t.tablename ORDER BY 1, 4`)
	var out []Publication
	var p Publication
	var t Table
	if _, err := pgx.ForEachRow(rows, []any{&p.Name, &p.AllTables, &p.Schemas, &p.Except, &t.Name, &t.Roots, &t.Listed}, func() error {
		if len(out) == 0 || out[len(out)-1].Name != p.Name {
			out = append(out, Publication{Name: p.Name, AllTables: p.AllTables, Schemas: slices.Clone(p.Schemas), Except: slices.Clone(p.Except)})
		}
		if t.Name != "" {
			last := &out[len(out)-1]
			last.Tables = append(last.Tables, Table{Name: t.Name, Roots: slices.Clone(t.Roots), Listed: t.Listed})
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return out, readSubscribers(ctx, conn, out)
}

// readSubscribers adds the logical slots of the database to the publications that their readers requested. A role without
// pg_read_all_stats does not see these requests, so a slot may then belong to any publication.
func readSubscribers(ctx context.Context, conn *pgx.Conn, list []Publication) error {
	rows, _ := conn.Query(ctx, `SELECT s.slot_name::text, coalesce(r.application_name, ''), coalesce(host(r.client_addr), ''), s.active, coalesce(a.query, '')
		FROM pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_replication r ON r.pid = s.active_pid LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
		WHERE s.slot_type = 'logical' AND s.database = current_database() AND NOT s.temporary ORDER BY 1`)
	var slot, application, client, query string
	var active bool
	_, err := pgx.ForEachRow(rows, []any{&slot, &application, &client, &active, &query}, func() error {
		words := "slot " + slot
		switch {
		case !active:
			words += " (nobody is connected)"
		case client != "":
			words += fmt.Sprintf(" (application %s, from %s)", application, client)
		case application != "":
			words += fmt.Sprintf(" (application %s)", application)
		}
		for i := range list {
			if names := strings.Contains(query, "publication_names"); !names || strings.Contains(query, pgparse.QuoteIdent(list[i].Name)) ||
				strings.Contains(query, `"`+list[i].Name+`"`) {
				list[i].Subscribers = append(list[i].Subscribers, words)
			}
		}
		return nil
	})
	return err
}

// DescribeReaders describes the subscribers for use in a sentence.
func (p *Publication) DescribeReaders() string {
	if len(p.Subscribers) == 0 {
		return "its subscribers (no logical slot of this database is visible now)"
	}
	return strings.Join(p.Subscribers, ", ")
}

// ExplainNeeds says which steps stop which subscribers, and what to run there.
func (p *Publication) ExplainNeeds(needs []Need) string {
	var b strings.Builder
	fmt.Fprintf(&b, "publication %s sends what the plan changes to %s. A subscriber with tables of its own stops at the next row; "+
		"a consumer without, such as Debezium, goes on.", p.Name, p.DescribeReaders())
	for _, n := range needs {
		if len(n.Before) > 0 {
			fmt.Fprintf(&b, "\nBefore %s, run on the subscriber:\n%s;", n.Step, strings.Join(n.Before, ";\n"))
		}
		switch {
		case n.Stops:
			fmt.Fprintf(&b, "\nAfter %s the subscriber stops until this was run there:\n%s;", n.Step, strings.Join(n.After, ";\n"))
		case len(n.After) > 0:
			fmt.Fprintf(&b, "\nAfter %s, run on the subscriber if you like:\n%s;", n.Step, strings.Join(n.After, ";\n"))
		}
	}
	return b.String()
}
