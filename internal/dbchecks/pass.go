package dbchecks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// facts are properties of the server and of the session's role that many checks need.
type facts struct {
	version, role, database string
	major, backend          int // backend is the server's process ID
	recovery, superuser     bool
	// stats: the role may see the sessions of other roles. files: it may list the server's WAL files.
	stats, files bool
	// settings are the settings of a new session of the role, by name, each in its base unit.
	settings map[string]string
}

const factsSQL = `
SELECT split_part(current_setting('server_version'), ' ', 1), current_user::text, current_database()::text,
	current_setting('server_version_num')::int / 10000, pg_backend_pid(), pg_is_in_recovery(),
	coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false),
	pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), has_function_privilege(current_user, 'pg_ls_waldir()', 'EXECUTE')`

const settingsSQL = `SELECT name, reset_val FROM pg_settings WHERE reset_val IS NOT NULL`

func (f *facts) readFacts(s Server) error {
	err := s.Each(factsSQL, nil, []any{&f.version, &f.role, &f.database, &f.major, &f.backend, &f.recovery, &f.superuser, &f.stats, &f.files}, func() {})
	if err != nil {
		return err
	}
	f.settings = map[string]string{}
	var name, value string
	return s.Each(settingsSQL, nil, []any{&name, &value}, func() { f.settings[name] = value })
}

// Pass is the run of one check.
type Pass struct {
	*Input
	facts
	check    *Check
	out      *onward.Preflight
	state    onward.PreflightState
	measures []onward.PreflightMeasure
}

// Run runs all checks. It returns an error if the server could not be queried at all.
func Run(in *Input) (*onward.Preflight, error) {
	in.Limits = in.Limits.withDefaults()
	base := Pass{Input: in}
	if err := base.readFacts(in.Server); err != nil {
		return nil, err
	}
	out := &onward.Preflight{
		Schema: onward.PreflightSchema, Taken: in.Now.UTC().Format("2006-01-02T15:04:05Z"),
		Postgres: base.version, Database: base.database, Role: base.role, Release: in.Release, Touched: in.Touched,
		Findings: []onward.PreflightFinding{}, Opaque: []onward.PreflightOpaque{}, Checks: []onward.PreflightCheck{},
	}
	for _, c := range All() {
		if s, set := in.Severity[c.ID]; set && s == onward.Off {
			continue
		}
		p := base
		p.check, p.out, p.state = c, out, onward.StateOK
		if err := c.Look(&p); err != nil {
			if !isRefused(err) {
				return nil, err
			}
			p.AddOpaque("", err.Error())
		}
		out.Checks = append(out.Checks, onward.PreflightCheck{
			Rule: c.ID, Scope: c.Scope, State: p.state, Metric: c.Metric, Help: c.Help, Measured: p.measures,
		})
	}
	summarizeFindings(out)
	return out, nil
}

// isRefused reports whether the server refused this query but can answer others.
func isRefused(err error) bool {
	var r interface{ Refusal() string }
	return errors.As(err, &r)
}

// AddFinding records a finding about an object. Off means the check's own severity.
func (p *Pass) AddFinding(s onward.Severity, object, fact, harm, instead string) {
	if s == onward.Off {
		s = p.check.Severity
	}
	if set, ok := p.Severity[p.check.ID]; ok {
		s = set
	}
	p.worsenState(map[onward.Severity]onward.PreflightState{
		onward.Info:    onward.StateInfo,
		onward.Warning: onward.StateWarning,
		onward.Error:   onward.StateError,
	}[s])
	p.out.Findings = append(p.out.Findings, onward.PreflightFinding{
		Rule: p.check.ID, Severity: s, Scope: p.check.Scope, Object: object, Fact: fact, Harm: harm, Instead: instead,
	})
}

// AddOpaque records that something could not be seen; "" is all that the check asks.
func (p *Pass) AddOpaque(subject, reason string) {
	if subject == "" {
		subject = strings.ToLower(p.check.Summary[:1]) + p.check.Summary[1:]
	}
	p.worsenState(onward.StateOpaque)
	p.out.Opaque = append(p.out.Opaque, onward.PreflightOpaque{Rule: p.check.ID, What: subject, Why: reason})
}

