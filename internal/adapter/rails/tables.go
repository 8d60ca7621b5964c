package rails

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/inflect"
)

// table is the argument of the block of create_table or change_table.
type table struct {
	t    *translator
	name string
	// columns, parts and indexes are what a new table gets: parts are constraints.
	columns []*column
	parts   []string
	indexes []pendingIndex
	keys    []keyEntry
	// alters is set for change_table. bulk collects what goes into one ALTER TABLE; nil if each call is its own.
	alters bool
	bulk   *[]string
	// conditional is set if a call may not run; unknown if one is not read.
	conditional, unknown bool
	// base is set if create_table or change_table itself is under a condition.
	base bool
}

// pendingIndex is an index that follows CREATE TABLE.
type pendingIndex struct {
	columns rubycode.Value
	o       *options
}

// createTable sends what create_table sends.
func (t *translator) createTable(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name := argumentName(c, 0)
	if name == "" {
		return false
	}
	b := &table{t: t, name: name, base: r.IsConditional()}
	if !b.addPrimaryKey(r, o) {
		return false
	}
	if c.Block.Kind == rubycode.Proc {
		r.RunBlock(c.Block, rubycode.Value{Kind: rubycode.Object, Object: b})
	}
	return b.finishTable(r, o)
}

// addPrimaryKey adds the key that a table has by its options. Until 5.0 it was an integer (Migration::Compatibility::V5_0).
func (b *table) addPrimaryKey(r *rubycode.Run, o *options) bool {
	id, hasID := o.hash.GetKey("id")
	if id.IsWord("false") || o.hasOption("as") {
		return true
	}
	keys := o.takeNames("primary_key")
	if len(keys) > 1 {
		b.parts = append(b.parts, "PRIMARY KEY ("+quoteNames(keys)+")")
		return !o.unknown
	}
	key, kind := "id", "primary_key"
	if len(keys) == 1 {
		key = keys[0]
	}
	keyOptions := &options{hash: rubycode.Value{Kind: rubycode.Hash}}
	for _, name := range []string{"limit", "default", "precision"} {
		if v, ok := o.hash.GetKey(name); ok {
			keyOptions = keyOptions.withOption(name, v)
		}
	}
	switch {
	case id.Kind == rubycode.Hash:
		inner := &options{hash: id}
		if kind = inner.takeText("type"); kind == "" {
			kind = "primary_key"
		}
		for i := 0; i+1 < len(id.Items); i += 2 {
			if id.Items[i].Text != "type" {
				keyOptions = keyOptions.withOption(id.Items[i].Text, id.Items[i+1])
			}
		}
	case id.IsName():
		kind = id.Text
	case hasID && !id.IsWord("true") && !id.IsWord("nil"):
		return false
	}
	if b.t.version < 501 && !b.t.dump {
		switch {
		case kind == "uuid" && !keyOptions.hasOption("default"):
			keyOptions = keyOptions.withOption("default", rubycode.NewString("uuid_generate_v4()"))
		case !hasID:
			kind = "integer"
		case (kind == "integer" || kind == "bigint") && !keyOptions.hasOption("default"):
			keyOptions = keyOptions.withOption("default", rubycode.Nil)
		}
	} else if kind == "uuid" && !keyOptions.hasOption("default") {
		keyOptions = keyOptions.withOption("default", rubycode.NewString("gen_random_uuid()"))
	}
	b.addNewColumn(r, key, kind, keyOptions.withOption("primary_key", rubycode.True))
	return !keyOptions.unknown && !o.unknown
}

// addNewColumn adds a column of a new table.
func (b *table) addNewColumn(r *rubycode.Run, name, kind string, o *options) {
	c := b.t.defineColumn(r, name, kind, o)
	if b.unknown = b.unknown || name == "" || o.unknown; b.unknown && (name == "" || o.unknown) {
		return
	}
	if i := slices.IndexFunc(b.columns, func(x *column) bool { return x.name == name }); i >= 0 {
		b.columns[i] = c
	} else {
		b.columns = append(b.columns, c)
	}
	if o.takeFlag("index") {
		b.indexes = append(b.indexes, pendingIndex{rubycode.NewString(name), o.takeOptions("index")})
	}
}

