package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// alterTablePrefix returns the beginning of ALTER TABLE.
func alterTablePrefix(table string) string { return "ALTER TABLE " + quoteTable(table) + " " }

// columnOptions are the options of a column of an existing table: before 7.0, a time was not precise by default (V6_1).
func (t *translator) columnOptions(kind string, o *options) *options {
	if kind == "datetime" && t.version < 700 && !o.hasOption("precision") {
		return o.withOption("precision", rubycode.Nil)
	}
	return o
}

// sendAlterParts sends parts of ALTER TABLE. Since a version of Rails they are one statement: in remove_columns since 7.0, in
// add_timestamps since 7.1 (connection_adapters/abstract/schema_statements.rb).
func (t *translator) sendAlterParts(r *rubycode.Run, table string, joinedSince version, parts []string) {
	if t.project.library >= joinedSince {
		parts = []string{strings.Join(parts, ", ")}
	}
	for _, part := range parts {
		t.sendSQL(r, alterTablePrefix(table)+part)
	}
}

// addOneColumn sends what add_column sends.
func (t *translator) addOneColumn(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	return hasKnownArguments(c, o, 3) && t.sendColumn(r, argumentName(c, 0), argumentName(c, 1), argumentName(c, 2), o)
}

func (t *translator) sendColumn(r *rubycode.Run, table, name, kind string, o *options) bool {
	if kind == "primary_key" && t.version < 501 {
		kind, o = "integer", o.withOption("primary_key", rubycode.True)
	}
	o = t.columnOptions(kind, o)
	x := t.defineColumn(r, name, kind, o)
	missing := o.takeFlag("if_not_exists")
	if o.unknown {
		return false
	}
	t.conditional = missing
	t.sendSQL(r, alterTablePrefix(table)+"ADD "+x.definitionSQL())
	t.schema.setColumn(table, name, x.typ)
	if x.comment != "" {
		t.sendSQL(r, "COMMENT ON COLUMN "+quoteTable(table)+"."+quoteName(name)+" IS "+quoteText(x.comment))
	}
	t.conditional = false
	return true
}

func (t *translator) addColumns(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	kind := o.takeText("type")
	if !hasKnownArguments(c, o, len(c.Arguments)) || kind == "" || len(c.Arguments) < 2 {
		return false
	}
	for i := 1; i < len(c.Arguments); i++ {
		if !t.sendColumn(r, argumentName(c, 0), argumentName(c, i), kind, o) {
			return false
		}
	}
	return true
}

func (t *translator) addTimestamps(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 1) {
		return false
	}
	var parts []string
	for _, name := range []string{"created_at", "updated_at"} {
		x := t.defineColumn(r, name, "datetime", t.timestampOptions(o))
		parts = append(parts, "ADD "+x.definitionSQL())
		t.schema.setColumn(argumentName(c, 0), name, x.typ)
	}
	t.sendAlterParts(r, argumentName(c, 0), 701, parts)
	return true
}

func (t *translator) removeTimestamps(r *rubycode.Run, c *rubycode.Call) bool {
	table := argumentName(c, 0)
	if table == "" {
		return false
	}
	t.schema.dropColumn(table, "created_at")
	t.schema.dropColumn(table, "updated_at")
	t.sendAlterParts(r, table, 700, []string{`DROP COLUMN "updated_at"`, `DROP COLUMN "created_at"`})
	return true
}

func (t *translator) removeColumn(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	exists := o.takeFlag("if_exists")
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	t.conditional = exists
	t.schema.dropColumn(argumentName(c, 0), argumentName(c, 1))
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"DROP COLUMN "+quoteName(argumentName(c, 1)))
	return true
}

// columnArguments returns the names of the columns among the arguments, which may be a list.
func columnArguments(c *rubycode.Call) (out []string, ok bool) {
	for _, a := range c.Arguments[min(1, len(c.Arguments)):] {
		list, ok := readNames(a)
		if !ok {
			return nil, false
		}
		out = append(out, list...)
	}
	return out, len(out) > 0
}

