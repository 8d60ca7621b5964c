package knex

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// tableBuilder makes the statements of one createTable or alterTable: table.integer('b') in an alterTable of a makes
// alter table "a" add column "b" integer.
type tableBuilder struct {
	*compiler
	name string
	// create is set for a new table.
	create  bool
	columns []*column
	// types are statements that create types. later are those that follow the columns, in the order of the calls.
	types []string
	later []func()
	// primary is the first call that makes a primary key. checks are the conditions of a new table.
	primary           []jscode.Link
	checks            []string
	comment, inherits string
}

// buildTable reads the callback of a table builder and adds its statements. begin begins a CREATE TABLE; it is "" for ALTER TABLE.
func (c *compiler) buildTable(table, begin, like string, callback jscode.Value) {
	t := &tableBuilder{compiler: c, name: table, create: begin != ""}
	if callback.Kind == jscode.Callback {
		c.failUnless(callback.Read)
		for _, call := range callback.Calls {
			t.at = &call
			t.readTableCall(call.Links[1:])
		}
		t.at = nil
	} else {
		c.failUnless(like != "")
	}
	if c.unread {
		return
	}
	for _, x := range t.columns {
		x.kind = t.columnType(x)
	}
	if t.create {
		t.addCreateStatements(begin, like)
	} else {
		t.addAlterStatements()
	}
}

// columnType returns the type of a column.
func (t *tableBuilder) columnType(c *column) string {
	l := c.definition
	if l.Name == "json" && len(l.Arguments) > 1 {
		t.unread = true
	}
	if simple := simpleTypes[l.Name]; simple != "" {
		return simple
	}
	return typeMethods[l.Name](t, l)
}

// addCreateStatements adds the statements for a new table.
func (t *tableBuilder) addCreateStatements(begin, like string) {
	var parts []string
	for _, c := range t.columns {
		t.failUnless(!c.altered)
		parts = append(parts, t.defineColumn(c))
	}
	slices.Reverse(t.types)
	for _, sql := range t.types {
		t.addSQL(sql)
	}
	columns := strings.Join(parts, ", ")
	sql := begin + t.wrapTable(t.name)
	if like != "" {
		if sql += " (like " + t.wrapTable(like) + " including all"; columns != "" {
			sql += ", " + columns
		}
		sql += ")"
	} else {
		sql += " (" + columns + t.primaryKeyClause()
		for _, check := range t.checks {
			sql += ", " + check
		}
		sql += ")"
	}
	if t.inherits != "" {
		sql += " inherits (" + t.wrapName(t.inherits) + ")"
	}
	t.addSQL(sql)
	t.addTableComment()
	for _, c := range t.columns {
		t.addComment(c)
	}
	for _, add := range t.later {
		add()
	}
}

// addAlterStatements adds the statements for changes of a table.
func (t *tableBuilder) addAlterStatements() {
	var parts []string
	var first *jscode.Value
	begin := "alter table " + t.wrapTable(t.name) + " "
	for _, c := range t.columns {
		if !c.altered {
			first = cmp.Or(first, c.at)
			parts = append(parts, "add column "+t.defineColumn(c))
		}
	}
	slices.Reverse(t.types)
	for _, sql := range t.types {
		t.addSQL(sql)
	}
	if len(parts) > 0 {
		t.at = first
		t.addSQL(begin + strings.Join(parts, ", "))
	}
	for _, c := range t.columns {
		if t.at = c.at; c.altered {
			t.alterColumn(c)
		}
	}
	t.at = nil
	for _, c := range t.columns {
		if !c.altered {
			t.addComment(c)
		}
	}
	for _, c := range t.columns {
		if c.altered {
			t.addComment(c)
			t.addColumnChecks(c)
		}
	}
	for _, add := range t.later {
		add()
	}
	t.addTableComment()
}

func (t *tableBuilder) addTableComment() {
	if t.comment != "" {
		t.addSQL("comment on table " + t.wrapTable(t.name) + " is '" + t.comment + "'")
	}
}

// primaryKeyClause returns the primary key in a new table: only the first that the builder names.
func (t *tableBuilder) primaryKeyClause() string {
	if len(t.primary) == 0 {
		return ""
	}
	return ", " + t.keyConstraint(t.primary[0])
}

// keyConstraint returns the definition of a primary key.
func (t *tableBuilder) keyConstraint(l jscode.Link) string {
	o := t.takeIndexOptions(l, "constraintName")
	t.failUnless(o.predicate == nil && o.useConstraint == "")
	if o.name == "" {
		o.name = t.name + "_pkey"
	}
	return "constraint " + t.wrapName(o.name) + " primary key (" + t.wrapNames(t.namesAt(l, 0)) + ")" + o.deferrable
}

// readTableCall reads a call of the table builder, with the calls that follow it in its chain.
func (t *tableBuilder) readTableCall(links []jscode.Link) {
	for _, l := range links {
		t.failUnless(l.Called && !l.Tagged)
	}
	if t.unread {
		return
	}
	first := links[0]
	switch {
	case isColumnType(first.Name):
		t.readColumn(links)
		return
	case first.Name == "foreign":
		t.readForeignKey(links)
		return
	}
	for _, l := range links {
		t.readTableMethod(l)
	}
}

