package adapter

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Writer is an adapter whose migrations can be written.
type Writer interface {
	// Form says how the runner of a set wants a migration written; nil where that is not
	// known.
	Form(t Tree, set *Set) *Form
}

// Form is how a runner wants its migrations written.
type Form struct {
	// Name is the runner's in a sentence.
	Name string
	// Up ends the name of a migration's file: ".sql", ".up.sql", "/migration.sql". Down
	// ends that of a second file, with the way back; "" for none.
	Up, Down string
	// Between stands between number and name; "" as in the names that are there.
	Between string
	// Transaction is what the runner puts around a file that says nothing else.
	Transaction onward.Transaction
	// Head begins a file, and HeadAlone one that is sent without a transaction; "" where
	// no words of the file bring that about. Lone: one statement alone in its file needs none.
	Head, HeadAlone string
	Lone            bool
	// Settings is a further file of a migration that is sent without a transaction, and what it
	// says: for a runner whose files say nothing of it themselves. "" for none.
	Settings, SettingsAlone string
	// Knows, where it is not nil, tells which statements the runner sends so without words:
	// it has a list.
	Knows func(statement string) bool
	// Foot begins the way back, in the file or in the second one.
	Foot, FootAlone string
	// Begin and End stand around a statement with a ';' in it.
	Begin, End string
	// Cuts: the runner cuts a file at each ';', wherever it stands.
	Cuts bool
	// Texts: the runner runs files in the order of their names as texts.
	Texts bool
	// Moments is the layout of a moment with signs in it that the runner's own names begin with; ""
	// where they begin with digits alone. Behind it may stand a number.
	Moments string
}

// Written is a file of a migration that was made, and is not on disk yet.
type Written struct {
	// Path is relative to the repository's root.
	Path string
	Text string
}

// Writing is how further migrations of one source are written, one after the other.
type Writing interface {
	// Dir is where they lie, or in directories below it, relative to the repository's root.
	Dir() string
	// Carries says why the runner cannot carry a step of a plan; "" where it can.
	Carries(s *onward.PlanStep) string
	// Files are those of a step that the runner carries, behind all that there are; slug is
	// what the name says beside the number.
	//
	// Errors: it is not known how the names go on.
	Files(p *onward.Plan, s *onward.PlanStep, slug string) ([]Written, error)
	// Rest are files that belong to no step: behind those of the steps up to the first that
	// contracts, or that the runner cannot carry.
	Rest(p *onward.Plan) ([]Written, error)
}

// Editor is a Writing whose migrations of one statement can be rewritten where they stand.
type Editor interface {
	// Commits: each statement of a file commits by itself.
	Commits() bool
	// Alone is a file of one statement that says to its runner that it is to be sent
	// without a transaction.
	Alone(text string) string
}

// Composer is an adapter whose migrations are more than SQL, and which writes them itself.
type Composer interface {
	// Compose begins writing migrations behind those of a set, and in the place of some, by
	// their IDs.
	Compose(ctx context.Context, t Tree, set *Set, replaced []string) (Writing, error)
}

// writing writes files of SQL.
type writing struct {
	form Form
	// source is the directory of all, dir that of the last one.
	source, dir string
	names       *numbers
}

func (w *writing) Dir() string { return w.source }

func (w *writing) Rest(*onward.Plan) ([]Written, error) { return nil, nil }

func (w *writing) Commits() bool { return w.form.Transaction == onward.TransactionNone }

func (w *writing) Alone(text string) string {
	head := strings.TrimRight(w.form.Head, "\n")
	switch at := strings.Index(text, head); {
	case w.form.HeadAlone == "":
		return text
	case head == "" || at < 0:
		return w.form.HeadAlone + text
	default:
		return text[:at] + w.form.HeadAlone + strings.TrimPrefix(text[at+len(head):], "\n")
	}
}

func (w *writing) Carries(s *onward.PlanStep) string {
	f := &w.form
	switch {
	case s.Repeat:
		return "it is run again and again, which no file says to " + f.Name
	case s.Transaction == onward.TransactionNone && (!f.Lone && f.HeadAlone == "" && f.Settings == "" || f.Knows != nil && !f.Knows(s.SQL)):
		return f.Name + " runs each file in a transaction, and it must not run inside one"
	case f.Cuts && strings.Contains(s.SQL, "$"):
		for _, sql := range Statements(Inner(s)) {
			if strings.Contains(sql, ";") {
				return f.Name + " cuts its files at each ';', and it has one inside a statement"
			}
		}
	}
	return ""
}

func (w *writing) Files(_ *onward.Plan, s *onward.PlanStep, slug string) ([]Written, error) {
	f := &w.form
	stem, err := w.names.next(slug, f)
	if err != nil {
		return nil, err
	}
	alone := s.Transaction == onward.TransactionNone
	head, foot := f.Head, f.Foot
	if alone {
		head, foot = cmp.Or(f.HeadAlone, f.Head), cmp.Or(f.FootAlone, f.Foot)
	}
	text := head + f.body(w.sql(s))
	undo := Back(s)
	if f.Transaction == onward.TransactionNone && undo != "" {
		undo = s.Undo
	}
	d := Dir{Path: w.dir}
	out := []Written{{Path: d.Join(stem + f.Up), Text: text}}
	switch {
	case f.Down != "" && undo != "":
		out = append(out, Written{Path: d.Join(stem + f.Down), Text: foot + f.body(undo)})
	case f.Down == "" && f.Foot != "":
		out[0].Text += "\n" + foot + f.body(undo)
	}
	if alone && f.Settings != "" {
		out = append(out, Written{Path: d.Join(stem + f.Settings), Text: f.SettingsAlone})
	}
	return out, nil
}

// sql is what the file of a step says: without BEGIN and COMMIT where the runner has a
// transaction around it.
func (w *writing) sql(s *onward.PlanStep) string {
	if w.form.Transaction == onward.TransactionNone {
		return s.SQL
	}
	return Inner(s)
}

// Inner is a step's SQL without its transaction.
func Inner(s *onward.PlanStep) string {
	if s.Transaction != onward.TransactionFile {
		return s.SQL
	}
	return unwrapped(s.SQL)
}

// Back is a step's way back, without a transaction of its own: it is sent as the step is. ""
// for none, and where it cannot run in the step's transaction.
func Back(s *onward.PlanStep) string {
	if s.Transaction == onward.TransactionNone {
		return s.Undo
	}
	if strings.Contains(s.Undo, "CONCURRENTLY") {
		return ""
	}
	return unwrapped(s.Undo)
}

// unwrapped is SQL without the transaction around it.
func unwrapped(sql string) string {
	return strings.TrimSuffix(strings.TrimPrefix(sql, "BEGIN;\n"), "COMMIT;\n")
}

// body is SQL with the runner's marks around statements that it would cut.
func (f *Form) body(sql string) string {
	if f.Begin == "" {
		return sql
	}
	var b strings.Builder
	for _, s := range Statements(sql) {
		if strings.Contains(s, ";") {
			fmt.Fprintf(&b, "%s%s;\n%s", f.Begin, s, f.End)
		} else {
			b.WriteString(s + ";\n")
		}
	}
	return b.String()
}

// Statements are those of a text, without the ';' at their ends.
func Statements(sql string) []string {
	cut, err := pgparse.Split(sql)
	if err != nil {
		return []string{strings.TrimSuffix(strings.TrimSpace(sql), ";")}
	}
	var out []string
	for _, s := range cut.Stmts {
		out = append(out, strings.TrimSuffix(strings.TrimSpace(sql[s.Start:s.End]), ";"))
	}
	return out
}
