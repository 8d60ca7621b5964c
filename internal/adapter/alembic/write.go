package alembic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// revisionWriting writes revisions of a project: each follows the one before it.
type revisionWriting struct {
	dir string
	// after are the revisions that the next one follows.
	after []string
	// together is set if all pending revisions share a transaction.
	together bool
}

// Compose starts to write revisions that follow the ones in a set. replaced lists the IDs of revisions that the new ones replace.
//
// Errors: a revision that stays follows one that is replaced; there are several heads.
func (*Adapter) Compose(_ context.Context, _ adapter.Tree, set *adapter.Set, replaced []string) (adapter.Writing, error) {
	w := &revisionWriting{dir: set.Source.Dir, together: set.Together}
	if len(set.Migrations) == 0 {
		return nil, errors.New("no revision could be read: onward.yaml names the command that prints their SQL")
	}
	var keptMigrations []*adapter.Migration
	var first []string // what the replaced revisions follow
	for _, m := range set.Migrations {
		if slices.Contains(replaced, m.ID) {
			first = append(first, m.After...)
			continue
		}
		keptMigrations = append(keptMigrations, m)
		for _, id := range m.After {
			if slices.Contains(replaced, id) {
				return nil, fmt.Errorf("%s follows %s, which the plan replaces", m.ID, id)
			}
		}
	}
	w.after = findHeads(keptMigrations)
	if len(w.after) > 1 && slices.ContainsFunc(w.after, func(id string) bool { return !slices.Contains(first, id) }) {
		return nil, fmt.Errorf("there are several heads (%s): alembic merge heads makes them one", strings.Join(w.after, ", "))
	}
	return w, nil
}

// Dir is the directory of the revisions.
func (w *revisionWriting) Dir() string { return w.dir }

// Carries says why no revision can run a step.
func (w *revisionWriting) Carries(s *onward.PlanStep) string {
	switch {
	case s.Repeat:
		return "it is repeated in the background, and a revision runs once"
	case strings.Contains(s.SQL+s.Undo, `\:`):
		return `op.execute() takes \: for a colon, and its SQL has one`
	}
	return ""
}

// Files returns the revision of a step.
func (w *revisionWriting) Files(p *onward.Plan, s *onward.PlanStep, slug string) ([]adapter.Written, error) {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{p.Commit, p.Name, s.ID}, w.after...), " ")))
	id := hex.EncodeToString(sum[:6])
	var after []string
	for _, a := range w.after {
		after = append(after, fmt.Sprintf("%q", a))
	}
	down := "None"
	switch len(after) {
	case 0:
	case 1:
		down = after[0]
	default:
		down = "(" + strings.Join(after, ", ") + ")"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\"\"\"%s: %s.\n\nRevision ID: %s\nRevises: %s\n\n\"\"\"\n", adapter.NameStep(p, s), escapeDocstring(s.Why), id, strings.Join(w.after, ", "))
	fmt.Fprintf(&b, "from alembic import op\n\nrevision = %q\ndown_revision = %s\nbranch_labels = None\ndepends_on = None\n\n\n", id, down)
	b.WriteString("def upgrade():\n" + w.upgradeBody(s) + "\n\ndef downgrade():\n" + downgradeBody(s))
	w.after = []string{id}
	return []adapter.Written{{Path: path.Join(w.dir, id+"_"+strings.ToLower(slug)+".py"), Text: b.String()}}, nil
}

// Rest is empty: Alembic keeps no state besides the schema.
func (w *revisionWriting) Rest(*onward.Plan) ([]adapter.Written, error) { return nil, nil }

const autocommit = "    with op.get_context().autocommit_block():\n"

// upgradeBody returns the body of upgrade(). A step has a transaction of its own, also if all pending revisions share one.
func (w *revisionWriting) upgradeBody(s *onward.PlanStep) string {
	if s.Transaction == onward.TransactionNone {
		return autocommit + formatExecuteCalls(adapter.DropInvalidIndex(s)+s.SQL, 2)
	}
	body := formatExecuteCalls(adapter.TransactionBody(s), 1)
	if w.together {
		body = "    # This commits the revisions before it: their locks would last up to the end of the last one.\n" + autocommit + "        pass\n" + body
	}
	return body
}

// downgradeBody returns the body of downgrade(). A contract step has no undo.
func downgradeBody(s *onward.PlanStep) string {
	undo := adapter.UndoSQL(s)
	switch {
	case s.Phase == onward.Contract || undo == "":
		return "    pass\n"
	case s.Transaction == onward.TransactionNone:
		return autocommit + formatExecuteCalls(undo, 2)
	}
	return formatExecuteCalls(undo, 1)
}

// formatExecuteCalls returns calls that send the statements of a text.
func formatExecuteCalls(sql string, depth int) string {
	var b strings.Builder
	for _, text := range adapter.SplitStatements(sql) {
		b.WriteString(strings.Repeat("    ", depth) + "op.execute(" + pycode.QuoteString(escapeColons(text)+"\n") + ")\n")
	}
	return b.String()
}

// parameter is what SQLAlchemy takes for the beginning of a parameter.
// https://docs.sqlalchemy.org/en/20/core/sqlelement.html#sqlalchemy.sql.expression.text
var parameter = lazyregexp.New(`(^|[^:\w]):(\w)`)

// escapeColons returns SQL in which SQLAlchemy finds no parameter.
func escapeColons(sql string) string { return parameter.ReplaceAllString(sql, `$1\:$2`) }

// escapeDocstring returns a text for the docstring of a module.
func escapeDocstring(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `'`).Replace(strings.Join(strings.Fields(s), " "))
}
