package opened

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// A statement on rows may run more than it says: a trigger, a rule, a default, a
// generated column, a check or an index calls a function, and the function changes
// the schema. Such functions are opened as those that a statement calls, but for
// what they do to rows, which is the application's daily work.

// maxFires bounds how far functions that call and fire each other are followed.
const maxFires = 6

// carried is what a body does beside rows.
type carried struct {
	changes []pgparse.BlockStatement
	rows    []*pgparse.Node // statements on rows, which may fire more
	hidden  []string
	why     string // it could not be read
}

// changingWords are those without which a body changes no more than rows.
var changingWords = map[string]bool{
	"create": true, "alter": true, "drop": true, "truncate": true, "execute": true, "comment": true, "grant": true, "revoke": true,
	"refresh": true, "reindex": true, "cluster": true, "lock": true, "vacuum": true, "analyze": true, "import": true, "reassign": true,
}

// learn notes a function whose body may change more than rows: it has a word that
// takes. Whether it does is read when the next statement asks, as the words are names of
// columns, too.
func (o *Bodies) learn(name catalog.Name, body string) {
	if slices.ContainsFunc(pgparse.Names(body), func(w string) bool { return changingWords[w] }) {
		o.suspects = append(o.suspects, name)
	}
}

// settle tells which of the suspects change more than rows.
func (o *Bodies) settle(c *catalog.Catalog) {
	before := len(o.changing)
	for _, name := range o.suspects {
		list := c.Functions(name.Schema, name.Name)
		if len(list) == 0 || slices.ContainsFunc(list, func(fn *catalog.Function) bool {
			b := o.carries(fn)
			return b.why != "" || len(b.changes)+len(b.hidden) > 0
		}) {
			o.changing[name.Name] = true
		}
	}
	o.suspects = nil
	if before == 0 && len(o.changing) > 0 {
		clear(o.carried) // what was read while none changed anything was not read to its end
	}
}

// note takes in what later statements may fire.
func (o *Bodies) note(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.CreateFunctionStmt:
		if n := s.GetFuncname(); len(n) > 0 {
			_, as := pgparse.Code(s.GetOptions())
			o.learn(nameOf(n), strings.Join(as, "\n"))
		}
	case *pgparse.RenameStmt:
		switch s.GetRenameType() {
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			o.suspects = append(o.suspects, catalog.Name{Name: s.GetNewname()}) // the body tells
		}
	case *pgparse.PrepareStmt:
		o.prepared[s.GetName()] = s.GetQuery()
	default:
		o.noteEvent(node)
		o.noteImplied(node)
	}
}

// fires adds what a statement sets off beside what it says.
func (o *Bodies) fires(c *catalog.Catalog, s *script.Script, at int) {
	st := s.Statements[at]
	if st.Node == nil {
		return
	}
	o.settle(c)
	w := fired{Bodies: o, catalog: c, st: st, functions: len(o.changing) > 0}
	if w.functions {
		w.direct, _ = called(st.Node)
	}
	w.node(st.Node, "", 0)
	if w.functions {
		for _, x := range st.Expressions {
			for _, n := range queries(x) {
				w.node(n, "", 0)
			}
		}
	}
	w.eventTriggers(st)
	for _, f := range w.found {
		if s.Added > MaxCalled {
			w.hidden = append(w.hidden, "call of "+f.function+"(), as the file calls too much")
			continue
		}
		s.Call(at, f.function, f.statements)
	}
	if o.script != s {
		o.script, o.said = s, map[string]bool{}
	}
	for _, what := range w.hidden {
		if !o.said[what] { // once in a file: a trigger fires again and again
			o.said[what] = true
			st.Opaque = joined(st.Opaque, what)
		}
	}
}

// fired gathers what a statement sets off.
type fired struct {
	*Bodies
	catalog   *catalog.Catalog
	st        *script.Statement
	seen      map[*catalog.Function]bool
	functions bool                // some may change more than rows
	direct    []*pgparse.FuncCall // which are opened whole
	found     []firedBody
	hidden    []string
	looked    map[catalog.OID]bool // by read
}

type firedBody struct {
	function   string
	statements []pgparse.BlockStatement
}

