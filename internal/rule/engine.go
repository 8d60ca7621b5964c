package rule

import (
	"slices"
	"sort"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/analysis/inline"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Engine applies a history and judges a release: call FoldDeployed for each
// migration of the base, then JudgeMigration for each new one, in order, then Finish.
//
// JudgeMigration is FoldMigration followed by RunRules. Both must be called in the order of the release, but
// they may run in two goroutines: while the rules look at one migration, the next ones
// may be folded, because catalogs are values. FoldDeployed and MarkUnseen belong to
// the goroutine that folds.
//
// A transaction does not always end with its migration:
//
//   - A large file is read in windows. Each of them is a Migration with the same path: Script.Window numbers them,
//     Script.More says that others follow, and goesOn that the last transaction of this one continues in the next one.
//   - Some tools send all new migrations in one transaction: these have the same Together.
//
// Some files can be sent in two ways. They are judged twice, by two engines: Otherwise of the migration that counts has what was Found for
// the other way.
type Engine struct {
	config Config
	rules  []*Rule // those that are on, and the silent ones
	// silent are rules that are off, with a check of migrations or of the release: see addSilentRule.
	silent map[*Rule]bool
	// statementRules, by kind of statement, and commitRules are the rules that have a
	// Statement or a Commit function.
	statementRules map[Kinds][]ruleOn
	commitRules    []ruleOn
	release        *Release
	catalog        *catalog.Catalog
	folding        *Pass // for questions during folding
	inliner        *inline.Inliner
	folded         bool                 // a migration of the release was folded
	filled         map[catalog.OID]bool // tables that the release fills; true: with an unknown number of rows
	txCount        int                  // of the release so far
	history        deployedHistory
	previousEnd    *sessionEnd // what the previous migration left to the session; nil for nothing
	// missingRelations caches for branches whether the relation that their IF needs does not exist: skipMissing.
	missingRelations map[branch]bool

	// Only RunRules uses the fields below.
	pass  *Pass
	found []*placedFinding
	supps []suppressionSet
	// hidden are the findings that the baseline suppressed.
	hidden onward.Known
	last   *Migration // judged last
	count  int
	// faults are panics in rules.
	faults []Fault
}

// NewEngine begins with the given deployed schema; nil is an empty database.
func NewEngine(c Config, deployed *catalog.Catalog) *Engine {
	if deployed == nil {
		deployed = catalog.New()
	}
	c.order = map[string]int{}
	e := &Engine{
		config:  c,
		catalog: deployed,
		release: &Release{
			Deployed: deployed, Deprecated: c.Deprecated, Today: c.Today, NoticeDays: c.NoticeDays, Said: c.Said, LaterDrops: c.LaterDrops,
			Fills: analysis.CloneFills(c.Fills),
		},
		statementRules: map[Kinds][]ruleOn{},
		silent:         map[*Rule]bool{},
		inliner:        inline.New(deployed),
	}
	for _, r := range c.Rules {
		switch enabled := c.isOn(r); {
		case enabled && !r.Last:
			e.addRule(r)
		case !enabled && c.isOnByPreset(r) && mayClaim(r) && !r.Last:
			e.addSilentRule(r)
		}
	}
	for _, r := range c.Rules {
		if r.Last && c.isOn(r) {
			e.addRule(r)
		}
	}
	e.pass, e.folding = e.newPass(), e.newPass()
	return e
}

func (e *Engine) newPass() *Pass {
	c := &e.config
	return &Pass{Release: e.release, Code: c.Uses, Rows: analysis.NewRows(), kept: map[string][]any{}, config: c, versions: c.Versions, current: e.catalog}
}

// Release returns the release that the Release rules will get. The caller adds Changes.
func (e *Engine) Release() *Release { return e.release }

// FoldDeployed applies a migration that the base already has.
func (e *Engine) FoldDeployed(s *script.Script) {
	e.catalog = e.history.foldScript(e.inliner, e.catalog, s)
	e.endSession(s, s.EndsSession)
	e.release.Deployed = e.catalog
	e.release.Fills.AddScript(s)
}

// MarkUnseen records that something unreadable may have changed the schema: a deployed
// migration that could not be read, or a migration of the release in another language.
// Call it in the order of the migrations.
func (e *Engine) MarkUnseen(reason string) {
	e.catalog = e.catalog.MarkUnseen(reason)
	if !e.folded {
		e.release.Deployed = e.catalog
	}
}

// markUnparsed returns the catalog after a statement that could not be parsed. Objects that it
// created are unknown, so the catalog is marked as incomplete.
func markUnparsed(c *catalog.Catalog, st *script.Statement) *catalog.Catalog {
	if st.Err == nil || st.Err.Refused {
		return c
	}
	return c.MarkUnseen("a statement that could not be parsed")
}

// JudgeMigration folds a migration of the release and runs the rules on it.
func (e *Engine) JudgeMigration(m *Migration) {
	e.FoldMigration(m)
	e.RunRules(m)
}

// FoldMigration applies a migration of the release to the catalog and computes its effects.
func (e *Engine) FoldMigration(m *Migration) {
	e.folded = true
	e.analyseMigration(m)
	e.release.Fills.AddScript(m.Script)
	e.endSession(m.Script, m.Runner.OwnSession)
	m.after = e.catalog
}

// RunRules runs the rules on a folded migration. It frees the parts of the previous
// migration that were needed only for judging it.
func (e *Engine) RunRules(m *Migration) {
	if m.Together == 0 {
		e.last.freeParts()
	}
	e.setPlace(m)
	if m.RunsProgram || len(m.Script.Source.Code) > 0 {
		e.pass.Rows.StartProgram()
		defer e.pass.Rows.EndProgram()
	}
	for _, t := range m.Txs {
		e.pass.recordFunctions(t)
		for _, s := range t.Statements {
			e.judgeStatement(s)
		}
		e.judgeCommit(t)
		e.pass.recordLiveTables(t)
	}
	e.pass.current, e.pass.at = m.after, 0
	for _, r := range e.rules {
		if !e.isApplicable(r, e.config.Versions) {
			continue
		}
		e.runQuietly(r, func() { e.judgeMigration(r, m) })
	}
	if !m.Script.More {
		e.pass.markTablesFull()
	}
	from := len(e.found)
	e.collectFindings()
	if m.Otherwise != nil {
		for _, f := range e.found[from:] {
			m.Found = append(m.Found, f.Finding)
		}
	}
	// Programs between the parts of the SQL change rows, too. That counts for the next migrations.
	for _, c := range m.Script.Source.Code {
		if r := e.pass.MappedTable(c.Table); r != nil {
			e.pass.Rows.RecordProgramWork(r.OID, c.Few)
		}
	}
	if len(m.Script.Suppressions) > 0 {
		e.supps = append(e.supps, suppressionSet{id: m.ID, path: m.Path, index: m.index, list: m.Script.Suppressions})
	}
}

// setPlace gives a migration its place in the release. The windows of a file share one.
func (e *Engine) setPlace(m *Migration) {
	m.size, m.goesOn = len(m.Statements), m.Script.More && m.Script.End != script.Alone
	if m.Script.Window > 0 {
		m.index, m.first = e.last.index, e.last.first+e.last.size
	} else {
		m.index = e.count
		e.count++
	}
	e.config.order[m.Path], e.last = m.index, m
}

func (e *Engine) judgeStatement(s *Stmt) {
	if s.Node == nil {
		return
	}
	defer e.recordPanic(s.Migration, s.Statement)
	p := e.pass
	p.current, p.at = s.After, s.Tx.Index
	s.recordEmptyDemand(p) // first: if the table has rows, no part of the statement takes place
	s.recordAddedColumns(p)
	rules := e.statementRules[kindOf(s.Node)]
	p.claims = p.claims[:0]
	first := len(p.findings)
	for _, group := range s.Results {
		s.Result = group.Result
		for i := range rules {
			r := &rules[i]
			versions := r.versions
			if len(group.Versions) < len(e.config.Versions) {
				versions = applicableVersions(r.Rule, group.Versions)
			}
			p.Rule = r.Rule
			from := len(p.findings)
			runCheck(p, versions, r.Statement, s)
			p.recordClaims(from)
			if r.silent {
				p.silenceFindings(from)
			}
		}
	}
	s.Result = s.Results[0].Result
	p.composeFixes(s, first)
	for _, x := range s.puts {
		p.Rows.RecordPut(x)
	}
	p.Rows.RecordUpdated(s.Node, s.Before)
	p.Rows.RecordCleared(s.Statement, s.Before)
	s.recordRefill(p)
	for _, w := range p.ListWrites(s) {
		p.Rows.RecordWritten(&w)
	}
}

func (e *Engine) judgeCommit(t *Tx) {
	// Renaming a relation that no statement created makes no delta.
	if len(t.Deltas) == 0 && !slices.ContainsFunc(t.Statements, func(s *Stmt) bool { return s.Node.GetRenameStmt() != nil }) {
		return
	}
	defer e.recordPanic(t.Migration, nil)
	p := e.pass
	p.current, p.at = t.After, t.Index
	for i := range e.commitRules {
		r := &e.commitRules[i]
		p.Rule = r.Rule
		from := len(p.findings)
		if runCheck(p, r.versions, r.Commit, t); r.silent {
			p.silenceFindings(from)
		}
	}
}

func (e *Engine) judgeMigration(r *Rule, m *Migration) {
	defer e.recordPanic(m, nil)
	e.pass.Rule, e.pass.versions = r, applicableVersions(r, e.config.Versions)
	switch {
	case r.Migration != nil:
		runCheck(e.pass, e.pass.versions, r.Migration, m)
	case r.Gather != nil:
		r.Gather(e.pass, m)
	}
}

// runQuietly runs a rule, and removes its findings if it is switched off.
func (e *Engine) runQuietly(r *Rule, run func()) {
	from := len(e.pass.findings)
	if run(); e.silent[r] {
		e.pass.silenceFindings(from)
	}
}

func (e *Engine) judgeRelease(r *Rule) {
	defer e.recordPanic(nil, nil)
	e.pass.Rule = r
	runCheck(e.pass, applicableVersions(r, e.config.Versions), r.Release, e.release)
}

// collectFindings collects the findings of the pass, and merges equal findings on several versions.
func (e *Engine) collectFindings() {
	// Equal findings come from one round only: one migration, or one rule about the release.
	type same struct {
		fingerprint string
		order       [2]int
		line        int
		severity    onward.Severity
	}
	known := make(map[same]*placedFinding, len(e.pass.findings))
	for _, f := range e.pass.findings {
		key := same{f.Fingerprint, f.order, f.Line, f.Severity}
		first, ok := known[key]
		if !ok {
			known[key] = f
			e.found = append(e.found, f)
			continue
		}
		for _, v := range f.versions {
			if !slices.Contains(first.versions, v) {
				first.versions = append(slices.Clone(first.versions), v)
			}
		}
	}
	clear(e.pass.findings)
	e.pass.findings = e.pass.findings[:0]
}

// Finish runs the Release rules, applies severities, suppressions and the baseline, and
// returns the findings in the order of the release. suppressed counts the others.
// It frees the last migration, except for what rules kept.
func (e *Engine) Finish() (findings []onward.Finding, suppressed int) {
	e.last.freeParts()
	e.release.Head = e.catalog
	e.pass.current, e.pass.at = e.catalog, 0
	for _, r := range e.rules {
		if r.Release != nil && e.isApplicable(r, e.config.Versions) {
			e.pass.collected = e.found
			e.runQuietly(r, func() { e.judgeRelease(r) })
			e.collectFindings() // one rule's findings at a time: they are many
		}
	}
	for _, f := range e.found {
		// The configured severity replaces the rule's own. It lowers a finding with another severity, but does not raise it.
		if s, ok := e.config.Severity[f.Rule]; ok && (s < f.Severity || f.Severity == e.defaultSeverity(f.Rule)) {
			f.Severity = s
		}
		slices.Sort(f.versions)
		if len(f.versions) < len(e.config.Versions) {
			f.Postgres = f.versions
		}
	}
	remaining, suppressed := e.suppressFindings()
	sort.SliceStable(remaining, func(i, j int) bool {
		a, b := remaining[i], remaining[j]
		if a.order != b.order {
			return a.order[0] < b.order[0] || a.order[0] == b.order[0] && a.order[1] < b.order[1]
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Severity > b.Severity
	})
	remaining = relateFindings(remaining, relations...)
	findings = make([]onward.Finding, 0, len(remaining))
	for _, f := range remaining {
		if f.Evidence == nil {
			f.Evidence = []onward.Evidence{}
		}
		findings = append(findings, f.Finding)
	}
	return findings, suppressed
}

func (e *Engine) defaultSeverity(rule string) onward.Severity {
	for _, r := range e.rules {
		if r.ID == rule {
			return r.Severity
		}
	}
	return onward.Off
}

// Catalog returns the schema after everything folded so far.
func (e *Engine) Catalog() *catalog.Catalog { return e.catalog }

// freeParts frees the parts of a migration that are needed only to judge it. Statements that
// rules kept (Gather) keep their place and text.
func (m *Migration) freeParts() {
	if m == nil {
		return
	}
	var last *Tx // which goes on in the next window: those that hold its locks are kept
	if m.goesOn {
		t := m.Txs[len(m.Txs)-1]
		t.Statements, t.Deltas = slices.DeleteFunc(slices.Clone(t.Statements), func(s *Stmt) bool { return !s.holds }), nil
		last = t
	}
	for _, s := range m.Statements {
		if s.holds && s.Tx == last {
			continue
		}
		s.Node, s.Tx, s.stmtAnalysis, s.clauses = nil, nil, &freedAnalysis, nil
	}
	m.Statements, m.Txs, m.after, m.Notes = nil, nil, nil, Notes{}
	if !slices.ContainsFunc(m.Script.Statements, func(s *script.Statement) bool { return s.Parent >= 0 }) {
		m.Script = nil // needed for the place of a statement in a DO block
	}
}