// finishTable sends the statements of a new table.
func (b *table) finishTable(r *rubycode.Run, o *options) bool {
	t, ifNotExists := b.t, o.takeFlag("if_not_exists")
	if b.unknown || b.conditional { // the table is new all the same
		r.SkipCall("create_table", "not all of its columns are literals", false)
	}
	var parts []string
	for _, c := range b.columns {
		parts = append(parts, c.definitionSQL())
	}
	parts = append(parts, b.parts...)
	kind, missing := "TABLE ", ""
	if o.takeFlag("temporary") {
		kind = "TEMPORARY TABLE "
	} else if t.project.unlogged {
		kind = "UNLOGGED TABLE "
	}
	if ifNotExists {
		missing = "IF NOT EXISTS "
	}
	sql := "CREATE " + kind + missing + quoteTable(b.name) + " "
	if len(parts) > 0 {
		sql += "(" + strings.Join(parts, ", ") + ")"
	}
	if more := o.takeText("options"); more != "" {
		sql += " " + more
	}
	if query := o.takeText("as"); query != "" {
		sql += " AS " + query
	}
	force := o.takeFlag("force")
	if o.unknown || o.hasOption("as") && o.takeText("as") == "" {
		return false
	}
	if force && !t.dump {
		cascade := ""
		if o.takeText("force") == "cascade" {
			cascade = " CASCADE"
		}
		t.sendSQL(r, "DROP TABLE IF EXISTS "+quoteTable(b.name)+cascade)
	}
	t.sendSQL(r, sql)
	if !ifNotExists || t.schema.columns[b.name] == nil {
		t.schema.dropTable(b.name)
	}
	for _, c := range b.columns {
		t.schema.setColumn(b.name, c.name, c.typ)
		if c.serialKey {
			t.schema.primaryKeys[b.name] = c.name
		}
	}
	t.schema.keys[b.name] = append(t.schema.keys[b.name], b.keys...)
	return b.finishParts(r, o, ifNotExists)
}

// finishParts sends what follows CREATE TABLE.
func (b *table) finishParts(r *rubycode.Run, o *options, ifNotExists bool) bool {
	t := b.t
	for _, x := range b.indexes {
		if ifNotExists {
			x.o = x.o.withOption("if_not_exists", rubycode.True)
		}
		if !t.createIndex(r, b.name, x.columns, x.o) {
			return false
		}
	}
	if comment := o.takeText("comment"); comment != "" {
		t.sendSQL(r, "COMMENT ON TABLE "+quoteTable(b.name)+" IS "+quoteText(comment))
	}
	for _, c := range b.columns {
		if c.comment != "" {
			t.sendSQL(r, "COMMENT ON COLUMN "+quoteTable(b.name)+"."+quoteName(c.name)+" IS "+quoteText(c.comment))
		}
	}
	return true
}

// createJoinTable sends what create_join_table sends.
func (t *translator) createJoinTable(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	first, second := argumentName(c, 0), argumentName(c, 1)
	b := &table{t: t, name: joinTableName(first, second, o), base: r.IsConditional()}
	columns := o.takeOptions("column_options")
	for _, x := range [][2]any{{"null", rubycode.False}, {"index", rubycode.False}} {
		if !columns.hasOption(x[0].(string)) {
			columns = columns.withOption(x[0].(string), x[1].(rubycode.Value))
		}
	}
	if t.version < 501 && !columns.hasOption("type") {
		columns = columns.withOption("type", rubycode.NewString("integer"))
	}
	for _, name := range []string{first, second} {
		b.addReference(r, inflect.Singularize(name), columns)
	}
	if c.Block.Kind == rubycode.Proc {
		r.RunBlock(c.Block, rubycode.Value{Kind: rubycode.Object, Object: b})
	}
	return b.finishTable(r, o)
}