// node looks at a statement that runs, by which is what it is fired by.
func (w *fired) node(n *pgparse.Node, by string, depth int) {
	if depth > maxFires {
		return
	}
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt:
		w.query(n, by, depth)
	case *pgparse.CopyStmt:
		if s.GetIsFrom() {
			w.row(s.GetRelation(), []string{"insert"}, nil, by, depth)
		}
		w.query(s.GetQuery(), by, depth)
	case *pgparse.TruncateStmt:
		for _, r := range s.GetRelations() {
			w.row(r.GetRangeVar(), []string{"truncate"}, nil, by, depth)
		}
	case *pgparse.ExplainStmt:
		if slices.ContainsFunc(s.GetOptions(), func(o *pgparse.Node) bool { return o.GetDefElem().GetDefname() == "analyze" }) {
			w.node(s.GetQuery(), by, depth)
		}
	case *pgparse.ExecuteStmt:
		if q := w.prepared[s.GetName()]; q != nil {
			w.node(q, by, depth+1)
		}
	case *pgparse.CreateTableAsStmt:
		w.node(s.GetQuery(), by, depth)
	case *pgparse.DeclareCursorStmt:
		w.node(s.GetQuery(), by, depth)
	case *pgparse.IndexStmt, *pgparse.AlterTableStmt, *pgparse.AlterDomainStmt, *pgparse.CallStmt, *pgparse.RefreshMatViewStmt:
		if r, ok := s.(*pgparse.RefreshMatViewStmt); ok {
			w.reads(r.GetRelation(), by, depth)
		}
		w.query(n, by, depth)
	}
}

// query looks at the calls and the writes in a tree, those of WITH and sub-queries too.
func (w *fired) query(n *pgparse.Node, by string, depth int) {
	pgparse.Walk(n, func(msg any) bool {
		switch s := msg.(type) {
		case *pgparse.InsertStmt:
			events := []string{"insert"}
			if s.GetOnConflictClause().GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
				events = append(events, "update")
			}
			w.row(s.GetRelation(), events, s.GetCols(), by, depth)
		case *pgparse.UpdateStmt:
			w.row(s.GetRelation(), []string{"update"}, nil, by, depth)
			w.settings(s)
		case *pgparse.DeleteStmt:
			w.row(s.GetRelation(), []string{"delete"}, nil, by, depth)
		case *pgparse.MergeStmt:
			w.row(s.GetRelation(), mergeEvents(s), nil, by, depth)
		case *pgparse.RangeVar:
			w.reads(s, by, depth)
		case *pgparse.A_Expr:
			w.operator(s, depth)
		case *pgparse.TypeName:
			if w.functions {
				w.typed(w.catalog.TypeOf(s), depth)
			}
		case *pgparse.FuncCall:
			w.implies("aggregate "+pgparse.Last(s.GetFuncname()), depth)
			if !slices.Contains(w.direct, s) {
				w.call(s, by, depth)
			}
		}
		return true
	})
}

func mergeEvents(s *pgparse.MergeStmt) []string {
	var out []string
	for _, n := range s.GetMergeWhenClauses() {
		switch n.GetMergeWhenClause().GetCommandType() {
		case pgparse.CmdType_CMD_INSERT:
			out = append(out, "insert")
		case pgparse.CmdType_CMD_UPDATE:
			out = append(out, "update")
		case pgparse.CmdType_CMD_DELETE:
			out = append(out, "delete")
		}
	}
	return out
}

// reads looks at what a view calls.
func (w *fired) reads(rv *pgparse.RangeVar, by string, depth int) {
	if !w.functions {
		return
	}
	r, _ := w.catalog.Resolve(rv)
	w.read(r, depth)
}

// call looks at the function that an expression calls.
func (w *fired) call(call *pgparse.FuncCall, by string, depth int) {
	if !w.functions || len(call.GetFuncname()) == 0 {
		return
	}
	if name := nameOf(call.GetFuncname()); name.Schema != "pg_catalog" {
		w.named(name, by, depth)
	}
}

// named looks at the functions of a name.
func (w *fired) named(name catalog.Name, by string, depth int) {
	for _, fn := range w.catalog.Functions(name.Schema, name.Name) {
		w.function(fn, by, depth)
	}
}

