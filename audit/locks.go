package audit

import (
	"cmp"
	"context"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// LocksConfig configures Locks.
type LocksConfig struct {
	// SQL is the text; its statements are judged one after the other, each on the schema
	// that the previous ones leave.
	SQL string
	// Deployed says where to read the database. With the zero value, every table exists
	// and may be huge.
	Deployed
	// Settings is the project's onward.yaml. Only versions, time zone and throughput are
	// used; nil is the default.
	Settings *config.Config
}

// Locks returns what each statement of a text locks.
//
// Errors: *config.InputError if the text cannot be read; the errors of reading
// [Deployed].
func Locks(ctx context.Context, c LocksConfig) ([]onward.Locks, error) {
	c.Settings = defaultConfig(c.Settings)
	k, err := c.readDeployedFacts(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	reader := &locksReader{know: k, settings: c.Settings, start: k.catalog, zone: c.Settings.Assume.TimeZone}
	if reader.start == nil {
		reader.start = catalog.New()
	}
	if c.Schema != "" && effect.IsComplete(reader.start) {
		whole := *reader.start
		whole.Complete = true // what the dump lacks does not exist
		reader.start = &whole
	}
	reader.now = reader.start
	s, err := script.BuildScript(script.Source{Text: c.SQL, Parts: []script.Part{{SQL: c.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	var out []onward.Locks
	for _, st := range s.Statements {
		l := onward.Locks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Start: st.Start, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
		} else {
			reader.now = reader.readLocks(&l, st)
			reader.applySetting(st)
		}
		out = append(out, l)
	}
	return out, nil
}

// locksReader processes statements, each on the schema that the previous ones leave.
type locksReader struct {
	know     *deployedFacts
	settings *config.Config
	start    *catalog.Catalog
	now      *catalog.Catalog
	zone     string // the session's time zone
}

// readLocks returns what a statement locks, and the schema that it leaves.
func (x *locksReader) readLocks(l *onward.Locks, st *script.Statement) (after *catalog.Catalog) {
	defer func() {
		if r := recover(); r != nil {
			l.Note, after = "not judged: "+fault.FromPanic(r).Error(), x.now.MarkUnseen("a statement that could not be folded")
		}
	}()
	var problems []catalog.Problem
	after, problems = x.now.Judge(st.Node, st.SQL, st.Parent >= 0)
	var results []effect.Result
	var groups []rule.VersionResult
	versions, _ := x.know.majorVersions(x.settings)
	for _, v := range versions {
		version := effect.NewVersion(v)
		r := effect.EffectOf(st.Node, x.now, version, effect.Inputs{TimeZone: x.zone, Problems: problems})
		results, groups = append(results, r), addToGroup(groups, v, r)
	}
	if rule.FailsOnAll(groups, x.now) {
		after = x.now
	}
	worst := effect.MergeResults(results)
	l.Effects = worst.PublicEffects()
	x.know.addMeasures(l.Effects, &worst, x.deployedName)
	for i := range groups {
		l.Variants = append(l.Variants, x.describeLockVariant(&groups[i]))
	}
	if st.Opaque != "" {
		l.Note = "not judged: " + st.Opaque
	} else if worst.Unmodelled != "" {
		l.Note = effect.UnmodelledReason(worst.Unmodelled)
	}
	return after
}

// describeLockVariant returns the behaviour of a statement on versions that behave alike.
func (x *locksReader) describeLockVariant(result *rule.VersionResult) onward.LockVariant {
	r := &result.Result
	v := onward.LockVariant{Postgres: result.Versions, Effects: r.PublicEffects(), Refused: r.Refused.Message(), NoTransaction: r.NoTransaction != ""}
	x.know.addMeasures(v.Effects, r, x.deployedName)
	v.Duration = cmp.Or(describeLockDuration(v.Effects, *r), "instant")
	if r.Unmodelled != "" {
		v.Note = effect.UnmodelledReason(r.Unmodelled)
	}
	return v
}

// deployedName returns the name of a relation on the server, whose sizes are known.
func (x *locksReader) deployedName(e *effect.Effect) catalog.Name {
	if r := x.start.Relation(e.OID); e.OID != 0 && r != nil {
		return r.Name
	}
	return e.Name
}

// applySetting applies a statement's setting. SET LOCAL counts outside a transaction too: the
// runner may have begun one.
func (x *locksReader) applySetting(st *script.Statement) {
	if set, ok := analysis.SettingOf(st.Node); ok && (set.Name == "timezone" || set.Name == "") {
		if x.zone = set.Value; set.Default {
			x.zone = x.settings.Assume.TimeZone
		}
	}
}

// addToGroup adds a version to the group on which the statement behaves alike.
func addToGroup(groups []rule.VersionResult, version int, r effect.Result) []rule.VersionResult {
	for i := range groups {
		if g := &groups[i]; g.Result.Equal(&r) {
			g.Versions = append(g.Versions, version)
			return groups
		}
	}
	return append(groups, rule.VersionResult{Versions: []int{version}, Result: r})
}
