package recipe

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnType makes a column of the new type beside the old one, which a trigger fills, and
// puts it in its place when the deployed code is gone. What needs no rewrite stands as it is.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DATA-TYPE
var columnType = &Recipe{Name: "column-type", Make: func(c *Change) *Made {
	if !c.retypes() {
		return nil
	}
	if is := c.course(); is != nil && is.twin != nil {
		return is.twin.made()
	}
	return nil
}}

// converted is a value of a column, "$1", as what the release's changes of its type make of it. told
// says that one of them has USING.
func (is *course) converted(value string) (out string, told bool, err error) {
	before := catalog.Type{}
	for _, c := range is.changes {
		if !c.retypes() {
			continue
		}
		if before.Known() {
			value = "(" + value + ")::" + typeName(before)
		}
		t, col := c.column()
		if after := c.After.Relation(t.OID); after != nil && after.Attr(is.column) != nil {
			before = after.Attr(is.column).Type
		}
		text, err := c.using(col.Name)
		switch {
		case err != nil:
			return "", false, err
		case text != "":
			told = true
			value = strings.ReplaceAll("("+text+")", "$1", value)
		}
	}
	return value, told, nil
}

// using is how a change of type makes the new value, with "$1" for the old one; "" where nothing is
// said of it.
func (c *Change) using(column string) (string, error) {
	using := c.Command.Def.GetColumnDef().GetRawDefault()
	if using == nil {
		return "", nil
	}
	span := c.span()
	at := pgparse.AfterWord(c.SQL[span.Start:span.End], "USING")
	only := true
	pgparse.Walk(using, func(msg any) bool {
		if ref, is := msg.(*pgparse.ColumnRef); is && pgparse.Last(ref.Fields) != column {
			only = false
		}
		return true
	})
	if at < 0 || !only {
		return "", fmt.Errorf("USING reads more than %s itself", column)
	}
	text, ok := rewritten(using, c.SQL, pgparse.Span{Start: span.Start + at, End: span.End}, func(name string) string {
		if name == column {
			return "$1"
		}
		return ""
	})
	if !ok {
		return "", fmt.Errorf("USING reads %s in a way that is not followed", column)
	}
	return strings.TrimSpace(text), nil
}
