package audit

import (
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// If nothing says how files are sent, one way is assumed. The deployed migrations may rule out
// other ways, because they have run. If another way remains, the release is judged in that way
// too, and differences are reported.

// sending are the ways of sending a file: in one transaction, in one message, or each statement alone. Each has less of a transaction than the one
// before.
var sending = []onward.Transaction{onward.TransactionFile, onward.TransactionMessage, onward.TransactionNone}

// inferSendMode infers from the migrations that ran how the guessed runner of some sets sends its
// files.
func inferSendMode(deployed []*adapter.Migration, sets ...*adapter.Set) {
	var not []onward.Transaction
	var proof adapter.Proof
	read := false
	for _, set := range sets {
		if set == nil || !set.Evidence.Assumed {
			continue
		}
		if !read {
			not, proof = findImpossibleSendModes(deployed)
			read = true
		}
		mode, other := alternativeMode(set.Evidence.Transaction, not)
		set.Evidence.Transaction, set.Evidence.Assumed, set.Evidence.Proof = mode, other != "", proof
		for _, m := range set.Migrations {
			if m.Runner.Guessed {
				m.Source, m.Runner.Guessed, m.Runner.Otherwise = withSendMode(m.Source, mode), other != "", other
			}
		}
	}
}

// inferSendMode infers how the runner of a source sends its files, for both revisions.
func (p *pair) inferSendMode() {
	if p.base == nil {
		inferSendMode(nil, p.head)
		return
	}
	inferSendMode(p.base.Migrations, p.base, p.head)
}

// alternativeMode returns the assumed way of sending files, and the other way that is possible; "" for
// none.
func alternativeMode(mode onward.Transaction, not []onward.Transaction) (assumed, other onward.Transaction) {
	i := slices.Index(sending, mode)
	for slices.Contains(not, sending[i]) {
		i++ // nothing rules out the last one
	}
	if sending[i] != onward.TransactionNone {
		return sending[i], onward.TransactionNone
	}
	for _, x := range sending[:i] {
		if !slices.Contains(not, x) {
			return sending[i], x
		}
	}
	return sending[i], ""
}

// withSendMode returns a source that is sent in another way.
func withSendMode(src script.Source, mode onward.Transaction) script.Source {
	if src.Mode == mode {
		return src
	}
	if src.Mode = mode; mode == onward.TransactionNone {
		src.Parts = slices.Clone(src.Parts)
		for i := range src.Parts {
			src.Parts[i].Message = false
		}
	}
	return src
}

// nonTransactional matches words that statements have which cannot run in a transaction.
var nonTransactional = lazyregexp.New(`(?i)\b(?:concurrently|vacuum|commit|reindex|cluster|system|database|tablespace|subscription)\b`)

// findImpossibleSendModes returns the ways of sending files that would have made a deployed migration fail, and
// the strongest proof.
func findImpossibleSendModes(deployed []*adapter.Migration) (not []onward.Transaction, proof adapter.Proof) {
	for _, m := range deployed {
		if !m.Runner.Guessed || m.Failed != "" || !nonTransactional.MatchString(m.Source.Text) {
			continue
		}
		for _, mode := range sending[:len(sending)-1] {
			if slices.Contains(not, mode) {
				continue
			}
			if p, ok := findRefusedStatement(m, mode); ok {
				not, proof = append(not, mode), p
			}
		}
	}
	return not, proof
}

// findRefusedStatement returns a statement of a migration that the server refuses, whatever the schema,
// if the file is sent in a given way.
func findRefusedStatement(m *adapter.Migration, mode onward.Transaction) (adapter.Proof, bool) {
	src := withSendMode(m.Source, mode)
	r, most := script.NewReader(src), usualWindows.maxStatements(&src)
	for {
		s, err := r.Next(most)
		if err != nil {
			return adapter.Proof{}, false
		}
		if p, ok := findRefusedInScript(m, s); ok || !s.More {
			return p, ok
		}
	}
}

// findRefusedInScript is findRefusedStatement for a part of the migration.
func findRefusedInScript(m *adapter.Migration, s *script.Script) (adapter.Proof, bool) {
	for _, st := range s.Statements {
		command := ""
		switch {
		case st.Node == nil || st.Origin == script.Alone || st.Origin == script.Explicit:
		case st.Parent >= 0:
			if !st.Conditional && st.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				command = "COMMIT in a DO block"
			}
		default:
			command = effect.EffectOf(st.Node, catalog.New(), effect.NewVersion(onward.NewestMajor), effect.Inputs{}).NoTransaction
		}
		if command != "" {
			return adapter.Proof{Command: command, Path: m.Path, Line: st.Line}, true
		}
	}
	return adapter.Proof{}, false
}

