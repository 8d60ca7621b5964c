package recipe

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnType adds a column of the new type that a trigger fills, and lets it replace the old one
// when the deployed code is gone. A change of type that needs no rewrite is kept as written.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DATA-TYPE
var columnType = &Recipe{Name: "column-type", Make: func(c *Change) *Steps {
	if !c.changesType() {
		return nil
	}
	if colChange := c.findColumnChange(); colChange != nil && colChange.replacement != nil {
		return colChange.replacement.makeSteps()
	}
	return nil
}}

// convertValue applies the release's changes of type to a value of a column, "$1". For USING a::bigint it is "($1::bigint)".
// converted: one of them has USING.
func (colChange *columnChange) convertValue(value string) (out string, hasUsing bool, err error) {
	before := catalog.Type{}
	for _, c := range colChange.changes {
		if !c.changesType() {
			continue
		}
		if before.IsKnown() {
			value = "(" + value + ")::" + typeName(before)
		}
		t, col := c.changedColumn()
		if after := c.After.Relation(t.OID); after != nil && after.Attr(colChange.column) != nil {
			before = after.Attr(colChange.column).Type
		}
		text, err := c.usingExpression(col.Name)
		switch {
		case err != nil:
			return "", false, err
		case text != "":
			hasUsing = true
			value = strings.ReplaceAll("("+text+")", "$1", value)
		}
	}
	return value, hasUsing, nil
}

// usingExpression returns the USING expression of a change of type, with "$1" for the old value; "" if it has
// none.
func (c *Change) usingExpression(column string) (string, error) {
	using := c.Command.Def.GetColumnDef().GetRawDefault()
	if using == nil {
		return "", nil
	}
	span := c.commandSpan()
	exprStart := pgparse.AfterWord(c.SQL[span.Start:span.End], "USING")
	readsOnlyColumn := true
	pgparse.Walk(using, func(msg any) bool {
		if ref, isColumn := msg.(*pgparse.ColumnRef); isColumn && pgparse.LastText(ref.Fields) != column {
			readsOnlyColumn = false
		}
		return true
	})
	if exprStart < 0 || !readsOnlyColumn {
		return "", fmt.Errorf("USING reads more than %s itself", column)
	}
	text, ok := pgparse.RewriteColumns(using, c.SQL, pgparse.Span{Start: span.Start + exprStart, End: span.End}, func(name string) string {
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
