package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// readRowByRowCopy reads the statement. It returns why a row of the target is not computed from one row of the source; "" if it is.
func (t *tableCopy) readRowByRowCopy() string {
	q, insert := t.query, t.insert
	conflict := insert.OnConflictClause
	switch {
	case insert.WithClause != nil || q.WithClause != nil:
		return "it has a WITH query"
	case insert.GetReturningClause() != nil:
		return "it has RETURNING"
	case conflict != nil && conflict.Action != pgparse.OnConflictAction_ONCONFLICT_NOTHING:
		return "ON CONFLICT DO UPDATE changes rows that are there"
	case len(q.FromClause) != 1 || q.FromClause[0].GetRangeVar() == nil || q.Op != pgparse.SetOperation_SETOP_NONE:
		return "it reads more than one table"
	case len(q.GroupClause) > 0 || q.HavingClause != nil || len(q.DistinctClause) > 0:
		return "a row of " + t.target.Name.String() + " is made of several of " + t.source.Name.String()
	case !isPlainSelect(q) || len(q.GetValuesLists()) > 0:
		return "it computes rows from others, or has a limit, an order or row locks"
	case insert.Override == pgparse.OverridingKind_OVERRIDING_USER_VALUE:
		return "it discards keys (OVERRIDING USER VALUE)"
	case !q.FromClause[0].GetRangeVar().Inh || t.source.Kind != catalog.Table || t.source.Parent != 0 || t.source.HasKids():
		return t.source.Name.String() + " has partitions, children or a parent, or is read with ONLY"
	case t.source.HasUnknownColumns() || t.target.HasUnknownColumns():
		return "not all columns of " + t.source.Name.String() + " and " + t.target.Name.String() + " are known: --db reads them from a server"
	case !t.readText() || !t.readValues():
		return "its text is not understood"
	}
	return t.readExpressions()
}

// readText finds the texts of the SELECT list and of WHERE.
func (t *tableCopy) readText() bool {
	rv, sql := t.query.FromClause[0].GetRangeVar(), t.c.SQL
	t.alias = rv.Relname
	if a := rv.Alias; a != nil {
		t.alias = a.Aliasname
	}
	begin, tableStart, end := pgparse.AfterWord(sql, "SELECT"), int(rv.Location), len(sql)
	if onConflict := t.insert.OnConflictClause; onConflict != nil {
		end = int(onConflict.Location)
	}
	if len(rv.GetAlias().GetColnames()) > 0 || begin < 0 || tableStart <= begin || end <= tableStart || strings.Contains(sql, "$onward$") {
		return false
	}
	t.list = strings.TrimRight(sql[begin:tableStart], " \t\r\n")
	from := len(t.list) - len("FROM")
	if from < 1 || !strings.EqualFold(t.list[from:], "FROM") || !strings.ContainsAny(t.list[from-1:from], " \t\r\n)") {
		return false
	}
	t.list = pgparse.EndLineComment(strings.TrimSpace(t.list[:from]))
	if t.query.WhereClause == nil {
		return true
	}
	rest := sql[pgparse.NameEnd(sql, tableStart):end]
	conditionStart := pgparse.AfterWord(rest, "WHERE")
	if conditionStart < 0 {
		return false
	}
	t.condition = strings.TrimSpace(rest[conditionStart:])
	for before := strings.TrimSpace(sql[:begin-len("SELECT")]); strings.HasSuffix(before, "("); before = strings.TrimSpace(before[:len(before)-1]) {
		if !strings.HasSuffix(t.condition, ")") {
			return false
		}
		t.condition = strings.TrimSpace(strings.TrimSuffix(t.condition, ")"))
	}
	t.condition = pgparse.EndLineComment(t.condition)
	return t.condition != ""
}

