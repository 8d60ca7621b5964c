package inline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// A statement on rows may run code that it does not name: a trigger, a rule, a default, a
// generated column, a check or an index calls a function, and the function changes the
// schema. The bodies of such functions are added like the bodies of called functions, except
// for their effects on rows, which are the application's daily work.

// maxCallDepth limits how deep functions that call and fire each other are followed. Each is read once for a statement.
const maxCallDepth = 400

// sideEffects is what a body does besides changing rows.
type sideEffects struct {
	changes []pgparse.BlockStatement
	rows    []*pgparse.Node // statements on rows, which may fire more
	hidden  []string
	why     string // it could not be read
}

// changingWords are words of which a body has at least one if it changes more than rows.
var changingWords = map[string]bool{
	"create": true, "alter": true, "drop": true, "truncate": true, "execute": true, "comment": true, "grant": true, "revoke": true,
	"refresh": true, "reindex": true, "cluster": true, "lock": true, "vacuum": true, "analyze": true, "import": true, "reassign": true,
}

// recordSuspect records a function whose body may change more than rows, because it has one of
// these words. The words are names of columns, too. So the body is only read when the
// next statement needs the answer.
func (in *Inliner) recordSuspect(name catalog.Name, body string) {
	if slices.ContainsFunc(pgparse.ListNames(body), func(w string) bool { return changingWords[w] }) {
		in.suspects = append(in.suspects, name)
	}
}

// judgeSuspects decides which of the suspects change more than rows.
func (in *Inliner) judgeSuspects(c *catalog.Catalog) {
	before := len(in.changingNames)
	for _, name := range in.suspects {
		list := c.Functions(name.Schema, name.Name)
		if len(list) == 0 || slices.ContainsFunc(list, func(fn *catalog.Function) bool {
			b := in.sideEffectsOf(fn)
			return b.why != "" || len(b.changes)+len(b.hidden) > 0
		}) {
			in.changingNames[name.Name] = true
		}
	}
	in.suspects = nil
	if before == 0 && len(in.changingNames) > 0 {
		clear(in.effectsByFunction) // bodies read while no function changed anything were not read to the end
	}
}

// recordFireableCode records what later statements may fire.
func (in *Inliner) recordFireableCode(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.CreateFunctionStmt:
		if n := s.GetFuncname(); len(n) > 0 {
			_, definition := pgparse.FunctionCode(s.GetOptions())
			in.recordSuspect(qualifiedName(n), strings.Join(definition, "\n"))
		}
	case *pgparse.RenameStmt:
		switch s.GetRenameType() {
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			in.suspects = append(in.suspects, catalog.Name{Name: s.GetNewname()}) // judged by the body
		}
	case *pgparse.PrepareStmt:
		in.prepared[s.GetName()] = s.GetQuery()
	default:
		in.recordEventTrigger(node)
		in.recordImpliedCalls(node)
	}
}

// addFiredCode adds the code that a statement runs without naming it.
func (in *Inliner) addFiredCode(c *catalog.Catalog, s *script.Script, stmtIndex int) {
	st := s.Statements[stmtIndex]
	if st.Node == nil {
		return
	}
	in.judgeSuspects(c)
	w := firedCode{Inliner: in, catalog: c, st: st, functions: len(in.changingNames) > 0}
	if w.functions {
		w.direct, _ = listTopLevelCalls(st.Node)
	}
	if w.functions || len(in.impliedCalls) > 0 || mayWriteRows(st) {
		w.readNode(st.Node, "", 0)
	}
	if w.functions {
		for _, x := range st.Expressions {
			for _, n := range parseStatements(x) {
				w.readNode(n, "", 0)
			}
		}
	}
	w.readEventTriggers(st)
	for _, f := range w.found {
		if s.Added > MaxCalled {
			w.hidden, w.exceeded = append(w.hidden, "call of "+f.function+"(), as the file calls too much"), true
			continue
		}
		s.AddCall(stmtIndex, f.function, f.statements)
	}
	if in.script != s {
		in.script, in.reported = s, map[string]bool{}
	}
	for _, reason := range w.hidden {
		if !in.reported[reason] { // once in a file: a trigger may fire many times
			in.reported[reason] = true
			rare := st.EditRare()
			rare.Opaque, rare.Exceeded = joinReasons(st.Opaque, reason), rare.Exceeded || w.exceeded
		}
	}
}

