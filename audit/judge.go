package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// judge runs migrations through the engine and builds the report.
type judge struct {
	settings *config.Config
	config   rule.Config
	known    *deployedFacts
	// deployedBase has the initial schema, nil for none. strings is the string syntax of the session at the next migration.
	deployedBase
	engine *rule.Engine
	report *onward.Report
	// brief omits statements from the report, for large inputs.
	brief bool
	// breathe is CheckConfig.Breathe.
	breathe func(left float64, runAlone func(fn func()))
	// alternative has the findings in the alternative form of files, by file, if the runner is a guess.
	alternative map[string][]onward.Finding
	small       *deployed.SmallTables // guesses which tables are small; nil for no guess
	// keep, if not nil, gets each migration of the release.
	keep func(*rule.Migration)
	// trial is set if it judges the alternative form: comments then suppress nothing.
	trial bool
	// windows are the parts of large files; before is the schema before the first part of the one that is judged.
	windows windows
	before  *catalog.Catalog
	// belowRoot are the named paths outside the repository, without the slash at their start.
	belowRoot []string
}

func newJudge(c *config.Config, k *deployedFacts) (*judge, error) {
	versions, from := k.majorVersions(c)
	small := append(slices.Clip(c.SmallTables), k.smallTables(c)...)
	j := &judge{settings: c, known: k, deployedBase: deployedBase{schema: k.catalog}, windows: cmp.Or(k.windows, usualWindows), report: &onward.Report{
		Schema: onward.ReportSchema, Postgres: versions, PostgresFrom: from,
		Migrations: []onward.Migration{}, Findings: []onward.Finding{}, Opaque: append([]onward.Opaque{}, k.opaque...),
		Sizes: k.describeSizes(),
	}}
	known := map[string]bool{}
	for _, r := range append(release.RehearsalFindings(), rules.All()...) {
		known[r.ID] = true
	}
	j.config = rule.Config{
		Rules: rules.All(), Versions: versions, Severity: c.Severities(), SmallTables: small, KnownRules: known, Bookkeeping: all.HistoryTableNames(),
		Deprecated: c.Deprecated, NoticeDays: c.NoticeDays(), Today: formatDay(time.Time{}), LaterDrops: k.plans.LaterDrops, Presets: c.Presets,
	}
	var err error
	j.config.Baseline, err = c.ReadBaseline()
	return j, err
}

// ensureEngine returns the engine, which is created at the first use.
func (j *judge) ensureEngine() *rule.Engine {
	if j.engine == nil {
		j.engine = rule.NewEngine(j.config, j.schema)
		j.engine.Release().Known = j.known.catalog != nil
	}
	return j.engine
}

// foldDeployed folds a deployed migration.
func (j *judge) foldDeployed(m *adapter.Migration) {
	defer j.markUnseenParts(m)
	if m.Failed != "" {
		if !m.Lost { // lost reports these
			j.unread.countFile(m, m.Failed)
		}
		return
	}
	src := j.scriptSource(m, true)
	r, most := script.NewReader(src), j.windows.maxStatements(&src)
	for {
		s, err := r.Next(most)
		if err != nil {
			j.unread.countFile(m, err.Error())
			return
		}
		j.unread.countUnparsed(m, s)
		j.inferMinVersion(m, s)
		s.EndsSession = m.Runner.OwnSession
		j.ensureEngine().FoldDeployed(s)
		j.seeds.CountSeedRows(j.ensureEngine().Release().Deployed, s, deployed.CountValues)
		j.constants.CountSeedRows(j.ensureEngine().Release().Deployed, s, deployed.CountConstants)
		j.columnComments.addComments(m, s)
		j.recordStringSyntax(s, true)
		if !s.More {
			return
		}
	}
}

// reportUnreadableMigrations lists the migrations of the base that git cannot read: they are missing in the schema at the base. This is no
// fault of the repository, and can be fixed.
func (j *judge) reportUnreadableMigrations(deployed []*adapter.Migration, base string) {
	if j.known.catalog != nil {
		return
	}
	for _, m := range deployed {
		if m.Lost {
			j.addOpaque(onward.Opaque{Migration: m.ID, Path: m.Path, What: "the file at " + base, Why: m.Failed, Failed: true})
		}
	}
}

// markUnseenParts tells the engine about a migration that may have done more than its SQL says. RunPython is left out: it
// changes rows, and otherwise every Django project would be uncertain. A default that is computed by the database is
// left out too: only its value is not known.
func (j *judge) markUnseenParts(m *adapter.Migration) {
	if m.Failed != "" || hasRefusedOperation(m) {
		j.ensureEngine().MarkUnseen(m.ID)
		return
	}
	for _, o := range m.Opaque {
		if !strings.HasPrefix(o.What, "RunPython") && !strings.HasPrefix(o.What, "default ") {
			j.ensureEngine().MarkUnseen(m.ID)
			return
		}
	}
}

