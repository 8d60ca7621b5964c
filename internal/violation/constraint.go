package violation

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// constraintCondition is the condition of a CHECK or a foreign key; nil for others.
func constraintCondition(text string, table *pgparse.RangeVar, con *pgparse.Constraint, lookup Lookup) (*Condition, error) {
	c := &Condition{Name: con.Conname, Schema: table.Schemaname, Table: table.Relname}
	switch con.Contype {
	case pgparse.ConstrType_CONSTR_CHECK:
		expr := textInParentheses(text, int(con.Location))
		if expr == "" || !con.IsEnforced {
			return nil, nil
		}
		c.Kind, c.Only = Check, con.IsNoInherit
		c.Wrong = "NOT (" + expr + ")"
		if column, ok := notNullColumn(con.RawExpr); ok && column != c.Table { // which would be a whole row
			c.Wrong = c.qualifiedColumn(column) + " IS NULL"
		}
		c.columns = columnNames(con.RawExpr)
		return c, nil
	case pgparse.ConstrType_CONSTR_FOREIGN:
		if con.FkWithPeriod || con.PkWithPeriod || con.Pktable == nil {
			return nil, nil
		}
		c.Kind, c.Parent, c.columns = ForeignKey, quoteTableName(con.Pktable.Schemaname, con.Pktable.Relname), pgparse.StringTexts(con.FkAttrs)
		return c, c.setOrphanCondition(con, lookup)
	}
	return nil, nil
}

// notNullColumn is the column of the condition "column IS NOT NULL".
func notNullColumn(expr *pgparse.Node) (string, bool) {
	test := expr.GetNullTest()
	if test.GetNulltesttype() != pgparse.NullTestType_IS_NOT_NULL {
		return "", false
	}
	fields := test.GetArg().GetColumnRef().GetFields()
	if len(fields) != 1 || pgparse.LastText(fields) == "" {
		return "", false
	}
	return pgparse.LastText(fields), true
}

// setOrphanCondition makes a foreign key's condition: the row refers to a parent that is not there.
func (c *Condition) setOrphanCondition(con *pgparse.Constraint, lookup Lookup) error {
	parent, err := lookup(c.Parent)
	if err != nil {
		return err
	}
	keys, onlyKeyword := pgparse.StringTexts(con.PkAttrs), "ONLY "
	if parent != nil && parent.Partitioned {
		onlyKeyword = ""
	}
	if len(keys) == 0 && parent != nil {
		keys = parent.Key
	}
	if len(keys) != len(c.columns) { // the parent is not there yet: every value is an orphan
		keys = nil
	}
	var set, unset, equal []string
	for i, name := range c.columns {
		set, unset = append(set, c.qualifiedColumn(name)+" IS NOT NULL"), append(unset, c.qualifiedColumn(name)+" IS NULL")
		if keys != nil {
			equal = append(equal, "parent."+pgparse.QuoteIdent(keys[i])+" = "+c.qualifiedColumn(name))
		}
	}
	c.Wrong = strings.Join(set, " AND ")
	if keys != nil {
		c.Wrong += " AND NOT EXISTS (SELECT FROM " + onlyKeyword + c.Parent + " AS parent WHERE " + strings.Join(equal, " AND ") + ")"
	}
	if con.FkMatchtype == "f" && len(set) > 1 {
		c.Wrong = "(" + c.Wrong + ") OR ((" + strings.Join(set, " OR ") + ") AND (" + strings.Join(unset, " OR ") + "))"
	}
	return nil
}

// uniqueIndexCondition is the condition of a unique index; nil for one that reads no rows of its own.
func uniqueIndexCondition(text string, n *pgparse.IndexStmt) *Condition {
	if !n.Unique || n.Relation == nil || !n.Relation.Inh {
		return nil
	}
	open := pgparse.OpeningParenthesis(text, pgparse.NameEnd(text, int(n.Relation.Location)))
	end := pgparse.ClosingParenthesis(text, open)
	if end < 0 {
		return nil
	}
	items := pgparse.SplitClauses(text[open+1:end], 0)
	if len(items) != len(n.IndexParams) {
		return nil
	}
	c := &Condition{Kind: Unique, Name: n.Idxname, Schema: n.Relation.Schemaname, Table: n.Relation.Relname}
	var set []string
	for i, param := range n.IndexParams {
		elem := param.GetIndexElem()
		expr := c.qualifiedColumn(elem.GetName())
		if elem.GetName() == "" {
			item := text[open+1+items[i].Start : open+1+items[i].End]
			expr = item[:pgparse.ClosingParenthesis(item, pgparse.OpeningParenthesis(item, 0))+1]
			c.columns = append(c.columns, columnNames(elem.GetExpr())...)
		} else {
			c.columns = append(c.columns, elem.GetName())
		}
		if schema, name := pgparse.SchemaAndName(elem.GetCollation()); name != "" {
			expr += " COLLATE " + quoteTableName(schema, name)
		}
		set, c.Groups = append(set, expr+" IS NOT NULL"), append(c.Groups, expr)
	}
	c.Wrong = strings.Join(set, " AND ")
	if n.NullsNotDistinct {
		c.Wrong = "true"
	}
	if offset := pgparse.AfterWord(text[end+1:], "WHERE"); offset >= 0 && n.WhereClause != nil {
		c.Wrong += " AND (" + strings.TrimSpace(text[end+1+offset:]) + ")"
		c.columns = append(c.columns, columnNames(n.WhereClause)...)
	}
	return c
}

// columnNames are the names in an expression that may be columns. "*" is among them if it reads the whole row.
func columnNames(expr *pgparse.Node) (out []string) {
	pgparse.Walk(expr, func(msg any) bool {
		if ref, isColumn := msg.(*pgparse.ColumnRef); isColumn {
			if pgparse.EndsInStar(ref) {
				out = append(out, "*")
			}
			out = append(out, pgparse.StringTexts(ref.Fields)...)
		}
		return true
	})
	return out
}

// textInParentheses is the text between the first parentheses after an offset.
func textInParentheses(text string, offset int) string {
	open := pgparse.OpeningParenthesis(text, offset)
	if end := pgparse.ClosingParenthesis(text, open); end > 0 {
		return strings.TrimSpace(text[open+1 : end])
	}
	return ""
}

// These functions return queries that find, in production, the rows that a statement
// would refuse. Names must be quoted for SQL already.

// SelectDuplicates finds values that occur in several rows, for columns that must be unique.
// condition is the one of a partial index, "" for none.
func SelectDuplicates(table string, keys []string, condition string) string {
	list := strings.Join(keys, ", ")
	if condition != "" {
		condition = " WHERE " + condition
	}
	return "SELECT " + list + ", count(*) FROM " + table + condition + " GROUP BY " + list + " HAVING count(*) > 1;"
}

// SelectOrphans finds the rows that reference no existing row.
func SelectOrphans(table string, columns []string, other string, target []string) string {
	var conditions, joinConditions []string
	for i, c := range columns {
		conditions = append(conditions, "a."+c+" IS NOT NULL")
		joinConditions = append(joinConditions, "b."+target[i]+" = a."+c)
	}
	return "SELECT * FROM " + table + " a WHERE " + strings.Join(conditions, " AND ") +
		" AND NOT EXISTS (SELECT FROM " + other + " b WHERE " + strings.Join(joinConditions, " AND ") + ");"
}

// SelectRows finds the rows that meet a condition.
func SelectRows(table, condition string) string {
	return "SELECT * FROM " + table + " WHERE " + condition + ";"
}
