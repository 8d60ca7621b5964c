package capture

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// books knows the tables in which a tool records the migrations that have run.
type books struct {
	// tables are the names of such tables. files are the names of the files of migrations, with and without extension.
	tables, files map[string]bool
	// learned is set if a table was found by the names of files. Its tool may write the row before it runs a migration, or after.
	learned bool
	// rows are the migrations by other values of their row, such as a UUID.
	rows map[string]string
	// trees are the parsed statements.
	trees map[*ordered.Statement][]*pgparse.Node
}

// newBooks makes the books of a run. A table that gets the names of the migrations' files is a history table, too.
func newBooks(tables map[string]bool, files []string, list []*ordered.Statement) *books {
	b := &books{tables: map[string]bool{}, files: map[string]bool{}, rows: map[string]string{}, trees: map[*ordered.Statement][]*pgparse.Node{}}
	for t := range tables {
		b.tables[strings.ToLower(t)] = true
	}
	for _, f := range files {
		base := path.Base(f)
		for _, name := range []string{base, strings.TrimSuffix(base, path.Ext(base))} {
			if versionedName.MatchString(name) && len(name) >= minName {
				b.files[name] = true
			}
		}
	}
	for _, st := range list {
		for _, n := range b.parseStatement(st) {
			if w := parseWrittenRow(n); w != nil && slices.ContainsFunc(w.values, func(v writtenValue) bool { return b.files[v.text] || b.files[path.Base(v.text)] }) {
				table := strings.ToLower(w.table)
				b.learned = b.learned || !b.tables[table]
				b.tables[table] = true
			}
		}
	}
	return b
}

// versionedName matches the name of a migration's file. Other names, such as admin.sql, may be values in any table. So may short
// numbers.
var versionedName = lazyregexp.New(`^[VvRrUu]?[0-9]+.*[^0-9]|^[0-9]{8,}$`)

const minName = 4

// parseStatement returns the statements of a message; nil for text that cannot be parsed.
func (b *books) parseStatement(st *ordered.Statement) []*pgparse.Node {
	if list, ok := b.trees[st]; ok {
		return list
	}
	var list []*pgparse.Node
	if f, err := pgparse.SplitText(st.SQL); err == nil {
		for i := range f.Stmts {
			list = append(list, f.Stmts[i].Node)
		}
	}
	b.trees[st] = list
	return list
}

// class says what a statement is for.
type class struct {
	// ofTool is set if the tool sent it for its own purposes: it asks for the schema, or works on its history table.
	ofTool bool
	// ids are the migrations that it records.
	ids []string
	// isSession is set if it only changes settings of the session.
	isSession bool
}

// classifyStatement returns what a statement is for.
func (b *books) classifyStatement(st *ordered.Statement) class {
	switch {
	case st.Control != "":
		return class{ofTool: true}
	case st.Unread != "" && len(st.Sent) >= wire.MaxText:
		return class{} // only its beginning is known
	}
	c := class{ofTool: true, isSession: true}
	for _, n := range b.parseStatement(st) {
		if n == nil {
			return class{ids: c.ids}
		}
		if id := b.recordedMigrationID(n); id != "" {
			c.ids = append(c.ids, id)
		}
		c.ofTool = c.ofTool && b.isOfTool(n)
		c.isSession = c.isSession && n.GetVariableSetStmt() != nil
	}
	return c
}

// clientSettings are settings by which drivers agree with the server on the form of values and messages.
var clientSettings = map[string]bool{
	"client_min_messages": true, "client_encoding": true, "standard_conforming_strings": true, "intervalstyle": true, "datestyle": true,
	"application_name": true, "extra_float_digits": true, "bytea_output": true,
}

// isOfTool reports whether a statement is none of a migration's.
func (b *books) isOfTool(n *pgparse.Node) bool {
	if set := n.GetVariableSetStmt(); set != nil {
		return clientSettings[strings.ToLower(set.Name)]
	}
	if n.GetVariableShowStmt() != nil || n.GetTransactionStmt() != nil || n.GetDiscardStmt() != nil || n.GetDeallocateStmt() != nil {
		return true
	}
	found, onlyToolTables := 0, true
	query := n.GetSelectStmt() != nil
	withs := map[string]bool{}
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.CommonTableExpr); ok {
			withs[x.Ctename] = true
		}
		return true
	})
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.RangeVar:
			found++
			onlyToolTables = onlyToolTables && (b.isHistoryTable(x) || query && (isCatalogTable(x) || x.Schemaname == "" && withs[x.Relname]))
		case *pgparse.FuncCall:
			onlyToolTables = onlyToolTables && !hasSideEffect(x)
		}
		return onlyToolTables
	})
	return onlyToolTables && (found > 0 || query)
}

// isHistoryTable reports whether a relation is a history table, its lock, or a sequence of either.
func (b *books) isHistoryTable(r *pgparse.RangeVar) bool {
	_, name := pgparse.RangeName(r)
	return b.isHistoryName(name)
}

