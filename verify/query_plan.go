package verify

import (
	"encoding/json"
	"slices"
	"strings"

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
