package capture

import (
	"fmt"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

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
