package realrunners

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// contractStatement is a statement, with the number of its transaction; 0 if it commits by itself.
type contractStatement struct {
	key, sql string
	// prepared is the key of the text that was sent, with places for values.
	prepared    string
	transaction int
	conditional bool
}

// SQLAlchemy gives each parameter its type.
var (
	typedParameter = regexp.MustCompile(`\$\d+::[A-Z]+`)
	typedValue     = regexp.MustCompile(`('(?:[^']|'')*'|\b\d+)::[A-Z]+\b`)
)

// listSent returns what the tool sent for the release.
func (c *scene) listSent(t *testing.T) (out []contractStatement) {
	t.Helper()
	_ = c.proxy.Close()
	if err := c.log.Err(); err != nil {
		t.Fatal(err)
	}
	implicit := -1
	for _, st := range c.log.Statements() {
		if st.Control != "" {
			continue
		}
		sql := st.SQL
		if typedParameter.MatchString(st.Sent) {
			sql = typedValue.ReplaceAllString(sql, "$1")
		}
		list, err := pgparse.SplitText(sql)
		if err != nil {
			t.Fatal(err)
		}
		number := st.Transaction
		if number == 0 && len(list.Stmts) > 1 {
			number = implicit // a message is a transaction
			implicit--
		}
		for i := range list.Stmts {
			x := &list.Stmts[i]
			if isOfTool(x.Node) {
				continue
			}
			next := newContractStatement(x.Node, sql[x.Start:x.End], number)
			if len(list.Stmts) == 1 && st.Sent != "" {
				next.prepared = newContractStatement(pgparse.ParseStatement(st.Sent), st.Sent, 0).key
			}
			out = append(out, next)
		}
	}
	return out
}

// readRelease returns what onward reads of the release, and what it does not judge.
func (c *scene) readRelease(t *testing.T, set *adapter.Set) (out []contractStatement, unread []string) {
	t.Helper()
	opaque := set.Opaque
	before := 0
	for _, m := range set.Migrations {
		if m.Path != c.program {
			continue
		}
		opaque = append(opaque, m.Opaque...)
		if m.Failed != "" {
			t.Errorf("%s does not load: %s", c.name, m.Failed)
		}
		x, err := script.BuildScript(m.Source)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range x.Statements {
			if st.Opaque != "" {
				unread = append(unread, fmt.Sprintf("line %d, %s", st.Line, st.Opaque))
			}
			if st.Parent >= 0 || isOfTool(st.Node) { // the tool and the program may ask the same
				continue
			}
			number := st.Tx
			if st.Origin == script.Alone {
				number = 0 // a DO block alone
			}
			if number > 0 && !set.Together {
				number += before
			}
			s := newContractStatement(st.Node, st.SQL, number)
			s.conditional = st.Conditional || len(st.Needs) > 0
			out = append(out, s)
		}
		before += x.Last
	}
	for _, o := range opaque {
		unread = append(unread, fmt.Sprintf("line %d, %s: %s", o.Line, o.What, o.Why))
	}
	return out, unread
}

// compareRelease returns the result of a release, and a difference.
func (c *scene) compareRelease(t *testing.T, set *adapter.Set) (result, difference string) {
	t.Helper()
	sent := c.listSent(t)
	read, unread := c.readRelease(t, set)
	var pairs [2][]contractStatement
	lost, next := false, 0
	for _, r := range read {
		found := slices.IndexFunc(sent[next:], func(s contractStatement) bool { return s.key == r.key || s.prepared == r.key })
		switch {
		case found >= 0:
			lost = lost || found > 0
			pairs[0], pairs[1] = append(pairs[0], sent[next+found]), append(pairs[1], r)
			next += found + 1
		case !r.conditional:
			return "different", printBoth(sent, read)
		}
	}
	lost = lost || next < len(sent)
	numbers, others := numberTransactions(pairs[0]), numberTransactions(pairs[1])
	switch {
	case len(sent) == 0:
		return "different", "the tool sends nothing"
	case !slices.Equal(numbers, others):
		return "different", "the transactions differ:\n" + printBoth(sent, read)
	case len(unread) > 0:
		return "not judged: " + strings.Join(unread, "; "), ""
	case lost:
		return "different", printBoth(sent, read)
	}
	return "equal", ""
}

func printBoth(sent, read []contractStatement) string {
	var out strings.Builder
	for i, list := range [][]contractStatement{sent, read} {
		numbers := numberTransactions(list)
		for j, s := range list {
			fmt.Fprintf(&out, "%s %d %s\n", [...]string{"sent", "read"}[i], numbers[j], s.sql)
		}
	}
	return out.String()
}

// numberTransactions numbers the transactions of statements from 1, in their order; 0 stays 0.
func numberTransactions(list []contractStatement) (out []int) {
	known := map[int]int{0: 0}
	for _, s := range list {
		if _, ok := known[s.transaction]; !ok {
			known[s.transaction] = len(known)
		}
		out = append(out, known[s.transaction])
	}
	return out
}

func newContractStatement(n *pgparse.Node, sql string, transaction int) contractStatement {
	s := contractStatement{key: strings.Join(strings.Fields(sql), " "), sql: sql, transaction: transaction}
	if bare := ownSchema.ReplaceAllString(sql, ""); bare != sql {
		n = pgparse.ParseStatement(bare)
	}
	if n == nil {
		return s
	}
	s.key = pgparse.ShapeKey(n)
	return s
}

// clientSettings are what drivers set by themselves.
var clientSettings = []string{
	"application_name", "client_encoding", "client_min_messages", "datestyle", "intervalstyle", "role", "search_path", "standard_conforming_strings", "timezone",
}

// isOfTool reports whether a statement is the tool's own: it asks for the schema, sets the session up, or records migrations.
func isOfTool(n *pgparse.Node) bool {
	switch {
	case n == nil:
		return false
	case n.GetVariableSetStmt() != nil:
		return slices.Contains(clientSettings, strings.ToLower(n.GetVariableSetStmt().Name))
	case n.GetCreateSchemaStmt() != nil:
		return n.GetCreateSchemaStmt().Schemaname == "drizzle"
	case n.GetVariableShowStmt() != nil, n.GetTransactionStmt() != nil, n.GetDiscardStmt() != nil, n.GetDeallocateStmt() != nil:
		return true
	}
	isQuery := n.GetSelectStmt() != nil
	onlyTool, found := true, isQuery
	with := map[string]bool{}
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.CommonTableExpr); ok {
			with[x.Ctename] = true
		}
		return true
	})
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.RangeVar); ok {
			schema, name := pgparse.RangeName(x)
			isCatalog := schema == "pg_catalog" || schema == "information_schema" || strings.HasPrefix(name, "pg_") || with[name]
			table := strings.TrimSuffix(strings.TrimSuffix(name, "_lock"), "_id_seq")
			found, onlyTool = true, onlyTool && (historyTables[table] || isQuery && isCatalog)
		}
		return true
	})
	return onlyTool && found
}

var historyTables = all.HistoryTableNames()