// function takes in what a function does beside rows.
func (w *fired) function(fn *catalog.Function, by string, depth int) {
	if w.seen[fn] || depth > maxFires || w.st.Inside(fn.Name.Name) {
		return
	}
	if w.seen == nil {
		w.seen = map[*catalog.Function]bool{}
	}
	w.seen[fn] = true
	b := w.carries(fn)
	where := fn.Name.Name + "()"
	if by != "" {
		where += ", which " + by + " calls"
	}
	if b.why != "" {
		w.hidden = append(w.hidden, "call of "+where+", "+b.why)
		return
	}
	if fn.Volatility == "volatile" { // the server refuses it in others
		for _, h := range b.hidden {
			w.hidden = append(w.hidden, h+" in "+where)
		}
		if len(b.changes) > 0 {
			w.found = append(w.found, firedBody{fn.Name.Name, b.changes})
		}
	}
	for _, n := range b.rows {
		w.node(n, by, depth+1)
	}
}

// carries is what a body does beside rows, read once.
func (o *Bodies) carries(fn *catalog.Function) carried {
	b, known := o.carried[fn]
	if !known {
		b = o.carry(fn)
		o.carried[fn] = b
	}
	return b
}

// carry reads what a body does beside rows.
func (o *Bodies) carry(fn *catalog.Function) (out carried) {
	if fn.Language == "sql" || fn.Language == "plpgsql" {
		// Most bodies need no parser to tell.
		if !slices.ContainsFunc(pgparse.Names(fn.Body), func(w string) bool { return changingWords[w] }) && len(o.changing) == 0 && fn.Body != "" {
			return out
		}
	}
	b := o.body(fn)
	if out.why = b.why; b.why != "" {
		return out
	}
	for _, x := range b.expressions {
		out.rows = append(out.rows, queries(x)...)
	}
	for _, x := range b.statements {
		if x.Dynamic {
			if !onRows(x.Hidden) {
				out.hidden = append(out.hidden, x.Hidden)
			}
			continue
		}
		file, err := pgparse.Split(x.SQL)
		if err != nil {
			continue
		}
		for _, st := range file.Stmts {
			switch s := pgparse.Unwrap(st.Node).(type) {
			case nil:
			case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt, *pgparse.CallStmt:
				out.rows = append(out.rows, st.Node)
			case *pgparse.NotifyStmt, *pgparse.VariableSetStmt, *pgparse.TransactionStmt, *pgparse.ExplainStmt, *pgparse.CreateTableAsStmt:
			case *pgparse.CreateStmt:
				if s.GetRelation().GetRelpersistence() != "t" {
					out.changes = append(out.changes, x)
				}
			default:
				x.SQL = x.SQL[st.Start:st.End]
				out.changes = append(out.changes, x)
			}
		}
	}
	return out
}

// queries are the statements of a text.
func queries(sql string) []*pgparse.Node {
	file, err := pgparse.Split(sql)
	if err != nil {
		return nil
	}
	var out []*pgparse.Node
	for _, st := range file.Stmts {
		if st.Node != nil {
			out = append(out, st.Node)
		}
	}
	return out
}

// onRows reports whether the text that an EXECUTE puts together can be nothing but
// a statement on rows: it begins so, and no constant in it ends one.
func onRows(hidden string) bool {
	text := strings.ToUpper(strings.TrimPrefix(hidden, "EXECUTE of "))
	text = strings.TrimPrefix(strings.TrimPrefix(text, "FORMAT("), "E")
	text = strings.TrimLeft(text, "'$ \n\t(")
	if strings.Contains(text, ";") || strings.HasSuffix(text, "…") {
		return false
	}
	for _, verb := range [...]string{"INSERT ", "UPDATE ", "DELETE ", "NOTIFY "} {
		if strings.HasPrefix(text, verb) {
			return true
		}
	}
	return strings.HasPrefix(text, "SELECT ") && !strings.Contains(text, " INTO ")
}

// knownTrigger reports whether a trigger's function is Postgres' own, or of one of its
// extensions: none of them changes more than rows.
func knownTrigger(name string) bool {
	switch name {
	case "moddatetime", "autoinc", "insert_username", "check_primary_key", "check_foreign_key", "lo_manage", "postgis_cache_bbox", "timetravel":
		return true
	}
	return builtin.Known(name)
}