// judgeMigration runs the rules over a migration of the release.
func (j *judge) judgeMigration(r releasedMigration) {
	x := &judgedMigration{releasedMigration: r}
	if src := j.scriptSource(r.migration, false); r.migration.Failed == "" {
		x.readFirst(src, j.maxStatements(&src, r.run))
	}
	for {
		j.foldMigration(x)
		more := x.hasNext()
		j.runRules(x)
		if !more {
			return
		}
		next := x.readNext()
		x = &next
	}
}

// judgedMigration is a migration of the release while it is processed: parsed, folded, then checked by the rules.
type judgedMigration struct {
	releasedMigration
	script *script.Script
	err    error           // the script's
	folded *rule.Migration // nil if it could not be read
	// reader gives the next part of a large file, with at most that many statements (most). window is the number of this part.
	reader *script.Reader
	most   int
	window int
}

// foldMigration runs a migration through the catalog.
func (j *judge) foldMigration(x *judgedMigration) {
	m := x.migration
	defer j.markUnseenParts(m)
	if m.Failed != "" || x.err != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			x.folded, x.err = nil, fault.FromPanic(r)
		}
	}()
	if src := j.scriptSource(m, false); x.window == 0 && src.Strings != x.script.Source.Strings {
		if x.readFirst(src, x.most); x.err != nil {
			return
		}
	}
	if j.trial {
		x.script.Suppressions = nil
	}
	x.folded = &rule.Migration{
		ID: m.ID, Path: m.Path, Framework: m.Framework, Status: x.status, Mode: m.Source.Mode, Script: x.script, Runner: m.Runner,
		Together: x.run.together, Session: x.run.session, Otherwise: j.alternative[m.Path], RunsProgram: len(m.Opaque) > 0 || len(m.Elsewhere) > 0,
	}
	if x.window == 0 {
		x.folded.Refusals = m.Problems
	}
	j.ensureEngine().FoldMigration(x.folded)
	j.recordStringSyntax(x.script, false)
}

// runRules runs the rules over a folded migration, and adds it to the report.
func (j *judge) runRules(x *judgedMigration) {
	m, rm, status := x.migration, x.folded, x.status
	if rm == nil {
		reason := m.Failed
		if x.err != nil {
			reason = x.err.Error()
		}
		if x.window > 0 {
			j.addOpaque(onward.Opaque{Migration: m.ID, Path: m.Path, What: fmt.Sprintf("the file from its part %d on", x.window+1), Why: reason, Failed: true})
			return
		}
		j.addOpaque(onward.Opaque{Migration: m.ID, Path: m.Path, What: "the whole file", Why: reason, Failed: true})
		j.report.Migrations = append(j.report.Migrations, onward.Migration{
			ID: m.ID, Path: m.Path, Framework: m.Framework, Tool: m.Runner.Name, Status: status, Transaction: m.Source.Mode,
			Changes: []onward.Change{}, Statements: []onward.Statement{}, Verdict: "not judged",
		})
		return
	}
	if j.small != nil && len(rm.Txs) > 0 {
		j.small.Release.CountSeedRows(rm.Txs[len(rm.Txs)-1].After, x.script, deployed.CountConstants)
	}
	j.engine.RunRules(rm)
	j.reportFaults()
	j.keepAnalysis(rm)
	if x.window == 0 {
		for _, o := range slices.Concat(m.Opaque, m.Elsewhere) {
			j.addOpaque(o)
		}
	}
	out := j.ensureReportEntry(m, rm)
	j.reportStatements(rm, out)
	j.reportChanges(rm, out)
	j.reportWindowLimits(m, x)
}