func (b *books) isHistoryName(name string) bool {
	name = strings.ToLower(name)
	if b.tables[name] || name == "ar_internal_metadata" {
		return true
	}
	for table := range b.tables {
		if rest, ok := strings.CutPrefix(name, table); ok && (rest == "_lock" || rest == "lock" || strings.HasSuffix(rest, "_seq")) {
			return true
		}
	}
	return false
}

// isCatalogTable reports whether a relation is Postgres' own.
func isCatalogTable(r *pgparse.RangeVar) bool {
	schema, name := pgparse.RangeName(r)
	return schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_")
}

// hasSideEffect reports whether a call in a query may do more than return a value.
func hasSideEffect(call *pgparse.FuncCall) bool {
	schema, name := pgparse.SchemaAndName(call.Funcname)
	switch name {
	case "setval", "nextval", "set_config", "pg_notify", "lo_create", "lo_import", "lo_unlink", "lo_from_bytea", "pg_create_logical_replication_slot":
		return true
	}
	return schema != "pg_catalog" && !builtin.Known(name)
}

// writtenRow is an INSERT or UPDATE of one table with constants.
type writtenRow struct {
	table  string
	values []writtenValue
	// where are the constants of the condition.
	where []string
}

// writtenValue is a constant with its column; "" if the statement does not name it.
type writtenValue struct{ column, text string }

// parseWrittenRow returns the constants of an INSERT or UPDATE; nil for other statements.
func parseWrittenRow(n *pgparse.Node) *writtenRow {
	switch {
	case n == nil:
	case n.GetInsertStmt() != nil:
		x := n.GetInsertStmt()
		_, table := pgparse.RangeName(x.Relation)
		w := &writtenRow{table: table}
		values := x.SelectStmt.GetSelectStmt()
		if values == nil {
			return w
		}
		for _, row := range values.ValuesLists {
			w.addRow(x.Cols, pgparse.ListItems(row))
		}
		var selected []*pgparse.Node
		for _, item := range values.TargetList {
			selected = append(selected, item.GetResTarget().GetVal())
		}
		w.addRow(x.Cols, selected)
		return w
	case n.GetUpdateStmt() != nil:
		x := n.GetUpdateStmt()
		_, table := pgparse.RangeName(x.Relation)
		w := &writtenRow{table: table}
		for _, item := range x.TargetList {
			if text, ok := constantText(item.GetResTarget().GetVal()); ok {
				w.values = append(w.values, writtenValue{item.GetResTarget().GetName(), text})
			}
		}
		pgparse.Walk(x.WhereClause, func(msg any) bool {
			if c, ok := msg.(*pgparse.A_Const); ok && c.GetSval() != nil {
				w.where = append(w.where, c.GetSval().GetSval())
			}
			return true
		})
		return w
	}
	return nil
}

// addRow adds the constants of a row.
func (w *writtenRow) addRow(columns, row []*pgparse.Node) {
	for i, item := range row {
		column := ""
		if i < len(columns) {
			column = columns[i].GetResTarget().GetName()
		}
		if text, ok := constantText(item); ok {
			w.values = append(w.values, writtenValue{column, text})
		}
	}
}

// constantText returns the text of a constant, also of one with a cast.
func constantText(n *pgparse.Node) (string, bool) {
	if cast := n.GetTypeCast(); cast != nil {
		return constantText(cast.Arg)
	}
	if number := n.GetAConst().GetFval().GetFval(); number != "" {
		return number, true
	}
	return pgparse.ConstantString(n)
}

// idColumns are the columns of history tables that name a migration, in the order in which they are asked.
var idColumns = []string{
	"migrationname", "name", "migration", "migrationid", "script", "filename", "file", "version", "versionnum", "versionid", "versionrank", "tag", "id",
}

// recordedMigrationID returns the migration that a statement records in a history table; "" for none.
func (b *books) recordedMigrationID(n *pgparse.Node) string {
	w := parseWrittenRow(n)
	if w == nil || !b.tables[strings.ToLower(w.table)] || strings.HasSuffix(strings.ToLower(w.table), "lock") {
		return ""
	}
	id := w.migrationID()
	for _, v := range w.where {
		if id == "" {
			id = b.rows[v]
		}
	}
	for _, v := range w.values {
		if id != "" && len(v.text) >= 8 && b.rows[v.text] == "" && n.GetInsertStmt() != nil {
			b.rows[v.text] = id
		}
	}
	return id
}

// migrationID returns the value that names the migration; "" if none does.
func (w *writtenRow) migrationID() string {
	byColumn := map[string]string{}
	for _, v := range w.values {
		if v.column == "" {
			return v.text // the first column
		}
		byColumn[strings.ToLower(strings.ReplaceAll(v.column, "_", ""))] = v.text
	}
	if app, name := byColumn["app"], byColumn["name"]; app != "" && name != "" {
		return app + "." + name
	}
	for _, c := range idColumns {
		if byColumn[c] != "" {
			return byColumn[c]
		}
	}
	return ""
}
