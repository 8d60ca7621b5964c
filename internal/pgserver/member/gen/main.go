// Gen writes the table of package member from servers of every supported major version, which it starts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

const output = "members.txt"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if err := pgserver.UseDownloaded(); err != nil {
		return err
	}
	all := lines{}
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		s, err := pgserver.Start(ctx, pgserver.Config{Major: major, Small: true})
		if err != nil {
			return err
		}
		if err := errors.Join(all.readExtensions(ctx, s.URL("postgres")), s.Stop()); err != nil {
			return err
		}
	}
	return os.WriteFile(output, []byte(all.tableText()), 0o644)
}

// lines are the lines of members.txt: kind, name and extension.
type lines map[string]bool

func (l lines) tableText() string {
	var out []string
	for line := range l {
		out = append(out, line+"\n")
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// readExtensions makes every extension of a server, each in a transaction of its own, and notes what it brings.
func (l lines) readExtensions(ctx context.Context, url string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	rows, _ := c.Query(ctx, "SELECT name FROM pg_available_extensions WHERE name <> 'plpgsql' AND name !~ "+
		"'^(plperl|plpython|pltcl|.*_pl|jsonb_pl|hstore_pl|ltree_pl)' ORDER BY 1")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.readExtension(ctx, c, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (l lines) readExtension(ctx context.Context, c *pgx.Conn, name string) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "CREATE EXTENSION "+pgx.Identifier{name}.Sanitize()+" CASCADE"); err != nil {
		return err
	}
	rows, _ := tx.Query(ctx, brings, name)
	var kind, object string
	_, err = pgx.ForEachRow(rows, []any{&kind, &object}, func() error {
		l[kind+"\t"+object+"\t"+name] = true
		return nil
	})
	return err
}

// Functions that only the server calls, such as a type's input, are no names that SQL says.
const brings = `WITH d AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass WHERE d.deptype = 'e' AND x.extname = $1)
SELECT 'type', typname::text FROM d JOIN pg_type t ON t.oid = objid AND classid = 'pg_type'::regclass WHERE typelem = 0 OR typname !~ '^_'
UNION SELECT 'function', proname::text FROM d JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass
  WHERE 'internal'::regtype <> ALL (proargtypes::oid[]) AND 'cstring'::regtype <> ALL (proargtypes::oid[]) AND prorettype NOT IN ('cstring'::regtype, 'internal'::regtype)
UNION SELECT 'operator class', opcname::text FROM d JOIN pg_opclass o ON o.oid = objid AND classid = 'pg_opclass'::regclass
UNION SELECT 'operator', oprname::text FROM d JOIN pg_operator o ON o.oid = objid AND classid = 'pg_operator'::regclass
UNION SELECT 'text search dictionary', dictname::text FROM d JOIN pg_ts_dict o ON o.oid = objid AND classid = 'pg_ts_dict'::regclass
UNION SELECT 'access method', amname::text FROM d JOIN pg_am o ON o.oid = objid AND classid = 'pg_am'::regclass`
