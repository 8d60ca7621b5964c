package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// recordedQuery is a query, and what is known of it.
type recordedQuery struct {
	*workload.Query
	code   onward.Code
	calls  int64
	sender string
	// prepareSQL is what the server is asked to prepare: the text, or for COPY a query that
	// needs the same.
	prepareSQL string
	// isPlanned: the server plans it. insertsRows: it inserts, and its plan has the inserted values.
	isPlanned, insertsRows bool
	// copyTable is the table of a COPY FROM without a list of columns.
	copyTable string
	writes    []write
	// merges are the columns that MERGE inserts, list by list.
	merges []write
	// nameParams are parameters that name something although their type is text. sequences are the parameters of
	// functions on sequences, with the privileges of which one is needed.
	nameParams map[int]string
	sequences  map[int]string
	// timedOut: the server did not answer at a point.
	timedOut bool
	// namesConstraint: ON CONFLICT ON CONSTRAINT.
	namesConstraint bool
	// names are the names in its text.
	names map[string]bool
	// relations and types are what it was seen to use at any point.
	relations map[uint32]string
	types     map[uint32]bool
	states    []pointAnswer
	asked     bool // something that it may use has changed since the base
}

// write is a relation that is written, as the text names it.
type write struct {
	schema, name string
	columns      []string
	width        int // of an INSERT without a list
	how          query.How
}

// collectCodeQueries takes the code's own queries of recordings, each once.
func collectCodeQueries(code onward.Code, loads []*workload.Workload) ([]*recordedQuery, *onward.Verified) {
	count := &onward.Verified{}
	temporary := temporaryTables(loads)
	byID := map[string]*recordedQuery{}
	for _, load := range loads {
		for i := range load.Queries {
			q := &load.Queries[i]
			if !q.IsCode() || q.Calls > 0 && refusedCalls(q) >= q.Calls {
				count.Passed++
				continue
			}
			if old := byID[q.ID]; old != nil {
				merged := *old.Query
				merged.Named = merged.Named || q.Named
				merged.Senders = slices.Concat(merged.Senders, q.Senders)
				merged.Names = workload.MergeNames(merged.Names, q.Names)
				old.Query, old.calls = &merged, old.calls+q.Calls
				continue
			}
			byID[q.ID] = &recordedQuery{Query: q, code: code, calls: q.Calls, relations: map[uint32]string{}, types: map[uint32]bool{}}
		}
	}
	var out []*recordedQuery
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		q := byID[id]
		q.analyzeText()
		if slices.ContainsFunc(temporary, func(name string) bool { return q.names[name] }) {
			count.Passed++
			continue
		}
		q.sender = describeSenders(q.Senders)
		count.Queries++
		count.Calls += q.calls
		out = append(out, q)
	}
	return out, count
}

// refusedCalls is how often the server refused it when it was recorded.
func refusedCalls(q *workload.Query) (n int64) {
	for _, times := range q.Errors {
		n += times
	}
	return n
}

// temporaryTables are the names of tables that sessions make for themselves.
func temporaryTables(loads []*workload.Workload) []string {
	var out []string
	for _, load := range loads {
		for i := range load.Queries {
			q := &load.Queries[i]
			if q.Kind != workload.DDL || !strings.Contains(strings.ToUpper(q.SQL), "TEMP") {
				continue
			}
			f, err := pgparse.SplitText(q.SQL)
			if err != nil {
				continue
			}
			for _, st := range f.Stmts {
				pgparse.Walk(st.Node, func(n any) bool {
					if rv, ok := n.(*pgparse.RangeVar); ok && rv.GetRelpersistence() == "t" {
						out = append(out, rv.GetRelname())
					}
					return true
				})
			}
		}
	}
	return out
}

// mostSenders is how many senders are named.
const mostSenders = 3

// describeSenders says who sends a query, the most frequent first.
func describeSenders(list []workload.Sender) string {
	calls := map[string]int64{}
	for _, s := range list {
		var parts []string
		for _, p := range []string{s.Application, s.Place, s.Test} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		if len(parts) > 0 {
			calls[strings.Join(parts, " · ")] += s.Calls
		}
	}
	names := slices.SortedFunc(maps.Keys(calls), func(a, b string) int { return cmp.Or(cmp.Compare(calls[b], calls[a]), cmp.Compare(a, b)) })
	return prose.FirstNames(names, mostSenders)
}

