package transaction

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// RunnerAssumed tells what would be otherwise, if a file whose runner is a guess were
// sent in the other way: with a transaction around it, or without one.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
var RunnerAssumed = &rule.Rule{
	ID:       "transaction-runner-assumed",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Summary:  "nothing says whether a transaction is around the file, and with one (or without) there is another error",
	Harm: "The same file is one transaction in one tool and statement by statement in the next. " +
		"In a transaction the server refuses what cannot run in one, and every lock is held until the last statement is done. " +
		"Who runs the file is a guess here: a program of the project's own, or nobody that the repository names. " +
		"So it is with a template: which of its conditions hold in production, it does not say.",
	Instead: "Declare how the files are sent: transaction: file, message, pipeline or none, in onward.yaml or with --transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT"},
	Gather:  keepAssumedRunner,
	Release: checkRunnerAssumed,
}

// assumedRunner is a migration whose way of being sent is a guess, and its comments.
type assumedRunner struct {
	*rule.Migration
	comments []script.Suppression
}

func keepAssumedRunner(p *rule.Pass, m *rule.Migration) {
	if m.Otherwise != nil {
		p.KeepValue(assumedRunner{m, m.Script.Suppressions})
	}
}

func checkRunnerAssumed(p *rule.Pass, _ *rule.Release) {
	for _, m := range rule.KeptValues[assumedRunner](p) {
		m.reportDifference(p)
	}
}

func (m *assumedRunner) reportDifference(p *rule.Pass) {
	more, fewer := m.subtractErrors(m.Migration.Otherwise, m.Found), m.subtractErrors(m.Found, m.Migration.Otherwise)
	if len(more)+len(fewer) == 0 {
		return
	}
	if m.Runner.Conditional {
		m.reportConditional(p, more, fewer)
		return
	}
	if m.Runner.Marker != "" {
		m.reportHidden(p, more)
		return
	}
	fact, harm, severity := describeDifference(more, fewer)
	r := rule.Report{
		Severity: severity,
		Fact:     "this file is assumed to run " + sent[m.Mode].file + ": " + sent[m.Runner.Otherwise].file + ", " + fact,
		Harm:     harm,
		Instead:  "declare how the files are sent: transaction: file, message, pipeline or none, in onward.yaml or with --transaction",
		Cause:    "and so are %d others of which that is so",
	}
	if len(more) > 0 {
		files := "files"
		if dir := path.Dir(m.Path); dir != "." {
			files += " in " + dir
		}
		r.SafeIf = files + " run " + sent[m.Mode].each
	}
	p.ReportAt(m.ID, m.Path, slices.Concat(more, fewer)[0].Line, r)
}

// reportConditional tells of a template with conditions.
func (m *assumedRunner) reportConditional(p *rule.Pass, more, fewer []onward.Finding) {
	fact, harm, severity := describeDifference(more, fewer)
	r := rule.Report{
		Severity: severity,
		Fact:     "this file is read as if the conditions of its template hold: if they do not, " + fact,
		Harm:     harm,
		Instead:  "see which of them hold where production's migrations run",
		Cause:    "and so are %d others of which that is so",
	}
	if len(more) > 0 {
		r.SafeIf = "the conditions of the templates in " + path.Dir(m.Path) + " hold"
	}
	p.ReportAt(m.ID, m.Path, slices.Concat(more, fewer)[0].Line, r)
}

// reportHidden tells of a marker in a new directory: nothing that is deployed says that its tool runs the file.
func (m *assumedRunner) reportHidden(p *rule.Pass, more []onward.Finding) {
	more = slices.DeleteFunc(more, func(f onward.Finding) bool { // one part may undo what the other needs
		return strings.HasPrefix(f.Harm, migrationFails) || strings.HasPrefix(f.Rule, "release-statement-")
	})
	if len(more) == 0 {
		return
	}
	fact, harm, _ := describeDifference(more, nil)
	p.ReportAt(m.ID, m.Path, more[0].Line, rule.Report{
		Severity: onward.Error,
		Fact: fmt.Sprintf("%q hides a part of this file, and nothing deployed says that its tool runs the directory: in the whole file, %s",
			m.Runner.Marker, fact),
		Harm:    harm,
		Instead: "see what runs the directory; if it is the marker's tool, name it in onward.yaml, or suppress this finding",
		Cause:   "and so are %d others of which that is so",
	})
}

// migrationFails begins the harm of a statement that the server certainly refuses.
const migrationFails = "the migration fails"

// describeDifference says what there is in the other way, which is worth a warning where traffic
// waits: that a migration fails is seen when it runs first.
func describeDifference(more, fewer []onward.Finding) (fact, harm string, severity onward.Severity) {
	if len(more) == 0 {
		return fmt.Sprintf("%s at :%d is no error", fewer[0].Rule, fewer[0].Line), "the error holds if the guess does", onward.Info
	}
	first, severity := more[0], onward.Info
	for _, f := range more {
		if !strings.HasPrefix(f.Harm, migrationFails) && severity == onward.Info {
			first, severity = f, onward.Warning
		}
	}
	fact, harm = first.Fact, first.Harm
	if severity == onward.Info {
		harm = strings.TrimPrefix(strings.TrimPrefix(first.Harm, migrationFails), ": ")
		fact = fmt.Sprintf("%s at :%d", migrationFails, first.Line)
	}
	if n := len(more) - 1; n > 0 {
		fact += fmt.Sprintf(", and %d more", n)
	}
	return fact, harm, severity
}

// subtractErrors are the errors of a list that another list does not have, and no comment takes
// out.
func (m *assumedRunner) subtractErrors(list, other []onward.Finding) []onward.Finding {
	type place struct {
		rule string
		line int
	}
	found := make(map[place]bool, len(other))
	for i := range other {
		found[place{other[i].Rule, other[i].Line}] = true
	}
	var out []onward.Finding
	for i := range list {
		f := &list[i]
		if f.Severity != onward.Error || found[place{f.Rule, f.Line}] {
			continue
		}
		if f.Category != onward.Locking && f.Category != onward.InTransaction && !m.Runner.Conditional && m.Runner.Marker == "" {
			continue // the schema comes out the same
		}
		ignored := func(c script.Suppression) bool {
			return c.SuppressesRule(f.Rule) && c.CoversLine(f.Line, f.EndLine, f.Line)
		}
		if !slices.ContainsFunc(m.comments, ignored) {
			out = append(out, *f)
		}
	}
	return out
}

// sent are the ways of sending a file, of one and of several.
var sent = map[onward.Transaction]struct{ file, each string }{
	onward.TransactionFile:    {"in one transaction", "in one transaction each"},
	onward.TransactionMessage: {"in one message, an implicit transaction", "in one message each"},
	onward.TransactionNone:    {"without a transaction around it", "without a transaction around each"},
}
