package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// enableExtension sends the statement of enable_extension: CREATE EXTENSION IF NOT EXISTS "hstore".
func (t *translator) enableExtension(r *rubycode.Run, c *rubycode.Call) bool {
	name := argumentName(c, 0)
	if name == "" {
		return false
	}
	sql := `CREATE EXTENSION IF NOT EXISTS "` + stripSchema(name) + `"`
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		sql += " SCHEMA " + name[:i]
	}
	t.sendSQL(r, sql)
	return true
}

// disableExtension drops an extension; until 7.0 with what depends on it (V7_0).
func (t *translator) disableExtension(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	name := argumentName(c, 0)
	if name == "" {
		return false
	}
	sql := `DROP EXTENSION IF EXISTS "` + stripSchema(name) + `"`
	if t.version < 701 || o.takeText("force") == "cascade" {
		sql += " CASCADE"
	}
	t.sendSQL(r, sql)
	return !o.unknown
}

func (t *translator) createSchema(r *rubycode.Run, c *rubycode.Call) bool {
	return t.sendOptional(r, c, "CREATE SCHEMA ", "if_not_exists", quoteName, "")
}

func (t *translator) dropSchema(r *rubycode.Run, c *rubycode.Call) bool {
	return t.sendOptional(r, c, "DROP SCHEMA ", "if_exists", quoteName, " CASCADE")
}

// createEnum sends what create_enum sends: a block that creates the type if it is missing (postgresql_adapter.rb, since 7.0).
func (t *translator) createEnum(r *rubycode.Run, c *rubycode.Call) bool {
	name := argumentName(c, 0)
	if name == "" || len(c.Arguments) < 2 {
		return false
	}
	list, ok := readNames(c.Arguments[1])
	if !ok {
		return false
	}
	values := make([]string, len(list))
	for i, v := range list {
		values[i] = quoteText(v)
	}
	create := "CREATE TYPE " + quoteTable(name) + " AS ENUM (" + strings.Join(values, ", ") + ")"
	if t.dump {
		t.sendSQL(r, create)
		return true
	}
	schema := "ANY (current_schemas(false))"
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		schema = quoteText(name[:i])
	}
	t.sendSQL(r, "DO $$\nBEGIN\n    IF NOT EXISTS (\n      SELECT 1\n      FROM pg_type t\n      JOIN pg_namespace n ON t.typnamespace = n.oid\n"+
		"      WHERE t.typname = "+quoteText(stripSchema(name))+"\n        AND n.nspname = "+schema+"\n    ) THEN\n        "+create+";\n    END IF;\nEND\n$$;")
	return true
}

func (t *translator) dropEnum(r *rubycode.Run, c *rubycode.Call) bool {
	return t.sendOptional(r, c, "DROP TYPE ", "if_exists", quoteTable, "")
}

// sendOptional sends a statement on one name, which an option makes conditional: if_exists or if_not_exists.
func (t *translator) sendOptional(r *rubycode.Run, c *rubycode.Call, verb, option string, quote func(string) string, ending string) bool {
	o := readOptions(c)
	if o.takeFlag(option) {
		verb += strings.ToUpper(strings.ReplaceAll(option, "_", " ")) + " "
	}
	if !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, verb+quote(argumentName(c, 0))+ending)
	return true
}

func (t *translator) renameEnum(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	to := argumentName(c, 1)
	if to == "" {
		to = o.takeText("to")
	}
	if to == "" || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, "ALTER TYPE "+quoteTable(argumentName(c, 0))+" RENAME TO "+quoteTable(to))
	return true
}

func (t *translator) addEnumValue(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	sql := "ALTER TYPE " + quoteTable(argumentName(c, 0)) + " ADD VALUE "
	if o.takeFlag("if_not_exists") {
		sql += "IF NOT EXISTS "
	}
	sql += quoteText(argumentName(c, 1))
	if before := o.takeText("before"); before != "" {
		sql += " BEFORE " + quoteText(before)
	} else if after := o.takeText("after"); after != "" {
		sql += " AFTER " + quoteText(after)
	}
	if !hasKnownArguments(c, o, 2) {
		return false
	}
	t.sendSQL(r, sql)
	return true
}

func (t *translator) renameEnumValue(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	from, to := o.takeText("from"), o.takeText("to")
	if from == "" || to == "" || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, "ALTER TYPE "+quoteTable(argumentName(c, 0))+" RENAME VALUE "+quoteText(from)+" TO "+quoteText(to))
	return true
}

// createDefinition reads a function or a trigger of the gem fx in a dump of the schema.
func (t *translator) createDefinition(r *rubycode.Run, c *rubycode.Call) bool {
	definition := readOptions(c).takeText("sql_definition")
	if definition == "" {
		return false
	}
	t.sendSQL(r, definition)
	return true
}
