package rails

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/script"
)

// translator runs the calls of a migration, and collects the SQL that Active Record sends for them.
type translator struct {
	// version is the one that the migration names.
	version version
	schema  *schema
	project *project
	// dump is set for db/schema.rb, which makes an empty database.
	dump bool
	// conditional is set while a call sends what it may leave out.
	conditional bool
	// waivers are the calls of safety_assured.
	waivers []script.Waiver
}

// The objects that a program gets from Rails.
type (
	// connection is the connection of the migration.
	connection struct{}
	// direction is the argument of the block of reversible.
	direction struct{}
	// environment is Rails.env.
	environment struct{}
	// schemaClass is ActiveRecord::Schema[7.1].
	schemaClass struct{ version string }
)

// method does a call of a migration. It returns false if not all of its arguments are literals.
type method func(t *translator, r *rubycode.Run, c *rubycode.Call) bool

// methods are the methods of a migration that send SQL.
var methods map[string]method

func init() {
	methods = map[string]method{
		"execute": (*translator).executeText, "exec_query": (*translator).executeText, "exec_update": (*translator).executeText,
		"exec_delete": (*translator).executeText,
		"update_sql":  (*translator).executeText, "exec_insert": (*translator).executeText, "update": (*translator).executeText,
		"delete": (*translator).executeText,
		"insert": (*translator).executeText, "insert_sql": (*translator).executeText,
		"create_table": (*translator).createTable, "create_join_table": (*translator).createJoinTable, "drop_table": (*translator).dropTable,
		"drop_join_table": (*translator).dropJoinTable, "rename_table": (*translator).renameTable, "change_table": (*translator).changeTable,
		"add_column": (*translator).addOneColumn, "add_columns": (*translator).addColumns, "remove_column": (*translator).removeColumn,
		"remove_columns": (*translator).removeColumns, "rename_column": (*translator).renameColumn, "change_column": (*translator).changeColumn,
		"change_column_null": (*translator).changeNull, "change_column_default": (*translator).changeDefault,
		"change_column_comment": (*translator).changeColumnComment, "change_table_comment": (*translator).changeTableComment,
		"add_timestamps": (*translator).addTimestamps, "remove_timestamps": (*translator).removeTimestamps,
		"add_reference": (*translator).addReference, "add_belongs_to": (*translator).addReference,
		"remove_reference": (*translator).removeReference, "remove_belongs_to": (*translator).removeReference,
		"add_index": (*translator).addIndex, "remove_index": (*translator).removeIndex, "rename_index": (*translator).renameIndex,
		"add_foreign_key": (*translator).addForeignKey, "remove_foreign_key": (*translator).removeForeignKey,
		"validate_foreign_key": (*translator).validateForeignKey,
		"add_check_constraint": (*translator).addCheck, "remove_check_constraint": (*translator).removeCheck,
		"validate_check_constraint": (*translator).validateCheck, "validate_constraint": (*translator).validateConstraint,
		"add_unique_constraint": (*translator).addUnique, "remove_unique_constraint": (*translator).removeConstraint,
		"add_exclusion_constraint": (*translator).addExclusion, "remove_exclusion_constraint": (*translator).removeConstraint,
		"enable_extension": (*translator).enableExtension, "disable_extension": (*translator).disableExtension,
		"create_schema": (*translator).createSchema, "drop_schema": (*translator).dropSchema,
		"create_enum": (*translator).createEnum, "drop_enum": (*translator).dropEnum, "rename_enum": (*translator).renameEnum,
		"add_enum_value": (*translator).addEnumValue, "rename_enum_value": (*translator).renameEnumValue,
		"create_view": (*translator).createView, "update_view": (*translator).updateView, "replace_view": (*translator).replaceView,
		"drop_view": (*translator).dropView, "create_function": (*translator).createDefinition, "create_trigger": (*translator).createDefinition,
	}
}

