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
	// Form describes how the runner of a set expects a migration to be written; nil if that is not
	// known.
	Form(t Tree, set *Set) *Form
}

// Form describes how a runner expects its migrations to be written.
type Form struct {
	// Name is the runner's name in a sentence.
	Name string
	// Up is the end of a migration's file name: ".sql", ".up.sql", "/migration.sql". Down is the
	// end of a second file, which undoes the migration; "" for none.
	Up, Down string
	// Between is the separator after the number; "" for the separator of the existing names.
	Between string
	// Transaction is how the runner sends a file without instructions of its own.
	Transaction onward.Transaction
	// Head is the text that a file begins with. HeadAlone begins a file that is sent without a
	// transaction; "" if no text in a file can request that. Lone is set if a file with a single
	// statement needs no such text.
	Head, HeadAlone string
	Lone            bool
	// Settings is the suffix of a further file for a migration that is sent without a transaction,
	// and SettingsAlone its content. This is for a runner that is not controlled by text in the SQL
	// file. "" for none.
	Settings, SettingsAlone string
	// Knows reports whether the runner has the statement on its list of statements that it sends
	// without a transaction. It is nil if the runner has no such list.
	Knows func(statement string) bool
	// Foot is the text before the undo SQL, in the same file or in the second one.
	Foot, FootAlone string
	// Begin and End are the markers around a statement with a ';' in it.
	Begin, End string
	// Splits is set if the runner sends the statements of a file without a transaction one by one, so that each commits.
	Splits bool
	// Cuts is set if the runner cuts a file at each ';', even inside a string or a body.
	Cuts bool
	// Texts is set if the runner runs files in the order of their names as texts.
	Texts bool
	// Moments is the time layout with separators that the runner's own names begin with, for which
	// another number may follow; "" if they begin with digits only.
	Moments string
	// Program composes a migration that is a program; nil if migrations are SQL. Then the fields from Transaction to Splits have no
	// meaning.
	Program func(p *Program) string
	// Slug returns the part of a name after its number as the runner accepts it; nil if it accepts any.
	Slug func(slug string) string
	// Refuses says why the runner cannot send a text; "" if it can. It is nil if the runner sends every text as it is.
	Refuses func(sql string) string
	// Warns returns what must be done before the runner can run a statement, in lines of a comment; "" for nothing. It is nil if each
	// statement just runs.
	Warns func(sql string) string
	// Unwritable says why no migration can have a step of a plan, and what to do instead; "" if migrations can.
	Unwritable string
}

// Written is a generated file of a migration that is not on disk yet.
type Written struct {
	// Path is relative to the repository's root.
	Path string
	Text string
}

// Writing writes further migrations of one source, one after the other.
type Writing interface {
	// Dir is the directory that has the migrations, or whose subdirectories have them, relative to
	// the repository's root.
	Dir() string
	// Carries says why the runner cannot run a step of a plan; "" if it can.
	Carries(s *onward.PlanStep) string
	// Files returns the files of a step that the runner can run. They sort after all existing
	// migrations. slug is the part of the name besides the number.
	//
	// Errors: the numbering of the existing names is not understood.
	Files(p *onward.Plan, s *onward.PlanStep, slug string) ([]Written, error)
	// Rest returns files that belong to no step. They sort after the steps up to the first one that
	// contracts, or that the runner cannot run.
	Rest(p *onward.Plan) ([]Written, error)
}

// CodeWriter is a Writing that can write the programs of the migrations that it replaces.
type CodeWriter interface {
	// CodeFiles returns a migration that runs the programs in some lines of a replaced migration. It sorts after all existing
	// migrations.
	//
	// Errors: the programs are not in a form that can be written again.
	CodeFiles(p *onward.Plan, migration string, lines []int) ([]Written, error)
}

// Editor is a Writing that can rewrite an existing migration of one statement in place.
type Editor interface {
	// Commits reports whether each statement of a file commits by itself.
	Commits() bool
	// Alone returns the text of a file with one statement, with the instruction for the runner to
	// send it without a transaction.
	Alone(text string) string
}

// Composer is an adapter whose migrations are more than SQL, so it writes them itself.
type Composer interface {
	// Compose starts to write migrations that follow the ones in a set. replaced lists the IDs of
	// migrations that the new ones replace.
	Compose(ctx context.Context, t Tree, set *Set, replaced []string) (Writing, error)
}

// sqlWriting writes files of SQL.
type sqlWriting struct {
	form Form
	// source is the directory of all migrations, dir the directory of the last one.
	source, dir string
	names       *numbers
}

func (w *sqlWriting) Dir() string { return w.source }

func (w *sqlWriting) Rest(*onward.Plan) ([]Written, error) { return nil, nil }

func (w *sqlWriting) Commits() bool { return w.form.Transaction == onward.TransactionNone }

func (w *sqlWriting) Alone(text string) string {
	head := strings.TrimRight(w.form.Head, "\n")
	switch index := strings.Index(text, head); {
	case w.form.HeadAlone == "":
		return text
	case head == "" || index < 0:
		return w.form.HeadAlone + text
	default:
		return text[:index] + w.form.HeadAlone + strings.TrimPrefix(text[index+len(head):], "\n")
	}
}

