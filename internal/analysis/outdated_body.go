package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// OutdatedUse is a name in the body of a function that the schema does not have, although it may have had it.
type OutdatedUse struct {
	FunctionUse
	// Table and Column are what the release has dropped or renamed, as deployed; nil if it never had the name.
	Table  *catalog.Relation
	Column *catalog.Column
}

// maxOutdatedPath limits how many functions are searched that call and fire each other.
const maxOutdatedPath = 6

// FindOutdated finds a name in the function of a fired trigger that the schema does not have now: in its body, in the functions
// that it calls, or in the triggers that its own writes fire. A failure that was there before the release does not count.
func FindOutdated(f FiredTrigger, deployed, now *catalog.Catalog) *OutdatedUse {
	s := outdatedSearch{deployed: deployed, now: now}
	s.searchTrigger(f)
	return s.found
}

type outdatedSearch struct {
	deployed, now *catalog.Catalog
	seen          []*catalog.Function
	found         *OutdatedUse // the surest so far
}

// recordUse keeps a use that is surer than the one before.
func (s *outdatedSearch) recordUse(u OutdatedUse) {
	if !u.Caught && u.Sure && (s.found == nil || s.found.Maybe && !u.Maybe) {
		s.found = &u
	}
}

// isFinished reports whether a use was found that each call reaches.
func (s *outdatedSearch) isFinished() bool { return s.found != nil && !s.found.Maybe }

func (s *outdatedSearch) searchTrigger(f FiredTrigger) {
	if f.Trigger.InitiallyDeferred || f.Table.Inferred || f.Table.Partial {
		return // fired at commit, by the schema of that time
	}
	if f.Trigger.Row && slices.ContainsFunc(f.Function.RowWords(), func(name string) bool { return f.Table.Column(name) == nil }) {
		body, deployed := catalog.ReadBody(f.Function), s.deployed.Relation(f.Table.OID)
		for _, field := range body.ListRecordFields() {
			if f.Table.Column(field.Name) != nil || catalog.IsSystemColumn(field.Name) || field.Maybe && body.ByTable() || !eventsHaveRecord(f.Events, field.Record) {
				continue
			}
			var column *catalog.Column
			if deployed != nil {
				column = deployed.Column(field.Name)
			}
			if column == nil && IsFunctionUnchanged(s.deployed, f.Function) {
				continue
			}
			u := OutdatedUse{FunctionUse: RowUse(f.Function, f.Table, f.Trigger, field)}
			if column != nil {
				u.Table, u.Column = deployed, column
			}
			s.recordUse(u)
		}
	}
	s.searchFunction(f.Function)
}

// eventsHaveRecord reports whether a trigger that one of the events fires has NEW or OLD.
func eventsHaveRecord(events []string, record string) bool {
	other := "delete"
	if record == "new" {
		other = "insert"
	}
	return slices.Contains(events, "update") || slices.Contains(events, other)
}

// searchFunction looks into a body, and into what each call of it runs.
func (s *outdatedSearch) searchFunction(fn *catalog.Function) {
	if s.isFinished() || len(s.seen) > maxOutdatedPath || slices.Contains(s.seen, fn) {
		return
	}
	s.seen = append(s.seen, fn)
	body := catalog.ReadBody(fn)
	if body == nil {
		return
	}
	s.searchRemovedNames(fn, body)
	if fn.Language == "plpgsql" {
		if mention, problem := s.now.FindRefusedInBody(fn); problem != nil && !problem.Unseen {
			if _, before := s.deployed.FindRefusedInBody(fn); before == nil || !IsFunctionUnchanged(s.deployed, fn) {
				s.recordUse(OutdatedUse{FunctionUse: FunctionUse{Function: fn, Mention: mention, Error: problem.Message()}})
			}
		}
	}
	for node := range listReachedStatements(fn, body) {
		pgparse.Walk(node, func(msg any) bool {
			if call, ok := msg.(*pgparse.FuncCall); ok {
				s.searchCall(call)
			}
			return !s.isFinished()
		})
		if rv := pgparse.WrittenRelation(node); rv != nil {
			table, known := s.now.Resolve(rv)
			for _, f := range ListFired(s.now, table, pgparse.Unwrap(node)) {
				if known && !s.isFinished() && !slices.Contains(s.seen, f.Function) {
					s.searchTrigger(f)
				}
			}
		}
	}
}

