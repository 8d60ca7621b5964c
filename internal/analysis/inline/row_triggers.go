package inline

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// readRowWrite examines the code that a write to a relation runs. cols are the columns that an
// INSERT names.
func (w *firedCode) readRowWrite(rv *pgparse.RangeVar, write analysis.RowWrite, cols []*pgparse.Node, depth int) {
	if rv == nil || w.isTooDeep("a write to "+rv.GetRelname(), depth) {
		return
	}
	r, _ := w.catalog.Resolve(rv)
	for _, x := range analysis.ListWritten(w.catalog, r, write) {
		if x.Direct {
			w.readRelationWrite(&x, cols, depth)
		} else {
			w.readRelationWrite(&x, nil, depth)
		}
	}
}

// readRelationWrite examines the code that a write to one relation runs.
func (w *firedCode) readRelationWrite(r *analysis.WrittenRelation, cols []*pgparse.Node, depth int) {
	events := r.Events
	for _, t := range r.Triggers {
		if len(r.FiringEvents(t)) > 0 {
			w.readTrigger(r.Relation, t, depth)
		}
	}
	for _, rule := range r.Rules {
		if rule.Disabled || !slices.Contains(events, rule.Event) || !w.isFirst(rule) {
			continue
		}
		for _, n := range rule.Actions {
			w.readQuery(n, "rule "+rule.Name+" of "+r.Name.String(), depth+1)
		}
	}
	if w.functions && (slices.Contains(events, "insert") || slices.Contains(events, "update")) {
		w.readRowExpressions(r.Relation, events, cols, depth)
	}
}

// readTrigger examines the function of a trigger.
func (w *firedCode) readTrigger(r *catalog.Relation, t *catalog.Trigger, depth int) {
	caller := "trigger " + t.Name + " of " + r.Name.String()
	list := w.catalog.Functions(t.Function.Schema, t.Function.Name)
	if len(list) == 0 && t.Function.Schema != "pg_catalog" && !isKnownTriggerFunction(t.Function.Name) {
		hiddenCall := "call of " + t.Function.Name + "(), which " + caller + " calls"
		if !slices.Contains(w.hidden, hiddenCall) {
			w.hidden = append(w.hidden, hiddenCall)
		}
	}
	for _, fn := range list {
		if len(fn.Args) == 0 {
			w.readFunction(fn, caller, depth)
		}
	}
	if w.functions {
		w.readQuery(t.When, caller, depth)
	}
}

// readRowExpressions examines the expressions that are computed for a row.
func (w *firedCode) readRowExpressions(r *catalog.Relation, events []string, cols []*pgparse.Node, depth int) {
	isWritten := func(name string) bool {
		return slices.ContainsFunc(cols, func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == name })
	}
	for _, c := range r.Columns {
		if slices.Contains(events, "insert") && !isWritten(c.Name) {
			w.readQuery(c.Default, "the default of "+r.Name.String()+"."+c.Name, depth)
		}
		w.readQuery(c.GeneratedExpr, "the generated column "+r.Name.String()+"."+c.Name, depth)
	}
	for _, c := range r.Constraints {
		w.readQuery(c.Expr, "constraint "+c.Name+" of "+r.Name.String(), depth)
	}
	for _, oid := range r.Indexes {
		x := w.catalog.Relation(oid)
		if x == nil || x.Index == nil {
			continue
		}
		w.readQuery(x.Index.Predicate, "index "+x.Name.String(), depth)
		for _, k := range x.Index.Keys {
			w.readQuery(k.Expr, "index "+x.Name.String(), depth)
		}
	}
}

// eventTrigger is an event trigger, as created by statements.
type eventTrigger struct {
	event    string
	tags     []string // none: all
	function catalog.Name
	off      bool
}

// recordEventTrigger records changes of event triggers.
func (in *Inliner) recordEventTrigger(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.CreateEventTrigStmt:
		t := &eventTrigger{event: s.GetEventname()}
		if len(s.GetFuncname()) == 0 {
			return
		}
		t.function = qualifiedName(s.GetFuncname())
		for _, filter := range s.GetWhenclause() {
			for _, tag := range filter.GetDefElem().GetArg().GetList().GetItems() {
				t.tags = append(t.tags, strings.ToUpper(tag.GetString_().GetSval()))
			}
		}
		in.eventTriggers[s.GetTrigname()] = t
	case *pgparse.AlterEventTrigStmt:
		if t := in.eventTriggers[s.GetTrigname()]; t != nil {
			next := *t
			next.off = s.GetTgenabled() == "D"
			in.eventTriggers[s.GetTrigname()] = &next
		}
	case *pgparse.DropStmt:
		if s.GetRemoveType() != pgparse.ObjectType_OBJECT_EVENT_TRIGGER {
			return
		}
		for _, n := range s.GetObjects() {
			delete(in.eventTriggers, n.GetString_().GetSval())
		}
	}
}

// readEventTriggers examines the functions of the event triggers that a change of the schema
// fires.
func (w *firedCode) readEventTriggers(st *script.Statement) {
	if len(w.eventTriggers) == 0 {
		return
	}
	words := strings.Fields(strings.ToUpper(pgparse.SqueezeSQL(st.SQL)))
	if len(words) < 2 || !slices.Contains(schemaVerbs, words[0]) || slices.Contains(sharedObjects, words[1]) {
		return
	}
	names := make([]string, 0, len(w.eventTriggers))
	for name := range w.eventTriggers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := w.eventTriggers[name]
		if t.off || t.event == "login" || t.event == "sql_drop" && !slices.Contains(words, "DROP") || t.event == "table_rewrite" && words[0] != "ALTER" {
			continue
		}
		if len(t.tags) > 0 && !slices.ContainsFunc(t.tags, func(tag string) bool { return mayHaveTag(words, tag) }) {
			continue
		}
		for _, fn := range w.catalog.Functions(t.function.Schema, t.function.Name) {
			w.readFunction(fn, "event trigger "+name, 0)
		}
	}
}

// schemaVerbs are the first words of statements that fire event triggers.
var schemaVerbs = []string{"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "REFRESH", "REINDEX", "SECURITY", "IMPORT"}

// sharedObjects are objects that fire no event triggers: objects shared by all databases, and
// event triggers.
var sharedObjects = []string{"EVENT", "DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM"}

// mayHaveTag reports whether a statement may have a command tag: the tag's words are among
// its first words, in order.
func mayHaveTag(words []string, tag string) bool {
	rest := words[:min(len(words), 8)]
	for want := range strings.FieldsSeq(tag) {
		i := slices.Index(rest, want)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}
