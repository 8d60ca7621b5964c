package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// renamed are the methods of change_table, with the methods of the migration that they call: t.index calls add_index.
var renamed = map[string]string{
	"index": "add_index", "remove_index": "remove_index", "rename_index": "rename_index", "timestamps": "add_timestamps",
	"remove_timestamps": "remove_timestamps",
	"change":            "change_column", "change_default": "change_column_default", "change_null": "change_column_null", "remove": "remove_columns",
	"rename": "rename_column", "foreign_key": "add_foreign_key", "remove_foreign_key": "remove_foreign_key", "check_constraint": "add_check_constraint",
	"remove_check_constraint": "remove_check_constraint", "exclusion_constraint": "add_exclusion_constraint",
	"unique_constraint":        "add_unique_constraint",
	"remove_unique_constraint": "remove_unique_constraint", "remove_exclusion_constraint": "remove_exclusion_constraint",
	"validate_check_constraint": "validate_check_constraint", "validate_constraint": "validate_constraint", "column": "add_column",
}

// callMethod does a method of the argument of create_table or change_table.
func (b *table) callMethod(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	if strings.HasSuffix(c.Name, "?") {
		v := rubycode.Value{}
		if b.alters {
			v.Needs = quoteTable(b.name)
		}
		return v, true
	}
	if c.Name == "name" {
		return rubycode.NewString(b.name), true
	}
	b.conditional = b.conditional || r.IsConditional() && !b.base
	if b.alters {
		return rubycode.Value{}, b.callAlter(r, c)
	}
	o := readOptions(c)
	known := b.callCreate(r, c, o)
	b.unknown = b.unknown || o.unknown || !known
	return rubycode.Value{}, true
}

// callCreate does a method of a new table.
func (b *table) callCreate(r *rubycode.Run, c *rubycode.Call, o *options) bool {
	t := b.t
	switch {
	case c.Name == "column":
		name, kind := argumentName(c, 0), argumentName(c, 1)
		if t.version < 700 && !o.hasOption("precision") {
			o = o.withOption("precision", rubycode.Nil)
		}
		b.addNewColumn(r, name, kind, o)
		return hasKnownArguments(c, o, 2)
	case c.Name == "timestamps":
		b.addTimestamps(r, o)
		return !o.unknown
	case c.Name == "references" || c.Name == "belongs_to":
		for i := range c.Arguments {
			b.addReference(r, argumentName(c, i), o)
		}
		return hasKnownArguments(c, o, len(c.Arguments))
	case c.Name == "index":
		if len(c.Arguments) != 1 {
			return false
		}
		b.indexes = append(b.indexes, pendingIndex{c.Arguments[0], o})
		return true
	case c.Name == "foreign_key":
		sql, key, ok := t.defineForeignKey(b.name, argumentName(c, 0), o)
		b.parts, b.keys = append(b.parts, sql), append(b.keys, key)
		return ok && hasKnownArguments(c, o, 1)
	case c.Name == "check_constraint":
		b.parts = append(b.parts, t.defineCheck(b.name, argumentName(c, 0), o))
		return hasKnownArguments(c, o, 1)
	case c.Name == "unique_constraint":
		sql, ok := t.defineUnique(b.name, c, o)
		b.parts = append(b.parts, sql)
		return ok
	case c.Name == "exclusion_constraint":
		sql, ok := t.defineExclusion(b.name, argumentName(c, 0), o)
		b.parts = append(b.parts, sql)
		return ok
	case c.Name == "primary_key":
		kind := argumentName(c, 1)
		if kind == "" {
			kind = "primary_key"
		}
		if kind == "uuid" && !o.hasOption("default") {
			o = o.withOption("default", rubycode.NewString("gen_random_uuid()"))
		}
		b.addNewColumn(r, argumentName(c, 0), kind, o.withOption("primary_key", rubycode.True))
		return hasKnownArguments(c, o, 1)
	case kinds[c.Name]:
		for i := range c.Arguments {
			b.addNewColumn(r, argumentName(c, i), c.Name, o)
		}
		return hasKnownArguments(c, o, len(c.Arguments)) && len(c.Arguments) > 0
	}
	return false
}

// addTimestamps adds both columns. They are precise to microseconds since 6.0 (V5_2), and not null since 5.0 (V4_2).
func (b *table) addTimestamps(r *rubycode.Run, o *options) {
	for _, name := range []string{"created_at", "updated_at"} {
		b.addNewColumn(r, name, "datetime", b.t.timestampOptions(o))
	}
}