// searchCall looks into a called function, if it is the only one of its name.
func (s *outdatedSearch) searchCall(call *pgparse.FuncCall) {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if builtin.Known(name) {
		return
	}
	list := s.now.Functions(schema, name)
	switch {
	case len(list) == 1:
		s.searchFunction(list[0])
	case len(list) == 0 && len(s.deployed.Functions(schema, name)) > 0:
		s.recordUse(OutdatedUse{FunctionUse: FunctionUse{
			Function: s.seen[len(s.seen)-1], Mention: catalog.Mention{Text: name, Sure: true}, Names: "function " + name,
			Error: "function " + name + "(…) does not exist",
		}})
	}
}

// listReachedStatements returns the statements that each call of a function reaches, and whose errors nothing handles.
func listReachedStatements(fn *catalog.Function, body *catalog.Body) func(yield func(*pgparse.Node) bool) {
	if fn.Language != "plpgsql" {
		return slices.Values(body.ListCertainStatements())
	}
	return func(yield func(*pgparse.Node) bool) {
		for _, node := range fn.CertainStatements(func(string) bool { return true }) {
			if !yield(node) {
				return
			}
		}
	}
}

// searchRemovedNames looks for the relations and columns in a body that the release has dropped or renamed.
func (s *outdatedSearch) searchRemovedNames(fn *catalog.Function, body *catalog.Body) {
	words := map[string]bool{}
	for _, w := range fn.ListBodyWords() {
		words[w] = true
	}
	s.deployed.EachRelation(func(r *catalog.Relation) bool {
		if !words[r.Name.Name] {
			return true
		}
		now := s.now.Relation(r.OID)
		if now == nil || now.Name != r.Name {
			if s.now.Lookup(r.Name.Schema, r.Name.Name) == nil {
				if mention, ok := body.FindRelation(s.deployed, r); ok {
					s.recordUse(OutdatedUse{Table: r, FunctionUse: FunctionUse{
						Function: fn, Mention: mention, Names: r.Name.String(), Error: `relation "` + r.Name.Name + `" does not exist`,
					}})
				}
			}
			return !s.isFinished()
		}
		for _, c := range r.Columns {
			if !words[c.Name] || now.Column(c.Name) != nil || now.Partial || s.hasColumnElsewhere(words, r, c.Name) {
				continue
			}
			if mention, ok := body.FindColumn(s.deployed, r, c.Name); ok {
				s.recordUse(OutdatedUse{Table: r, Column: c, FunctionUse: FunctionUse{
					Function: fn, Mention: mention, Names: r.Name.String() + "." + c.Name, Error: describeMissingColumn(r, c.Name, mention.Text),
				}})
			}
		}
		return !s.isFinished()
	})
}

// describeMissingColumn returns the server's message for a column that a statement of a body names.
func describeMissingColumn(r *catalog.Relation, column, text string) string {
	out := `column "` + column + `" `
	if words := strings.Fields(strings.ToUpper(text)); len(words) > 0 && (words[0] == "INSERT" || words[0] == "UPDATE") {
		out += `of relation "` + r.Name.Name + `" `
	}
	return out + "does not exist"
}

// hasColumnElsewhere reports whether another relation that a body names has got a column of the name: a name without a table may mean it.
func (s *outdatedSearch) hasColumnElsewhere(words map[string]bool, r *catalog.Relation, column string) bool {
	moved := false
	s.now.EachRelation(func(o *catalog.Relation) bool {
		if o.OID != r.OID && words[o.Name.Name] && o.Column(column) != nil {
			deployed := s.deployed.Relation(o.OID)
			moved = deployed == nil || deployed.Column(column) == nil
		}
		return !moved
	})
	return moved
}