// readValues assigns the values of the SELECT list to columns of the target.
func (t *tableCopy) readValues() bool {
	var values []copiedValue
	for _, n := range t.query.TargetList {
		expr := n.GetResTarget().GetVal()
		ref := expr.GetColumnRef()
		switch {
		case ref != nil && len(ref.Fields) > 2:
			return false // with its schema, which a row does not have
		case ref != nil && pgparse.EndsInStar(ref):
			for _, name := range t.source.AllColumns() {
				values = append(values, copiedValue{expr: expr, source: name})
			}
		case ref != nil:
			values = append(values, copiedValue{expr: expr, source: pgparse.LastText(ref.Fields)})
		default:
			values = append(values, copiedValue{expr: expr, fresh: t.c.isFreshValue(expr)})
		}
	}
	names := t.target.AllColumns()
	if len(t.insert.Cols) > 0 {
		names = nil
		for _, n := range t.insert.Cols {
			if len(n.GetResTarget().GetIndirection()) > 0 {
				return false
			}
			names = append(names, n.GetResTarget().GetName())
		}
	}
	if len(values) > len(names) {
		return false
	}
	for i := range values {
		if values[i].column = t.target.Column(names[i]); values[i].column == nil {
			return false
		}
	}
	t.values = values
	return true
}

// readExpressions returns why the values differ from session to session, or need more than the row; "" if they do not.
func (t *tableCopy) readExpressions() string {
	j := &rowJudge{c: t.c.Before, table: t.source, versions: t.c.Release.Versions}
	for i := range t.values {
		if v := &t.values[i]; v.fresh {
			continue
		} else if v.source == "" {
			j.judgeExpression(v.expr)
			if j.why == "" && isSessionType(v.column.Type) != j.hasSessionType(v.expr) && !isPlainConstant(v.expr) {
				return "the value of " + v.column.Name + " is converted by the settings of the session"
			}
		} else if j.checkColumn(v.source); j.why == "" {
			from := t.source.Column(v.source).Type
			if !from.IsSame(v.column.Type) && (isSessionType(from) || isSessionType(v.column.Type)) && from.Name != v.column.Type.Name {
				return v.source + " is converted to " + v.column.Type.FormatFull() + " by the settings of the session"
			}
		}
	}
	j.judgeExpression(t.query.WhereClause)
	for _, name := range listColumns(t.query.WhereClause) {
		j.checkColumn(name)
	}
	for _, name := range t.listReadColumns() {
		if col := t.source.Column(name); col != nil {
			j.addSchema(col.Type)
		}
	}
	for i := range t.values {
		j.addSchema(t.values[i].column.Type)
	}
	t.schemas = j.schemas
	return j.why
}

// isFreshValue reports whether an expression is only the time or a random key, without a conversion.
func (c *Change) isFreshValue(n *pgparse.Node) bool {
	if v := n.GetSqlvalueFunction(); v != nil {
		return v.Op <= pgparse.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N // the others are the role, the database and the schema
	}
	call := n.GetFuncCall()
	if call == nil || len(call.Args) > 0 {
		return false
	}
	schema, name := pgparse.SchemaAndName(call.Funcname)
	return slices.Contains([]string{"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "gen_random_uuid"}, name) &&
		len(c.Before.Functions(schema, name)) == 0
}

// isPlainConstant reports whether an expression is a constant that means the same at any time: not 'now' or 'today'.
func isPlainConstant(n *pgparse.Node) bool {
	k := n.GetAConst()
	text := k.GetSval().GetSval()
	return k != nil && (k.GetSval() == nil || text != "" && text[0] >= '0' && text[0] <= '9')
}

// assignedType returns the type to which a value is cast before it is assigned to a column. An explicit cast to varchar(n) would
// cut the value, and an assignment refuses it.
func assignedType(typ catalog.Type) string {
	if typ.Name.Name == "varchar" && typ.Array == 0 {
		typ.Mods = nil
	}
	return typeName(typ)
}

// sourceColumn returns the source's column that a column of the target copies unchanged; "" for none.
func (t *tableCopy) sourceColumn(column string) string {
	i := slices.IndexFunc(t.values, func(v copiedValue) bool { return v.column.Name == column })
	if i < 0 {
		return ""
	}
	return t.values[i].source
}

// sourceColumns returns the source's columns that columns of the target copy; nil if one of them is not copied unchanged.
func (t *tableCopy) sourceColumns(columns []string) (out []string) {
	for _, name := range columns {
		from := t.sourceColumn(name)
		if from == "" {
			return nil
		}
		out = append(out, from)
	}
	return out
}
