package audit

import (
	"context"

	"github.com/onward-sql/onward/config"
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

// StatementLocks is what one statement does on a group of versions on which it
// does the same.
type StatementLocks struct {
	onward.Statement
	// Groups has one entry for each group of versions.
	Groups []LockGroup
}

// LockGroup is the effects on the versions of a group.
type LockGroup struct {
	Versions []int
	Effects  []effect.Effect
	// Reported has the effects in the report's words, with sizes where they
	// are known.
	Reported []onward.Effect
	// NoTransaction, Refused and Unmodelled are those of effect.Result.
	NoTransaction, Refused, Unmodelled string
}

// Locks answers what each statement of a text locks.
func Locks(ctx context.Context, c LocksConfig) ([]StatementLocks, error) {
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
	take := func(l *StatementLocks, st *script.Statement) (after *catalog.Catalog) {
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
		for _, v := range k.versions(c.Settings) {
			version := effect.NewVersion(v)
			r := effect.Of(st.Node, cat, version, effect.Session{TimeZone: zone})
			r.Fail(problems, version)
			results = append(results, r)
			l.group(v, r)
		}
		worst := effect.Worst(results)
		l.Effects = worst.Onward()
		k.measure(l.Effects, &worst, onServer)
		for i := range l.Groups {
			g := &l.Groups[i]
			result := effect.Result{Effects: g.Effects}
			g.Reported = result.Onward()
			k.measure(g.Reported, &result, onServer)
		}
		if st.Opaque != "" {
			l.Note = "not judged: " + st.Opaque
		} else if worst.Unmodelled != "" {
			l.Note = effect.Unknown(worst.Unmodelled)
		}
		return after
	}
	var out []StatementLocks
	for _, st := range s.Statements {
		l := StatementLocks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
			out = append(out, l)
			continue
		}
		cat = take(&l, st)
		// SET LOCAL counts outside of a transaction too: the runner may have
		// begun one.
		if set, ok := rule.SettingOf(st.Node); ok && (set.Name == "timezone" || set.Name == "") {
			if zone = set.Value; set.Default {
				zone = c.Settings.Assume.TimeZone
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// group adds a version to the group that does the same.
func (l *StatementLocks) group(version int, r effect.Result) {
	for i := range l.Groups {
		g := &l.Groups[i]
		same := effect.Result{Effects: g.Effects, NoTransaction: g.NoTransaction, Refused: g.Refused, Unmodelled: g.Unmodelled}
		if same.Equal(&r) {
			g.Versions = append(g.Versions, version)
			return
		}
	}
	l.Groups = append(l.Groups, LockGroup{
		Versions: []int{version}, Effects: r.Effects, NoTransaction: r.NoTransaction, Refused: r.Refused, Unmodelled: r.Unmodelled,
	})
}
