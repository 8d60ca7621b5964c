package elements

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// replaceColumn is the transition of a column that is dropped and whose name another column takes, if one UPDATE gives that one its
// values from the dropped column:
//
//	ALTER TABLE t ADD COLUMN b …; UPDATE t SET b = a::type; ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME COLUMN b TO a
//
// It becomes ALTER COLUMN a TYPE … USING a::type, with the default and NOT NULL of the new column.
//
// It must hold that the UPDATE gives the new column the same values in another type, that no other statement uses the new column before
// it has its name, and that no statement but the drop changes the old one.
func (r *release) replaceColumn(old *Element) {
	x := &replacedColumn{release: r, old: old, fresh: old.By, table: r.head.Relation(old.Table), base: r.base.Relation(old.Table)}
	if x.table == nil || x.base == nil || x.table.Kind != catalog.Table || len(x.table.Inherits) > 0 || x.table.HasKids() || x.table.Parent != 0 {
		return
	}
	x.from, x.to = x.base.Attr(int16(old.ID)), x.table.Attr(int16(old.By.ID))
	if x.from == nil || x.to == nil || x.isComputed(x.from) || x.isComputed(x.to) {
		return
	}
	if reason := x.readCommands(); reason != "" {
		r.refuseElement(old, reason)
		return
	}
	x.findKeptKeys()
	sql, reason := x.listStatements()
	if reason != "" {
		r.refuseElement(old, reason)
		return
	}
	for _, c := range x.again {
		r.takeCommand(c, nil, old)
	}
	for _, c := range x.taken[:len(x.taken)-1] {
		r.takeCommand(c, nil, old)
	}
	r.takeCommand(x.taken[len(x.taken)-1], sql, old)
}

// replacedColumn is a column that another one replaces.
type replacedColumn struct {
	*release
	old, fresh  *Element
	base, table *catalog.Relation // before and after the release
	from, to    *catalog.Column   // of old in base, of fresh in table
	// taken are the commands of the transition, in order; add adds the column, values gives it its values.
	taken       []*Command
	add, values *Command
	conversions []*Command // change its type afterwards
	again       []*Command // make its keys and indexes again
}

// isComputed reports whether a column's values come from elsewhere than an UPDATE.
func (x *replacedColumn) isComputed(c *catalog.Column) bool {
	return c.Generated != "" || c.Identity != "" || c.Sequence != 0 || c.Inherited
}

// readCommands sorts the commands that use one of the two columns. It returns why the transition does not apply.
func (x *replacedColumn) readCommands() (reason string) {
	dropped := false
	for _, c := range x.commands {
		usesOld, usesNew := c.usesElement(x.old.Key), c.usesElement(x.fresh.Key)
		problem := ""
		switch {
		case !usesOld && !usesNew:
		case c.links.makes[x.fresh.Key]:
			problem = x.readAdd(c)
		case c.links.drops[x.old.Key]:
			if !c.dropsOnlyPartsOf(x.old.Table) || c.alterType() != pgparse.AlterTableType_AT_DropColumn {
				problem = "drops more than the old column"
			}
			dropped = true
			x.taken = append(x.taken, c)
		case c.links.writes[x.old.Table] && usesNew && c.Stmt.Node.GetUpdateStmt() != nil && x.values == nil && !dropped:
			x.values, x.taken = c, append(x.taken, c)
		case usesNew && x.changesColumn(c):
			x.taken = append(x.taken, c)
		case usesNew && !x.hasFinalName(c):
			problem = "uses the new column before it has its name"
		case usesOld && !dropped && len(c.links.makes)+len(c.links.changes) > 0:
			problem = "changes something on the old column"
		}
		if problem != "" && reason == "" {
			reason = c.formatPlace(problem)
		}
	}
	switch {
	case x.values == nil:
		return "no UPDATE gives the new column the values of the old one"
	case x.add == nil && reason == "":
		return "no statement adds the new column alone"
	}
	return reason
}

// hasFinalName reports whether the new column has its name when a command runs.
func (x *replacedColumn) hasFinalName(c *Command) bool {
	t := c.Stmt.Before.Relation(x.old.Table)
	return t != nil && t.Attr(x.to.Attnum) != nil && t.Attr(x.to.Attnum).Name == x.to.Name
}

// readAdd reads the command that adds the new column.
func (x *replacedColumn) readAdd(c *Command) (reason string) {
	def := c.Alter.GetDef().GetColumnDef()
	if c.alterType() != pgparse.AlterTableType_AT_AddColumn || len(c.links.makes) != 1 {
		return "adds more than the new column"
	}
	for _, n := range def.GetConstraints() {
		switch n.GetConstraint().GetContype() {
		case pgparse.ConstrType_CONSTR_NULL, pgparse.ConstrType_CONSTR_NOTNULL, pgparse.ConstrType_CONSTR_DEFAULT:
		default:
			return "adds the new column with a condition"
		}
	}
	x.add, x.taken = c, append(x.taken, c)
	return ""
}