func (t *translator) removeColumns(r *rubycode.Run, c *rubycode.Call) bool {
	list, ok := columnArguments(c)
	table := argumentName(c, 0)
	if !ok || table == "" {
		return false
	}
	parts := make([]string, len(list))
	for i, name := range list {
		parts[i] = "DROP COLUMN " + quoteName(name)
		t.schema.dropColumn(table, name)
	}
	t.sendAlterParts(r, table, 700, parts)
	return true
}

// renameColumn sends what rename_column sends: the indexes that have default names follow.
func (t *translator) renameColumn(r *rubycode.Run, c *rubycode.Call) bool {
	if len(c.Arguments) != 3 || !hasKnownArguments(c, readOptions(c), 3) {
		return false
	}
	table, from, to := argumentName(c, 0), argumentName(c, 1), argumentName(c, 2)
	t.sendSQL(r, alterTablePrefix(table)+"RENAME COLUMN "+quoteName(from)+" TO "+quoteName(to))
	before := map[string][]string{}
	for _, e := range t.schema.indexes[table] {
		before[e.name] = e.columns
	}
	t.schema.renameColumn(table, from, to)
	for _, e := range t.schema.sortedIndexes(table) {
		if old := before[e.name]; strings.Join(old, ",") != strings.Join(e.columns, ",") && e.name == t.indexName(table, old) {
			t.sendRenameIndex(r, table, e.name, t.indexName(table, e.columns))
		}
	}
	return true
}

// changeColumn sends what change_column sends. Until 5.1, the default and null were statements of their own (V5_1).
func (t *translator) changeColumn(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	sql, ok := t.alterTypeClause(r, argumentName(c, 0), c, o)
	if !ok {
		return false
	}
	table, name := argumentName(c, 0), argumentName(c, 1)
	t.sendSQL(r, alterTablePrefix(table)+sql)
	if t.version < 502 {
		if v, hasDefault := o.hash.GetKey("default"); hasDefault {
			t.changeDefault(r, &rubycode.Call{Arguments: append(c.Arguments[:2:2], v)})
		}
		if v, hasNull := o.hash.GetKey("null"); hasNull {
			arguments := append(c.Arguments[:2:2], v)
			if d, hasDefault := o.hash.GetKey("default"); hasDefault {
				arguments = append(arguments, d)
			}
			t.changeNull(r, &rubycode.Call{Arguments: arguments})
		}
	}
	if comment := o.takeText("comment"); comment != "" {
		t.sendSQL(r, "COMMENT ON COLUMN "+quoteTable(table)+"."+quoteName(name)+" IS "+quoteText(comment))
	}
	return true
}

// alterTypeClause returns the parts of ALTER TABLE that change_column makes.
func (t *translator) alterTypeClause(r *rubycode.Run, table string, c *rubycode.Call, o *options) (string, bool) {
	if !hasKnownArguments(c, o, 3) {
		return "", false
	}
	name, kind := argumentName(c, 1), argumentName(c, 2)
	typ := t.columnType(kind, false, t.columnOptions(kind, o))
	quoted := quoteName(name)
	sql := "ALTER COLUMN " + quoted + " TYPE " + typ.sql
	if collation := o.takeText("collation"); collation != "" {
		sql += ` COLLATE "` + collation + `"`
	}
	if using := o.takeText("using"); using != "" {
		sql += " USING " + using
	} else if cast := o.takeText("cast_as"); cast != "" {
		sql += " USING CAST(" + quoted + " AS " + t.columnType(cast, false, o).sql + ")"
	}
	if v, hasDefault := o.hash.GetKey("default"); hasDefault && t.version >= 502 {
		if v.IsWord("nil") {
			sql += ", ALTER COLUMN " + quoted + " DROP DEFAULT"
		} else {
			sql += ", ALTER COLUMN " + quoted + " SET DEFAULT " + t.quoteDefault(r, v, typ, o)
		}
	}
	if v, hasNull := o.hash.GetKey("null"); hasNull && t.version >= 502 {
		set, ok := alterNullClause(name, v)
		if !ok {
			return "", false
		}
		sql += ", " + set
	}
	if o.unknown {
		return "", false
	}
	t.schema.setColumn(table, name, typ)
	return sql, true
}