// hasConditions reports whether a migration is a template with conditions.
func hasConditions(m *adapter.Migration) bool {
	return slices.ContainsFunc(m.Opaque, func(o onward.Opaque) bool { return o.What == adapter.Conditional })
}

// renderBothConditions gives each template in a set its text without any condition true, so that it is
// judged in both forms.
func renderBothConditions(set, other *adapter.Set) {
	for _, m := range set.Migrations {
		if !hasConditions(m) {
			continue
		}
		i := slices.IndexFunc(other.Migrations, func(o *adapter.Migration) bool { return o.ID == m.ID && o.Path == m.Path })
		if i < 0 || other.Migrations[i].Failed != "" {
			continue
		}
		m.WithoutConditions, m.Runner.Conditional = &other.Migrations[i].Source, true
		m.Opaque = slices.DeleteFunc(slices.Clone(m.Opaque), func(o onward.Opaque) bool { return o.What == adapter.Conditional })
	}
}

// alternativeForm returns a migration in its alternative form: sent otherwise than guessed, or with no
// condition of its template true. It returns the migration itself if there is no other form.
func (w windows) alternativeForm(m *adapter.Migration) *adapter.Migration {
	if m.Failed == "" && w.isSplit(&m.Source) {
		return m // it is large, and what its statements are to one another is not seen either way
	}
	if m.WithoutConditions != nil && m.Failed == "" {
		out := *m
		out.Source = *m.WithoutConditions
		return &out
	}
	if m.Runner.Otherwise == "" || m.Failed != "" {
		return m
	}
	if s, err := script.BuildScript(m.Source); err != nil ||
		slices.ContainsFunc(s.Statements, func(st *script.Statement) bool { return st.Origin == script.Explicit }) {
		return m
	}
	out := *m
	out.Source = withSendMode(m.Source, m.Runner.Otherwise)
	return &out
}

// judgeAlternative judges a release in its alternative form, if it has one, and returns the findings by file. begin gives the trial what is
// known of the base.
func judgeAlternative(c *config.Config, k *deployedFacts, release []releasedMigration, begin func(trial *judge)) (map[string][]onward.Finding, error) {
	forms := make([]*adapter.Migration, len(release))
	found := map[string][]onward.Finding{}
	for i, r := range release {
		if forms[i] = k.windows.alternativeForm(r.migration); forms[i] != r.migration {
			found[r.migration.Path] = []onward.Finding{}
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	trial, err := newTrial(c, k)
	if err != nil {
		return nil, err
	}
	begin(trial)
	for i, r := range release {
		r.migration = forms[i]
		trial.judgeMigration(r)
	}
	for _, f := range trial.finishReport().Findings {
		if list, ok := found[f.Path]; ok {
			found[f.Path] = append(list, f)
		}
	}
	return found, nil
}

// newTrial returns a judge for the alternative form, in which comments suppress nothing.
// Findings on the release as a whole are left out: they do not depend on how files are sent.
func newTrial(c *config.Config, k *deployedFacts) (*judge, error) {
	j, err := newJudge(c, k)
	if err != nil {
		return nil, err
	}
	j.brief, j.trial, j.config.Baseline = true, true, nil
	j.config.Rules = nil
	for _, r := range rules.All() {
		if r.Release != nil {
			each := *r
			each.Migration, each.Gather, each.Release = r.Gather, nil, nil
			r = &each
		}
		if r.Migration != nil || r.Commit != nil || r.Statement != nil {
			j.config.Rules = append(j.config.Rules, r)
		}
	}
	return j, nil
}
