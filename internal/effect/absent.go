package effect

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// present refuses an object that is surely not there: a "schema", a "server".
func (r *run) present(kind, name string) bool {
	if name == "" || kind == "schema" && (name == r.schema || strings.HasPrefix(name, "pg_")) || !r.c.Absent(kind, name) {
		return true
	}
	if kind == "schema" {
		r.refuse(refuse.SchemaMissing, name)
		return false
	}
	r.refuse(refuse.ObjectMissing, kind, name)
	return false
}

// inSchema refuses a new object in a schema that is not there.
func (r *run) inSchema(parts []*pgparse.Node) {
	schema, _ := pgparse.SchemaAndName(parts)
	r.present("schema", schema)
}

// wrapper refuses a foreign-data wrapper that is not there: an extension may
// have brought it.
func (r *run) wrapper(name string) {
	if r.c.Object("extension", catalog.Name{Name: name}) == nil {
		r.present("foreign-data wrapper", name)
	}
}

// called refuses a CALL of what is no procedure.
func (r *run) called(s *pgparse.CallStmt) {
	schema, name := pgparse.SchemaAndName(s.GetFunccall().GetFuncname())
	list := r.c.Functions(schema, name)
	switch {
	case r.c.AbsentFunction(schema, name):
		r.refuse(refuse.RoutineMissing, "procedure", name)
	case len(list) > 0 && r.c.Complete && !slices.ContainsFunc(list, func(f *catalog.Function) bool { return f.Kind == "procedure" }):
		r.refuse(refuse.NotProcedure, name)
	}
}

// eventTriggers are the events of event triggers, with the version that brought
// them where that matters.
var eventTriggers = map[string]int{"ddl_command_start": 0, "ddl_command_end": 0, "sql_drop": 0, "table_rewrite": 0, "login": 17}

// eventTrigger is CREATE EVENT TRIGGER.
// https://www.postgresql.org/docs/current/sql-createeventtrigger.html
func (r *run) eventTrigger(s *pgparse.CreateEventTrigStmt) {
	since, known := eventTriggers[s.GetEventname()]
	if !known || since > 0 && !r.v.AtLeast(since) {
		r.refuse(refuse.EventUnknown, s.GetEventname())
		return
	}
	schema, name := pgparse.SchemaAndName(s.GetFuncname())
	written := name
	if schema != "" {
		written = schema + "." + name
	}
	list := r.c.Functions(schema, name)
	for _, fn := range list {
		switch {
		case len(fn.Args) > 0:
		case fn.Returns.Known() && fn.Returns.Name.Name != "event_trigger":
			r.refuse(refuse.EventTriggerFunction, written)
			return
		default:
			return
		}
	}
	if len(list) > 0 && (r.c.Complete || r.c.Unmodelled == nil) || r.c.AbsentFunction(schema, name) {
		r.refuse(refuse.FunctionMissing, written+"()")
	}
}