// tableMethods are the methods of the table builder that return it. Those under alterMethods exist only for a table that is altered.
var tableMethods = map[string]func(t *tableBuilder, l jscode.Link){
	"timestamps": (*tableBuilder).addTimestamps, "index": (*tableBuilder).addIndex, "unique": (*tableBuilder).addUnique, "primary": (*tableBuilder).addPrimaryKey,
	"comment": func(t *tableBuilder, l jscode.Link) { t.comment = t.textAt(l, 0) },
	"inherits": func(t *tableBuilder, l jscode.Link) {
		t.failUnless(t.create)
		t.inherits = t.textAt(l, 0)
	},
	"check": (*tableBuilder).addCheck,
	"dropPrimary": dropConstraintHandler(func(t *tableBuilder, l jscode.Link) string {
		if name := t.optionalText(l, 0); name != "" {
			return t.wrapName(name)
		}
		return t.wrapName(t.name + "_pkey")
	}),
	"dropUnique": dropConstraintHandler(newPartNamer("unique")), "dropForeign": dropConstraintHandler(newPartNamer("foreign")),
	"dropIndex": (*tableBuilder).dropIndex,
}

// alterMethods are the methods that only alterTable has.
var alterMethods = map[string]func(t *tableBuilder, l jscode.Link){
	"dropColumn": (*tableBuilder).dropColumns, "dropColumns": (*tableBuilder).dropColumns, "dropTimestamps": (*tableBuilder).dropTimestamps,
	"renameColumn": func(t *tableBuilder, l jscode.Link) {
		sql := "rename " + t.wrapName(t.textAt(l, 0)) + " to " + t.wrapName(t.textAt(l, 1))
		t.alterLater(sql)
	},
	"setNullable": func(t *tableBuilder, l jscode.Link) {
		t.alterLater("alter column " + t.wrapName(t.textAt(l, 0)) + " drop not null")
	},
	"dropNullable": func(t *tableBuilder, l jscode.Link) {
		t.alterLater("alter column " + t.wrapName(t.textAt(l, 0)) + " set not null")
	},
	"dropChecks": func(t *tableBuilder, l jscode.Link) {
		names := t.namesAt(l, 0) // of several texts, Knex reads the first
		t.alterLater("drop constraint " + strings.Join(names, ", drop constraint "))
	},
}

// readTableMethod reads a method of the table builder that returns it.
func (t *tableBuilder) readTableMethod(l jscode.Link) {
	name, ifExists := strings.CutSuffix(l.Name, "IfExists")
	method := tableMethods[name]
	if method == nil && !t.create {
		method = alterMethods[l.Name]
	}
	if method == nil || ifExists && (!strings.HasPrefix(name, "drop") || name == "dropIndex") {
		t.unread = true
		return
	}
	method(t, l)
}

// addLater keeps what a call adds after the columns, with its position.
func (t *tableBuilder) addLater(add func()) {
	place := t.at
	t.later = append(t.later, func() {
		t.at = place
		add()
		t.at = nil
	})
}

// alterLater adds a change of the table after its columns.
func (t *tableBuilder) alterLater(change string) {
	sql := "alter table " + t.wrapTable(t.name) + " " + change
	t.addLater(func() { t.addSQL(sql) })
}

// addTimestamps adds the columns created_at and updated_at.
func (t *tableBuilder) addTimestamps(l jscode.Link) {
	var now, camel bool
	if o := takeObject(l, 0); o != nil {
		now, camel = o.TakeFlag("defaultToNow"), o.TakeFlag("useCamelCase")
		o.TakeFlag("useTimestamps") // both types are the same on Postgres
		t.failUnless(o.IsRead())
	} else {
		now, camel = t.boolAt(l, 1), t.boolAt(l, 2)
	}
	names := []string{"created_at", "updated_at"}
	if camel {
		names = []string{"createdAt", "updatedAt"}
	}
	for _, name := range names {
		c := &column{name: name, definition: jscode.Link{Name: "timestamp"}, modifiers: map[string]jscode.Link{}, at: t.at}
		if now {
			c.modifiers["nullable"] = jscode.Link{Name: "notNullable"}
			c.modifiers["defaultTo"] = currentTime
		}
		t.columns = append(t.columns, c)
	}
}

// currentTime is the call defaultTo(knex.fn.now()).
var currentTime = jscode.Link{Name: "defaultTo", Called: true, Arguments: []jscode.Value{{
	Kind: jscode.Chain, Links: []jscode.Link{{Name: "knex"}, {Name: "fn"}, {Name: "now", Called: true}},
}}}

func (t *tableBuilder) dropColumns(l jscode.Link) {
	names := t.allNames(l)
	for i, n := range names {
		names[i] = "drop column " + t.wrapName(n)
	}
	t.alterLater(strings.Join(names, ", "))
}

func (t *tableBuilder) dropTimestamps(l jscode.Link) {
	names := `drop column "created_at", drop column "updated_at"`
	if t.boolAt(l, 0) {
		names = `drop column "createdAt", drop column "updatedAt"`
	}
	t.alterLater(names)
}

func (t *tableBuilder) addCheck(l jscode.Link) {
	condition, name := t.tableCheck(l)
	switch {
	case t.create && name != "":
		t.checks = append(t.checks, "constraint "+name+" check ("+condition+")")
	case t.create:
		t.checks = append(t.checks, "check ("+condition+")")
	case name == "":
		t.unread = true // Knex gives it a name that is no SQL
	default:
		t.alterLater("add constraint " + name + " check(" + condition + ")")
	}
}
