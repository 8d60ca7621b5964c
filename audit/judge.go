package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// judge runs migrations through the engine and gathers the report.
type judge struct {
	settings *config.Config
	config   rule.Config
	known    *known
	deployed *catalog.Catalog // the schema to begin with; nil: none
	engine   *rule.Engine
	report   *onward.Report
	unread   unread // of the deployed migrations
	// strings is how strings end for the migration that comes.
	strings pgparse.Strings
	// brief: the report does without statements, for large inputs whose
	// report shows findings only.
	brief bool
	// breathe is CheckConfig.Breathe.
	breathe func(left float64, still func(do func()))
	// otherwise is what was found with files sent in the other way, by file, where their
	// runner is a guess.
	otherwise map[string][]onward.Finding
	// seeds are the rows that the deployed migrations put into tables.
	seeds seeds
	said  said // where they say something of a column
	// since is the oldest version that reads what the deployed migrations say.
	since adapter.Oldest
	// keep, where it is not nil, is given each migration of the release.
	keep func(*rule.Migration)
	// trial: it judges the other way, and comments take nothing out.
	trial bool
}

func newJudge(c *config.Config, k *known) (*judge, error) {
	versions, from := k.versions(c)
	j := &judge{settings: c, known: k, deployed: k.catalog, report: &onward.Report{
		Schema: onward.ReportSchema, Postgres: versions, PostgresFrom: from,
		Migrations: []onward.Migration{}, Findings: []onward.Finding{}, Opaque: append([]onward.Opaque{}, k.opaque...),
		Sizes: k.report(),
	}}
	known := map[string]bool{}
	for _, r := range append(rehearsal.All(), rules.All()...) {
		known[r.ID] = true
	}
	j.config = rule.Config{
		Rules: rules.All(), Versions: versions, Severity: c.Severities(), SmallTables: append(slices.Clip(c.SmallTables), k.sizes.Below(int64(c.SmallBelow))...), KnownRules: known, Bookkeeping: all.Bookkeeping(), Deprecated: c.Deprecated, Today: today(time.Time{}),
	}
	baseline, err := c.ReadBaseline()
	if err != nil {
		return nil, err
	}
	j.config.Presets, j.config.Baseline = c.Presets, baseline
	return j, nil
}

// uses sets who answers for the deployed code. It must come first.
func (j *judge) uses(f usesFunc) { j.config.Uses = f }

// run is the engine, made at the first use.
func (j *judge) run() *rule.Engine {
	if j.engine == nil {
		j.engine = rule.NewEngine(j.config, j.deployed)
		j.engine.Release().Known = j.known.catalog != nil
	}
	return j.engine
}

// deploy folds a migration that the base has.
func (j *judge) deploy(m *adapter.Migration) {
	defer j.obscure(m)
	if m.Failed != "" {
		if !m.Lost { // lost has told of it
			j.unread.file(m, m.Failed)
		}
		return
	}
	s, err := script.Build(m.Source)
	if err != nil {
		j.unread.file(m, err.Error())
		return
	}
	if s, err = j.recut(m, s); err != nil {
		j.unread.file(m, err.Error())
		return
	}
	j.unread.statements(m, s)
	j.witness(m, s)
	j.run().Deploy(s)
	j.seeds.take(j.run().Release().Deployed, s)
	j.said.take(m, s)
	j.leaves(s, true)
}

// lost lists the migrations of the base that git cannot give: the schema at the
// base has a hole that is no matter of the repository, and can be mended.
func (j *judge) lost(deployed []*adapter.Migration, base string) {
	if j.known.catalog != nil {
		return
	}
	for _, m := range deployed {
		if m.Lost {
			j.opaque(onward.Opaque{Migration: m.ID, Path: m.Path, What: "the file at " + base, Why: m.Failed, Failed: true})
		}
	}
}

// obscure tells the engine of a migration that may have done more than its SQL
// says. RunPython is left out: it changes rows, or every Django project would
// be uncertain. So is a default that the database is asked for: only its value
// is not known.
func (j *judge) obscure(m *adapter.Migration) {
	if m.Failed != "" || refused(m) {
		j.run().Obscure(m.ID)
		return
	}
	for _, o := range m.Opaque {
		if !strings.HasPrefix(o.What, "RunPython") && !strings.HasPrefix(o.What, "default ") {
			j.run().Obscure(m.ID)
			return
		}
	}
}

