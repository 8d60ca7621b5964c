package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// queryPlan has facts from the EXPLAIN of a query: where it inserts, and which indexes it uses.
type queryPlan struct {
	inserts []planInsert
	// indexed are the tables that it finds rows of through an index, by schema.name.
	indexed []string
}

// planInsert is a table that it inserts rows into, and what it gives for each of the
// columns, dropped ones among them.
type planInsert struct {
	schema, name string
	values       []string
}

// planNode is a node of a plan (https://www.postgresql.org/docs/current/sql-explain.html).
type planNode struct {
	Type      string     `json:"Node Type"`
	Operation string     `json:"Operation"`
	Schema    string     `json:"Schema"`
	Relation  string     `json:"Relation Name"`
	Relates   string     `json:"Parent Relationship"`
	Output    []string   `json:"Output"`
	IndexCond string     `json:"Index Cond"`
	Plans     []planNode `json:"Plans"`
}

// parsePlan reads the rows of EXPLAIN; of one that is no JSON it reads nothing.
func parsePlan(rows [][][]byte) (p queryPlan) {
	if len(rows) != 1 || len(rows[0]) != 1 || len(rows[0][0]) == 0 || rows[0][0][0] != '[' {
		return p
	}
	var list []struct{ Plan planNode }
	if json.Unmarshal(rows[0][0], &list) != nil {
		return p
	}
	for i := range list {
		p.readNode(&list[i].Plan)
	}
	slices.Sort(p.indexed)
	p.indexed = slices.Compact(p.indexed)
	return p
}

func (p *queryPlan) readNode(n *planNode) {
	if n.Type == "ModifyTable" && n.Operation == "Insert" {
		for i := range n.Plans {
			if n.Plans[i].Relates == "Outer" || n.Plans[i].Relates == "Member" {
				p.inserts = append(p.inserts, planInsert{n.Schema, n.Relation, n.Plans[i].Output})
			}
		}
	}
	if n.Relation != "" && (n.IndexCond != "" || slices.ContainsFunc(n.Plans, planNode.isBitmapScan)) {
		p.indexed = append(p.indexed, n.Schema+"."+n.Relation)
	}
	for i := range n.Plans {
		p.readNode(&n.Plans[i])
	}
}

// isBitmapScan reports whether a part of a plan finds rows by a condition on an index.
func (n planNode) isBitmapScan() bool {
	return strings.HasPrefix(n.Type, "Bitmap") && (n.IndexCond != "" || slices.ContainsFunc(n.Plans, planNode.isBitmapScan))
}

// isOmittedValue reports whether a value belongs to a column that was left out and has no default.
func isOmittedValue(value string) bool {
	return strings.HasPrefix(strings.TrimLeft(value, "("), "NULL::")
}

// strongerMode is the stronger of two modes, as pg_locks spells them.
func strongerMode(a, b string) string {
	if parseLockMode(b) > parseLockMode(a) {
		return b
	}
	return a
}

func parseLockMode(text string) (l onward.Lock) {
	_ = l.UnmarshalText([]byte(text)) // another word is no lock
	return l
}

// addQueryAdvice adds to a report the problems of the recorded queries themselves, and the recorded uses of
// deprecated columns. Queries that were read from code, and not counted, show neither.
func addQueryAdvice(release *audit.Release, recorded []*Workload, r *onward.Report) error {
	if len(recorded) == 0 {
		return nil
	}
	load, err := workload.MergeAll(recorded...)
	if err != nil {
		return fmt.Errorf("put the recordings together: %w", err)
	}
	var calls int64
	for i := range load.Queries {
		calls += load.Queries[i].Calls
	}
	if calls == 0 {
		return nil
	}
	reportedIDs := map[string]bool{}
	for i := range r.Verdicts {
		reportedIDs[r.Verdicts[i].ID] = true // it breaks, or its result changes: that is enough
	}
	list := release.Queries(load, reportedIDs)
	open := slices.DeleteFunc(slices.Clone(list), func(f onward.QueryFinding) bool { return f.Accepted })
	if n := len(list) - len(open); n > 0 {
		r.Verification.Notes = append(r.Verification.Notes,
			fmt.Sprintf("onward.yaml accepts %d of the findings about the queries themselves (accept_queries)", n))
	}
	r.Verification.Asks = open
	r.Verification.Deprecated = release.Deprecations(load)
	return nil
}

// examples bounds the queries that are named for a statement.
const examples = 3

// addWaitingQueries says of each statement which of the deployed code's queries its locks make wait.
// The locks that a query takes are those that the server took to plan it at the base.
func (c *checker) addWaitingQueries(r *onward.Report) {
	base := c.moments[0]
	byName := map[string][]*recordedQuery{}
	locksByQuery := map[*recordedQuery]map[string]onward.Lock{}
	var calls int64
	for _, q := range c.queries {
		if q.code != onward.OldCode || len(q.states) == 0 {
			continue
		}
		calls += q.calls
		locksByQuery[q] = map[string]onward.Lock{}
		for oid, text := range q.states[0].relations {
			if o := base.schema.relations[oid]; o != nil {
				byName[o.schema+"."+o.name] = append(byName[o.schema+"."+o.name], q)
				locksByQuery[q][o.schema+"."+o.name] = parseLockMode(text)
			}
		}
	}
	for i := range r.Migrations {
		for j := range r.Migrations[i].Statements {
			st := &r.Migrations[i].Statements[j]
			waits := map[*recordedQuery]bool{}
			w := &onward.Waiting{}
			for _, e := range st.Effects {
				if e.New || e.Lock < onward.ShareLock {
					continue
				}
				before := len(waits)
				for _, q := range byName[e.Relation] {
					if locksConflict(e.Lock, locksByQuery[q][e.Relation]) {
						waits[q] = true
					}
				}
				if len(waits) > before {
					w.Relations = append(w.Relations, strings.TrimPrefix(e.Relation, "public."))
				}
			}
			if len(waits) > 0 {
				sumWaiting(w, waits, calls)
				st.Waiting = w
			}
		}
	}
}

// locksConflict reports whether a query that takes one lock waits for who holds another
// (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES).
func locksConflict(heldLock, wanted onward.Lock) bool {
	switch wanted {
	case onward.AccessShareLock:
		return heldLock.BlocksReads()
	case onward.RowShareLock:
		return heldLock >= onward.ExclusiveLock
	}
	return heldLock.BlocksWrites()
}

// sumWaiting counts the queries that wait.
func sumWaiting(w *onward.Waiting, waits map[*recordedQuery]bool, calls int64) {
	var list []*recordedQuery
	for q := range waits {
		list = append(list, q)
		w.Queries++
		w.Calls += q.calls
	}
	if calls > 0 {
		w.Share = float64(w.Calls) / float64(calls)
	}
	slices.SortFunc(list, func(a, b *recordedQuery) int { return cmp.Or(-cmp.Compare(a.calls, b.calls), cmp.Compare(a.ID, b.ID)) })
	for _, q := range list[:min(len(list), examples)] {
		w.Examples = append(w.Examples, onward.WaitingQuery{ID: q.ID, Query: q.SQL, Sender: q.sender, Calls: q.calls})
	}
}