// joinTableName returns the name of a table between two others: both names in order, and a prefix that both have only once.
func joinTableName(first, second string, o *options) string {
	if name := o.takeText("table_name"); name != "" {
		return name
	}
	list := []string{first, second}
	slices.Sort(list)
	both := strings.Join(list, "\x00")
	for i := strings.IndexByte(both, 0) - 1; i > 0; i-- { // (.*[_.])(.+)\0\1(.+)
		if (both[i] == '_' || both[i] == '.') && strings.HasPrefix(list[1], list[0][:i+1]) && len(list[1]) > i+1 && i+1 < len(list[0]) {
			return list[0] + "_" + list[1][i+1:]
		}
	}
	return list[0] + "_" + list[1]
}

func (t *translator) dropJoinTable(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	return t.dropTables(r, []string{joinTableName(argumentName(c, 0), argumentName(c, 1), o)}, o)
}

// dropTable sends what drop_table sends: until 8.0 for one table, since 8.0 for several.
func (t *translator) dropTable(r *rubycode.Run, c *rubycode.Call) bool {
	var list []string
	for i := range c.Arguments {
		list = append(list, argumentName(c, i))
	}
	return len(list) > 0 && !slices.Contains(list, "") && t.dropTables(r, list, readOptions(c))
}

func (t *translator) dropTables(r *rubycode.Run, list []string, o *options) bool {
	cascade, exists := o.takeText("force") == "cascade", o.takeFlag("if_exists")
	if o.unknown {
		return false
	}
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = quoteTable(name)
		t.schema.dropTable(name)
	}
	sql := "DROP TABLE"
	if exists {
		sql += " IF EXISTS"
	}
	sql += " " + strings.Join(quoted, ", ")
	if cascade {
		sql += " CASCADE"
	}
	t.sendSQL(r, sql)
	return true
}

// renameTable sends what rename_table sends: the sequence and the key that have default names, and the indexes.
func (t *translator) renameTable(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	from, to := argumentName(c, 0), argumentName(c, 1)
	t.sendSQL(r, "ALTER TABLE "+quoteTable(from)+" RENAME TO "+quoteTable(to))
	if key, ok := t.schema.primaryKeys[from]; ok {
		t.sendSQL(r, "ALTER INDEX "+quoteTable(from+"_pkey")+" RENAME TO "+quoteTable(to+"_pkey"))
		if t.schema.columns[from][key].kind != "uuid" {
			t.sendSQL(r, "ALTER TABLE "+quoteSequence(from+"_"+key+"_seq")+" RENAME TO "+quoteTable(to+"_"+key+"_seq"))
		}
	}
	t.schema.renameTable(from, to)
	for _, e := range t.schema.sortedIndexes(to) {
		if e.name == t.indexName(from, e.columns) {
			t.sendRenameIndex(r, to, e.name, t.indexName(to, e.columns))
		}
	}
	return true
}

// quoteSequence quotes a sequence with the schema that Active Record finds.
func quoteSequence(name string) string {
	if strings.Contains(name, ".") {
		return quoteTable(name)
	}
	return `"public".` + quoteName(name)
}

// changeTable does what change_table does: each call of the block is one of the migration.
func (t *translator) changeTable(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name, bulk := argumentName(c, 0), o.takeFlag("bulk")
	if name == "" || o.unknown || c.Block.Kind != rubycode.Proc {
		return false
	}
	b := &table{t: t, name: name, alters: true, base: r.IsConditional()}
	if bulk {
		b.bulk = new([]string)
	}
	r.RunBlock(c.Block, rubycode.Value{Kind: rubycode.Object, Object: b})
	b.flushBulk(r)
	if bulk && b.conditional {
		r.SkipCall("change_table", "a part of its one statement is under a condition", false)
	}
	return true
}

// flushBulk sends what change_table with bulk has collected.
func (b *table) flushBulk(r *rubycode.Run) {
	if b.bulk == nil {
		return
	}
	if list := *b.bulk; len(list) > 0 && !b.conditional {
		b.t.sendSQL(r, "ALTER TABLE "+quoteTable(b.name)+" "+strings.Join(list, ", "))
	}
	*b.bulk = nil
}
