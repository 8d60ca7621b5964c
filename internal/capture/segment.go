package capture

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// Segment is what one migration sent.
type Segment struct {
	// ID is the name in the history table; "" if the tool has none that is known.
	ID string
	// After is set if it is the work of the tool after the last migration.
	After bool
	// Statements are what the migration sent, without the tool's own.
	Statements []*ordered.Statement
}

// hasOnlySessionSettings reports whether a segment changes nothing but settings of the session.
func (b *books) hasOnlySessionSettings(list []*ordered.Statement) bool {
	return !slices.ContainsFunc(list, func(st *ordered.Statement) bool { return !b.classifyStatement(st).isSession })
}

// cutSegments cuts the statements of a run into migrations: at the rows of the history table, else at the ends of
// transactions. Statements that failed or were rolled back are left out.
func (b *books) cutSegments(list []*ordered.Statement) []*Segment {
	var out []*Segment
	byID := map[string]*Segment{}
	var pending []*ordered.Statement
	for _, st := range list {
		if st.Failed != "" || st.Undone {
			continue
		}
		c := b.classifyStatement(st)
		if !c.ofTool {
			pending = append(pending, st)
		}
		for _, id := range c.ids {
			s := byID[id]
			if s == nil {
				s = &Segment{ID: id}
				byID[id], out = s, append(out, s)
			}
			s.Statements = append(s.Statements, pending...)
			pending = nil
		}
	}
	if len(out) == 0 {
		return cutByTransaction(pending)
	}
	if b.hasOnlySessionSettings(pending) {
		return out
	}
	if b.learned && b.hasOnlySessionSettings(out[0].Statements) {
		// The tool records a migration before it runs it.
		for i := range out[:len(out)-1] {
			out[i].Statements = append(out[i].Statements, out[i+1].Statements...)
			out[i+1].Statements = nil
		}
		last := out[len(out)-1]
		last.Statements = append(last.Statements, pending...)
		return out
	}
	return append(out, &Segment{ID: "after " + out[len(out)-1].ID, After: true, Statements: pending})
}

// dropRoutineStatements leaves out of the head's segments the statements outside migrations that the base's run sent, too: the tool
// sends them each time.
func dropRoutineStatements(head, base []*Segment) []*Segment {
	usual := map[string]bool{}
	for _, s := range base {
		for _, st := range s.Statements {
			if s.After {
				usual[st.Sent] = true
			}
		}
	}
	var out []*Segment
	for _, s := range head {
		if s.After || s.ID == "" {
			rest := *s
			rest.Statements = slices.DeleteFunc(slices.Clone(s.Statements), func(st *ordered.Statement) bool { return usual[st.Sent] })
			if len(rest.Statements) == 0 {
				continue
			}
			s = &rest
		}
		out = append(out, s)
	}
	return out
}

// cutByTransaction makes each transaction a migration, and all statements between two of them.
func cutByTransaction(list []*ordered.Statement) []*Segment {
	var out []*Segment
	for i, st := range list {
		if i == 0 || st.Transaction != list[i-1].Transaction {
			out = append(out, &Segment{})
		}
		last := out[len(out)-1]
		last.Statements = append(last.Statements, st)
	}
	return out
}

// maxRepeats is how many statements of one shape a migration keeps. More of them are rows of a loop.
const maxRepeats = 20

// isRowStatement reports whether a statement reads or writes rows.
func isRowStatement(n *pgparse.Node) bool {
	return n.GetInsertStmt() != nil || n.GetUpdateStmt() != nil || n.GetDeleteStmt() != nil || n.GetSelectStmt() != nil
}

// dropRepeats leaves out the statements of a loop after the first rounds, and says how many.
func (b *books) dropRepeats(list []*ordered.Statement) (statements []*ordered.Statement, dropped int) {
	count := map[string]int{}
	for _, st := range list {
		nodes := b.parseStatement(st)
		if len(nodes) == 1 && nodes[0] != nil && isRowStatement(nodes[0]) {
			key := pgparse.ShapeKey(nodes[0])
			if count[key]++; count[key] > maxRepeats {
				dropped++
				continue
			}
		}
		statements = append(statements, st)
	}
	return statements, dropped
}

// countUnmatched returns the queries of a migration that found no row, and counts the changes that did not.
func (b *books) countUnmatched(list []*ordered.Statement) (reads []string, writes int) {
	for _, st := range list {
		nodes := b.parseStatement(st)
		if len(nodes) != 1 || nodes[0] == nil || len(st.Tags) != 1 {
			continue
		}
		switch n := nodes[0]; {
		case n.GetSelectStmt() != nil && st.Tags[0] == "SELECT 0":
			reads = append(reads, st.SQL)
		case n.GetUpdateStmt() != nil && st.Tags[0] == "UPDATE 0", n.GetDeleteStmt() != nil && st.Tags[0] == "DELETE 0",
			n.GetInsertStmt() != nil && st.Tags[0] == "INSERT 0 0":
			writes++
		}
	}
	return reads, writes
}