// mayWriteRows reports whether a statement may write rows. A query or an expression writes only in its WITH.
func mayWriteRows(st *script.Statement) bool {
	switch pgparse.Unwrap(st.Node).(type) {
	case *pgparse.SelectStmt, *pgparse.IndexStmt, *pgparse.AlterTableStmt, *pgparse.AlterDomainStmt:
		return pgparse.ContainsFold(st.SQL, "with")
	}
	return true
}

// firedCode collects the code that a statement runs implicitly.
type firedCode struct {
	*Inliner
	catalog    *catalog.Catalog
	st         *script.Statement
	seen       map[any]bool        // functions and rules
	functions  bool                // some may change more than rows
	direct     []*pgparse.FuncCall // their bodies are added completely
	found      []firedBody
	hidden     []string
	exceeded   bool                 // something is hidden because of a limit of onward's
	readBefore map[catalog.OID]bool // by read
}

type firedBody struct {
	function   string
	statements []pgparse.BlockStatement
}

// readNode examines a statement that runs; caller is what fired it.
func (w *firedCode) readNode(n *pgparse.Node, caller string, depth int) {
	if w.isTooDeep(caller, depth) {
		return
	}
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt:
		w.readQuery(n, caller, depth)
	case *pgparse.CopyStmt:
		if s.GetIsFrom() {
			w.readRowWrite(s.GetRelation(), analysis.RowWrite{Events: []string{"insert"}, Only: true}, nil, depth)
		}
		w.readQuery(s.GetQuery(), caller, depth)
	case *pgparse.TruncateStmt:
		for _, r := range s.GetRelations() {
			w.readRowWrite(r.GetRangeVar(), analysis.RowWrite{Events: []string{"truncate"}, Only: !r.GetRangeVar().GetInh()}, nil, depth)
		}
	case *pgparse.ExplainStmt:
		if slices.ContainsFunc(s.GetOptions(), func(o *pgparse.Node) bool { return o.GetDefElem().GetDefname() == "analyze" }) {
			w.readNode(s.GetQuery(), caller, depth)
		}
	case *pgparse.ExecuteStmt:
		if q := w.prepared[s.GetName()]; q != nil {
			w.readNode(q, caller, depth+1)
		}
	case *pgparse.CreateTableAsStmt:
		w.readNode(s.GetQuery(), caller, depth)
	case *pgparse.DeclareCursorStmt:
		w.readNode(s.GetQuery(), caller, depth)
	case *pgparse.IndexStmt, *pgparse.AlterTableStmt, *pgparse.AlterDomainStmt, *pgparse.CallStmt, *pgparse.RefreshMatViewStmt:
		if r, ok := s.(*pgparse.RefreshMatViewStmt); ok {
			w.readView(r.GetRelation(), depth)
		}
		w.readQuery(n, caller, depth)
	}
}

// readQuery examines the calls and the writes in a tree, including WITH and sub-queries.
func (w *firedCode) readQuery(n *pgparse.Node, caller string, depth int) {
	pgparse.Walk(n, func(msg any) bool {
		switch s := msg.(type) {
		case *pgparse.InsertStmt:
			w.readRowWrite(s.GetRelation(), analysis.ReadWrite(s), s.GetCols(), depth)
		case *pgparse.UpdateStmt:
			w.readRowWrite(s.GetRelation(), analysis.ReadWrite(s), nil, depth)
			w.handleSettingUpdate(s)
		case *pgparse.DeleteStmt:
			w.readRowWrite(s.GetRelation(), analysis.ReadWrite(s), nil, depth)
		case *pgparse.MergeStmt:
			w.readRowWrite(s.GetRelation(), analysis.ReadWrite(s), nil, depth)
		case *pgparse.RangeVar:
			w.readView(s, depth)
		case *pgparse.A_Expr:
			w.readOperator(s, depth)
		case *pgparse.TypeName:
			if w.functions {
				w.readType(w.catalog.TypeOf(s), depth)
			}
		case *pgparse.FuncCall:
			w.readImpliedCalls("aggregate "+pgparse.LastText(s.GetFuncname()), depth)
			if !slices.Contains(w.direct, s) {
				w.readCall(s, caller, depth)
			}
		}
		return true
	})
}

// readView examines the functions that a view calls.
func (w *firedCode) readView(rv *pgparse.RangeVar, depth int) {
	if !w.functions {
		return
	}
	r, _ := w.catalog.Resolve(rv)
	w.readRelation(r, depth)
}

