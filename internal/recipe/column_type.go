package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnType makes a column of the new type beside the old one, which a trigger fills, and
// puts it in its place when the deployed code is gone. What needs no rewrite stands as it is.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DATA-TYPE
var columnType = &Recipe{Name: "column-type", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AlterColumnType {
		return nil
	}
	t := c.Altered()
	col, after := t.Column(c.Command.Name), c.After.Relation(t.OID)
	if t.Kind != catalog.Table || col == nil || after == nil {
		return nil
	}
	if !c.rewrites() && len(c.Locks) == 0 {
		return nil
	}
	now := after.Attr(col.Attnum)
	def := c.Command.Def.GetColumnDef()
	if now == nil || !now.Type.Known() {
		return nil
	}
	w := &twin{c: c, t: t, old: col, fresh: c.Release.unique(col.Name, "onward", ""), final: col.Name, typ: typeName(now.Type), there: "$1::" + typeName(now.Type)}
	if now.Collation != "" {
		w.collate = " COLLATE " + quote(now.Collation)
	}
	m := &Made{}
	if using := def.GetRawDefault(); using != nil {
		span := c.span()
		at := pgparse.AfterWord(c.SQL[span.Start:span.End], "USING")
		if at < 0 {
			return nil
		}
		text, ok := rewritten(using, c.SQL, pgparse.Span{Start: span.Start + at, End: span.End}, func(column string) string {
			if column == col.Name {
				return "$1"
			}
			return ""
		})
		text = strings.TrimSpace(text)
		only := true
		pgparse.Walk(using, func(msg any) bool {
			if ref, is := msg.(*pgparse.ColumnRef); is && pgparse.Last(ref.Fields) != col.Name {
				only = false
			}
			return true
		})
		if !ok || !only {
			m.missing("USING reads more than %s itself", col.Name)
			return m
		}
		w.there = "(" + text + ")"
		w.path = " SET search_path FROM CURRENT" // who writes may have another one
	}
	made := w.made()
	made.note("until the last step %s of %s is %s: a value that does not fit it is refused, as it is today", col.Name, t.Name, col.Type.Formal())
	return made
}}