// alterNullClause returns the part of ALTER TABLE that allows NULL or does not.
func alterNullClause(name string, null rubycode.Value) (string, bool) {
	holds, known := null.IsTrue()
	if holds {
		return "ALTER COLUMN " + quoteName(name) + " DROP NOT NULL", known
	}
	return "ALTER COLUMN " + quoteName(name) + " SET NOT NULL", known
}

// changeNull sends what change_column_null sends: first an UPDATE if there is a default.
func (t *translator) changeNull(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if len(c.Arguments) < 3 || !hasKnownArguments(c, o, 2) {
		return false
	}
	table, name := argumentName(c, 0), argumentName(c, 1)
	sql, ok := alterNullClause(name, c.Arguments[2])
	if !ok {
		return false
	}
	if len(c.Arguments) > 3 && !c.Arguments[3].IsWord("nil") && strings.HasSuffix(sql, "SET NOT NULL") {
		value := t.quoteDefault(r, c.Arguments[3], t.schema.columns[table][name], o)
		if o.unknown {
			return false
		}
		t.sendSQL(r, "UPDATE "+quoteTable(table)+" SET "+quoteName(name)+"="+value+" WHERE "+quoteName(name)+" IS NULL")
	}
	t.sendSQL(r, alterTablePrefix(table)+sql)
	return true
}

func (t *translator) changeDefault(r *rubycode.Run, c *rubycode.Call) bool {
	sql, ok := t.alterDefaultClause(r, argumentName(c, 0), c)
	if ok {
		t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+sql)
	}
	return ok
}

// alterDefaultClause returns the part of ALTER TABLE that changes a default.
func (t *translator) alterDefaultClause(r *rubycode.Run, table string, c *rubycode.Call) (string, bool) {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return "", false
	}
	var v rubycode.Value
	switch to, hasTo := o.hash.GetKey("to"); {
	case hasTo && o.hasOption("from"):
		v = to
	case len(c.Arguments) > 2:
		v = c.Arguments[2]
	case len(o.hash.Items) == 0 && c.Options.Kind == rubycode.Hash:
		v = c.Options
	default:
		return "", false
	}
	sql := "ALTER COLUMN " + quoteName(argumentName(c, 1))
	if v.IsWord("nil") {
		return sql + " DROP DEFAULT", true
	}
	value := t.quoteDefault(r, v, t.schema.columns[table][argumentName(c, 1)], o)
	return sql + " SET DEFAULT " + value, !o.unknown
}

// commentLiteral returns the new comment of a call, in SQL.
func commentLiteral(c *rubycode.Call, n int) (string, bool) {
	v, hasTo := readOptions(c).hash.GetKey("to")
	if !hasTo && len(c.Arguments) > n {
		v = c.Arguments[n]
	}
	if v.IsWord("nil") {
		return "NULL", true
	}
	return quoteText(v.Text), v.IsName()
}

func (t *translator) changeColumnComment(r *rubycode.Run, c *rubycode.Call) bool {
	comment, ok := commentLiteral(c, 2)
	if !ok || !hasKnownArguments(c, readOptions(c), 2) {
		return false
	}
	t.sendSQL(r, "COMMENT ON COLUMN "+quoteTable(argumentName(c, 0))+"."+quoteName(argumentName(c, 1))+" IS "+comment)
	return true
}

func (t *translator) changeTableComment(r *rubycode.Run, c *rubycode.Call) bool {
	comment, ok := commentLiteral(c, 1)
	if !ok || argumentName(c, 0) == "" {
		return false
	}
	t.sendSQL(r, "COMMENT ON TABLE "+quoteTable(argumentName(c, 0))+" IS "+comment)
	return true
}
