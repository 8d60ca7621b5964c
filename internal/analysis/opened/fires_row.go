package opened

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// row looks at what a write to a relation sets off: cols are the columns that an
// INSERT names.
func (w *fired) row(rv *pgparse.RangeVar, events []string, cols []*pgparse.Node, by string, depth int) {
	if rv == nil || depth > maxFires {
		return
	}
	r, _ := w.catalog.Resolve(rv)
	w.relation(r, events, cols, depth, nil)
}

// relation is row for a relation; came are those by which it was come to.
func (w *fired) relation(r *catalog.Relation, events []string, cols []*pgparse.Node, depth int, came []*catalog.Relation) {
	if len(came) > maxFires || slices.Contains(came, r) {
		return
	}
	came = append(came[:len(came):len(came)], r)
	for _, t := range r.Triggers {
		if t.Enabled && slices.ContainsFunc(events, t.On) {
			w.trigger(r, t, depth)
		}
	}
	for _, rule := range r.Rules {
		if rule.Disabled || !slices.Contains(events, rule.Event) {
			continue
		}
		for _, n := range rule.Actions {
			w.query(n, "rule "+rule.Name+" of "+r.Name.String(), depth+1)
		}
	}
	if w.functions && (slices.Contains(events, "insert") || slices.Contains(events, "update")) {
		w.expressions(r, events, cols, depth)
	}
	if base := w.base(r); base != nil {
		w.relation(base, events, nil, depth, came)
	}
	for _, list := range [][]catalog.OID{r.Partitions, r.Children} {
		for _, oid := range list {
			if p := w.catalog.Relation(oid); p != nil {
				w.relation(p, events, cols, depth, came)
			}
		}
	}
	if slices.Contains(events, "delete") || slices.Contains(events, "update") {
		w.cascades(r, events, depth, came)
	}
}

// base is the table that a view writes to; nil for a table.
func (w *fired) base(r *catalog.Relation) *catalog.Relation {
	if r.View == nil || len(r.InsteadOf()) > 0 || !w.catalog.Updatable(r) {
		return nil
	}
	return w.catalog.Base(r)
}

// trigger looks at the function of a trigger.
func (w *fired) trigger(r *catalog.Relation, t *catalog.Trigger, depth int) {
	by := "trigger " + t.Name + " of " + r.Name.String()
	list := w.catalog.Functions(t.Function.Schema, t.Function.Name)
	if len(list) == 0 && t.Function.Schema != "pg_catalog" && !knownTrigger(t.Function.Name) {
		what := "call of " + t.Function.Name + "(), which " + by + " calls"
		if !slices.Contains(w.hidden, what) {
			w.hidden = append(w.hidden, what)
		}
	}
	for _, fn := range list {
		if len(fn.Args) == 0 {
			w.function(fn, by, depth)
		}
	}
	if w.functions {
		w.query(t.When, by, depth)
	}
}

// expressions looks at what is computed for a row.
func (w *fired) expressions(r *catalog.Relation, events []string, cols []*pgparse.Node, depth int) {
	given := func(name string) bool {
		return slices.ContainsFunc(cols, func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == name })
	}
	for _, c := range r.Columns {
		if slices.Contains(events, "insert") && !given(c.Name) {
			w.query(c.Default, "the default of "+r.Name.String()+"."+c.Name, depth)
		}
		w.query(c.GeneratedExpr, "the generated column "+r.Name.String()+"."+c.Name, depth)
	}
	for _, c := range r.Constraints {
		w.query(c.Expr, "constraint "+c.Name+" of "+r.Name.String(), depth)
	}
	for _, oid := range r.Indexes {
		x := w.catalog.Relation(oid)
		if x == nil || x.Index == nil {
			continue
		}
		w.query(x.Index.Predicate, "index "+x.Name.String(), depth)
		for _, k := range x.Index.Keys {
			w.query(k.Expr, "index "+x.Name.String(), depth)
		}
	}
}

