package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// indexOptions are the arguments of a call that makes an index or a constraint, after its columns.
type indexOptions struct {
	name, deferrable, useConstraint string
	predicate                       *jscode.Value
}

// takeIndexOptions reads the second argument of a call: a name, or an object that has it.
func (t *tableBuilder) takeIndexOptions(l jscode.Link, nameField string) (out indexOptions) {
	o := takeObject(l, 1)
	if o == nil {
		out.name = t.optionalText(l, 1)
		return out
	}
	out.name, out.deferrable, out.useConstraint = o.TakeText(nameField), o.TakeText("deferrable"), o.TakeText("useConstraint")
	out.predicate = t.takePredicate(l.Arguments[1], o)
	t.failUnless(o.IsRead())
	if out.deferrable != "" {
		out.deferrable = " deferrable initially " + out.deferrable
	}
	return out
}

// takePredicate returns the condition of a partial index; nil if it has none.
func (t *tableBuilder) takePredicate(object jscode.Value, o *jscode.Options) *jscode.Value {
	v, set := object.Field("predicate")
	o.Drop("predicate")
	if !set || v.IsMissing() {
		return nil
	}
	return &v
}

// wherePredicate returns the condition of a partial index as Knex writes it: knex.whereNotNull('a').
func (t *tableBuilder) wherePredicate(v *jscode.Value) string {
	if v == nil {
		return ""
	}
	if v.Kind != jscode.Chain || v.Links[0].Called {
		t.unread = true
		return ""
	}
	q := &queryBuilder{compiler: t.compiler, literal: true}
	for _, l := range v.Links[1:] {
		t.failUnless(l.Called && q.readWhere(l))
	}
	t.failUnless(q.where != "")
	return " where " + q.where
}

// partIndexName returns the name that Knex gives to a part of a table.
func (t *tableBuilder) partIndexName(kind string, columns []string) string {
	table := strings.NewReplacer(".", "_", "-", "_").Replace(t.name)
	return t.wrapName(strings.ToLower(table + "_" + strings.Join(columns, "_") + "_" + kind))
}

// newPartNamer returns a function that returns the name of a part that a call drops: the second argument, else the name that Knex gave it.
func newPartNamer(kind string) func(*tableBuilder, jscode.Link) string {
	return func(t *tableBuilder, l jscode.Link) string {
		if name := t.optionalText(l, 1); name != "" {
			return t.wrapName(name)
		}
		return t.partIndexName(kind, t.namesAt(l, 0))
	}
}

// dropConstraintHandler returns a function that drops the constraint of a name.
func dropConstraintHandler(name func(*tableBuilder, jscode.Link) string) func(*tableBuilder, jscode.Link) {
	return func(t *tableBuilder, l jscode.Link) {
		clause := ""
		if strings.HasSuffix(l.Name, "IfExists") {
			clause = "if exists "
		}
		t.alterLater("drop constraint " + clause + name(t, l))
	}
}

func (t *tableBuilder) dropIndex(l jscode.Link) {
	sql := newPartNamer("index")(t, l)
	if t.schema != "" {
		sql = t.wrapName(t.schema) + "." + sql
	}
	t.addLater(func() { t.addSQL("drop index " + sql) })
}

func (t *tableBuilder) addPrimaryKey(l jscode.Link) {
	if t.primary = append(t.primary, l); !t.create {
		t.alterLater("add " + t.keyConstraint(l))
	}
}

func (t *tableBuilder) addUnique(l jscode.Link) {
	columns, o := t.namesAt(l, 0), t.takeIndexOptions(l, "indexName")
	name := t.partIndexName("unique", columns)
	if o.name != "" {
		name = t.wrapName(o.name)
	}
	constraint := o.useConstraint == "true" || o.useConstraint == "" && (o.deferrable != "" || o.predicate == nil)
	t.failUnless(!constraint || o.predicate == nil)
	t.failUnless(constraint || o.deferrable == "")
	if constraint {
		t.alterLater("add constraint " + name + " unique (" + t.wrapNames(columns) + ")" + o.deferrable)
		return
	}
	sql := "create unique index " + name + " on " + t.wrapTable(t.name) + " (" + t.wrapNames(columns) + ")" + t.wherePredicate(o.predicate)
	t.addLater(func() { t.addSQL(sql) })
}

func (t *tableBuilder) addIndex(l jscode.Link) {
	columns := t.namesAt(l, 0)
	name := t.partIndexName("index", columns)
	if customName := t.optionalText(l, 1); customName != "" {
		name = t.wrapName(customName)
	}
	var method, where string
	sql := "create"
	if o := takeObject(l, 2); o != nil {
		if strings.EqualFold(o.TakeText("indexType"), "unique") {
			sql += " unique"
		}
		method = o.TakeText("storageEngineIndexType")
		where = t.wherePredicate(t.takePredicate(l.Arguments[2], o))
		t.failUnless(o.IsRead())
	} else {
		method = t.optionalText(l, 2)
	}
	if method != "" {
		method = " using " + method
	}
	sql += " index " + name + " on " + t.wrapTable(t.name) + method + " (" + t.wrapNames(columns) + ")" + where
	t.addLater(func() { t.addSQL(sql) })
}