// question matches methods that only read.
var question = lazyregexp.New(`^(?:(?:table|column|index|foreign_key|check_constraint|` +
	`index_name|data_source|view|extension)_(?:exists|enabled)\?|select_\w+|` +
	`quote\w*|columns|indexes|tables|foreign_keys|primary_key|` +
	`adapter_name|reverting\?|current_database|schema_exists\?|supports_\w+\?|` +
	`query_value|query_values|sanitize_\w+)$`)

// Call does a call.
func (t *translator) Call(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	if !c.HasReceiver {
		return t.callMigrationMethod(r, c)
	}
	switch object := c.Receiver.Object.(type) {
	case connection:
		return t.callMigrationMethod(r, c)
	case *table:
		return object.callMethod(r, c)
	case *rows:
		return object.callMethod(r, c)
	case schemaClass:
		return t.defineSchema(r, c, object.version)
	case direction:
		if c.Name == "up" {
			r.RunBlock(c.Block)
		}
		return rubycode.Value{}, c.Name == "up" || c.Name == "down"
	case environment:
		known := c.Name == "production?" || c.Name == "test?" || c.Name == "development?" || c.Name == "local?"
		return rubycode.NewBool(c.Name == "production?"), known
	}
	if c.Receiver.Kind == rubycode.Constant {
		return t.callConstant(r, c)
	}
	return rubycode.Value{}, false
}

// callMigrationMethod does a method of the migration, or of its connection.
func (t *translator) callMigrationMethod(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	switch c.Name {
	case "connection", "raw_connection", "lease_connection":
		return rubycode.Value{Kind: rubycode.Object, Object: connection{}}, true
	case "adapter_name":
		return rubycode.NewString("PostgreSQL"), true
	case "reverting?":
		return rubycode.False, true
	case "quote_table_name", "quote_column_name", "quote":
		if len(c.Arguments) == 1 && c.Arguments[0].IsName() {
			quoted := map[string]func(string) string{"quote_table_name": quoteTable, "quote_column_name": quoteName, "quote": quoteText}[c.Name]
			return rubycode.NewString(quoted(c.Arguments[0].Text)), true
		}
		return rubycode.Value{}, true
	case "table_exists?", "column_exists?", "data_source_exists?", "index_exists?", "foreign_key_exists?":
		var v rubycode.Value
		if len(c.Arguments) > 0 && c.Arguments[0].IsName() {
			v.Needs = quoteTable(c.Arguments[0].Text)
		}
		return v, true
	case "reversible", "safety_assured", "say_with_time", "suppress_messages", "up_only", "transaction", "disable_statement_timeout",
		"without_statement_timeout":
		return t.callWrapper(r, c)
	case "loop":
		if c.Block.Kind == rubycode.Proc {
			r.RunInLoop(c.Block)
		}
		return rubycode.Value{}, true
	case "revert":
		r.SkipCall("revert", "it undoes another migration", false)
		return rubycode.Value{}, true
	}
	if handler := methods[c.Name]; handler != nil {
		if !handler(t, r, c) {
			r.SkipCall(c.Name, "not all of its arguments are literals", false)
		}
		t.conditional = false
		return rubycode.Value{}, true
	}
	return rubycode.Value{}, question.MatchString(c.Name)
}

// callWrapper does a method that runs its block.
func (t *translator) callWrapper(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	if c.Block.Kind != rubycode.Proc {
		return rubycode.Value{}, false
	}
	switch c.Name {
	case "reversible":
		return r.RunBlock(c.Block, rubycode.Value{Kind: rubycode.Object, Object: direction{}}), true
	case "transaction":
		r.RunInTransaction(c.Block)
		return rubycode.Value{}, true
	case "safety_assured":
		w := script.Waiver{Name: c.Name}
		w.Line, w.Column, w.EndLine, w.EndColumn = r.CallPosition()
		t.waivers = append(t.waivers, w)
	}
	return r.RunBlock(c.Block), true
}

