package rails

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/rubycode"
)

// The gem scenic keeps the SQL of a view in db/views/NAME_v02.sql, and a dump of the schema in sql_definition.

// viewDefinition returns the SQL of a version of a view. ok is false if it is not known.
func (t *translator) viewDefinition(name string, o *options) (sql string, ok bool) {
	if sql = o.takeText("sql_definition"); sql == "" {
		number := 1
		if v := o.takeText("version"); v != "" {
			number, _ = strconv.Atoi(v)
		}
		file := path.Join(t.project.root, "db/views", fmt.Sprintf("%s_v%02d.sql", strings.ReplaceAll(name, ".", "_"), number))
		if !adapter.HasFile(t.project.tree, file) {
			return "", false
		}
		sql = adapter.ReadFile(t.project.tree, file).Text
	}
	return strings.TrimSuffix(strings.TrimSpace(sql), ";"), !o.unknown && sql != ""
}

// createView sends what create_view sends.
func (t *translator) createView(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	sql, ok := t.viewDefinition(argumentName(c, 0), o)
	kind := viewKind(o)
	if !ok || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, "CREATE "+kind+quoteTable(argumentName(c, 0))+" AS "+sql)
	return true
}

// viewKind returns the kind of a view by the option that says that it is materialized.
func viewKind(o *options) string {
	if o.takeFlag("materialized") {
		return "MATERIALIZED VIEW "
	}
	return "VIEW "
}

// updateView sends what update_view sends: it drops the view and creates it again. The indexes of a materialized one, which scenic creates
// again, are not read.
func (t *translator) updateView(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	if _, ok := t.viewDefinition(argumentName(c, 0), o); !ok || o.takeFlag("materialized") {
		return false
	}
	return t.dropView(r, c) && t.createView(r, c)
}

// replaceView sends what replace_view sends.
func (t *translator) replaceView(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	sql, ok := t.viewDefinition(argumentName(c, 0), o)
	if !ok || !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, "CREATE OR REPLACE VIEW "+quoteTable(argumentName(c, 0))+" AS "+sql)
	return true
}

// dropView sends what drop_view sends.
func (t *translator) dropView(r *rubycode.Run, c *rubycode.Call) bool {
	o := readOptions(c)
	kind := viewKind(o)
	if !hasKnownArguments(c, o, 1) {
		return false
	}
	t.sendSQL(r, "DROP "+kind+quoteTable(argumentName(c, 0)))
	return true
}