// judge runs the rules over a migration of the release.
func (j *judge) judge(m *adapter.Migration, status onward.Status, in run) {
	s, err := script.Build(m.Source)
	x := &judged{migration: m, script: s, err: err, status: status, run: in}
	j.fold(x)
	j.rules(x)
}

// judged is a migration of the release on its way to the report: parsed,
// folded, then looked at by the rules.
type judged struct {
	migration *adapter.Migration
	status    onward.Status
	script    *script.Script
	err       error           // the script's
	folded    *rule.Migration // nil when it could not be read
	run       run
}

// fold runs a migration through the catalog.
func (j *judge) fold(x *judged) {
	m := x.migration
	defer j.obscure(m)
	if m.Failed != "" || x.err != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			x.folded, x.err = nil, fault.Of(r)
		}
	}()
	if x.script, x.err = j.recut(m, x.script); x.err != nil {
		return
	}
	if j.trial {
		x.script.Suppressions = nil
	}
	x.folded = &rule.Migration{
		ID: m.ID, Path: m.Path, Framework: m.Framework, Status: x.status, Mode: m.Source.Mode, Script: x.script, Runner: m.Runner,
		Refusals: m.Problems, Together: x.run.together, Session: x.run.session, Otherwise: j.otherwise[m.Path],
	}
	j.run().Fold(x.folded)
	j.leaves(x.script, false)
}

// rules runs the rules over a migration that was folded, and writes it down.
func (j *judge) rules(x *judged) {
	m, rm, status := x.migration, x.folded, x.status
	if rm == nil {
		why := m.Failed
		if x.err != nil {
			why = x.err.Error()
		}
		j.opaque(onward.Opaque{Migration: m.ID, Path: m.Path, What: "the whole file", Why: why, Failed: true})
		j.report.Migrations = append(j.report.Migrations, onward.Migration{
			ID: m.ID, Path: m.Path, Framework: m.Framework, Tool: m.Runner.Name, Status: status, Transaction: m.Source.Mode,
			Changes: []onward.Change{}, Statements: []onward.Statement{}, Verdict: "not judged",
		})
		return
	}
	j.engine.Rules(rm)
	j.faults()
	j.kept(rm)
	for _, o := range slices.Concat(m.Opaque, m.Elsewhere) {
		j.opaque(o)
	}
	out := onward.Migration{
		ID: m.ID, Path: m.Path, Framework: rm.Framework, Tool: m.Runner.Name, Status: status, Transaction: m.Source.Mode,
		Changes: []onward.Change{}, Statements: []onward.Statement{},
	}
	j.statements(rm, &out)
	if !j.brief && len(rm.Txs) > 0 {
		after := rm.Txs[len(rm.Txs)-1].After
		diff := catalog.Diff(rm.Txs[0].Before, after)
		for i := range diff {
			change := diff[i].Words()
			change.New = after.CreatedSince(j.engine.Release().Deployed, diff[i].OID) && diff[i].OID != 0
			out.Changes = append(out.Changes, change)
		}
	}
	j.report.Migrations = append(j.report.Migrations, out)
}

// statements writes down what each statement does, and what could not be
// judged.
func (j *judge) statements(m *rule.Migration, out *onward.Migration) {
	j.report.Summary.Statements += len(m.Statements)
	for _, s := range m.Statements {
		at := onward.Opaque{Migration: m.ID, Path: m.Path, Line: s.Line, Column: s.Column}
		note := ""
		switch {
		case s.Err != nil:
			at.What, at.Why, at.Failed = excerpt(s.SQL), s.Err.Error(), true
			at.Line, at.Column = s.ErrLine, s.ErrColumn
			note = "not judged: " + s.Err.Error()
			j.opaque(at)
		case s.Fault != nil:
			at.What, at.Why, at.Failed = excerpt(s.SQL), s.Fault.Error(), true
			note = "not judged"
			j.opaque(at)
		case s.Opaque != "":
			at.What = s.Opaque
			switch {
			case strings.HasPrefix(s.Opaque, "EXECUTE"):
				at.Why = "its text is known only when it runs"
			case strings.HasPrefix(s.Opaque, "call of"):
				at.Why = "what it does is not known"
			}
			note = "not judged: " + s.Opaque
			j.opaque(at)
		case s.Result.Unmodelled != "" && s.Node.GetDoStmt() == nil: // the statements of a block are judged
			at.What, at.Why = excerpt(s.SQL), effect.Unknown(s.Result.Unmodelled)
			note = at.Why
			j.opaque(at)
		}
		if j.brief {
			continue
		}
		result := effect.Worst(resultsOf(s))
		st := onward.Statement{
			SQL: written(m, s), Line: s.Line, Column: s.Column, Start: s.Start, Transaction: s.Statement.Tx,
			Effects: result.Onward(), Note: note,
		}
		for i := range st.Effects {
			st.Effects[i].New = st.Effects[i].New || !j.existing(s, result, i)
		}
		j.known.measure(st.Effects, &result, j.onServer)
		st.Duration = duration(st.Effects, result)
		if n := len(out.Statements); s.In != "" && n > 0 {
			take(&out.Statements[n-1], st)
			continue
		}
		out.Statements = append(out.Statements, st)
	}
}