// runConfigured runs sql, which contains a query from onward.yaml. If the query is not allowed or the server refuses it,
// it returns false and records what is unknown.
func (p *Pass) runConfigured(subject, query, sql string, target any) (ok bool, err error) {
	if reason := outside.RefuseQuery(query); reason != "" {
		p.AddOpaque(subject, "the query of onward.yaml is not run: "+reason)
		return false, nil
	}
	err = p.Each(sql, nil, []any{target}, func() {})
	if isRefused(err) {
		p.AddOpaque(subject, "the query of onward.yaml fails: "+err.Error())
		return false, nil
	}
	return err == nil, err
}

// AddMeasure records a value of an object.
func (p *Pass) AddMeasure(object string, value float64) {
	p.measures = append(p.measures, onward.PreflightMeasure{Object: object, Value: value})
}

var states = []onward.PreflightState{onward.StateOK, onward.StateInfo, onward.StateOpaque, onward.StateWarning, onward.StateError}

func (p *Pass) worsenState(s onward.PreflightState) {
	if slices.Index(states, s) > slices.Index(states, p.state) {
		p.state = s
	}
}

// isTouched reports whether the release touches a table, given as schema.name.
func (p *Pass) isTouched(table string) bool { return slices.Contains(p.Touched, table) }

// summarizeFindings sorts the findings and counts.
func summarizeFindings(r *onward.Preflight) {
	slices.SortStableFunc(r.Findings, func(a, b onward.PreflightFinding) int { return int(b.Severity) - int(a.Severity) })
	s := &r.Summary
	for i := range r.Findings {
		switch r.Findings[i].Severity {
		case onward.Error:
			s.Errors++
		case onward.Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
	s.Checks, s.Opaque = len(r.Checks), len(r.Opaque)
	switch {
	case s.Errors > 0:
		s.Verdict = fmt.Sprintf("Not fit to be migrated now: %s.", r.Findings[0].Fact)
	case s.Warnings > 0:
		s.Verdict = "Nothing found that stops a migration; look at the warnings first."
	case s.Opaque > 0:
		s.Verdict = "Nothing found, and not everything was seen."
	default:
		s.Verdict = "Fit to be migrated now."
	}
}

// schemaDrift compares the schema after the base's migrations with the database. The
// changes of the release may already be applied, so anything that matches the head is no
// drift.
var schemaDrift = &Check{Rule: rule.Rule{
	ID:       "schema-drift",
	Category: onward.ReleaseOrder, Severity: onward.Warning,
	Summary: "The database is not what the deployed migrations make",
	Harm: "Somebody changed it by hand, a migration did not run, or it is another database. " +
		"The release was judged against a schema that is not there: its statements may fail, or lock and rewrite other things. " +
		"Compared are tables, columns with their types and NOT NULL, and indexes by name; " +
		"tables that no migration makes, and what a plan under way makes or replaces, are passed over, and an index that only the database has is a note.",
	Instead: "Bring the two together: run what is missing, or write a migration that makes what was made by hand (IF NOT EXISTS). " +
		"onward changelog --db judges the release against the schema that is there.",
}, Scope: onward.ScopeDatabase, Metric: "schema_tables_drifted", Help: "Tables that differ from what the migrations make.", Look: checkDrift}

func checkDrift(p *Pass) error {
	if p.Deployed == nil || p.Live == nil {
		if p.NoRelease != "" {
			p.AddOpaque("which tables the release touches, and whether the schema is what the migrations make", p.NoRelease)
		}
		return nil
	}
	tables, drifted := 0, 0
	var missing []string
	p.Deployed.EachRelation(func(t *catalog.Relation) bool {
		if !t.Kind.IsTable() || t.Inferred || t.Name.Schema == "pg_temp" {
			return true
		}
		tables++
		liveTable, headTable := p.Live.Lookup(t.Name.Schema, t.Name.Name), p.Head.Lookup(t.Name.Schema, t.Name.Name)
		switch {
		case liveTable == nil && headTable == nil: // the release drops it, and has
		case liveTable == nil:
			missing = append(missing, t.Name.String())
		case liveTable.Kind.IsTable():
			if p.reportTableDrift(t, liveTable, headTable) {
				drifted++
			}
		}
		return true
	})
	if len(missing) > 0 && len(missing) == tables {
		p.AddFinding(onward.Off, "", fmt.Sprintf("none of the %d tables that the deployed migrations make is in database %s", tables, p.database),
			"the release runs on a database that its migrations have never seen", "name the right database, and look at the schema: "+
				"tables of another one than public are not found by their plain names")
		missing = nil
	}
	for _, name := range missing {
		p.AddFinding(onward.Off, name, "table "+name+" of the deployed migrations is not there", "what the release does with it fails",
			"find out whether its migration ran, or who dropped it")
	}
	p.AddMeasure("", float64(drifted+len(missing)))
	return nil
}

// reportTableDrift reports how a table differs. headTable is the table after the release, or nil.
func (p *Pass) reportTableDrift(deployedTable, liveTable, headTable *catalog.Relation) bool {
	facts := p.compareColumns(deployedTable, liveTable, headTable)
	severity := onward.Off
	liveIndexes, deployedIndexes, headIndexes := p.indexNames(p.Live, liveTable), p.indexNames(p.Deployed, deployedTable), p.indexNames(p.Head, headTable)
	for _, name := range deployedIndexes {
		if !slices.Contains(liveIndexes, name) && !slices.Contains(p.UnderWay, name) && (headTable == nil || slices.Contains(headIndexes, name)) {
			facts = append(facts, "index "+name+" is missing")
		}
	}
	if len(facts) == 0 {
		severity = onward.Info
	}
	if !deployedTable.Partial {
		for _, name := range liveIndexes {
			if !slices.Contains(deployedIndexes, name) && !slices.Contains(p.UnderWay, name) && !slices.Contains(headIndexes, name) {
				facts = append(facts, "index "+name+" is in no migration")
			}
		}
	}
	if len(facts) > 0 {
		p.AddFinding(severity, deployedTable.Name.Qualified(), deployedTable.Name.String()+" is not what the deployed migrations make: "+strings.Join(facts, ", "),
			"the release was judged against another schema: its statements may fail, or lock and rewrite other things",
			"run what is missing, or write a migration that makes what was made by hand; judge the release against what is there:\nonward changelog --db ADDRESS")
	}
	return len(facts) > 0
}

// compareColumns describes how the columns of a table differ.
func (p *Pass) compareColumns(deployedTable, liveTable, headTable *catalog.Relation) (facts []string) {
	isUnderWay := func(name string) bool { return slices.Contains(p.UnderWay, liveTable.Name.Name+"."+name) }
	next := func(name string) *catalog.Column {
		if headTable == nil {
			return nil
		}
		return headTable.Column(name)
	}
	for _, old := range deployedTable.Columns {
		now, headColumn := liveTable.Column(old.Name), next(old.Name)
		if old.Inferred || isUnderWay(old.Name) {
			continue
		}
		if now == nil {
			if headColumn != nil {
				facts = append(facts, "column "+old.Name+" is missing")
			}
			continue
		}
		like := func(c *catalog.Column) bool {
			return !c.Type.IsKnown() || !now.Type.IsKnown() || strings.EqualFold(c.Type.String(), now.Type.String())
		}
		if !like(old) && (headColumn == nil || !like(headColumn)) {
			facts = append(facts, old.Name+" is "+now.Type.String()+", not "+old.Type.String())
		}
		if now.NotNull != old.NotNull && (headColumn == nil || now.NotNull != headColumn.NotNull) && !now.NotNullInvalid && !old.NotNullInvalid {
			facts = append(facts, old.Name+map[bool]string{true: " is NOT NULL", false: " is not NOT NULL"}[now.NotNull])
		}
	}
	if deployedTable.HasUnknownColumns() {
		return facts
	}
	for _, now := range liveTable.Columns {
		if deployedTable.Column(now.Name) == nil && next(now.Name) == nil && !isUnderWay(now.Name) {
			facts = append(facts, "column "+now.Name+" is in no migration")
		}
	}
	return facts
}

// indexNames returns the names of a table's indexes.
func (p *Pass) indexNames(c *catalog.Catalog, t *catalog.Relation) (out []string) {
	if t == nil {
		return nil
	}
	for _, i := range c.IndexesOf(t) {
		out = append(out, i.Name.Name)
	}
	return out
}