// foreignKey is a foreign key that a table builder adds.
type foreignKey struct {
	columns                                                 []string
	name, references, table, onUpdate, onDelete, deferrable string
	// open is set after references("id"): the next call has to be inTable.
	open bool
}

// addForeignKey adds a foreign key, which later calls complete.
func (t *tableBuilder) addForeignKey(k *foreignKey) {
	t.addLater(func() {
		if k.table == "" || k.references == "" {
			return // Knex sends nothing
		}
		name := t.partIndexName("foreign", k.columns)
		if k.name != "" {
			name = t.wrapName(k.name)
		}
		sql := "alter table " + t.wrapTable(t.name) + " add constraint " + name + " foreign key (" + t.wrapNames(k.columns) + ") references " +
			t.wrapName(k.table) + " (" + k.references + ")"
		if k.onUpdate != "" {
			sql += " on update " + k.onUpdate
		}
		if k.onDelete != "" {
			sql += " on delete " + k.onDelete
		}
		if k.deferrable != "" {
			sql += " deferrable initially " + strings.ToLower(k.deferrable) + " "
		}
		t.addSQL(sql)
	})
}

// readForeignKey reads table.foreign(…) and the calls that follow it.
func (t *tableBuilder) readForeignKey(links []jscode.Link) {
	k := &foreignKey{columns: t.namesAt(links[0], 0), name: t.optionalText(links[0], 1)}
	t.addForeignKey(k)
	for _, l := range links[1:] {
		t.failUnless(t.readKeyMethod(k, l))
	}
}

// readKeyMethod reads a call that completes a foreign key. It reports whether the method is one.
func (t *tableBuilder) readKeyMethod(k *foreignKey, l jscode.Link) bool {
	isTable := l.Name == "inTable" || l.Name == "on"
	t.failUnless(isTable == k.open)
	switch {
	case isTable:
		k.table, k.open = t.textAt(l, 0), false
	case l.Name == "references" && len(l.Arguments) == 1 && l.Arguments[0].Kind == jscode.List:
		k.references, k.open = t.wrapNames(t.namesAt(l, 0)), true
	case l.Name == "references":
		table, column, dotted := strings.Cut(t.textAt(l, 0), ".")
		if !dotted {
			k.references, k.open = t.wrapName(table), true
			break
		}
		column, _, _ = strings.Cut(column, ".")
		k.table, k.references = table, t.wrapName(column)
	case l.Name == "withKeyName":
		k.name = t.textAt(l, 0)
	case l.Name == "onUpdate":
		k.onUpdate = t.textAt(l, 0)
	case l.Name == "onDelete":
		k.onDelete = t.textAt(l, 0)
	case l.Name == "deferrable":
		k.deferrable = t.textAt(l, 0)
	default:
		return false
	}
	return true
}

// columnModifiers are the modifiers of a column, by their method, with the names under which Knex keeps them.
var columnModifiers = map[string]string{
	"default": "defaultTo", "defaultTo": "defaultTo", "defaultsTo": "defaultTo", "nullable": "nullable", "notNullable": "nullable", "notNull": "nullable",
	"comment": "comment", "unsigned": "unsigned", "first": "first", "after": "after", "collate": "collate",
	"checkPositive": "checkPositive", "checkNegative": "checkNegative", "checkIn": "checkIn", "checkNotIn": "checkNotIn", "checkBetween": "checkBetween",
	"checkLength": "checkLength", "checkRegex": "checkRegex",
}

// readColumn reads a column and its modifiers.
func (t *tableBuilder) readColumn(links []jscode.Link) {
	c := &column{definition: links[0], modifiers: map[string]jscode.Link{}, at: t.at}
	if c.name = t.optionalText(links[0], 0); c.name == "" {
		t.failUnless(c.isSerial())
		c.name = "id"
	}
	t.columns = append(t.columns, c)
	var key *foreignKey
	for _, l := range links[1:] {
		switch {
		case key != nil && key.open:
			t.failUnless(t.readKeyMethod(key, l))
		case l.Name == "index" || l.Name == "unique" || l.Name == "primary":
			if !c.isSerial() {
				first := jscode.Value{Kind: jscode.Text, Text: c.name}
				t.readTableMethod(jscode.Link{Name: l.Name, Called: true, Arguments: append([]jscode.Value{first}, l.Arguments...)})
			}
		case l.Name == "references":
			key = &foreignKey{columns: []string{c.name}}
			t.addForeignKey(key)
			t.readKeyMethod(key, l)
		case l.Name == "alter" && !t.create:
			c.altered = true
			t.readAlterOptions(c, l)
		case columnModifiers[l.Name] != "":
			c.modifiers[columnModifiers[l.Name]] = l
		default:
			t.failUnless(key != nil && t.readKeyMethod(key, l))
		}
	}
}

// readAlterOptions reads the argument of alter().
func (t *tableBuilder) readAlterOptions(c *column, l jscode.Link) {
	o := takeObject(l, 0)
	t.failUnless(len(l.Arguments) == 0 || o != nil)
	if o == nil {
		return
	}
	c.keepsNull, c.keepsType = o.TakeText("alterNullable") == "false", o.TakeText("alterType") == "false"
	t.failUnless(o.IsRead())
}