// written is a statement as its author wrote it.
func written(m *rule.Migration, s *rule.Stmt) string {
	if text := m.Script.Source.Written; text != "" && s.Start >= 0 {
		return text[s.Start:s.End]
	}
	return s.SQL
}

// onServer is the name that an effect's relation has before the release.
func (j *judge) onServer(e *effect.Effect) catalog.Name {
	if e.OID != 0 {
		if r := j.engine.Release().Deployed.Relation(e.OID); r != nil {
			return r.Name
		}
	}
	return e.Name
}

// existing reports whether the relation of an effect was there before the
// release.
func (j *judge) existing(s *rule.Stmt, r effect.Result, i int) bool {
	e := &r.Effects[i]
	return !e.Created && (e.OID == 0 || !s.After.CreatedSince(j.engine.Release().Deployed, e.OID))
}

func resultsOf(s *rule.Stmt) []effect.Result {
	out := make([]effect.Result, 0, len(s.Results))
	for _, g := range s.Results {
		out = append(out, g.Result)
	}
	return out
}

// history tells the release rules what happened to the history.
func (j *judge) history(h []history.Change) {
	e := j.run()
	e.Release().Changes = append(e.Release().Changes, h...)
}

// deleted lists a migration that the head no longer has.
func (j *judge) deleted(m *adapter.Migration) {
	j.report.Migrations = append(j.report.Migrations, onward.Migration{
		ID: m.ID, Path: m.Path, Framework: m.Framework, Tool: m.Runner.Name, Status: onward.StatusDeleted, Transaction: m.Source.Mode,
		Changes: []onward.Change{}, Statements: []onward.Statement{},
	})
}

// speaksOf reports whether a finding says what a program does that is listed as not judged,
// at its place: the program is what the finding begins with.
func speaksOf(f *onward.Finding, o *onward.Opaque) bool {
	_, program, ok := strings.Cut(o.What, " ")
	return ok && !o.Failed && f.Path == o.Path && f.Line == o.Line && strings.HasPrefix(f.Fact, program+" ")
}

func (j *judge) opaque(o onward.Opaque) {
	if o.Failed && j.settings.Accepts(o.Path) {
		o.Failed = false
	}
	j.report.Opaque = append(j.report.Opaque, o)
}

// finish runs the rules about the whole release and sums up.
func (j *judge) finish() *onward.Report {
	findings, suppressed := j.run().Finish()
	j.faults()
	r := j.report
	r.Findings = append(r.Findings, findings...)
	r.Opaque = slices.DeleteFunc(r.Opaque, func(o onward.Opaque) bool {
		return slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return speaksOf(&f, &o) })
	})
	if j.known.catalog == nil {
		j.unread.tell(r)
	}
	r.Summary.Migrations = len(r.Migrations)
	r.Summary.Suppressed = suppressed
	if r.Summary.Baseline = j.run().Hidden(); r.Summary.Baseline.Errors > 0 {
		r.Summary.Withheld = cmp.Or(r.Summary.Withheld, onward.WithheldBaseline)
	}
	r.Summary.Opaque = len(r.Opaque)
	Conclude(r)
	return r
}

// faults reports what rules could not judge.
func (j *judge) faults() {
	for _, f := range j.engine.Faults() {
		o := onward.Opaque{What: "rule " + f.Rule, Why: f.Err.Error(), Failed: true}
		if f.Migration != nil {
			o.Migration, o.Path = f.Migration.ID, f.Migration.Path
		}
		if f.Statement != nil {
			o.Line, o.Column = f.Statement.Line, f.Statement.Column
		}
		j.opaque(o)
	}
}

// excerpt is the head of a statement for a message.
func excerpt(sql string) string {
	s := strings.Join(strings.Fields(sql), " ")
	if r := []rune(s); len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return s
}
