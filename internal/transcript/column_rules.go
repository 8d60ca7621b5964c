package transcript

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// ColumnRules are the columns whose values are replaced, and what is known of the tables.
type ColumnRules struct {
	columns []redactedColumn
	// tables are the ordinary tables by name, with their columns in order. One with a name that a view or another table has, too, is nil.
	tables map[string][]string
	// byOID has the same tables by database and OID, as results name them. Dropped columns are empty.
	byOID map[tableID]*knownTable
	// plans are the statements that were read.
	plans map[string]*valuePlan
}

// redactedColumn is a column by its table's name; "" is any table.
type redactedColumn struct{ table, column string }

type tableID struct {
	database string
	oid      uint32
}

type knownTable struct {
	name    string
	columns []string
}

// NewColumnRules returns rules for columns: table.column, schema.table.column, or *.column. A schema is not looked at.
func NewColumnRules(columns []string) *ColumnRules {
	r := &ColumnRules{tables: map[string][]string{}, byOID: map[tableID]*knownTable{}, plans: map[string]*valuePlan{}}
	for _, text := range columns {
		parts := strings.Split(text, ".")
		c := redactedColumn{column: parts[len(parts)-1]}
		if len(parts) > 1 {
			c.table = strings.TrimPrefix(parts[len(parts)-2], "*")
		}
		r.columns = append(r.columns, c)
	}
	return r
}

// AddTable records a relation of a database, with its columns in order; "" is a dropped one. isTable is false for a view and its like.
func (r *ColumnRules) AddTable(database string, oid uint32, name string, columns []string, isTable bool) {
	if isTable {
		r.byOID[tableID{database, oid}] = &knownTable{name, columns}
	}
	live := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == "" })
	if known, found := r.tables[name]; found && !slices.Equal(known, live) || !isTable {
		live = nil
	}
	r.tables[name] = live
}

// isRedacted reports whether the values of a column are replaced.
func (r *ColumnRules) isRedacted(table, column string) bool {
	return slices.ContainsFunc(r.columns, func(c redactedColumn) bool { return c.column == column && (c.table == "" || c.table == table) })
}

// isNameRedacted reports whether a column of that name is replaced in some table.
func (r *ColumnRules) isNameRedacted(column string) bool {
	return slices.ContainsFunc(r.columns, func(c redactedColumn) bool { return c.column == column })
}

// hasRedactedColumn reports whether a table has a column whose values are replaced, or had one that the rules name with the table.
func (r *ColumnRules) hasRedactedColumn(table string) bool {
	return slices.ContainsFunc(r.columns, func(c redactedColumn) bool { return c.table == table }) ||
		slices.ContainsFunc(r.tables[table], func(column string) bool { return r.isRedacted(table, column) })
}

// valuePlan says which values of a statement stay. All others are replaced.
type valuePlan struct {
	// clean: all stay, and the values of its result.
	clean bool
	// params are the parameters that stay, constants the offsets of literals.
	params    map[int]bool
	constants map[int]bool
}

// buildValuePlan finds out which values of a text stay: those that surely belong to another column, or that no column has. Without a tree none does.
func (r *ColumnRules) buildValuePlan(text string) *valuePlan {
	if p := r.plans[text]; p != nil {
		return p
	}
	p := &valuePlan{clean: true, params: map[int]bool{}, constants: map[int]bool{}}
	r.plans[text] = p
	file, err := pgparse.SplitBy(text, pgparse.Reader{Message: true})
	if err != nil {
		p.clean = false
		return p
	}
	for i := range file.Stmts {
		st := &file.Stmts[i]
		if st.Node == nil {
			p.clean = false
			continue
		}
		a := attribution{rules: r, plan: p, start: st.Start}
		a.markStatementValues(st.Node)
	}
	return p
}

// attribution finds the columns that the values of a statement belong to.
type attribution struct {
	rules *ColumnRules
	plan  *valuePlan
	start int
	// tables are those that the statement names; exact: all of them are known, and no name means something else.
	tables []string
	exact  bool
}

// markStatementValues notes which values of a statement stay.
func (a *attribution) markStatementValues(n *pgparse.Node) {
	if !holdsData(n) {
		a.keepAllValues(n)
		return
	}
	if a.isClean(n) {
		a.keepAllValues(n)
		return
	}
	a.plan.clean = false
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.SelectStmt:
			a.keepValue(x.LimitCount)
			a.keepValue(x.LimitOffset)
		case *pgparse.TypeName:
			for _, m := range x.Typmods {
				a.keepValue(m)
			}
		case *pgparse.A_Expr:
			a.keepComparedValues(x)
		case *pgparse.InsertStmt:
			a.keepInsertedValues(x)
		case *pgparse.UpdateStmt:
			a.keepAssignedValues(x.GetRelation(), x.TargetList)
		}
		return true
	})
}

// holdsData reports whether a statement may have values of rows. A definition is code.
func holdsData(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt, *pgparse.ExecuteStmt,
		*pgparse.CallStmt, *pgparse.DoStmt, *pgparse.PrepareStmt, *pgparse.DeclareCursorStmt, *pgparse.ExplainStmt, *pgparse.CreateTableAsStmt,
		*pgparse.NotifyStmt:
		return true
	}
	return false
}

