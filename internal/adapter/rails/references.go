package rails

import (
	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/inflect"
)

// reference is the result of t.references or add_reference: its columns, and perhaps an index and a foreign key.
type reference struct {
	columns []referenceColumn
	// index has the options of its index, key the options of its foreign key; nil if it has none.
	index, key   *options
	indexColumns rubycode.Value
	keyTable     string
	unknown      bool
}

type referenceColumn struct {
	name, kind string
	o          *options
}

// defineReference reads a reference as ReferenceDefinition does (connection_adapters/abstract/schema_definitions.rb). Its column is a bigint since
// 5.1 (V5_0), it has an index since 5.0 (V4_2), and the index of a polymorphic one has a name of its own since 6.1 (V6_0).
func (t *translator) defineReference(table, name string, o *options) *reference {
	x := &reference{}
	polymorphic := o.takeFlag("polymorphic")
	kind := o.takeText("type")
	switch {
	case kind != "":
	case t.version < 501:
		kind = "integer"
	default:
		kind = "bigint"
	}
	column := name + "_id"
	x.columns = []referenceColumn{{column, kind, o.withoutOptions("polymorphic", "index", "foreign_key", "type")}}
	if polymorphic {
		typeOptions := o.takeOptions("polymorphic")
		for _, option := range []string{"null", "if_exists", "if_not_exists"} {
			if v, isSet := o.hash.GetKey(option); isSet {
				typeOptions = typeOptions.withOption(option, v)
			}
		}
		x.columns = append([]referenceColumn{{name + "_type", "string", typeOptions}}, x.columns...)
	}
	indexed := o.takeFlag("index")
	if !o.hasOption("index") {
		indexed = t.version >= 500
	}
	if indexed {
		x.index, x.indexColumns = o.takeOptions("index"), rubycode.Value{Kind: rubycode.Array}
		for _, c := range x.columns {
			x.indexColumns.Items = append(x.indexColumns.Items, rubycode.NewString(c.name))
		}
		if polymorphic && !x.index.hasOption("name") && t.version >= 601 {
			x.index = x.index.withOption("name", rubycode.NewString("index_"+stripSchema(table)+"_on_"+name))
		}
		if v, isSet := o.hash.GetKey("if_not_exists"); isSet {
			x.index = x.index.withOption("if_not_exists", v)
		}
	}
	if o.takeFlag("foreign_key") {
		x.key = o.takeOptions("foreign_key")
		if !x.key.hasOption("column") {
			x.key = x.key.withOption("column", rubycode.NewString(column))
		}
		if v, isSet := o.hash.GetKey("if_not_exists"); isSet {
			x.key = x.key.withOption("if_not_exists", v)
		}
		if x.keyTable = x.key.takeText("to_table"); x.keyTable == "" {
			x.keyTable = inflect.Pluralize(name)
		}
		x.unknown = x.key.unknown
	}
	x.unknown = x.unknown || o.unknown
	return x
}

// withoutOptions returns the options without some.
func (o *options) withoutOptions(list ...string) *options {
	out := &options{hash: rubycode.Value{Kind: rubycode.Hash}}
next:
	for i := 0; i+1 < len(o.hash.Items); i += 2 {
		for _, name := range list {
			if o.hash.Items[i].Text == name {
				continue next
			}
		}
		out.hash.Items = append(out.hash.Items, o.hash.Items[i], o.hash.Items[i+1])
	}
	return out
}

// addReference sends what add_reference sends.
func (t *translator) addReference(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	table := argumentName(c, 0)
	x := t.defineReference(table, argumentName(c, 1), o)
	if x.unknown {
		return false
	}
	for _, column := range x.columns {
		if !t.sendColumn(r, table, column.name, column.kind, column.o) {
			return false
		}
	}
	if x.index != nil && !t.createIndex(r, table, x.indexColumns, x.index) {
		return false
	}
	return x.key == nil || t.sendForeignKey(r, table, x.keyTable, x.key)
}

// removeReference sends what remove_reference sends.
func (t *translator) removeReference(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	table, name := argumentName(c, 0), argumentName(c, 1)
	exists, polymorphic := o.takeFlag("if_exists"), o.takeFlag("polymorphic")
	if o.takeFlag("foreign_key") {
		key := o.takeOptions("foreign_key")
		column := key.takeText("column")
		if column == "" {
			column = name + "_id"
		}
		t.conditional = exists
		t.sendDropForeignKey(r, table, keyEntry{name: key.takeText("name"), column: column, to: key.takeText("to_table")})
	}
	columns := []string{name + "_id"}
	if polymorphic {
		columns = append(columns, name+"_type")
	}
	if o.unknown {
		return false
	}
	for _, column := range columns {
		t.conditional = exists
		t.schema.dropColumn(table, column)
		t.sendSQL(r, alterTablePrefix(table)+"DROP COLUMN "+quoteName(column))
	}
	return true
}
