package violation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Volatile reports whether any of the named functions is volatile.
type Volatile func(functions []string) (bool, error)

// unknown is the column of a predictedTable that is true for rows whose values cannot be predicted.
const unknown = "onward_unknown"

// PredictRows returns a FROM item with the rows of a condition's table as some steps will leave them. It has the columns that
// the steps add, and the values that their backfills set. source holds the current rows. Rows with unpredictable values
// are left out. ok is false if the effect of the steps cannot be predicted.
func (c *Condition) PredictRows(steps []onward.PlanStep, source string, lookup Lookup, volatile Volatile) (from string, ok bool, err error) {
	t, err := lookup(c.FullName())
	if err != nil || t == nil {
		return "", false, err
	}
	im := &predictedTable{c: c, t: t, volatile: volatile, from: source}
	for i := range steps {
		if ok, err := im.addStep(&steps[i]); !ok || err != nil {
			return "", false, err
		}
	}
	if len(im.fills) == 0 && len(im.added) == 0 {
		return source, im.hasColumns(c.columns), nil
	}
	if t.Fires && len(im.fills) > 0 || im.triggers && len(im.fills) > 1 {
		return "", false, nil
	}
	return im.buildQuery()
}

// predictedTable is the predicted content of a table after some steps.
type predictedTable struct {
	c        *Condition
	t        *Table
	volatile Volatile
	from     string
	added    []addition
	fills    []*fill
	triggers bool // the steps create a trigger on the table
}

// addition is a column that a step adds, and its value in existing rows.
type addition struct{ name, value string }

// fill is a backfill that changes rows.
type fill struct {
	columns, values []string // what it sets
	where           string   // "" for all rows
	known           []bool   // whether a value can be computed before
}

// addStep records what a step does. ok is false if its effect on the condition cannot be predicted.
func (im *predictedTable) addStep(s *onward.PlanStep) (ok bool, err error) {
	if s.Backfill != nil {
		return im.predictBackfill(s.Backfill)
	}
	for _, st := range stepStatements(s) {
		ok, err := im.addStatement(st)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// isOwnTable reports whether a name may mean the condition's table, parent whether it may mean the table that it refers to.
func (im *predictedTable) isOwnTable(rv *pgparse.RangeVar) bool {
	return mayNameTable(rv, im.c.Schema, im.c.Table)
}

func (im *predictedTable) isParent(rv *pgparse.RangeVar) bool {
	return im.c.Parent != "" && (im.c.Parent == quoteTableName(rv.GetSchemaname(), rv.GetRelname()) ||
		strings.HasSuffix(im.c.Parent, "."+quoteTableName("", rv.GetRelname())))
}

func (im *predictedTable) touchesTable(rv *pgparse.RangeVar) bool {
	return im.isOwnTable(rv) || im.isParent(rv)
}

// addStatement records one statement. Those that are not listed here may do anything.
func (im *predictedTable) addStatement(st statement) (ok bool, err error) {
	switch n := st.node.GetNode().(type) {
	case *pgparse.Node_TransactionStmt, *pgparse.Node_VariableSetStmt, *pgparse.Node_IndexStmt, *pgparse.Node_CreateStmt, *pgparse.Node_CreateTableAsStmt, *pgparse.Node_CreateFunctionStmt,
		*pgparse.Node_CreateSchemaStmt, *pgparse.Node_ViewStmt, *pgparse.Node_CommentStmt, *pgparse.Node_GrantStmt, *pgparse.Node_CreateSeqStmt, *pgparse.Node_CreateEnumStmt:
		return true, nil
	case *pgparse.Node_DoStmt:
		return acl.SetsPrivileges(st.text), nil
	case *pgparse.Node_CreateTrigStmt:
		im.triggers = im.triggers || im.isOwnTable(n.CreateTrigStmt.Relation)
		return true, nil
	case *pgparse.Node_InsertStmt:
		return !im.isParent(n.InsertStmt.Relation), nil
	case *pgparse.Node_UpdateStmt:
		return !im.touchesTable(n.UpdateStmt.Relation), nil
	case *pgparse.Node_DeleteStmt:
		return !im.touchesTable(n.DeleteStmt.Relation), nil
	case *pgparse.Node_DropStmt:
		return !slices.ContainsFunc(n.DropStmt.Objects, im.dropsTable), nil
	case *pgparse.Node_RenameStmt:
		return n.RenameStmt.Relation == nil || !im.touchesTable(n.RenameStmt.Relation), nil
	case *pgparse.Node_AlterTableStmt:
		if !im.touchesTable(n.AlterTableStmt.Relation) {
			return true, nil
		}
		for _, cmd := range n.AlterTableStmt.Cmds {
			if ok, err := im.addCommand(st.text, cmd.GetAlterTableCmd(), im.isOwnTable(n.AlterTableStmt.Relation)); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return false, nil
}

// dropsTable reports whether a dropped object may be a table of the condition, or belong to one.
func (im *predictedTable) dropsTable(object *pgparse.Node) bool {
	for _, name := range pgparse.StringTexts(pgparse.ListItems(object)) {
		if im.touchesTable(&pgparse.RangeVar{Relname: name}) {
			return true
		}
	}
	return false
}

// addCommand records one command of an ALTER TABLE.
func (im *predictedTable) addCommand(text string, cmd *pgparse.AlterTableCmd, isThisTable bool) (ok bool, err error) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint, pgparse.AlterTableType_AT_ValidateConstraint, pgparse.AlterTableType_AT_DropConstraint, pgparse.AlterTableType_AT_ColumnDefault,
		pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull:
		return true, nil
	case pgparse.AlterTableType_AT_AddColumn:
		if !isThisTable {
			return true, nil
		}
		return im.addPredictedColumn(text, cmd.GetDef().GetColumnDef())
	}
	return false, nil
}

// addPredictedColumn records a new column. Existing rows have NULL in it, or its default.
func (im *predictedTable) addPredictedColumn(text string, def *pgparse.ColumnDef) (ok bool, err error) {
	name := def.GetColname()
	if slices.Contains(im.t.Columns, name) { // IF NOT EXISTS
		return false, nil
	}
	typ := text[def.GetTypeName().GetLocation():]
	value, end := "NULL", len(typ)
	for _, n := range def.GetConstraints() {
		con := n.GetConstraint()
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_DEFAULT:
			known, err := im.isPredictable(con.RawExpr)
			if err != nil || !known {
				return false, err
			}
			value = ""
		case pgparse.ConstrType_CONSTR_NOTNULL, pgparse.ConstrType_CONSTR_NULL:
		default:
			return false, nil
		}
		end = min(end, int(con.GetLocation()-def.GetTypeName().GetLocation()))
	}
	clauses := pgparse.SplitClauses(typ, 0)
	if def.GetCollClause() != nil || len(clauses) != 1 {
		return false, nil // its type and its default cannot be separated safely
	}
	if value == "" {
		offset := pgparse.AfterWord(typ, "DEFAULT")
		if value = typ[offset:clauses[0].End]; len(def.GetConstraints()) > 1 {
			return false, nil
		}
	}
	im.added = append(im.added, addition{name, "(" + strings.TrimSpace(value) + ")::" + strings.TrimSpace(typ[:min(end, clauses[0].End)])})
	return true, nil
}

// isPredictable reports whether an expression can be computed in advance: it reads only its row, and calls no volatile function.
func (im *predictedTable) isPredictable(expr *pgparse.Node) (bool, error) {
	plain, functions := true, []string(nil)
	pgparse.Walk(expr, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.SubLink, *pgparse.SetToDefault:
			plain = false
		case *pgparse.FuncCall:
			functions = append(functions, pgparse.LastText(n.Funcname))
		}
		return plain
	})
	if !plain || len(functions) == 0 {
		return plain, nil
	}
	isVolatile, err := im.volatile(functions)
	return !isVolatile, err
}