// analyzeText takes from the text what the server is not asked.
func (q *recordedQuery) analyzeText() {
	q.prepareSQL, q.names = q.SQL, namesInText(q.SQL)
	for _, list := range [][]string{q.Functions, q.Types} {
		for _, full := range list {
			q.names[full[strings.LastIndexByte(full, '.')+1:]] = true
		}
	}
	for _, u := range q.Uses {
		q.names[u.Relation[strings.LastIndexByte(u.Relation, '.')+1:]] = true
	}
	node := pgparse.ParseStatement(q.SQL)
	if node == nil {
		return
	}
	q.readNameParameters(node)
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.InsertStmt:
		q.isPlanned = true
	case *pgparse.MergeStmt:
		q.isPlanned = true
		q.readMerge(n)
	case *pgparse.CopyStmt:
		q.rewriteCopy(n)
	}
	for _, u := range query.ListUses(node, query.NoRelations{}) {
		switch u.How {
		case query.Inserts, query.Updates, query.Deletes:
			q.insertsRows = q.insertsRows || u.How == query.Inserts
			q.writes = append(q.writes, write{schema: u.Schema, name: u.Name, columns: u.Columns, width: u.Width, how: u.How})
		case query.UpdatesColumn:
			w := write{columns: []string{u.Column}, how: query.Updates}
			if u.Of != nil && u.Of.Range != nil {
				w.schema, w.name = pgparse.RangeName(u.Of.Range)
			}
			q.writes = append(q.writes, w)
		case query.ArbitratesName:
			q.namesConstraint = true
		}
	}
}

// readMerge notes what MERGE inserts: no plan tells that.
func (q *recordedQuery) readMerge(n *pgparse.MergeStmt) {
	schema, name := pgparse.RangeName(n.GetRelation())
	for _, clause := range n.GetMergeWhenClauses() {
		whenClause := clause.GetMergeWhenClause()
		if whenClause.GetCommandType() != pgparse.CmdType_CMD_INSERT {
			continue
		}
		w := write{schema: schema, name: name, width: len(whenClause.GetValues()), how: query.Inserts}
		for _, target := range whenClause.GetTargetList() {
			w.columns = append(w.columns, target.GetResTarget().GetName())
		}
		q.merges = append(q.merges, w)
	}
}

// rewriteCopy makes of COPY, which the server does not analyse before it runs it, a query
// that needs the same tables and columns.
func (q *recordedQuery) rewriteCopy(n *pgparse.CopyStmt) {
	if n.GetQuery() != nil {
		q.prepareSQL, q.isPlanned = parenthesizedText(q.SQL), true
		return
	}
	rv := n.GetRelation()
	if rv == nil {
		return
	}
	table := pgparse.QuoteIdent(rv.GetRelname())
	if rv.GetSchemaname() != "" {
		table = pgparse.QuoteIdent(rv.GetSchemaname()) + "." + table
	}
	var columns, values []string
	for i, name := range pgparse.StringTexts(n.GetAttlist()) {
		columns = append(columns, pgparse.QuoteIdent(name))
		values = append(values, fmt.Sprintf("$%d", i+1))
	}
	q.isPlanned = true
	switch {
	case !n.GetIsFrom() && len(columns) == 0:
		q.prepareSQL = "TABLE " + table
	case !n.GetIsFrom():
		q.prepareSQL = "SELECT " + strings.Join(columns, ", ") + " FROM " + table
	case len(columns) == 0:
		q.prepareSQL, q.copyTable = "INSERT INTO "+table+" DEFAULT VALUES", table
	default:
		q.insertsRows = true
		q.prepareSQL = "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
	}
}

// parenthesizedText returns the text between the first parenthesis and the one that closes it.
func parenthesizedText(sql string) string {
	from := pgparse.OpeningParenthesis(sql, 0)
	if end := pgparse.ClosingParenthesis(sql, from); end >= 0 {
		return sql[from+1 : end]
	}
	return sql
}

// namesInText are the names in a text, as the server folds them.
func namesInText(sql string) map[string]bool {
	out := map[string]bool{}
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case c == '"':
			var b strings.Builder
			for i++; i < len(sql); i++ {
				if sql[i] == '"' {
					if i+1 == len(sql) || sql[i+1] != '"' {
						break
					}
					i++
				}
				b.WriteByte(sql[i])
			}
			i++
			out[b.String()] = true
		case c == '_' || c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z':
			from := i
			for i < len(sql) && (sql[i] == '_' || sql[i] == '$' || sql[i] >= 0x80 || '0' <= sql[i] && sql[i] <= '9' || 'a' <= sql[i]|0x20 && sql[i]|0x20 <= 'z') {
				i++
			}
			out[strings.ToLower(sql[from:i])] = true
		default:
			i++
		}
	}
	return out
}
