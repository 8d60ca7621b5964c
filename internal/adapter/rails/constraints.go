package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/inflect"
)

// actions are the actions of a foreign key, in Rails' words and in SQL.
var actions = map[string]string{"nullify": "SET NULL", "cascade": "CASCADE", "restrict": "RESTRICT"}

// defineForeignKey returns the definition of a foreign key as visit_ForeignKeyDefinition does. ok is false if it is not known.
func (t *translator) defineForeignKey(table, to string, o *options) (sql string, key keyEntry, ok bool) {
	columns, keys := o.takeNames("column"), o.takeNames("primary_key")
	if len(keys) == 0 {
		keys = []string{"id"}
	}
	if len(columns) == 0 {
		for _, k := range keys {
			columns = append(columns, inflect.Singularize(stripSchema(to))+"_"+k)
		}
		if len(keys) == 1 {
			columns[0] = inflect.Singularize(stripSchema(to)) + "_id"
		}
	}
	name := o.takeText("name")
	if name == "" {
		name = foreignKeyName(table, columns)
	}
	sql = "CONSTRAINT " + quoteName(name) + "\nFOREIGN KEY (" + quoteNames(columns) + ")\n  REFERENCES " + quoteTable(to) + " (" + quoteNames(keys) + ")\n"
	for _, x := range [][2]string{{"on_delete", "DELETE"}, {"on_update", "UPDATE"}} {
		if action := o.takeText(x[0]); action != "" {
			sql += " ON " + x[1] + " " + actions[action]
			o.unknown = o.unknown || actions[action] == ""
		}
	}
	sql += deferClause(o)
	if o.isFalse("validate") {
		sql += " NOT VALID"
	}
	return sql, keyEntry{name, columns[0], to}, to != "" && !o.unknown
}

func deferClause(o *options) string {
	v, isSet := o.takeValue("deferrable")
	switch {
	case !isSet || v.IsWord("false"):
		return ""
	case v.IsWord("true"):
		return " DEFERRABLE INITIALLY IMMEDIATE"
	}
	return " DEFERRABLE INITIALLY " + strings.ToUpper(o.takeText("deferrable"))
}

func (t *translator) addForeignKey(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	return hasKnownArguments(c, o, 2) && t.sendForeignKey(r, argumentName(c, 0), argumentName(c, 1), o)
}

// sendForeignKey sends a foreign key.
func (t *translator) sendForeignKey(r *rubycode.Run, table, to string, o *options) bool {
	sql, key, ok := t.defineForeignKey(table, to, o)
	t.conditional = o.takeFlag("if_not_exists")
	if !ok || o.unknown {
		return false
	}
	t.schema.keys[table] = append(t.schema.keys[table], key)
	t.sendSQL(r, alterTablePrefix(table)+"ADD "+sql)
	t.conditional = false
	return true
}

// findForeignKey returns the name of the foreign key of a table that options describe.
func (t *translator) findForeignKey(table string, want keyEntry) (string, bool) {
	if want.name != "" {
		return want.name, true
	}
	for _, k := range t.schema.keys[table] {
		if (want.column == "" || k.column == want.column) && (want.to == "" || k.to == want.to) {
			return k.name, true
		}
	}
	if want.column == "" {
		want.column = inflect.Singularize(stripSchema(want.to)) + "_id"
	}
	return foreignKeyName(table, []string{want.column}), false
}

// foreignKeyArguments returns what a call says about a foreign key.
func foreignKeyArguments(c *rubycode.Call, o *options) (keyEntry, bool) {
	k := keyEntry{name: o.takeText("name"), column: o.takeText("column"), to: o.takeText("to_table")}
	if to := argumentName(c, 1); to != "" {
		k.to = to
	}
	return k, hasKnownArguments(c, o, 1) && k != keyEntry{}
}

// sendDropForeignKey sends the removal of a foreign key.
func (t *translator) sendDropForeignKey(r *rubycode.Run, table string, want keyEntry) {
	name, known := t.findForeignKey(table, want)
	t.conditional = t.conditional || !known
	for i, k := range t.schema.keys[table] {
		if k.name == name {
			t.schema.keys[table] = append(t.schema.keys[table][:i:i], t.schema.keys[table][i+1:]...)
			break
		}
	}
	t.sendSQL(r, alterTablePrefix(table)+"DROP CONSTRAINT "+quoteName(name))
	t.conditional = false
}

func (t *translator) removeForeignKey(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	k, ok := foreignKeyArguments(c, o)
	t.conditional = o.takeFlag("if_exists")
	if !ok || o.unknown {
		return false
	}
	t.sendDropForeignKey(r, argumentName(c, 0), k)
	return true
}

func (t *translator) validateForeignKey(r *rubycode.Run, c *rubycode.Call) bool {
	k, ok := foreignKeyArguments(c, readOptions(c))
	if !ok {
		return false
	}
	name, known := t.findForeignKey(argumentName(c, 0), k)
	t.conditional = !known
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"VALIDATE CONSTRAINT "+quoteName(name))
	return true
}