func (t *translator) timestampOptions(o *options) *options {
	if v, _ := o.hash.GetKey("null"); (!o.hasOption("null") || v.IsWord("nil")) && t.version >= 500 {
		o = o.withOption("null", rubycode.False)
	}
	if !o.hasOption("precision") {
		precision := rubycode.Nil
		if t.version >= 600 {
			precision = rubycode.Value{Kind: rubycode.Number, Text: "6"}
		}
		o = o.withOption("precision", precision)
	}
	return o
}

// addReference adds the columns, the index and the key of a reference to a new table.
func (b *table) addReference(r *rubycode.Run, name string, o *options) {
	x := b.t.defineReference(b.name, name, o)
	for _, c := range x.columns {
		b.addNewColumn(r, c.name, c.kind, c.o)
	}
	if x.index != nil {
		b.indexes = append(b.indexes, pendingIndex{x.indexColumns, x.index})
	}
	if x.key != nil {
		sql, key, ok := b.t.defineForeignKey(b.name, x.keyTable, x.key)
		b.parts, b.keys = append(b.parts, sql), append(b.keys, key)
		b.unknown = b.unknown || !ok
	}
	b.unknown = b.unknown || x.unknown || o.unknown
}

// callAlter does a method of change_table, as one of the migration.
func (b *table) callAlter(r *rubycode.Run, c *rubycode.Call) bool {
	t := b.t
	calls := []*rubycode.Call{}
	addCall := func(name string, arguments ...rubycode.Value) {
		all := append([]rubycode.Value{rubycode.NewString(b.name)}, arguments...)
		calls = append(calls, &rubycode.Call{Name: name, Arguments: all, Options: c.Options})
	}
	switch {
	case renamed[c.Name] != "":
		addCall(renamed[c.Name], c.Arguments...)
	case c.Name == "references" || c.Name == "belongs_to":
		for _, a := range c.Arguments {
			addCall("add_reference", a)
		}
	case c.Name == "remove_references" || c.Name == "remove_belongs_to":
		for _, a := range c.Arguments {
			addCall("remove_reference", a)
		}
	case kinds[c.Name]:
		for _, a := range c.Arguments {
			addCall("add_column", a, rubycode.NewString(c.Name))
		}
	default:
		return false
	}
	for _, x := range calls {
		if b.bulk == nil || !b.addBulk(r, x) {
			b.flushBulk(r)
			t.callMigrationMethod(r, x)
		}
		if o := readOptions(x); x.Name == "add_column" && o.takeFlag("index") {
			b.flushBulk(r)
			t.callMigrationMethod(r, &rubycode.Call{Name: "add_index", Arguments: x.Arguments[:2], Options: o.takeOptions("index").hash})
		}
	}
	return true
}

// addBulk adds a call to the one ALTER TABLE of change_table with bulk. ok is false if it is a statement of its own
// (bulk_change_table and the methods *_for_alter of connection_adapters/abstract/schema_statements.rb).
func (b *table) addBulk(r *rubycode.Run, c *rubycode.Call) (ok bool) {
	t, o := b.t, readOptions(c)
	add := func(sql string) { *b.bulk = append(*b.bulk, sql) }
	switch c.Name {
	case "add_column":
		if !hasKnownArguments(c, o, 3) || o.hasOption("comment") {
			return false
		}
		x := t.defineColumn(r, argumentName(c, 1), argumentName(c, 2), t.columnOptions(argumentName(c, 2), o))
		if o.unknown {
			return false
		}
		add("ADD " + x.definitionSQL())
		t.schema.setColumn(b.name, x.name, x.typ)
	case "add_timestamps":
		for _, name := range []string{"created_at", "updated_at"} {
			add("ADD " + t.defineColumn(r, name, "datetime", t.timestampOptions(o)).definitionSQL())
		}
	case "remove_columns", "remove_column":
		list, ok := columnArguments(c)
		if !ok {
			return false
		}
		for _, name := range list {
			add("DROP COLUMN " + quoteName(name))
			t.schema.dropColumn(b.name, name)
		}
	case "remove_timestamps":
		add("DROP COLUMN " + quoteName("updated_at"))
		add("DROP COLUMN " + quoteName("created_at"))
	case "change_column":
		sql, ok := t.alterTypeClause(r, b.name, c, o)
		if !ok || t.version < 502 || o.hasOption("comment") {
			return false
		}
		add(sql)
	case "change_column_default":
		sql, ok := t.alterDefaultClause(r, b.name, c)
		if !ok {
			return false
		}
		add(sql)
	case "change_column_null":
		if len(c.Arguments) != 3 || !hasKnownArguments(c, o, 2) {
			return false
		}
		sql, ok := alterNullClause(argumentName(c, 1), c.Arguments[2])
		if !ok {
			return false
		}
		add(sql)
	default:
		return false
	}
	return true
}
