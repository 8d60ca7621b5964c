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

// LocksConfig is what Locks needs.
type LocksConfig struct {
	// SQL is the text; its statements are judged one after the other, each on
	// the schema that the ones before leave.
	SQL string
	// Deployed says what is known of the database; the zero value is nothing:
	// every table exists and may be huge.
	Deployed
	// Settings is the project's onward.yaml, of which versions, time zone and
	// throughput count; nil is the default.
	Settings *config.Config
}

// Locks answers what each statement of a text locks.
//
// Errors: *config.InputError when there is no reading the text; those of [Deployed].
func Locks(ctx context.Context, c LocksConfig) ([]onward.Locks, error) {
	c.Settings = settings(c.Settings)
	k, err := c.know(ctx, c.Settings)
	if err != nil {
		return nil, err
	}
	reader := &locksReader{know: k, settings: c.Settings, start: k.catalog, zone: c.Settings.Assume.TimeZone}
	if reader.start == nil {
		reader.start = catalog.New()
	}
	if c.Schema != "" && effect.Whole(reader.start) {
		whole := *reader.start
		whole.Complete = true // what the dump does not have does not exist
		reader.start = &whole
	}
	reader.now = reader.start
	s, err := script.Build(script.Source{Text: c.SQL, Parts: []script.Part{{SQL: c.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	var out []onward.Locks
	for _, st := range s.Statements {
		l := onward.Locks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Start: st.Start, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
		} else {
			reader.now = reader.take(&l, st)
			reader.set(st)
		}
		out = append(out, l)
	}
	return out, nil
}

// locksReader goes through statements, each on the schema that the ones before leave.
type locksReader struct {
	know     *known
	settings *config.Config
	start    *catalog.Catalog
	now      *catalog.Catalog
	zone     string // the session's time zone
}

// take tells what a statement locks, and gives the schema that it leaves.
func (x *locksReader) take(l *onward.Locks, st *script.Statement) (after *catalog.Catalog) {
	defer func() {
		if r := recover(); r != nil {
			l.Note, after = "not judged: "+fault.Of(r).Error(), x.now.Obscure("a statement that could not be folded")
		}
	}()
	var problems []catalog.Problem
	after, problems = x.now.Apply(st.Node, st.SQL)
	if p := x.now.Refuses(st.Node, st.Parent >= 0); p != nil && len(problems) == 0 {
		problems = append(problems, *p)
	}
	var results []effect.Result
	var groups []rule.VersionResult
	versions, _ := x.know.versions(x.settings)
	for _, v := range versions {
		version := effect.NewVersion(v)
		r := effect.Of(st.Node, x.now, version, effect.Session{TimeZone: x.zone})
		r.Fail(problems, version)
		results, groups = append(results, r), group(groups, v, r)
	}
	if rule.Fails(groups, x.now) {
		after = x.now
	}
	worst := effect.Worst(results)
	l.Effects = worst.Onward()
	x.know.measure(l.Effects, &worst, x.onServer)
	for i := range groups {
		l.Variants = append(l.Variants, x.variant(&groups[i]))
	}
	if st.Opaque != "" {
		l.Note = "not judged: " + st.Opaque
	} else if worst.Unmodelled != "" {
		l.Note = effect.Unknown(worst.Unmodelled)
	}
	return after
}

// variant is what a statement does on versions that do the same.
func (x *locksReader) variant(on *rule.VersionResult) onward.LockVariant {
	r := &on.Result
	v := onward.LockVariant{Postgres: on.Versions, Effects: r.Onward(), Refused: r.Refused.Message(), NoTransaction: r.NoTransaction != ""}
	x.know.measure(v.Effects, r, x.onServer)
	v.Duration = cmp.Or(duration(v.Effects, *r), "instant")
	if r.Unmodelled != "" {
		v.Note = effect.Unknown(r.Unmodelled)
	}
	return v
}

// onServer is the name that a relation has on the server, whose sizes are known.
func (x *locksReader) onServer(e *effect.Effect) catalog.Name {
	if r := x.start.Relation(e.OID); e.OID != 0 && r != nil {
		return r.Name
	}
	return e.Name
}

// set follows what a statement sets. SET LOCAL counts outside a transaction too: the
// runner may have begun one.
func (x *locksReader) set(st *script.Statement) {
	if set, ok := analysis.SettingOf(st.Node); ok && (set.Name == "timezone" || set.Name == "") {
		if x.zone = set.Value; set.Default {
			x.zone = x.settings.Assume.TimeZone
		}
	}
}

// group adds a version to the group on which the statement does the same.
func group(groups []rule.VersionResult, version int, r effect.Result) []rule.VersionResult {
	for i := range groups {
		if g := &groups[i]; g.Result.Equal(&r) {
			g.Versions = append(g.Versions, version)
			return groups
		}
	}
	return append(groups, rule.VersionResult{Versions: []int{version}, Result: r})
}
