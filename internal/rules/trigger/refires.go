package trigger

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findRefiring finds the statement of a trigger's function that fires the trigger again,
// without end: an UPDATE of the row for which it fired, an INSERT, or, for a
// statement-level trigger, any write to the table. It returns "" if that is not certain;
// a condition may end the recursion.
func findRefiring(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger, fn *catalog.Function) string {
	body, table := strings.ToLower(fn.Body), strings.ToLower(r.Name.Name)
	if t.When != nil || t.Deferrable || t.Timing == "instead of" || !analysis.MentionsWord(body, table) ||
		slices.ContainsFunc(ends, func(word string) bool { return analysis.MentionsWord(body, word) }) {
		return ""
	}
	if slices.ContainsFunc(r.Triggers, func(o *catalog.Trigger) bool { return o.Function.Name == "suppress_redundant_updates_trigger" }) {
		return ""
	}
	look := func(sql string) bool {
		sql = strings.ToLower(sql)
		return analysis.MentionsWord(sql, table) && (analysis.MentionsWord(sql, "insert") || analysis.MentionsWord(sql, "update"))
	}
	for text, node := range fn.CertainStatements(look) {
		if firesTrigger(c, r, t, node) {
			return text
		}
	}
	return ""
}

// ends are the words by which a function may keep its trigger from firing again.
var ends = []string{"pg_trigger_depth", "session_replication_role", "disable"}

// failingEvents are the events of a trigger that fires itself by a statement: a row
// that is not yet there, or no longer, is not updated.
func failingEvents(t *catalog.Trigger, statement string) string {
	switch statement = strings.TrimLeft(statement, " \t\r\n"); {
	case !t.Row || len(statement) > 6 && strings.EqualFold(statement[:6], "insert"):
		return t.Events
	case t.Timing == "before":
		return "update"
	}
	return strings.TrimSuffix(strings.Replace(strings.Replace(t.Events, "delete or ", "", 1), " or delete", "", 1), " or truncate")
}

func firesTrigger(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger, node *pgparse.Node) bool {
	isSameTable := func(rv *pgparse.RangeVar) bool {
		found, _ := c.Resolve(rv)
		return found != nil && found.OID == r.OID
	}
	if s := node.GetInsertStmt(); s != nil {
		return strings.Contains(t.Events, "insert") && s.GetOnConflictClause() == nil && isSameTable(s.GetRelation()) &&
			(!t.Row || len(s.GetSelectStmt().GetSelectStmt().GetValuesLists()) > 0)
	}
	s := node.GetUpdateStmt()
	if s == nil || !strings.Contains(t.Events, "update") || !isSameTable(s.GetRelation()) {
		return false
	}
	if len(t.Columns) > 0 && !slices.ContainsFunc(s.GetTargetList(), func(n *pgparse.Node) bool {
		col := r.Column(n.GetResTarget().GetName())
		return col != nil && slices.Contains(t.Columns, col.Attnum)
	}) {
		return false
	}
	return !t.Row || len(s.GetFromClause()) == 0 && selectsSameRow(r, t, s.GetWhereClause())
}

// selectsSameRow reports whether a condition selects the row for which the trigger fired. It
// must only compare columns with the values that the row has in the table then, or with
// its key, which an update rarely changes.
func selectsSameRow(r *catalog.Relation, t *catalog.Trigger, cond *pgparse.Node) bool {
	if cond == nil {
		return true
	}
	if b := cond.GetBoolExpr(); b != nil {
		return b.GetBoolop() == pgparse.BoolExprType_AND_EXPR && !slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !selectsSameRow(r, t, n) })
	}
	e := cond.GetAExpr()
	if e == nil || len(e.GetName()) != 1 || e.GetName()[0].GetString_().GetSval() != "=" {
		return false
	}
	name, record := parseFieldRef(e.GetLexpr())
	other, row := parseFieldRef(e.GetRexpr())
	if row == "" {
		record, row = row, record
	}
	col := r.Column(name)
	if name != other || record != "" || row == "" || col == nil {
		return false
	}
	stored := row == "new"
	if t.Timing == "before" {
		stored = row == "old"
	}
	return stored || r.IsInPrimaryKey(col.Attnum)
}

// parseFieldRef returns the column that a reference names, with NEW or OLD if it is a field of
// one of these.
func parseFieldRef(n *pgparse.Node) (name, record string) {
	fields := n.GetColumnRef().GetFields()
	if len(fields) == 0 {
		return "", ""
	}
	if len(fields) > 1 {
		if qualifier := fields[len(fields)-2].GetString_().GetSval(); qualifier == "new" || qualifier == "old" {
			record = qualifier
		}
	}
	return pgparse.LastText(fields), record
}