// reportStatements adds the effects of each statement, and what could not be judged, to the report.
func (j *judge) reportStatements(m *rule.Migration, out *onward.Migration) {
	j.report.Summary.Statements += len(m.Statements)
	for _, s := range m.Statements {
		opaque := onward.Opaque{Migration: m.ID, Path: m.Path, Line: s.Line, Column: s.Column}
		note := ""
		switch {
		case s.Err != nil && s.Err.Refused:
			note = "refused: " + s.Err.Error() // release-statement-unsupported
		case s.Err != nil:
			opaque.What, opaque.Why, opaque.Failed, opaque.Line, opaque.Column = shortenSQL(s.SQL), s.Err.Error(), true, s.ErrLine, s.ErrColumn
			note = "not judged: " + s.Err.Error()
			j.addOpaque(opaque)
		case s.Fault != nil:
			opaque.What, opaque.Why, opaque.Failed, note = shortenSQL(s.SQL), s.Fault.Error(), true, "not judged"
			j.addOpaque(opaque)
		case s.Missing != "":
			opaque.What, opaque.Why = shortenSQL(s.SQL), "it runs only if "+s.Missing+" exists, which no migration creates"
			if note = "not judged: " + opaque.Why; s.FirstSkipped {
				j.addOpaque(opaque)
			}
		case s.Opaque != "":
			opaque.What, opaque.Failed = s.Opaque, s.Exceeded
			switch {
			case s.Exceeded:
				opaque.Why = "it is larger than what onward reads"
			case strings.HasPrefix(s.Opaque, "EXECUTE"):
				opaque.Why = "its text is known only when it runs"
			case strings.HasPrefix(s.Opaque, "call of"):
				opaque.Why = "what it does is not known"
			}
			note = "not judged: " + s.Opaque
			j.addOpaque(opaque)
		case findUnmodelled(s) != "" && s.Node.GetDoStmt() == nil: // the statements of a block are judged
			opaque.What, opaque.Why = shortenSQL(s.SQL), effect.UnmodelledReason(findUnmodelled(s))
			note = opaque.Why
			j.addOpaque(opaque)
		}
		if j.brief {
			continue
		}
		result := effect.MergeResults(resultsOf(s))
		st := onward.Statement{
			SQL: sourceText(m, s), Line: s.Line, Column: s.Column, Start: s.Start, Transaction: s.Statement.Tx,
			Effects: result.PublicEffects(), Note: note,
		}
		for i := range st.Effects {
			st.Effects[i].New = st.Effects[i].New || !j.existedBefore(s, result, i)
		}
		j.known.addMeasures(st.Effects, &result, j.deployedName)
		st.Duration = describeLockDuration(st.Effects, result)
		if n := len(out.Statements); s.In != "" && n > 0 {
			addCalledEffects(&out.Statements[n-1], st)
			continue
		}
		out.Statements = append(out.Statements, st)
	}
}

// sourceText returns a statement as its author wrote it.
func sourceText(m *rule.Migration, s *rule.Stmt) string {
	if text := m.Script.Source.Written; text != "" && s.Start >= 0 {
		return text[s.Start:s.End]
	}
	return s.SQL
}

// deployedName returns the name that an effect's relation has before the release.
func (j *judge) deployedName(e *effect.Effect) catalog.Name {
	if e.OID != 0 {
		if r := j.engine.Release().Deployed.Relation(e.OID); r != nil {
			return r.Name
		}
	}
	return e.Name
}

// existedBefore reports whether the relation of an effect existed before the release.
func (j *judge) existedBefore(s *rule.Stmt, r effect.Result, i int) bool {
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

// passHistory passes the changes of the history to the release rules.
func (j *judge) passHistory(h []history.Change) {
	e := j.ensureEngine()
	e.Release().Changes = append(e.Release().Changes, h...)
}

// reportUnrunMigrations lists migrations that do not run: the head no longer has them, or a plan under way takes their place.
func (j *judge) reportUnrunMigrations(list []*adapter.Migration, status onward.Status) {
	for _, m := range list {
		j.report.Migrations = append(j.report.Migrations, onward.Migration{
			ID: m.ID, Path: m.Path, Framework: m.Framework, Tool: m.Runner.Name, Status: status, Transaction: m.Source.Mode,
			Changes: []onward.Change{}, Statements: []onward.Statement{},
		})
	}
}

// finishReport runs the rules about the whole release and adds the summary.
func (j *judge) finishReport() *onward.Report {
	findings, suppressed := j.ensureEngine().Finish()
	j.reportFaults()
	r := j.report
	r.Findings = append(r.Findings, findings...)
	r.Opaque = slices.DeleteFunc(r.Opaque, func(o onward.Opaque) bool {
		return slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return describesOpaque(&f, &o) })
	})
	if j.known.catalog == nil {
		j.unread.addToReport(r)
	}
	r.Summary.Migrations = len(r.Migrations)
	r.Summary.Suppressed = suppressed
	if r.Summary.Baseline = j.ensureEngine().Hidden(); r.Summary.Baseline.Errors > 0 {
		r.Summary.Withheld = cmp.Or(r.Summary.Withheld, onward.WithheldBaseline)
	}
	j.acceptOpaque()
	Conclude(r)
	return r
}

// reportFaults reports what rules could not judge.
func (j *judge) reportFaults() {
	for _, f := range j.engine.TakeFaults() {
		o := onward.Opaque{What: "rule " + f.Rule, Why: f.Err.Error(), Failed: true}
		if f.Migration != nil {
			o.Migration, o.Path = f.Migration.ID, f.Migration.Path
		}
		if f.Statement != nil {
			o.Line, o.Column = f.Statement.Line, f.Statement.Column
		}
		j.addOpaque(o)
	}
}

// keepAnalysis passes a judged migration on, with the analysis of its statements: the engine
// discards the analysis when the next migration is judged.
func (j *judge) keepAnalysis(m *rule.Migration) {
	if j.keep == nil {
		return
	}
	migrationCopy := *m
	migrationCopy.Statements = make([]*rule.Stmt, len(m.Statements))
	for i, s := range m.Statements {
		judged, parsed := *s, *s.Statement
		judged.Statement = &parsed
		migrationCopy.Statements[i] = &judged
	}
	j.keep(&migrationCopy)
}
