package rule

import (
	"slices"
	"sort"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/analysis/opened"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Engine folds a history and judges a release: Deploy for each migration that
// the base has, then Judge for each that is new, in order, then Finish.
//
// Judge is Fold and then Rules. Both are called in the order of the release,
// but not necessarily by one goroutine: while the rules look at one migration,
// the next ones may be folded, as catalogs are values. Deploy and Obscure
// belong to whoever folds.
type Engine struct {
	config Config
	rules  []*Rule // those that are on
	// statementRules, by the kind of the statement, and commitRules are those
	// of them with that function.
	statementRules map[Kinds][]ruleOn
	commitRules    []ruleOn
	release        *Release
	catalog        *catalog.Catalog
	folding        *Pass // for what is asked while a migration is folded
	opened         *opened.Bodies
	folded         bool                 // a migration of the release
	filled         map[catalog.OID]bool // tables of the release that it filled; true: with nobody knows how much
	txs            int
	left           *left // by the migration before, when it is followed in its transaction

	// What follows belongs to Rules.
	pass  *Pass
	found []placed
	supps []suppressed
	// hidden is what the baseline took out.
	hidden onward.Known
	last   *Migration // the one that was judged last
	count  int
	// faults are what rules could not judge.
	faults []Fault
}

// ruleOn is a rule with the configured versions that it is about.
type ruleOn struct {
	*Rule
	versions []int
}

// NewEngine begins with the given deployed schema; nil is an empty database.
func NewEngine(c Config, deployed *catalog.Catalog) *Engine {
	if deployed == nil {
		deployed = catalog.New()
	}
	c.order = map[string]int{}
	e := &Engine{config: c, catalog: deployed, release: &Release{Deployed: deployed, Deprecated: c.Deprecated, Today: c.Today, Said: c.Said}, statementRules: map[Kinds][]ruleOn{}, opened: opened.New(deployed)}
	for _, r := range c.Rules {
		if c.on(r) {
			e.rules = append(e.rules, r)
			switch {
			case r.Statement != nil:
				for k := Kinds(1); k <= anyKind; k <<= 1 {
					if r.Kinds == 0 || r.Kinds&k != 0 {
						e.statementRules[k] = append(e.statementRules[k], ruleOn{r, within(r, c.Versions)})
					}
				}
			case r.Commit != nil:
				e.commitRules = append(e.commitRules, ruleOn{r, within(r, c.Versions)})
			}
		}
	}
	e.pass, e.folding = e.newPass(), e.newPass()
	return e
}

func (e *Engine) newPass() *Pass {
	c := &e.config
	return &Pass{Release: e.release, Code: c.Uses, Rows: analysis.NewRows(), kept: map[string][]any{}, config: c, versions: c.Versions, current: e.catalog}
}

// Release is what the Release rules will see; the caller adds Changes.
func (e *Engine) Release() *Release { return e.release }

// Deploy folds a migration that the base already has.
func (e *Engine) Deploy(s *script.Script) {
	e.catalog = fold(e.opened, e.catalog, s)
	e.release.Deployed = e.catalog
}

// Obscure says that something which is not seen may have changed the schema:
// a deployed migration that could not be read, one of the release in another
// language. It stands where that migration does.
func (e *Engine) Obscure(what string) {
	e.catalog = e.catalog.Obscure(what)
	if !e.folded {
		e.release.Deployed = e.catalog
	}
}

// fold applies a script as its transactions would, leaving out what is rolled
// back.
func fold(o *opened.Bodies, c *catalog.Catalog, s *script.Script) *catalog.Catalog {
	start, tx := c, 0
	var points analysis.Savepoints[*catalog.Catalog]
	for i := 0; i < len(s.Statements); i++ { // a call adds some
		st := s.Statements[i]
		o.Open(c, s, i)
		if st.Tx != tx {
			if s.Rollback[tx] {
				c = start
			}
			c = c.Ended()
			start, tx = c, st.Tx
		}
		if st.Node == nil {
			c = unread(c, st)
			continue
		}
		c = points.Follow(st.Node, Deploy(c, st.Node, st.SQL))
	}
	if s.Rollback[tx] {
		c = start
	}
	return c.Ended()
}

// unread is the catalog behind a statement that could not be parsed: what it
// created is not in it, and must not be missed.
func unread(c *catalog.Catalog, st *script.Statement) *catalog.Catalog {
	if st.Err == nil {
		return c
	}
	return c.Obscure("a statement that could not be parsed")
}

// Judge folds a migration of the release and runs the rules over it.
func (e *Engine) Judge(m *Migration) {
	e.Fold(m)
	e.Rules(m)
}

// Fold runs a migration of the release through the catalog and the effects.
func (e *Engine) Fold(m *Migration) {
	e.folded = true
	e.analyse(m)
	m.after = e.catalog
}

// Rules runs the rules over a migration that was folded. What only judging
// needs of the migration before is let go.
func (e *Engine) Rules(m *Migration) {
	if m.Together == 0 {
		e.last.forget()
	}
	e.last = m
	m.index = e.count
	e.config.order[m.Path] = m.index
	e.count++
	for _, t := range m.Txs {
		e.pass.makes(t)
		for _, s := range t.Statements {
			e.statement(s)
		}
		e.commit(t)
		e.pass.goesLive(t)
	}
	e.pass.versions, e.pass.current, e.pass.at = e.config.Versions, m.after, 0
	for _, r := range e.rules {
		if !e.applies(r, e.config.Versions) {
			continue
		}
		e.migration(r, m)
	}
	e.pass.settle()
	from := len(e.found)
	e.take()
	if m.Otherwise != nil {
		for i := range e.found[from:] {
			m.Found = append(m.Found, e.found[from+i].Finding)
		}
	}
	for _, c := range m.Script.Source.Code {
		if r := e.pass.Mapped(c.Table); r != nil {
			e.pass.Rows.Work(r.OID, c.Few)
		}
	}
	if len(m.Script.Suppressions) > 0 {
		e.supps = append(e.supps, suppressed{id: m.ID, path: m.Path, index: m.index, list: m.Script.Suppressions})
	}
}

// forget lets go of what only the judging of a migration needs. What rules
// kept of it (Gather) still knows its place and its text.
func (m *Migration) forget() {
	if m == nil {
		return
	}
	for _, s := range m.Statements {
		s.Before, s.After, s.Deltas, s.Problems, s.Result, s.Results, s.Held, s.Node = nil, nil, nil, nil, effect.Result{}, nil, Locks{}, nil
		s.Tx = nil
		s.Settings = Settings{}
		s.altered, s.commands, s.clauses, s.writes = nil, nil, nil, nil
	}
	m.Statements, m.Txs, m.after, m.Notes = nil, nil, nil, Notes{}
	if !slices.ContainsFunc(m.Script.Statements, func(s *script.Statement) bool { return s.Parent >= 0 }) {
		m.Script = nil // needed for the place of a statement in a DO block
	}
}

func (e *Engine) statement(s *Stmt) {
	if s.Node == nil {
		return
	}
	defer e.contain(s.Migration, s.Statement)
	p := e.pass
	p.current, p.at = s.After, s.Tx.Index
	rules := e.statementRules[kindOf(s.Node)]
	for _, group := range s.Results {
		s.Result = group.Result
		for i := range rules {
			r := &rules[i]
			versions := r.versions
			if len(group.Versions) < len(e.config.Versions) {
				versions = within(r.Rule, group.Versions)
			}
			p.Rule = r.Rule
			ask(p, versions, r.Statement, s)
		}
	}
	s.Result = s.Results[0].Result
	for _, x := range s.puts {
		p.Rows.Put(x)
	}
	p.Rows.Give(s.Node, s.Before)
	s.demandsEmpty(p)
	s.refills(p)
}

func (e *Engine) commit(t *Tx) {
	if len(t.Deltas) == 0 {
		return
	}
	defer e.contain(t.Migration, nil)
	p := e.pass
	p.current, p.at = t.After, t.Index
	for i := range e.commitRules {
		r := &e.commitRules[i]
		p.Rule = r.Rule
		ask(p, r.versions, r.Commit, t)
	}
}

func (e *Engine) migration(r *Rule, m *Migration) {
	defer e.contain(m, nil)
	e.pass.Rule = r
	switch {
	case r.Migration != nil:
		r.Migration(e.pass, m)
	case r.Gather != nil:
		r.Gather(e.pass, m)
	}
}

func (e *Engine) whole(r *Rule) {
	defer e.contain(nil, nil)
	e.pass.Rule = r
	r.Release(e.pass, e.release)
}

// ask runs a rule's check for the versions, together where the check does not
// ask for the version, else for each by itself. No versions: not at all.
func ask[T any](p *Pass, versions []int, check func(*Pass, T), about T) {
	if len(versions) == 0 {
		return
	}
	p.versions, p.asked = versions, false
	before := len(p.findings)
	check(p, about)
	if !p.asked || len(versions) == 1 {
		return
	}
	p.findings = p.findings[:before]
	for i := range versions {
		p.versions = versions[i : i+1 : i+1]
		check(p, about)
	}
}

func (e *Engine) applies(r *Rule, versions []int) bool { return len(within(r, versions)) > 0 }

// within is the part of versions that a rule is about.
func within(r *Rule, versions []int) []int {
	lo, hi := 0, len(versions)
	for lo < hi && r.Since != 0 && versions[lo] < r.Since {
		lo++
	}
	for hi > lo && r.Until != 0 && versions[hi-1] > r.Until {
		hi--
	}
	return versions[lo:hi:hi]
}

// take moves the findings of the pass over, the same ones on several versions
// as one.
func (e *Engine) take() {
	// The same finding is made in one round only: of one migration, or of the
	// release.
	type same struct {
		fingerprint string
		order       [2]int
		line        int
		severity    onward.Severity
	}
	first := make(map[same]int, len(e.pass.findings)) // place in found
	for _, f := range e.pass.findings {
		key := same{f.Fingerprint, f.order, f.Line, f.Severity}
		at, ok := first[key]
		if !ok {
			first[key] = len(e.found)
			e.found = append(e.found, f)
			continue
		}
		for _, v := range f.versions {
			if !slices.Contains(e.found[at].versions, v) {
				e.found[at].versions = append(slices.Clone(e.found[at].versions), v)
			}
		}
	}
	e.pass.findings = e.pass.findings[:0]
}

// Finish runs the Release rules, applies severities, suppressions and the
// baseline, and gives the findings in the order of the release. suppressed
// counts what was taken out. Nothing is left of the last migration but what rules
// kept of it.
func (e *Engine) Finish() (findings []onward.Finding, taken int) {
	e.last.forget()
	e.release.Head = e.catalog
	e.pass.versions, e.pass.current, e.pass.at = e.config.Versions, e.catalog, 0
	for _, r := range e.rules {
		if r.Release != nil && e.applies(r, e.config.Versions) {
			e.whole(r)
		}
	}
	e.take()
	for i := range e.found {
		f := &e.found[i]
		if s, ok := e.config.Severity[f.Rule]; ok && (s < f.Severity || f.Severity == e.defaultSeverity(f.Rule)) {
			f.Severity = s
		}
		slices.Sort(f.versions)
		if len(f.versions) < len(e.config.Versions) {
			f.Postgres = f.versions
		}
	}
	kept, taken := e.suppress()
	sort.SliceStable(kept, func(i, j int) bool {
		a, b := &kept[i], &kept[j]
		if a.order != b.order {
			return a.order[0] < b.order[0] || a.order[0] == b.order[0] && a.order[1] < b.order[1]
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Severity > b.Severity
	})
	kept = merge(greater(reached(kept)))
	findings = make([]onward.Finding, 0, len(kept))
	for _, f := range kept {
		if f.Evidence == nil {
			f.Evidence = []onward.Evidence{}
		}
		findings = append(findings, f.Finding)
	}
	return findings, taken
}

func (e *Engine) defaultSeverity(rule string) onward.Severity {
	for _, r := range e.rules {
		if r.ID == rule {
			return r.Severity
		}
	}
	return onward.Off
}

// Catalog is the schema behind what was folded so far.
func (e *Engine) Catalog() *catalog.Catalog { return e.catalog }
