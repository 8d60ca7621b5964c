package sequelize

import (
	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// unknown is what a call sends whose SQL is not read.
var unknown = jscode.Translation{Why: "its SQL is known only when it runs"}

// idle are the methods that only read the catalog, or send nothing.
var idle = map[string]bool{
	"describeTable": true, "showAllTables": true, "showIndex": true, "showConstraint": true, "tableExists": true, "showAllSchemas": true,
	"quoteIdentifier": true, "quoteIdentifiers": true, "quoteTable": true, "escape": true, "getForeignKeyReferencesForTable": true,
	"getForeignKeysForTables": true, "databaseVersion": true, "literal": true, "fn": true, "col": true,
}

// method makes the SQL of a method of the query interface. options is the position of the object that may have a transaction.
type method struct {
	write   func(c *compiler, arguments []jscode.Value)
	options int
}

// methods are the methods of the query interface that change something.
var methods = map[string]method{
	"createTable": {createTable, 2}, "dropTable": {dropTable, 1}, "renameTable": {renameTable, 2},
	"addColumn": {addColumn, 3}, "removeColumn": {removeColumn, 2}, "changeColumn": {changeColumn, 3}, "renameColumn": {renameColumn, 3},
	"addIndex": {addIndex, 2}, "removeIndex": {removeIndex, 2}, "addConstraint": {addConstraint, 1}, "removeConstraint": {removeConstraint, 2},
	"createSchema": {createSchema, 1}, "dropSchema": {dropSchema, 1},
	"bulkInsert": {bulkInsert, 2}, "bulkUpdate": {bulkUpdate, 3}, "bulkDelete": {bulkDelete, 2},
}

// translateCall returns the SQL of a chain of calls that begins with the query interface.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links[1:]
	if call.Links[0].Called || len(links) == 0 {
		return unknown
	}
	last := links[len(links)-1]
	if links[0].Name == "sequelize" && !links[0].Called {
		if len(links) == 2 {
			return translateSequelize(last)
		}
		return jscode.Translation{Why: unknown.Why, Idle: !last.Called} // such as sequelize.QueryTypes.SELECT
	}
	if len(links) == 1 && last.Name == "query" { // the context of umzug may be Sequelize
		return translateSequelize(last)
	}
	m, known := methods[last.Name]
	switch {
	case len(links) != 1 || !last.Called || last.Tagged:
		return unknown
	case idle[last.Name]:
		return jscode.Translation{Idle: true}
	case !known:
		return unknown
	}
	c := &compiler{}
	if position := m.options; position < len(last.Arguments) {
		c.readTransaction(last.Arguments[position])
	}
	if len(last.Arguments) > 1 && last.Name == "addIndex" && len(last.Arguments) == 2 {
		c.readTransaction(last.Arguments[1])
	}
	m.write(c, last.Arguments)
	if c.unread {
		return jscode.Translation{Why: "not all of its arguments are literals"}
	}
	return c.toTranslation()
}

// translateSequelize returns the SQL of a method of Sequelize itself.
func translateSequelize(l jscode.Link) jscode.Translation {
	switch {
	case idle[l.Name] || !l.Called:
		return jscode.Translation{Idle: true}
	case l.Name != "query" || len(l.Arguments) == 0 || len(l.Arguments) > 2:
		return unknown
	case l.Arguments[0].Kind != jscode.Text:
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	c := &compiler{}
	if len(l.Arguments) == 2 {
		options := l.Arguments[1]
		c.readTransaction(options)
		for _, field := range [...]string{"replacements", "bind"} {
			if _, set := options.Field(field); set {
				return jscode.Translation{Why: "its text has places for values"}
			}
		}
		if c.unread {
			return jscode.Translation{Why: "its options are known only when it runs"}
		}
	}
	c.out = []jscode.Statement{{Text: l.Arguments[0]}}
	return c.toTranslation()
}

// compiler makes the SQL of one call. unread is set if an argument is no literal, or an option is not known.
type compiler struct {
	unread bool
	// inside is set if the call gets a transaction.
	inside bool
	out    []jscode.Statement
}

func (c *compiler) addSQL(sql string) { c.out = append(c.out, jscode.Statement{SQL: sql}) }

// requireThat marks the call as unread if a condition does not hold.
func (c *compiler) requireThat(ok bool) { c.unread = c.unread || !ok }

// toTranslation returns what the call sends.
func (c *compiler) toTranslation() jscode.Translation {
	for i := range c.out {
		c.out[i].Outside = !c.inside
	}
	return jscode.Translation{Statements: c.out}
}

// readTransaction reads the option transaction.
func (c *compiler) readTransaction(options jscode.Value) {
	switch options.Kind {
	case jscode.Object:
		t, set := options.Field("transaction")
		c.inside = set && !t.IsMissing()
	case jscode.List, jscode.Text:
	default:
		c.requireThat(options.IsMissing())
	}
}

// requiredText returns an argument that has to be a text.
func (c *compiler) requiredText(arguments []jscode.Value, n int) string {
	if c.requireThat(n < len(arguments) && arguments[n].Kind == jscode.Text); c.unread {
		return ""
	}
	return arguments[n].Text
}

// optionText returns a property that is a text; "" if it is missing.
func (c *compiler) optionText(v jscode.Value, name string) string {
	p, set := v.Field(name)
	if !set || p.IsMissing() {
		return ""
	}
	c.requireThat(p.Kind == jscode.Text)
	return p.Text
}

// isOptionSet reports whether a property is true.
func (c *compiler) isOptionSet(v jscode.Value, name string) bool {
	p, set := v.Field(name)
	if !set || p.IsMissing() {
		return false
	}
	c.requireThat(p.IsWord("true") || p.IsWord("false"))
	return p.IsWord("true")
}
