package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// defaultSearchPath is the server's, without "$user".
var defaultSearchPath = []string{"public"}

// setParameter folds SET, SET LOCAL and RESET. A schema depends only on search_path and on the defaults for
// new tables. A caller that knows the transactions calls [Catalog.EndTransaction] at the end of each, which
// undoes SET LOCAL.
func (f *fold) setParameter(s *pgparse.VariableSetStmt) {
	if s.GetKind() == pgparse.VariableSetKind_VAR_RESET_ALL {
		f.setSearchPath(defaultSearchPath, false)
		f.TableMethod, f.TableSpace = "", ""
		return
	}
	switch strings.ToLower(s.GetName()) {
	case "search_path":
	case "default_table_access_method":
		if f.TableMethod = singleValue(s); f.TableMethod == "heap" {
			f.TableMethod = ""
		}
		return
	case "default_tablespace":
		if f.TableSpace = singleValue(s); f.TableSpace == "pg_default" {
			f.TableSpace = ""
		}
		return
	default:
		return
	}
	switch s.GetKind() {
	case pgparse.VariableSetKind_VAR_SET_VALUE:
		var path []string
		for _, a := range s.GetArgs() {
			path = append(path, constText(a))
		}
		f.setSearchPath(path, s.GetIsLocal())
	case pgparse.VariableSetKind_VAR_SET_DEFAULT, pgparse.VariableSetKind_VAR_RESET:
		f.setSearchPath(defaultSearchPath, s.GetIsLocal())
	}
}

// singleValue is the value of a SET of one name; "" is the default.
func singleValue(s *pgparse.VariableSetStmt) string {
	if s.GetKind() != pgparse.VariableSetKind_VAR_SET_VALUE || len(s.GetArgs()) != 1 {
		return ""
	}
	return constText(s.GetArgs()[0])
}

// tablespaceFor is where a new table goes; a temporary one is elsewhere.
func (f *fold) tablespaceFor(tablespace string, rv *pgparse.RangeVar) string {
	if tablespace != "" || persistenceOf(rv) == Temporary {
		return tablespace
	}
	return f.TableSpace
}

// setSearchPath stores a search path, of the session or until its transaction ends; "" and "$user"
// look nothing up.
func (f *fold) setSearchPath(path []string, local bool) {
	switch {
	case !local:
		f.sessionPath = nil
	case f.sessionPath == nil:
		f.sessionPath = append([]string{}, f.SearchPath...)
	}
	f.SearchPath = make([]string, 0, len(path))
	for _, s := range path {
		if s != "" && s != "$user" {
			f.SearchPath = append(f.SearchPath, s)
		}
	}
}

// EndTransaction returns the catalog after the end of a transaction: the search path is the session's
// again.
func (c *Catalog) EndTransaction() *Catalog {
	if c.sessionPath == nil {
		return c
	}
	next := *c
	next.SearchPath, next.sessionPath = c.sessionPath, nil
	return &next
}

// EndSession returns the catalog after the end of a session: its temporary relations are gone.
func (c *Catalog) EndSession() *Catalog {
	next := *c.EndTransaction()
	next.foldCount++
	f := &fold{Catalog: &next, own: next.foldCount}
	f.discardSession(&pgparse.DiscardStmt{Target: pgparse.DiscardMode_DISCARD_ALL})
	return f.Catalog
}

// WithSearchPath is the catalog with another search path.
func (c *Catalog) WithSearchPath(path []string) *Catalog {
	next := *c
	next.SearchPath = path
	return &next
}

// foldSelect folds a query: SELECT INTO makes a table, set_config may set the
// search path, and a user's function may do anything.
func (f *fold) foldSelect(s *pgparse.SelectStmt) {
	if intoClause := intoOf(s); intoClause != nil {
		f.createFromQuery(intoClause, &pgparse.Node{Node: &pgparse.Node_SelectStmt{SelectStmt: s}}, Table, false)
		return
	}
	if len(s.GetFromClause()) > 0 {
		return
	}
	for _, n := range s.GetTargetList() {
		call := n.GetResTarget().GetVal().GetFuncCall()
		if call == nil {
			continue
		}
		name := pgparse.LastText(call.GetFuncname())
		f.setManager(call)
		if f.mayDoAnything(call) {
			f.recordUnseenCall("SELECT "+name+"()", call)
		}
		if name != "set_config" || len(call.GetArgs()) < 2 || !strings.EqualFold(constText(call.GetArgs()[0]), "search_path") {
			continue
		}
		var path []string
		for _, p := range strings.Split(constText(call.GetArgs()[1]), ",") {
			path = append(path, strings.Trim(strings.TrimSpace(p), `"`))
		}
		f.setSearchPath(path, len(call.GetArgs()) > 2 && constText(call.GetArgs()[2]) == "true")
	}
}

// recordUnseenCall records that a statement calls a function that may do anything. A body that executes
// no text is represented by its statements, which are folded after the call.
func (f *fold) recordUnseenCall(text string, call *pgparse.FuncCall) {
	f.recordUnmodelled(text)
	list := f.Functions(pgparse.SchemaAndName(call.GetFuncname()))
	if len(list) == 1 && list[0].Body != "" && (list[0].Language == "plpgsql" || list[0].Language == "sql") {
		f.Unmodelled.names = listExecutedWords(list[0].Body)
		f.Unmodelled.Told = f.Unmodelled.names == nil
	}
}

// mayDoAnything reports a call of a function that is not Postgres' own and
// does not promise to change nothing.
func (f *fold) mayDoAnything(call *pgparse.FuncCall) bool {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if schema == "" || schema == "pg_catalog" {
		if _, isBuiltin := builtin.Volatility(name, -1, 18); isBuiltin {
			return false
		}
	}
	for _, fn := range f.Functions(schema, name) {
		if fn.Volatility == "volatile" {
			return true
		}
	}
	return len(f.Functions(schema, name)) == 0
}

// intoOf returns the INTO of a query, which is in its leftmost branch.
func intoOf(s *pgparse.SelectStmt) *pgparse.IntoClause {
	for depth := 0; s != nil && depth < maxDepth; depth++ {
		if s.GetIntoClause() != nil {
			return s.GetIntoClause()
		}
		s = s.GetLarg()
	}
	return nil
}

// https://www.postgresql.org/docs/current/sql-discard.html
func (f *fold) discardSession(s *pgparse.DiscardStmt) {
	switch s.GetTarget() {
	case pgparse.DiscardMode_DISCARD_ALL, pgparse.DiscardMode_DISCARD_TEMP:
		for _, oid := range f.sortedRelations(func(r *Relation) bool { return r.Name.Schema == "pg_temp" }) {
			f.dropRelation(oid)
		}
		if s.GetTarget() == pgparse.DiscardMode_DISCARD_ALL {
			f.setSearchPath(defaultSearchPath, false)
		}
	case pgparse.DiscardMode_DISCARD_PLANS, pgparse.DiscardMode_DISCARD_SEQUENCES:
	}
}

// foldExplain folds what EXPLAIN ANALYZE runs; EXPLAIN alone runs nothing.
func (f *fold) foldExplain(s *pgparse.ExplainStmt) {
	if !isOptionTrue(s.GetOptions(), "analyze") {
		return
	}
	switch q := pgparse.Unwrap(s.GetQuery()).(type) {
	case *pgparse.CreateTableAsStmt, *pgparse.SelectStmt:
		f.foldStatement(q)
	}
}
