package refusal

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// RequireObject refuses an object that is known to be missing: a "schema", a "server".
func (q *Checker) RequireObject(kind, name string) bool {
	if name == "" || kind == "schema" && (name == q.Schema || strings.HasPrefix(name, "pg_")) || !q.C.IsAbsent(kind, name) {
		return true
	}
	if kind == "schema" {
		q.RecordRefusal(pgerror.SchemaMissing, name)
		return false
	}
	q.RecordRefusal(pgerror.ObjectMissing, kind, name)
	return false
}

// requireCreationSchema refuses a new object in a missing schema.
func (q *Checker) requireCreationSchema(parts []*pgparse.Node) {
	schema, _ := pgparse.SchemaAndName(parts)
	q.RequireObject("schema", schema)
}

// requireWrapper refuses a missing foreign-data wrapper, unless an extension of its name exists.
func (q *Checker) requireWrapper(name string) {
	if q.C.Object("extension", catalog.Name{Name: name}) == nil {
		q.RequireObject("foreign-data wrapper", name)
	}
}

// checkCall refuses a CALL of anything but a procedure.
func (q *Checker) checkCall(s *pgparse.CallStmt) {
	schema, name := pgparse.SchemaAndName(s.GetFunccall().GetFuncname())
	list := q.C.Functions(schema, name)
	switch {
	case q.C.AbsentFunction(schema, name):
		q.RecordRefusal(pgerror.RoutineMissing, "procedure", name)
	case len(list) > 0 && q.C.Complete && !slices.ContainsFunc(list, func(f *catalog.Function) bool { return f.Kind == "procedure" }):
		q.RecordRefusal(pgerror.NotProcedure, name)
	}
}

// eventTriggers maps the events of event triggers to the version that introduced them; 0
// if all versions have the event.
var eventTriggers = map[string]int{"ddl_command_start": 0, "ddl_command_end": 0, "sql_drop": 0, "table_rewrite": 0, "login": 17}

// checkEventTrigger checks CREATE EVENT TRIGGER.
// https://www.postgresql.org/docs/current/sql-createeventtrigger.html
func (q *Checker) checkEventTrigger(s *pgparse.CreateEventTrigStmt) {
	since, known := eventTriggers[s.GetEventname()]
	if !known || since > 0 && !q.V.AtLeast(since) {
		q.RecordRefusal(pgerror.EventUnknown, s.GetEventname())
		return
	}
	schema, name := pgparse.SchemaAndName(s.GetFuncname())
	written := name
	if schema != "" {
		written = schema + "." + name
	}
	list := q.C.Functions(schema, name)
	for _, fn := range list {
		switch {
		case len(fn.Args) > 0:
		case fn.Returns.IsKnown() && fn.Returns.Name.Name != "event_trigger":
			q.RecordRefusal(pgerror.EventTriggerFunction, written)
			return
		default:
			return
		}
	}
	if len(list) > 0 && (q.C.Complete || q.C.Unmodelled == nil) || q.C.AbsentFunction(schema, name) {
		q.RecordRefusal(pgerror.FunctionMissing, written+"()")
	}
}
