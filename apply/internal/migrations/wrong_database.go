package migrations

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
)

// AdoptFlag is the flag that runs the migrations on a database that has tables, and no record of them.
const AdoptFlag = "--adopt"

// refuseForeignDatabase refuses a database that may be another service's.
func (p *Pending) refuseForeignDatabase(ctx context.Context, list []*audit.Planned) error {
	if p.Adopt {
		return nil
	}
	text, err := p.describeForeignDatabase(ctx, list)
	if err != nil || text == "" {
		return err
	}
	return &run.RefusedError{
		Text: text + ". Nothing was changed. If it is the right database, and the migrations must run",
		Next: "onward apply --db ADDRESS " + AdoptFlag,
	}
}

// DescribeForeignDatabase says why a database may be another service's, for a command that runs all the same; "" if nothing shows that.
func (p *Pending) DescribeForeignDatabase(ctx context.Context) (text string, err error) {
	p.Repository.DB, p.Repository.Only = p.DB, p.Schema
	if p.release, err = audit.Read(ctx, p.Repository); err != nil {
		return "", err
	}
	defer p.release.Close()
	if p.conn, err = live.Connect(ctx, p.DB, "onward guard (migrations)", nil); err != nil {
		return "", err
	}
	defer p.conn.Close(context.WithoutCancel(ctx))
	err = p.withOwnSettings(ctx, func() error {
		if err := p.chooseSource(ctx); err != nil {
			return err
		}
		list, err := p.listUnapplied(ctx)
		if err == nil {
			text, err = p.describeForeignDatabase(ctx, list)
		}
		return err
	})
	return text, err
}

// describeForeignDatabase says why a database may be another service's: no migration of the repository was recorded there, and it has tables of the names
// that the pending migrations create, or the table of another tool.
func (p *Pending) describeForeignDatabase(ctx context.Context, list []*audit.Planned) (string, error) {
	if p.hasRecords || len(list) == 0 {
		return "", nil
	}
	schemas := []string{p.Schema}
	if p.Schema == "" {
		var err error
		if schemas, err = live.SearchSchemas(ctx, p.conn); err != nil {
			return "", err
		}
	}
	tables, err := p.findExistingTables(ctx, schemas, listCreatedTables(list))
	if err != nil {
		return "", err
	}
	histories, err := p.findExistingTables(ctx, schemas, p.listOtherHistoryTables())
	if err != nil || len(tables)+len(histories) == 0 {
		return "", err
	}
	text := ""
	if len(tables) > 0 {
		text = fmt.Sprintf("it has %s %s, which the migrations create", prose.Pluralize(int64(len(tables)), "table"), prose.FirstNames(tables, 5))
	}
	if len(histories) > 0 {
		if text != "" {
			text += ", and "
		}
		text += fmt.Sprintf("it has %s, in which another migration tool keeps count", prose.FirstNames(histories, 3))
	}
	return fmt.Sprintf("this may be the database of another service: %s, and %s has no migration of this repository", text, p.table), nil
}

// createdTable is a table that a migration creates; schema "" for the first of the search_path.
type createdTable struct{ schema, name string }

// listCreatedTables returns the tables that migrations create.
func listCreatedTables(list []*audit.Planned) (out []createdTable) {
	for _, m := range list {
		for _, part := range m.Source.Parts {
			f, err := pgparse.SplitText(part.SQL)
			if err != nil {
				continue // the server refuses it
			}
			for _, stmt := range f.Stmts {
				if rv := stmt.Node.GetCreateStmt().GetRelation(); rv != nil && rv.Relpersistence != "t" {
					out = append(out, createdTable{rv.Schemaname, rv.Relname})
				}
			}
		}
	}
	return out
}

// listOtherHistoryTables returns the tables of the migration tools that the repository does not use.
func (p *Pending) listOtherHistoryTables() (out []createdTable) {
	toolTables := map[string]bool{p.Table: true}
	for _, s := range p.release.Heads() {
		if s.Count != nil {
			toolTables[s.Count.Table] = true
		}
		for _, h := range all.Traits(s.Source.Framework).HistoryTables {
			toolTables[h.Table] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all.HistoryTableNames())) {
		if !toolTables[name] {
			out = append(out, createdTable{name: name})
		}
	}
	return out
}

// findExistingTables returns which of some tables exist, without the tables of extensions and of the migration tool.
func (p *Pending) findExistingTables(ctx context.Context, schemas []string, list []createdTable) ([]string, error) {
	var in, names []string
	for _, t := range list {
		in, names = append(in, t.schema), append(names, t.name)
	}
	rows, _ := p.conn.Query(ctx, `SELECT DISTINCT CASE WHEN n.nspname = ($3::text[])[1] THEN quote_ident(c.relname)
			ELSE format('%I.%I', n.nspname, c.relname) END AS name
		FROM unnest($1::text[], $2::text[]) AS t (schema, name)
		JOIN pg_catalog.pg_class AS c ON c.relname = t.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
		JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND CASE WHEN t.schema = '' THEN n.nspname = ANY ($3::text[]) ELSE n.nspname = t.schema END
		WHERE c.oid IS DISTINCT FROM to_regclass($4)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
		ORDER BY 1`, in, names, schemas, p.table)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
