package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// mostBroken is how many broken queries a refusal names.
const mostBroken = 10

// CheckWorkload refuses the first contract step if a query of the new code would fail after the last requested step.
func (o *OldCode) CheckWorkload(ctx context.Context, s *onward.PlanStep) error {
	if s.Phase != onward.Contract || o.Workload == nil || o.workloadChecked {
		return nil
	}
	c := &verify.Contract{Major: o.session.Major, Server: o.Server, SearchPath: o.session.Path, New: o.Workload, Steps: o.record.RequestedSteps(s)}
	unknown := func(err error) error {
		return &run.UnfinishedError{
			Step: s.ID,
			Why:  "the contract was not begun, because it is not known whether the queries of the workload work after it: " + session.ServerMessage(err),
			Err:  err,
		}
	}
	var err error
	if c.Schema, err = live.ReadDefinitions(ctx, o.session.URL); err != nil {
		return unknown(err)
	}
	broken, count, err := c.Verify(ctx)
	switch {
	case err != nil:
		return unknown(err)
	case count.Queries == 0:
		return o.record.RefuseAndRecord(ctx, s, "the workload has no query of the code: so it is not known whether the new code works after the contract. "+
			"Record its queries with onward record")
	case len(broken) > 0:
		return o.record.RefuseAndRecord(ctx, s, describeBroken(broken, count))
	}
	o.workloadChecked = true
	return o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		details := prose.CountNoun(count.Queries, "query") + " of the new code, on the schema that the contract leaves"
		return o.record.LogEvent(ctx, conn, s.ID, "workload green", details)
	})
}

// describeBroken names the queries that break, with the server's message and the step.
func describeBroken(broken []onward.Verdict, count *onward.Verified) string {
	ids := map[string]bool{}
	var lines []string
	for i := range broken {
		d := &broken[i]
		ids[d.ID] = true
		moment := "already before the contract"
		if d.After.Migration != "" {
			moment = "behind " + d.After.Migration
		}
		code := ""
		if d.SQLState != "" {
			code = " (SQLSTATE " + d.SQLState + ")"
		}
		line := fmt.Sprintf("query %s breaks %s: %s%s: %s", d.ID, moment, d.Message, code, d.Query)
		if d.Sender != "" {
			line += " [" + d.Sender + "]"
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("of %s of the workload %d would not work on the schema that the contract leaves. "+
		"Nothing of the contract was begun: change the code, deploy it, and record it again\n%s",
		prose.CountNoun(count.Queries, "query"), len(ids), strings.Join(prose.FirstLines(lines, mostBroken), "\n"))
}

// droppedName is a table, a view or a column that steps drop.
type droppedName struct {
	table  string
	column string // "" for the whole table
}

// String returns the name.
func (d droppedName) String() string {
	if d.column == "" {
		return d.table
	}
	return d.table + "." + d.column
}

// searchText returns the text that each statement that uses the name contains.
func (d droppedName) searchText() string {
	if d.column == "" {
		return d.table
	}
	return d.column
}

// listDroppedNames returns the names that no longer exist after some steps. A name that a new column or table takes is left out: new code uses
// it.
func listDroppedNames(steps []onward.PlanStep) []droppedName {
	var out []droppedName
	recreated := map[droppedName]bool{}
	for i := range steps {
		f, err := pgparse.SplitText(steps[i].SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			switch n := stmt.Node.GetNode().(type) {
			case *pgparse.Node_AlterTableStmt:
				for _, cmd := range n.AlterTableStmt.Cmds {
					if c := cmd.GetAlterTableCmd(); c.GetSubtype() == pgparse.AlterTableType_AT_DropColumn {
						out = append(out, droppedName{n.AlterTableStmt.GetRelation().GetRelname(), c.Name})
					}
				}
			case *pgparse.Node_DropStmt:
				out = append(out, droppedRelations(n.DropStmt)...)
			case *pgparse.Node_RenameStmt:
				d := droppedName{table: n.RenameStmt.Newname}
				if n.RenameStmt.RenameType == pgparse.ObjectType_OBJECT_COLUMN {
					d = droppedName{n.RenameStmt.GetRelation().GetRelname(), n.RenameStmt.Newname}
				}
				recreated[d] = true
			case *pgparse.Node_ViewStmt:
				recreated[droppedName{table: n.ViewStmt.GetView().GetRelname()}] = true
			}
		}
	}
	return slices.DeleteFunc(out, func(d droppedName) bool { return recreated[d] })
}

// droppedRelations returns the tables and views that a DROP drops, without the plan's own.
func droppedRelations(n *pgparse.DropStmt) (out []droppedName) {
	switch n.RemoveType {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
	default:
		return nil
	}
	for _, o := range n.Objects {
		if schema, name := pgparse.SchemaAndName(pgparse.ListItems(o)); schema != onward.PlanRoom {
			out = append(out, droppedName{table: name})
		}
	}
	return out
}

// isUsedIn reports whether a statement names the table and, if there is one, the column. A column whose qualifier belongs to another
// table does not count, and neither does a statement that cannot be parsed.
func (d droppedName) isUsedIn(sql string) bool {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return false
	}
	table, column := false, false
	for _, stmt := range f.Stmts {
		tables := map[string]string{} // by the alias that the statement uses
		pgparse.Walk(stmt.Node, func(msg any) bool {
			if rv, ok := msg.(*pgparse.RangeVar); ok {
				tables[rv.Relname] = rv.Relname
				if alias := rv.GetAlias().GetAliasname(); alias != "" {
					tables[alias] = rv.Relname
				}
				table = table || rv.Relname == d.table
			}
			return true
		})
		pgparse.Walk(stmt.Node, func(msg any) bool {
			switch n := msg.(type) {
			case *pgparse.ColumnRef:
				fields := pgparse.StringTexts(n.Fields)
				if len(fields) > 0 && fields[len(fields)-1] == d.column {
					columnTable := d.table
					if len(fields) > 1 && tables[fields[len(fields)-2]] != "" {
						columnTable = tables[fields[len(fields)-2]]
					}
					column = column || columnTable == d.table
				}
			case *pgparse.ResTarget: // INSERT and UPDATE
				column = column || n.Name == d.column && n.Val == nil
			case *pgparse.UpdateStmt:
				column = column || n.GetRelation().GetRelname() == d.table &&
					slices.ContainsFunc(n.TargetList, func(x *pgparse.Node) bool { return x.GetResTarget().GetName() == d.column })
			}
			return true
		})
	}
	return table && (d.column == "" || column)
}