// changesColumn reports whether a command changes the new column alone, in a way that its state after the release shows.
func (x *replacedColumn) changesColumn(c *Command) bool {
	if len(c.links.makes)+len(c.links.drops) > 0 || len(c.links.changes) > 1 {
		return false
	}
	switch c.alterType() {
	case pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull, pgparse.AlterTableType_AT_ColumnDefault:
		return true
	case pgparse.AlterTableType_AT_AlterColumnType:
		x.conversions = append(x.conversions, c)
		return true
	}
	return c.Stmt.Node.GetRenameStmt().GetRenameType() == pgparse.ObjectType_OBJECT_COLUMN && c.links.changes[x.fresh.Key]
}

// listStatements returns the statements of the transition.
func (x *replacedColumn) listStatements() (out []string, reason string) {
	value, reason := x.readValue()
	if reason != "" {
		return nil, reason
	}
	for _, c := range x.conversions {
		if value, reason = x.convertValue(value, c); reason != "" {
			return nil, reason
		}
	}
	column := "ALTER TABLE " + analysis.QuoteTable(x.table.Name) + " ALTER COLUMN " + pgparse.QuoteIdent(x.to.Name) + " "
	if x.from.DefaultText != "" {
		out = append(out, column+"DROP DEFAULT")
	}
	if x.from.NotNull && !x.to.NotNull {
		out = append(out, column+"DROP NOT NULL")
	}
	typ := column + "TYPE " + analysis.QuoteType(x.to.Type)
	if x.to.Collation != "" {
		typ += " COLLATE " + pgparse.QuoteIdent(x.to.Collation)
	}
	out = append(out, typ+" USING ("+value+")")
	if x.to.DefaultText != "" {
		out = append(out, column+"SET DEFAULT "+x.to.DefaultText)
	}
	if x.to.NotNull && !x.from.NotNull {
		out = append(out, column+"SET NOT NULL")
	}
	return append(out, x.listPartDrops()...), ""
}

// listPartDrops returns the statements that drop the indexes and constraints that go with the old column and that a change of type would keep.
func (x *replacedColumn) listPartDrops() (out []string) {
	for _, con := range x.base.Constraints {
		if slices.Contains(con.Columns, x.from.Attnum) && !slices.ContainsFunc(x.table.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID }) &&
			!x.hasOwnDrop(constraintKey(x.old.Table, int64(con.ID))) && !x.isRecreated(constraintKey(x.old.Table, int64(con.ID))) {
			out = append(out, "ALTER TABLE "+analysis.QuoteTable(x.table.Name)+" DROP CONSTRAINT "+pgparse.QuoteIdent(con.Name))
		}
	}
	for _, i := range x.release.base.IndexesOf(x.base) {
		if i.Index == nil || i.Index.Constraint != "" || x.head.Relation(i.OID) != nil || x.hasOwnDrop(indexKey(x.old.Table, i.OID)) ||
			x.isRecreated(indexKey(x.old.Table, i.OID)) {
			continue
		}
		out = append(out, "DROP INDEX "+analysis.QuoteTable(i.Name))
	}
	return out
}

// hasOwnDrop reports whether a command that stays drops an element.
func (x *replacedColumn) hasOwnDrop(key Key) bool {
	return slices.ContainsFunc(x.commands, func(c *Command) bool { return c.links.drops[key] && !slices.Contains(x.taken, c) })
}

// isRecreated reports whether the release makes an element again as it was.
func (x *replacedColumn) isRecreated(key Key) bool {
	return slices.ContainsFunc(x.elements, func(e *Element) bool {
		return e.Key == key && e.By != nil && slices.ContainsFunc(x.again, func(c *Command) bool { return c.links.makes[e.By.Key] })
	})
}

// readValue returns the value that the UPDATE gives the new column.
func (x *replacedColumn) readValue() (text, reason string) {
	stmt := x.values.Stmt.Node.GetUpdateStmt()
	u := pgparse.SplitUpdate(x.values.Stmt.SQL)
	if u == nil || len(stmt.TargetList) != 1 || len(stmt.FromClause) > 0 || stmt.ReturningClause != nil || stmt.WithClause != nil || u.With != "" {
		return "", x.values.formatPlace("does more than give the new column its values")
	}
	if t := x.values.Stmt.Before.Relation(x.old.Table); t == nil || t.Column(stmt.TargetList[0].GetResTarget().GetName()) != t.Attr(x.to.Attnum) {
		return "", x.values.formatPlace("writes another column")
	}
	initial := x.add.Stmt.After.Relation(x.old.Table).Attr(x.to.Attnum).DefaultText
	if !preservesColumnValue(pgparse.ParseExpression(u.Values[0])) || u.Where != "" && (initial != "" || !isNotNullTest(pgparse.ParseExpression(u.Where))) {
		return "", x.values.formatPlace("gives it other values than the old one has, and not the same in another type: " +
			"deployed code and new code would mean different values by one name")
	}
	return x.rewriteExpression(u.Values[0])
}