// segmentName returns the ID of a segment, or a name by its position.
func (s *Segment) segmentName(index int) string {
	if s.ID != "" {
		return s.ID
	}
	return fmt.Sprintf("transaction %d", index+1)
}

// Rendering is the SQL that a command printed.
type Rendering struct {
	Statements []*ordered.Statement `json:"statements"`
	// Marks name the migrations, by the index of their first statement. It is empty if the text names none.
	Marks []mark `json:"marks,omitempty"`
	// Gaps are sentences about what was not confined in this run.
	Gaps []string `json:"-"`

	// transactions is how many transactions it has.
	transactions int
}

// mark names the migration of the statements from an index on.
type mark struct {
	ID    string `json:"id"`
	Index int    `json:"index"`
}

// markComment is a comment that names the migration of what follows it.
var markComment = lazyregexp.New(`(?i)^--[ \t]*migration:[ \t]*([^\s]+)[ \t]*\r?$`)

// addStatementsOfText adds the statements of a text, as psql would send them. id is their migration; "" if the text names it.
func (r *Rendering) addStatementsOfText(id, text string) error {
	f, err := pgparse.SplitBy(text, pgparse.Reader{Psql: true})
	if err != nil {
		return &Error{fmt.Sprintf("the printed SQL has %d MB, and the limit is %d", len(text)>>20, pgparse.MaxSize>>20)}
	}
	if len(r.Statements)+len(f.Stmts) > ordered.MaxStatements {
		return &Error{fmt.Sprintf("there are more than %d printed statements", ordered.MaxStatements)}
	}
	marks := []mark{{id, 0}}
	if id == "" {
		marks = listMarks(f.Src)
	}
	var open []*ordered.Statement // the statements of the open transaction
	for i := range f.Stmts {
		st := &f.Stmts[i]
		for len(marks) > 0 && marks[0].Index <= st.Start {
			r.Marks = append(r.Marks, mark{marks[0].ID, len(r.Statements)})
			marks = marks[1:]
		}
		sent := &ordered.Statement{SQL: f.Src[st.Start:st.End], Control: transactionControl(st.Node)}
		sent.Sent = sent.SQL
		if sent.Control == ordered.Begins && open == nil {
			r.transactions++
			open = []*ordered.Statement{}
		}
		if open != nil {
			sent.Transaction = r.transactions
			open = append(open, sent)
		}
		if sent.Control == ordered.RollsBack {
			for _, undone := range open {
				undone.Undone = true
			}
		}
		if sent.Control == ordered.RollsBack || sent.Control == ordered.Commits {
			open = nil
		}
		r.Statements = append(r.Statements, sent)
	}
	for _, m := range marks { // migrations without a statement
		r.Marks = append(r.Marks, mark{m.ID, len(r.Statements)})
	}
	return nil
}

// listMarks returns the comments that name migrations, with their offsets.
func listMarks(text string) (out []mark) {
	for _, c := range pgparse.ListComments(text) {
		if m := markComment.FindStringSubmatch(text[c.Start:c.End]); m != nil {
			out = append(out, mark{m[1], c.Start})
		}
	}
	return out
}

// transactionControl returns what a statement does to its transaction.
func transactionControl(n *pgparse.Node) ordered.Control {
	switch x := n.GetTransactionStmt(); x.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		return ordered.Begins
	case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT, pgparse.TransactionStmtKind_TRANS_STMT_PREPARE:
		return ordered.Commits
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return ordered.RollsBack
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pgparse.TransactionStmtKind_TRANS_STMT_RELEASE, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return ordered.Saves
	}
	return ""
}

// cutAtMarks cuts the statements into migrations: at the marks, else at the rows of the history table, else at the ends of
// transactions.
func (r *Rendering) cutAtMarks(b *books) []*Segment {
	if len(r.Marks) == 0 {
		return b.cutSegments(r.Statements)
	}
	var out []*Segment
	byID := map[string]*Segment{}
	add := func(id string, list []*ordered.Statement) {
		s := byID[id]
		if s == nil {
			s = &Segment{ID: id}
			byID[id], out = s, append(out, s)
		}
		for _, st := range list {
			if !st.Undone && !b.classifyStatement(st).ofTool {
				s.Statements = append(s.Statements, st)
			}
		}
	}
	for i, m := range r.Marks {
		end := len(r.Statements)
		if i+1 < len(r.Marks) {
			end = r.Marks[i+1].Index
		}
		add(m.ID, r.Statements[m.Index:end])
	}
	if first := b.cutSegments(r.Statements[:r.Marks[0].Index]); len(first) > 0 {
		out = append(first, out...)
	}
	return out
}