// readCall examines the function that an expression calls.
func (w *firedCode) readCall(call *pgparse.FuncCall, caller string, depth int) {
	if !w.functions || len(call.GetFuncname()) == 0 {
		return
	}
	if name := qualifiedName(call.GetFuncname()); name.Schema != "pg_catalog" {
		w.readFunctionsNamed(name, caller, depth)
	}
}

// readFunctionsNamed examines the functions of a name.
func (w *firedCode) readFunctionsNamed(name catalog.Name, caller string, depth int) {
	for _, fn := range w.catalog.Functions(name.Schema, name.Name) {
		w.readFunction(fn, caller, depth)
	}
}

// isFirst reports whether a statement has not yet run a function or a rule.
func (w *firedCode) isFirst(code any) bool {
	if w.seen == nil {
		w.seen = map[any]bool{}
	}
	before := len(w.seen)
	w.seen[code] = true
	return len(w.seen) > before
}

// isTooDeep reports whether code is called at a level that is not read.
func (w *firedCode) isTooDeep(caller string, depth int) bool {
	if depth <= maxCallDepth {
		return false
	}
	if !w.exceeded {
		w.hidden, w.exceeded = append(w.hidden, "what "+caller+" calls, at more than "+strconv.Itoa(maxCallDepth)+" levels"), true
	}
	return true
}

// readFunction adds what a function does besides changing rows.
func (w *firedCode) readFunction(fn *catalog.Function, caller string, depth int) {
	if w.st.IsInside(fn.Name.Name) || !w.isFirst(fn) || w.isTooDeep(caller, depth) {
		return
	}
	b := w.sideEffectsOf(fn)
	location := fn.Name.Name + "()"
	if caller != "" {
		location += ", which " + caller + " calls"
	}
	if b.why != "" {
		w.hidden = append(w.hidden, "call of "+location+", "+b.why)
		return
	}
	if fn.Volatility == "volatile" { // the server forbids changes in other functions
		for _, h := range b.hidden {
			w.hidden = append(w.hidden, h+" in "+location)
		}
		if len(b.changes) > 0 {
			w.found = append(w.found, firedBody{fn.Name.Name, b.changes})
		}
	}
	for _, n := range b.rows {
		w.readNode(n, caller, depth+1)
	}
}

// sideEffectsOf returns what a body does besides changing rows, and caches it.
func (in *Inliner) sideEffectsOf(fn *catalog.Function) sideEffects {
	b, known := in.effectsByFunction[fn]
	if !known {
		b = in.readSideEffects(fn)
		in.effectsByFunction[fn] = b
	}
	return b
}

// readSideEffects reads what a body does besides changing rows.
func (in *Inliner) readSideEffects(fn *catalog.Function) (out sideEffects) {
	if fn.Language == "sql" || fn.Language == "plpgsql" {
		// Most bodies can be judged without a parser.
		if !slices.ContainsFunc(pgparse.ListNames(fn.Body), func(w string) bool { return changingWords[w] }) && len(in.changingNames) == 0 && fn.Body != "" {
			return out
		}
	}
	b := in.bodyFor(fn)
	if out.why = b.why; b.why != "" {
		return out
	}
	for _, x := range b.expressions {
		out.rows = append(out.rows, parseStatements(x)...)
	}
	for _, x := range b.statements {
		if x.Dynamic {
			if !changesOnlyRows(x.Hidden) {
				out.hidden = append(out.hidden, x.Hidden)
			}
			continue
		}
		file, err := pgparse.SplitText(x.SQL)
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

// parseStatements returns the statements of a text.
func parseStatements(sql string) []*pgparse.Node {
	file, err := pgparse.SplitText(sql)
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

// changesOnlyRows reports whether the text that an EXECUTE builds can only be a statement on rows:
// it begins like one, and no constant in it ends a statement.
func changesOnlyRows(hidden string) bool {
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

// isKnownTriggerFunction reports whether a trigger's function belongs to Postgres or one of its
// extensions. These change no more than rows.
func isKnownTriggerFunction(name string) bool {
	switch name {
	case "moddatetime", "autoinc", "insert_username", "check_primary_key", "check_foreign_key", "lo_manage", "postgis_cache_bbox", "timetravel":
		return true
	}
	return builtin.Known(name)
}
