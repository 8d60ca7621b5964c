package dbchecks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/outside"
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
