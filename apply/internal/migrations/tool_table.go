package migrations

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// ToolTableError says that the table of the migration tool must not be used.
type ToolTableError struct{ refused *run.RefusedError }

func (e *ToolTableError) Error() string { return e.refused.Error() }

func (e *ToolTableError) Unwrap() error { return e.refused }

// RefuseToolTable refuses a table of the migration tool that is not a plain table, or that has code which would run with the rights of this
// role. table is qualified and quoted; one that does not exist is fine. A trigger, a rule or a policy may be accepted by its name: accepted has
// these.
func RefuseToolTable(ctx context.Context, s live.SQLSession, table string, accepted []string) error {
	var oid uint32
	var kind, owner string
	var divided bool
	if err := s.QueryRow(ctx, `SELECT coalesce(c.oid, 0), coalesce(c.relkind::text, ''), coalesce(quote_ident(pg_get_userbyid(c.relowner)), ''),
			EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid)
		FROM (SELECT to_regclass($1::text)::oid) AS t (oid) LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.oid`, table).
		Scan(&oid, &kind, &owner, &divided); err != nil || oid == 0 {
		return err
	}
	refuse := func(danger, advice string) error {
		return &ToolTableError{&run.RefusedError{Text: fmt.Sprintf("the migrations' tool keeps count in %s, and %s: "+
			"that could run code of others with the rights of this role. Nothing was changed. %s", table, danger, advice)}}
	}
	if kind != "r" || divided {
		return refuse("it is not a plain table (it belongs to "+owner+")", "Let the tool make its own table, or name it with --table")
	}
	list, err := live.ReadTableCode(ctx, s, []uint32{oid})
	if err != nil {
		return err
	}
	for i := range list {
		code := &list[i]
		if !slices.Contains(accepted, code.Name) && (code.IsNamed() || !code.Trusted) {
			return refuse("it has the "+code.String(), "Drop it, or run the same command with --accept-trigger "+pgparse.QuoteLiteral(code.Name))
		}
	}
	return nil
}

// RefuseRecordTables does the same for the tool's tables that a step writes.
func RefuseRecordTables(ctx context.Context, s live.SQLSession, step *onward.PlanStep, accepted []string) error {
	for _, table := range listQualifiedRelations(step.Begin + ";" + step.Record) {
		if err := RefuseToolTable(ctx, s, table, accepted); err != nil {
			return err
		}
	}
	return nil
}

// listQualifiedRelations returns the qualified relations in statements, also in DO blocks.
func listQualifiedRelations(sql string) (out []string) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return nil // the server refuses it
	}
	add := func(list ...string) {
		for _, name := range list {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	for _, stmt := range f.Stmts {
		for _, arg := range stmt.Node.GetDoStmt().GetArgs() {
			if d := arg.GetDefElem(); d.GetDefname() == "as" {
				for _, p := range pgparse.ReadBody(pgparse.StringText(d.GetArg())).Parts {
					add(listQualifiedRelations(p.SQL)...)
				}
			}
		}
		pgparse.Walk(stmt.Node, func(msg any) bool {
			if r, ok := msg.(*pgparse.RangeVar); ok && r.Schemaname != "" && !strings.HasPrefix(r.Schemaname, "pg_") {
				add(pgparse.QuoteIdent(r.Schemaname) + "." + pgparse.QuoteIdent(r.Relname))
			}
			return true
		})
	}
	return out
}