// isClean reports whether a statement uses known tables only, none of which has a redacted column, and no function that may do anything else.
func (a *attribution) isClean(n *pgparse.Node) bool {
	clean := true
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.ExecuteStmt, *pgparse.CallStmt, *pgparse.DoStmt, *pgparse.NotifyStmt:
		clean = false
	}
	a.exact = true
	ctes, usedNames := map[string]bool{}, map[string]bool{}
	var relations []*pgparse.RangeVar
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.CommonTableExpr:
			ctes[x.Ctename] = true
			a.exact = false
		case *pgparse.RangeSubselect, *pgparse.RangeFunction:
			a.exact = false
		case *pgparse.RangeVar:
			relations = append(relations, x)
		case *pgparse.ResTarget:
			usedNames[x.Name] = true
		case *pgparse.ColumnRef:
			usedNames[pgparse.LastText(x.Fields)] = true
		case *pgparse.CopyStmt:
			for _, c := range x.Attlist {
				usedNames[pgparse.StringText(c)] = true
			}
		case *pgparse.FuncCall:
			if name := pgparse.LastText(x.Funcname); !builtin.Known(name) {
				clean = false
			}
		}
		return true
	})
	for _, rv := range relations {
		schema, name := pgparse.RangeName(rv)
		if schema == "" && ctes[name] || schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_") {
			continue
		}
		a.tables = append(a.tables, name)
		if a.rules.tables[name] == nil {
			a.exact, clean = false, false
		}
		clean = clean && !a.rules.hasRedactedColumn(name)
	}
	for name := range usedNames { // a column that the table has no more, too
		clean = clean && (!a.rules.isNameRedacted(name) || len(a.tables) > 0 &&
			!slices.ContainsFunc(a.tables, func(table string) bool { return a.rules.isRedacted(table, name) }))
	}
	return clean
}

// keepAllValues keeps all values of a statement.
func (a *attribution) keepAllValues(n *pgparse.Node) {
	pgparse.Walk(n, func(msg any) bool {
		a.keepLeaf(msg)
		return true
	})
}

func (a *attribution) keepLeaf(msg any) {
	switch x := msg.(type) {
	case *pgparse.A_Const:
		a.plan.constants[a.start+int(x.Location)] = true
	case *pgparse.ParamRef:
		a.plan.params[int(x.Number)] = true
	}
}

// keepValue keeps an expression that is one value, or a list of values.
func (a *attribution) keepValue(n *pgparse.Node) {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const, *pgparse.ParamRef:
		a.keepLeaf(x)
	case *pgparse.TypeCast:
		a.keepValue(x.Arg)
	case *pgparse.List:
		for _, item := range x.Items {
			a.keepValue(item)
		}
	case *pgparse.A_ArrayExpr:
		for _, item := range x.Elements {
			a.keepValue(item)
		}
	case *pgparse.RowExpr:
		for _, item := range x.Args {
			a.keepValue(item)
		}
	}
}

// keepComparedValues keeps values that are compared with columns whose values stay.
func (a *attribution) keepComparedValues(x *pgparse.A_Expr) {
	if a.isUnredactedColumn(x.Lexpr) {
		a.keepValue(x.Rexpr)
	}
	if a.isUnredactedColumn(x.Rexpr) {
		a.keepValue(x.Lexpr)
	}
}

// isUnredactedColumn reports whether an expression is a column of the statement's known tables that is not redacted.
func (a *attribution) isUnredactedColumn(n *pgparse.Node) bool {
	ref, found := pgparse.Unwrap(n).(*pgparse.ColumnRef)
	if !found || !a.exact {
		return false
	}
	name := pgparse.LastText(ref.Fields)
	known := false
	for _, table := range a.tables {
		if a.rules.isRedacted(table, name) {
			return false
		}
		known = known || slices.Contains(a.rules.tables[table], name)
	}
	return known
}

// keepInsertedValues keeps values for columns whose values stay.
func (a *attribution) keepInsertedValues(x *pgparse.InsertStmt) {
	_, table := pgparse.RangeName(x.GetRelation())
	columns := a.rules.tables[table]
	if columns == nil {
		return
	}
	if len(x.Cols) > 0 {
		columns = nil
		for _, c := range x.Cols {
			columns = append(columns, c.GetResTarget().GetName())
		}
	}
	for _, row := range x.GetSelectStmt().GetSelectStmt().GetValuesLists() {
		for i, cell := range row.GetList().GetItems() {
			if i < len(columns) && !a.rules.isRedacted(table, columns[i]) {
				a.keepValue(cell)
			}
		}
	}
	a.keepAssignedValues(x.GetRelation(), x.GetOnConflictClause().GetTargetList())
}

// keepAssignedValues keeps values that are assigned to columns whose values stay.
func (a *attribution) keepAssignedValues(relation *pgparse.RangeVar, targets []*pgparse.Node) {
	_, table := pgparse.RangeName(relation)
	if a.rules.tables[table] == nil {
		return
	}
	for _, t := range targets {
		if c := t.GetResTarget(); c != nil && !a.rules.isRedacted(table, c.GetName()) {
			a.keepValue(c.GetVal())
		}
	}
}