// defineCheck returns the definition of a check constraint.
func (t *translator) defineCheck(table, expression string, o *options) string {
	name := o.takeText("name")
	if name == "" {
		name = checkName(table, expression)
	}
	sql := "CONSTRAINT " + name + " CHECK (" + expression + ")"
	if o.isFalse("validate") {
		sql += " NOT VALID"
	}
	return sql
}

func (t *translator) addCheck(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	sql := t.defineCheck(argumentName(c, 0), argumentName(c, 1), o)
	t.conditional = o.takeFlag("if_not_exists")
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"ADD "+sql)
	return true
}

// checkConstraintName returns the name of the check constraint that a call means.
func checkConstraintName(c *rubycode.Call, o *options) string {
	if name := o.takeText("name"); name != "" {
		return name
	}
	expression := argumentName(c, 1)
	if expression == "" {
		expression = o.takeText("expression")
	}
	if expression == "" {
		return ""
	}
	return checkName(argumentName(c, 0), expression)
}

func (t *translator) removeCheck(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name := checkConstraintName(c, o)
	t.conditional = o.takeFlag("if_exists")
	if name == "" || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"DROP CONSTRAINT "+quoteName(name))
	return true
}

func (t *translator) validateCheck(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name := checkConstraintName(c, o)
	if name == "" || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"VALIDATE CONSTRAINT "+quoteName(name))
	return true
}

func (t *translator) validateConstraint(r *rubycode.Run, c *rubycode.Call) bool {
	if !hasKnownArguments(c, readOptions(c), 2) {
		return false
	}
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"VALIDATE CONSTRAINT "+quoteName(argumentName(c, 1)))
	return true
}

// defineUnique returns the definition of a unique constraint (postgresql/schema_creation.rb, since 7.1).
func (t *translator) defineUnique(table string, c *rubycode.Call, o *options) (string, bool) {
	var columns []string
	for _, a := range c.Arguments {
		if list, ok := readNames(a); ok {
			columns = list
		}
	}
	index := o.takeText("using_index")
	name := o.takeText("name")
	if name == "" {
		nameColumns := columns
		if len(nameColumns) == 0 {
			nameColumns = []string{index}
		}
		name = "uniq_rails_" + hashIdentifier(table+"_"+strings.Join(nameColumns, "_and_")+"_unique")
	}
	sql := "CONSTRAINT " + quoteName(name) + " UNIQUE"
	if o.takeFlag("nulls_not_distinct") {
		sql += " NULLS NOT DISTINCT"
	}
	if index != "" {
		sql += " USING INDEX " + quoteName(index)
	} else {
		sql += " (" + quoteNames(columns) + ")"
	}
	return sql + deferClause(o), !o.unknown && (index != "" || len(columns) > 0)
}

func (t *translator) addUnique(r *rubycode.Run, c *rubycode.Call) bool {
	table := argumentName(c, 0)
	if table == "" {
		return false
	}
	sql, ok := t.defineUnique(table, &rubycode.Call{Arguments: c.Arguments[1:]}, readOptions(c))
	if ok {
		t.sendSQL(r, alterTablePrefix(table)+"ADD "+sql)
	}
	return ok
}

// defineExclusion returns the definition of an exclusion constraint.
func (t *translator) defineExclusion(table, expression string, o *options) (string, bool) {
	name := o.takeText("name")
	if name == "" {
		name = "excl_rails_" + hashIdentifier(table+"_"+expression+"_excl")
	}
	sql := "CONSTRAINT " + quoteName(name) + " EXCLUDE"
	if using := o.takeText("using"); using != "" {
		sql += " USING " + using
	}
	sql += " (" + expression + ")"
	if where := o.takeText("where"); where != "" {
		sql += " WHERE (" + where + ")"
	}
	return sql + deferClause(o), !o.unknown && expression != ""
}

func (t *translator) addExclusion(r *rubycode.Run, c *rubycode.Call) bool {
	sql, ok := t.defineExclusion(argumentName(c, 0), argumentName(c, 1), readOptions(c))
	if ok {
		t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"ADD "+sql)
	}
	return ok
}

// removeConstraint sends the removal of a constraint that has a name.
func (t *translator) removeConstraint(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name := o.takeText("name")
	if name == "" && c.Name == "remove_unique_constraint" && len(c.Arguments) > 1 {
		if list, ok := readNames(c.Arguments[1]); ok {
			name = "uniq_rails_" + hashIdentifier(argumentName(c, 0)+"_"+strings.Join(list, "_and_")+"_unique")
		}
	}
	if name == "" || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, alterTablePrefix(argumentName(c, 0))+"DROP CONSTRAINT "+quoteName(name))
	return true
}