func (w *sqlWriting) Carries(s *onward.PlanStep) string {
	f := &w.form
	switch {
	case s.Repeat:
		return "it is repeated, and a file runs once"
	case f.Program != nil:
		if f.Refuses == nil {
			return ""
		}
		return f.Refuses(s.SQL + s.Undo)
	case s.Transaction == onward.TransactionNone && (!f.Lone && f.HeadAlone == "" && f.Settings == "" || f.Knows != nil && !f.Knows(s.SQL)):
		return f.Name + " runs each file in a transaction, and it must not run inside one"
	case f.Cuts && strings.Contains(s.SQL, "$"):
		for _, sql := range SplitStatements(TransactionBody(s)) {
			if strings.Contains(sql, ";") {
				return f.Name + " cuts its files at each ';', and it has one inside a statement"
			}
		}
	}
	return ""
}

func (w *sqlWriting) Files(p *onward.Plan, s *onward.PlanStep, slug string) ([]Written, error) {
	f := &w.form
	if f.Slug != nil {
		slug = f.Slug(slug)
	}
	stem, err := w.names.nextName(slug, f)
	if err != nil {
		return nil, err
	}
	if f.Program != nil {
		return []Written{{Path: Dir{Path: w.dir}.Join(stem + f.Up), Text: f.Program(newProgram(p, s, stem))}}, nil
	}
	alone := s.Transaction == onward.TransactionNone
	head, foot := f.Head, f.Foot
	if alone {
		head, foot = cmp.Or(f.HeadAlone, f.Head), cmp.Or(f.FootAlone, f.Foot)
	}
	if f.Warns != nil {
		if warning := f.Warns(s.SQL); warning != "" {
			head += "-- " + strings.ReplaceAll(warning, "\n", "\n-- ") + "\n"
		}
	}
	text := head + f.retryText(s) + f.bodyWithMarkers(w.stepSQL(s))
	undo := UndoSQL(s)
	if f.Transaction == onward.TransactionNone && undo != "" {
		undo = s.Undo
	}
	d := Dir{Path: w.dir}
	out := []Written{{Path: d.Join(stem + f.Up), Text: text}}
	switch {
	case f.Down != "" && undo != "":
		out = append(out, Written{Path: d.Join(stem + f.Down), Text: foot + f.bodyWithMarkers(undo)})
	case f.Down == "" && f.Foot != "":
		out[0].Text += "\n" + foot + f.bodyWithMarkers(undo)
	}
	if alone && f.Settings != "" {
		out = append(out, Written{Path: d.Join(stem + f.Settings), Text: f.SettingsAlone})
	}
	return out, nil
}

// retryText returns the text before a concurrent build, which a runner may have to run again: a statement that drops the
// invalid index of the build that was interrupted. It is a comment if the runner sends a file as one message, in which no
// other statement can precede the build. It is "" for other steps.
func (f *Form) retryText(s *onward.PlanStep) string {
	drop := DropInvalidIndex(s)
	switch {
	case drop == "":
		return ""
	case f.Splits:
		return drop
	}
	return "-- An interrupted build leaves an invalid index. Drop it before you run this again:\n-- " + drop
}

// DropInvalidIndex returns the statement that drops what an interrupted run of a step leaves, if the step builds an index
// concurrently; "" for other steps.
func DropInvalidIndex(s *onward.PlanStep) string {
	if s.Class == onward.StepConcurrent && s.Transaction == onward.TransactionNone && strings.HasPrefix(s.Undo, "DROP INDEX CONCURRENTLY IF EXISTS ") &&
		strings.Count(s.Undo, "\n") <= 1 {
		return strings.TrimRight(s.Undo, "\n") + "\n"
	}
	return ""
}

// stepSQL returns the text for the file of a step, without BEGIN and COMMIT if the runner opens a
// transaction.
func (w *sqlWriting) stepSQL(s *onward.PlanStep) string {
	if w.form.Transaction == onward.TransactionNone {
		return keepUsedSchema(s, s.SQL)
	}
	return TransactionBody(s)
}

// TransactionBody returns a step's SQL without its transaction.
func TransactionBody(s *onward.PlanStep) string {
	if s.Transaction != onward.TransactionFile {
		return s.SQL
	}
	return keepUsedSchema(s, trimTransaction(s.SQL))
}

// UndoSQL returns a step's undo SQL without a transaction of its own, because it is sent as the step
// is. It is "" if there is none, or if it cannot run in the step's transaction.
func UndoSQL(s *onward.PlanStep) string {
	if s.Transaction == onward.TransactionNone {
		return s.Undo
	}
	if strings.Contains(s.Undo, "CONCURRENTLY") {
		return ""
	}
	return trimTransaction(s.Undo)
}

// trimTransaction returns SQL without the transaction around it.
func trimTransaction(sql string) string {
	return strings.TrimSuffix(strings.TrimPrefix(sql, "BEGIN;\n"), "COMMIT;\n")
}

// bodyWithMarkers returns SQL with the runner's markers around statements that it would cut.
func (f *Form) bodyWithMarkers(sql string) string {
	if f.Begin == "" {
		return sql
	}
	var b strings.Builder
	for _, s := range SplitStatements(sql) {
		if strings.Contains(s, ";") {
			fmt.Fprintf(&b, "%s%s;\n%s", f.Begin, s, f.End)
		} else {
			b.WriteString(s + ";\n")
		}
	}
	return b.String()
}

// SplitStatements splits a text into its statements, without the ';' at their ends.
func SplitStatements(sql string) []string {
	cut, err := pgparse.SplitText(sql)
	if err != nil {
		return []string{strings.TrimSuffix(strings.TrimSpace(sql), ";")}
	}
	var out []string
	for _, s := range cut.Stmts {
		out = append(out, strings.TrimSuffix(strings.TrimSpace(sql[s.Start:s.End]), ";"))
	}
	return out
}