// idleClasses are classes whose methods send nothing.
var idleClasses = map[string]bool{
	"Rails": true, "Time": true, "Date": true, "DateTime": true, "ENV": true, "YAML": true, "JSON": true, "CSV": true, "File": true, "Dir": true,
	"Pathname": true, "SecureRandom": true, "Set": true, "Hash": true, "Array": true, "Struct": true, "Arel": true, "Logger": true, "Digest::SHA256": true,
}

// callConstant does a method of a class.
func (t *translator) callConstant(r *rubycode.Run, c *rubycode.Call) (rubycode.Value, bool) {
	switch name := c.Receiver.Text; {
	case name == "Rails" && c.Name == "env":
		return rubycode.Value{Kind: rubycode.Object, Object: environment{}}, true
	case idleClasses[name] || strings.HasSuffix(name, "Error"):
		return rubycode.Value{}, true
	case name == "ActiveRecord::Schema" && c.Name == "[]" && len(c.Arguments) == 1:
		return rubycode.Value{Kind: rubycode.Object, Object: schemaClass{c.Arguments[0].Text}}, true
	case name == "ActiveRecord::Schema":
		return t.defineSchema(r, c, "6.1")
	case c.Name == "connection" || c.Name == "lease_connection" || c.Name == "retrieve_connection":
		return rubycode.Value{Kind: rubycode.Object, Object: connection{}}, true
	case c.Name == "transaction" && c.Block.Kind == rubycode.Proc:
		r.RunInTransaction(c.Block)
		return rubycode.Value{}, true
	}
	return t.callModel(r, c)
}

// defineSchema runs the block of a dump of the schema.
func (t *translator) defineSchema(r *rubycode.Run, c *rubycode.Call, v string) (rubycode.Value, bool) {
	if !t.dump || c.Name != "define" {
		return rubycode.Value{}, false
	}
	t.version = parseVersion(v)
	r.RunBlock(c.Block)
	return rubycode.Value{}, true
}

// sendSQL sends SQL that the call makes.
func (t *translator) sendSQL(r *rubycode.Run, sql string) {
	r.SendSQL(sql, rubycode.Value{}, t.conditional)
}

// executeText sends a text.
func (t *translator) executeText(r *rubycode.Run, c *rubycode.Call) bool {
	if len(c.Arguments) == 0 || c.Arguments[0].Kind != rubycode.String || len(c.Arguments) > 2 {
		r.SkipCall(c.Name, "its text is put together when it runs", false)
		return true
	}
	r.SendSQL(c.Arguments[0].Text, c.Arguments[0], false)
	return true
}

// argumentName returns a name among the arguments; "" if it is none.
func argumentName(c *rubycode.Call, i int) string {
	if i < len(c.Arguments) && c.Arguments[i].IsName() {
		return c.Arguments[i].Text
	}
	return ""
}

// readOptions returns the options of a call.
func readOptions(c *rubycode.Call) *options {
	o := &options{hash: c.Options}
	if o.hash.Kind != rubycode.Hash {
		o.hash = rubycode.Value{Kind: rubycode.Hash}
	}
	return o
}

// hasKnownArguments reports whether a call has at least n arguments that are names, and only known options.
func hasKnownArguments(c *rubycode.Call, o *options, n int) bool {
	for i := range n {
		if argumentName(c, i) == "" {
			return false
		}
	}
	return !o.unknown
}

// parseVersion reads a version; 402 if there is none, because a migration that names none is as old.
func parseVersion(s string) version {
	major, minor, _ := strings.Cut(s, ".")
	if major == "" {
		return 402
	}
	n := 0
	for _, part := range []string{major, minor} {
		value := 0
		for _, c := range part {
			if c < '0' || c > '9' || value > 100 {
				break
			}
			value = 10*value + int(c-'0')
		}
		n = 100*n + value
	}
	return version(n)
}