// rewriteExpression returns an expression of the UPDATE with the column's name alone.
func (x *replacedColumn) rewriteExpression(text string) (out, reason string) {
	t, onlyOldColumn := x.values.Stmt.Before.Relation(x.old.Table), true
	out, ok := pgparse.ReplaceColumns(text, func(name string) string {
		if t.Column(name) != t.Attr(x.from.Attnum) {
			onlyOldColumn = false
		}
		return pgparse.QuoteIdent(x.from.Name)
	})
	if !ok || !onlyOldColumn {
		return "", x.values.formatPlace("reads more than the old column")
	}
	return out, ""
}

// convertValue applies a later change of the new column's type to a value.
func (x *replacedColumn) convertValue(value string, c *Command) (out, reason string) {
	before, after := c.Stmt.Before.Relation(x.old.Table).Attr(x.to.Attnum), c.Stmt.After.Relation(x.old.Table).Attr(x.to.Attnum)
	value = "(" + value + ")::" + analysis.QuoteType(before.Type)
	text := c.Text()
	start := pgparse.AfterWord(text, "USING")
	if c.Alter.GetDef().GetColumnDef().GetRawDefault() == nil || start < 0 {
		return "(" + value + ")::" + analysis.QuoteType(after.Type), ""
	}
	onlyThisColumn := preservesColumnValue(pgparse.ParseExpression(text[start:]))
	out, ok := pgparse.ReplaceColumns(text[start:], func(name string) string {
		onlyThisColumn = onlyThisColumn && name == before.Name
		return "(" + value + ")"
	})
	if !ok || !onlyThisColumn {
		return "", c.formatPlace("converts the new column to other values")
	}
	return out, ""
}

// preservesColumnValue reports whether an expression gives a column's value in another type: a::text, or a CASE that gives each value
// its own name (CASE a WHEN 'new' THEN 'new'::status …).
// Up to the contract, new code writes its values to the old column, and the expression converts them. So a value of the new
// code must become itself: after jsonb_build_object('address', a) it would be wrapped once more.
func preservesColumnValue(n *pgparse.Node) bool {
	switch {
	case n.GetColumnRef() != nil:
		return true
	case n.GetTypeCast() != nil:
		return preservesColumnValue(n.GetTypeCast().GetArg())
	}
	list := n.GetCaseExpr()
	if list == nil || list.Arg != nil && list.Arg.GetColumnRef() == nil {
		return false
	}
	for _, w := range list.Args {
		when := w.GetCaseWhen()
		from, ok := comparedConstant(when.GetExpr(), list.Arg != nil)
		to, known := constantText(when.GetResult())
		if !ok || !known || from != to {
			return false
		}
	}
	return list.Defresult == nil || isNull(list.Defresult) || preservesColumnValue(list.Defresult)
}

// comparedConstant returns the constant to which a WHEN compares the column.
func comparedConstant(when *pgparse.Node, alone bool) (text string, ok bool) {
	if alone {
		return constantText(when)
	}
	e := when.GetAExpr()
	if e == nil || pgparse.LastText(e.Name) != "=" {
		return "", false
	}
	left, right := e.Lexpr, e.Rexpr
	if constant, ok := constantText(left); ok && isColumn(right) {
		return constant, true
	}
	if !isColumn(left) {
		return "", false
	}
	return constantText(right)
}

// isColumn reports whether an expression is a column, perhaps in another type.
func isColumn(n *pgparse.Node) bool {
	n = pgparse.StripCasts(n)
	return n.GetColumnRef() != nil
}

// constantText returns a string constant, perhaps in another type.
func constantText(n *pgparse.Node) (text string, ok bool) {
	n = pgparse.StripCasts(n)
	if n.GetAConst().GetSval() == nil {
		return "", false
	}
	return n.GetAConst().GetSval().Sval, true
}

func isNull(n *pgparse.Node) bool {
	n = pgparse.StripCasts(n)
	return n.GetAConst().GetIsnull()
}

// isNotNullTest reports whether a condition is only that a column has a value.
func isNotNullTest(n *pgparse.Node) bool {
	test := n.GetNullTest()
	return test != nil && test.Nulltesttype == pgparse.NullTestType_IS_NOT_NULL && test.GetArg().GetColumnRef() != nil
}