// hasColumns reports whether the table currently has some columns.
func (im *predictedTable) hasColumns(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool {
		return n != "*" && n != im.c.Table && n != im.c.Schema && !slices.Contains(im.t.Columns, n)
	})
}

// buildQuery nests one query for each backfill.
func (im *predictedTable) buildQuery() (string, bool, error) {
	columns := slices.Clone(im.t.Columns)
	values := pgparse.QuoteIdents(columns)
	for _, a := range im.added {
		columns, values = append(columns, a.name), append(values, a.value+" AS "+pgparse.QuoteIdent(a.name))
	}
	im.t = &Table{Columns: columns, Order: im.t.Order}
	if !im.hasColumns(im.c.columns) {
		return "", false, nil
	}
	columns, values = im.neededColumns(columns, values)
	from := "(SELECT " + strings.Join(values, ", ") + ", false AS " + unknown + " FROM " + im.from + " AS t)"
	for _, f := range im.fills {
		condition := "true"
		if f.where != "" {
			condition = "(" + f.where + ")"
		}
		list, lost := pgparse.QuoteIdents(columns), unknown
		for i, name := range f.columns {
			index := slices.Index(columns, name)
			switch {
			case index < 0:
			case f.known[i]:
				list[index] = fmt.Sprintf("CASE WHEN %s THEN (%s) ELSE %s END AS %[3]s", condition, f.values[i], list[index])
			case slices.Contains(im.c.columns, name) || slices.Contains(im.c.columns, "*") || len(im.fills) > 1:
				lost = unknown + " OR " + condition + " IS TRUE AS " + unknown
			}
		}
		from = "(SELECT " + strings.Join(list, ", ") + ", " + lost + " FROM " + from + " AS t)"
	}
	return "(SELECT * FROM " + from + " AS t WHERE NOT " + unknown + ")", true, nil
}

// neededColumns returns the columns that something reads.
func (im *predictedTable) neededColumns(columns, values []string) ([]string, []string) {
	reads := slices.Clone(im.c.columns)
	for _, f := range im.fills {
		for _, expr := range append(slices.Clone(f.values), f.where) {
			reads = append(reads, namesInExpression(expr)...)
		}
	}
	if slices.Contains(reads, "*") || slices.Contains(reads, im.c.Table) {
		return columns, values
	}
	var list, used []string
	for i, name := range columns {
		if slices.Contains(reads, name) || slices.Contains(im.t.Order, name) {
			list, used = append(list, name), append(used, values[i])
		}
	}
	return list, used
}

// namesInExpression returns the names that an expression may read as columns.
func namesInExpression(expr string) []string {
	if node := pgparse.ParseExpression(expr); node != nil {
		return columnNames(node)
	}
	return nil
}