// cascades looks at the tables whose rows a foreign key changes with those of
// another.
func (w *fired) cascades(r *catalog.Relation, events []string, depth int, came []*catalog.Relation) {
	for _, oid := range r.ReferencedBy {
		other := w.catalog.Relation(oid)
		if other == nil || other == r {
			continue
		}
		for _, c := range other.Constraints {
			if c.Kind != catalog.ForeignKey || c.Ref != r.OID {
				continue
			}
			var more []string
			if slices.Contains(events, "delete") {
				more = append(more, cascaded[c.OnDelete]...)
			}
			if slices.Contains(events, "update") && len(cascaded[c.OnUpdate]) > 0 {
				more = append(more, "update")
			}
			if len(more) > 0 {
				w.relation(other, more, nil, depth, came)
			}
		}
	}
}

// cascaded are the events that an action of a foreign key makes of a DELETE.
var cascaded = map[string][]string{"cascade": {"delete"}, "set null": {"update"}, "set default": {"update"}}

// eventTrigger is an event trigger as statements made it.
type eventTrigger struct {
	event    string
	tags     []string // none: all
	function catalog.Name
	off      bool
}

// noteEvent takes in what changes event triggers.
func (o *Bodies) noteEvent(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.CreateEventTrigStmt:
		t := &eventTrigger{event: s.GetEventname()}
		if len(s.GetFuncname()) == 0 {
			return
		}
		t.function = nameOf(s.GetFuncname())
		for _, when := range s.GetWhenclause() {
			for _, tag := range when.GetDefElem().GetArg().GetList().GetItems() {
				t.tags = append(t.tags, strings.ToUpper(tag.GetString_().GetSval()))
			}
		}
		o.events[s.GetTrigname()] = t
	case *pgparse.AlterEventTrigStmt:
		if t := o.events[s.GetTrigname()]; t != nil {
			next := *t
			next.off = s.GetTgenabled() == "D"
			o.events[s.GetTrigname()] = &next
		}
	case *pgparse.DropStmt:
		if s.GetRemoveType() != pgparse.ObjectType_OBJECT_EVENT_TRIGGER {
			return
		}
		for _, n := range s.GetObjects() {
			delete(o.events, n.GetString_().GetSval())
		}
	}
}

// eventTriggers looks at the functions that a change of the schema fires.
func (w *fired) eventTriggers(st *script.Statement) {
	if len(w.events) == 0 {
		return
	}
	words := strings.Fields(strings.ToUpper(pgparse.Squeeze(st.SQL)))
	if len(words) < 2 || !slices.Contains(schemaVerbs, words[0]) || slices.Contains(ofCluster, words[1]) {
		return
	}
	names := make([]string, 0, len(w.events))
	for name := range w.events {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := w.events[name]
		if t.off || t.event == "login" || t.event == "sql_drop" && !slices.Contains(words, "DROP") || t.event == "table_rewrite" && words[0] != "ALTER" {
			continue
		}
		if len(t.tags) > 0 && !slices.ContainsFunc(t.tags, func(tag string) bool { return tagged(words, tag) }) {
			continue
		}
		for _, fn := range w.catalog.Functions(t.function.Schema, t.function.Name) {
			w.function(fn, "event trigger "+name, 0)
		}
	}
}

// schemaVerbs begin the statements that event triggers are about.
var schemaVerbs = []string{"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "REFRESH", "REINDEX", "SECURITY", "IMPORT"}

// ofCluster are what event triggers are not about: what all databases share, and
// event triggers.
var ofCluster = []string{"EVENT", "DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM"}

// tagged reports whether a statement may have a tag: its words stand among the
// first of the statement, in their order.
func tagged(words []string, tag string) bool {
	rest := words[:min(len(words), 8)]
	for want := range strings.FieldsSeq(tag) {
		at := slices.Index(rest, want)
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
	}
	return true
}
