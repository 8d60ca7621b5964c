package audit

import (
	"regexp"
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Where nobody says how files are sent, one way is assumed. The deployed migrations may
// rule out others, since they ran; what is left is judged, too, for what differs.

// sending are the ways of sending a file, each with less of a transaction than the one before.
var sending = []onward.Transaction{onward.TransactionFile, onward.TransactionMessage, onward.TransactionNone}

// settle draws from the migrations that ran how the guessed runner of some sets sends
// its files.
func settle(deployed []*adapter.Migration, sets ...*adapter.Set) {
	var not []onward.Transaction
	var proof adapter.Proof
	read := false
	for _, set := range sets {
		if set == nil || !set.Told.Assumed {
			continue
		}
		if !read {
			not, proof = ruledOut(deployed)
			read = true
		}
		mode, other := left(set.Told.Transaction, not)
		set.Told.Transaction, set.Told.Assumed, set.Told.Proof = mode, other != "", proof
		for _, m := range set.Migrations {
			if m.Runner.Guessed {
				m.Source, m.Runner.Guessed, m.Runner.Otherwise = sentAs(m.Source, mode), other != "", other
			}
		}
	}
}

// left is the way of sending files that is assumed, and the other one that can be; ""
// for none.
func left(mode onward.Transaction, not []onward.Transaction) (assumed, other onward.Transaction) {
	at := slices.Index(sending, mode)
	for slices.Contains(not, sending[at]) {
		at++ // nothing rules out the last one
	}
	if sending[at] != onward.TransactionNone {
		return sending[at], onward.TransactionNone
	}
	for _, x := range sending[:at] {
		if !slices.Contains(not, x) {
			return sending[at], x
		}
	}
	return sending[at], ""
}

// sentAs is a source sent in another way.
func sentAs(src script.Source, mode onward.Transaction) script.Source {
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

// apart are words of what cannot run in a transaction.
var apart = regexp.MustCompile(`(?i)\b(?:concurrently|vacuum|commit|reindex|cluster|alter\s+system|(?:create|drop|alter)\s+(?:database|tablespace|subscription))\b`)

// ruledOut are the ways in which a migration of those that ran would have failed, with
// what shows the most.
func ruledOut(deployed []*adapter.Migration) (not []onward.Transaction, proof adapter.Proof) {
	for _, m := range deployed {
		if !m.Runner.Guessed || m.Failed != "" || !apart.MatchString(m.Source.Text) {
			continue
		}
		for _, mode := range sending[:len(sending)-1] {
			if slices.Contains(not, mode) {
				continue
			}
			if p, ok := refusedIn(m, mode); ok {
				not, proof = append(not, mode), p
			}
		}
	}
	return not, proof
}

// refusedIn is a statement of a migration that the server refuses, whatever the schema,
// where the file is sent in a way.
func refusedIn(m *adapter.Migration, mode onward.Transaction) (adapter.Proof, bool) {
	s, err := script.Build(sentAs(m.Source, mode))
	if err != nil {
		return adapter.Proof{}, false
	}
	for _, st := range s.Statements {
		command := ""
		switch {
		case st.Node == nil || st.Origin == script.Alone || st.Origin == script.Explicit:
		case st.Parent >= 0:
			if !st.Conditional && st.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				command = "COMMIT in a DO block"
			}
		default:
			command = effect.Of(st.Node, catalog.New(), effect.NewVersion(onward.NewestMajor), effect.Session{}).NoTransaction
		}
		if command != "" {
			return adapter.Proof{Command: command, Path: m.Path, Line: st.Line}, true
		}
	}
	return adapter.Proof{}, false
}

// conditional reports whether a migration is a template with conditions.
func conditional(m *adapter.Migration) bool {
	return slices.ContainsFunc(m.Opaque, func(o onward.Opaque) bool { return o.What == adapter.Conditional })
}

// bothWays gives migrations what they are where no condition of their templates holds:
// so they are judged both ways.
func bothWays(set, other *adapter.Set) {
	for _, m := range set.Migrations {
		if !conditional(m) {
			continue
		}
		i := slices.IndexFunc(other.Migrations, func(o *adapter.Migration) bool { return o.ID == m.ID && o.Path == m.Path })
		if i < 0 || other.Migrations[i].Failed != "" {
			continue
		}
		m.Unheld, m.Runner.Conditional = &other.Migrations[i].Source, true
		m.Opaque = slices.DeleteFunc(slices.Clone(m.Opaque), func(o onward.Opaque) bool { return o.What == adapter.Conditional })
	}
}

// otherway is a migration as it is where the guess is wrong, or no condition of its
// template holds; itself where it is none, or has transactions of its own, and so counts
// on nobody.
func otherway(m *adapter.Migration) *adapter.Migration {
	if m.Unheld != nil && m.Failed == "" {
		out := *m
		out.Source = *m.Unheld
		return &out
	}
	if m.Runner.Otherwise == "" || m.Failed != "" {
		return m
	}
	if s, err := script.Build(m.Source); err != nil || slices.ContainsFunc(s.Statements, func(st *script.Statement) bool { return st.Origin == script.Explicit }) {
		return m
	}
	out := *m
	out.Source = sentAs(m.Source, m.Runner.Otherwise)
	return &out
}

// otherways are migrations as they are where the guess is wrong; nil where none is one.
func otherways(list []*adapter.Migration) []*adapter.Migration {
	out := make([]*adapter.Migration, len(list))
	differs := false
	for i, m := range list {
		out[i] = otherway(m)
		differs = differs || out[i] != m
	}
	if !differs {
		return nil
	}
	return out
}

// newTrial is a judge of migrations in the other way, which takes nothing out. What
// rules find in the release as a whole is left out: it is one, whoever sends it.
func newTrial(c *config.Config, k *known) (*judge, error) {
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

// differing is what was found in the other way, by file, of those that have one.
func (j *judge) differing(list, other []*adapter.Migration) map[string][]onward.Finding {
	out := map[string][]onward.Finding{}
	for i, m := range list {
		if other[i] != m {
			out[m.Path] = []onward.Finding{}
		}
	}
	for _, f := range j.finish().Findings {
		if found, ok := out[f.Path]; ok {
			out[f.Path] = append(found, f)
		}
	}
	return out
}
