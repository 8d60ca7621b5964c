package audit

import (
	"cmp"
	"context"
	"slices"

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
	start := k.catalog
	if start == nil {
		start = catalog.New()
	}
	if c.Schema != "" && effect.Whole(start) {
		whole := *start
		whole.Complete = true // what the dump does not have does not exist
		start = &whole
	}
	cat := start
	onServer := func(e *effect.Effect) catalog.Name {
		if r := start.Relation(e.OID); e.OID != 0 && r != nil {
			return r.Name
		}
		return e.Name
	}
	s, err := script.Build(script.Source{Text: c.SQL, Parts: []script.Part{{SQL: c.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	zone := c.Settings.Assume.TimeZone
	take := func(l *onward.Locks, st *script.Statement) (after *catalog.Catalog) {
		defer func() {
			if r := recover(); r != nil {
				l.Note, after = "not judged: "+fault.Of(r).Error(), cat.Obscure("a statement that could not be folded")
			}
		}()
		var problems []catalog.Problem
		after, problems = cat.Apply(st.Node, st.SQL)
		if p := cat.Refuses(st.Node, st.Parent >= 0); p != nil && len(problems) == 0 {
			problems = append(problems, *p)
		}
		var results []effect.Result
		var groups []rule.VersionResult
		for _, v := range k.versions(c.Settings) {
			version := effect.NewVersion(v)
			r := effect.Of(st.Node, cat, version, effect.Session{TimeZone: zone})
			r.Fail(problems, version)
			results, groups = append(results, r), group(groups, v, r)
		}
		if !slices.ContainsFunc(groups, func(on rule.VersionResult) bool { return !on.Result.Fails(cat) }) {
			after = cat // no version in question runs it
		}
		worst := effect.Worst(results)
		l.Effects = worst.Onward()
		k.measure(l.Effects, &worst, onServer)
		for i := range groups {
			r := &groups[i].Result
			v := onward.LockVariant{Postgres: groups[i].Versions, Effects: r.Onward(), Refused: r.Refused.Message(), NoTransaction: r.NoTransaction != ""}
			k.measure(v.Effects, r, onServer)
			v.Duration = cmp.Or(duration(v.Effects, *r), "instant")
			if r.Unmodelled != "" {
				v.Note = effect.Unknown(r.Unmodelled)
			}
			l.Variants = append(l.Variants, v)
		}
		if st.Opaque != "" {
			l.Note = "not judged: " + st.Opaque
		} else if worst.Unmodelled != "" {
			l.Note = effect.Unknown(worst.Unmodelled)
		}
		return after
	}
	var out []onward.Locks
	for _, st := range s.Statements {
		l := onward.Locks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
			out = append(out, l)
			continue
		}
		cat = take(&l, st)
		// SET LOCAL counts outside of a transaction too: the runner may have
		// begun one.
		if set, ok := analysis.SettingOf(st.Node); ok && (set.Name == "timezone" || set.Name == "") {
			if zone = set.Value; set.Default {
				zone = c.Settings.Assume.TimeZone
			}
		}
		out = append(out, l)
	}
	return out, nil
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
