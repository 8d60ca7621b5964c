package audit

import (
	"context"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/config"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// LocksConfig is what Locks needs.
type LocksConfig struct {
	// SQL is the text; its statements are judged one after the other, each on
	// the schema that the ones before leave.
	SQL string
	// Schema is a file with the schema, as DDL or from pg_dump -s; "" is
	// none: every table exists and may be huge.
	Schema string
	// Postgres are the major versions in question; none: all supported.
	Postgres []int
	// TimeZone of the session, "" when unknown.
	TimeZone string
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
	// NoTransaction, Refused and Unmodelled are those of effect.Result.
	NoTransaction, Refused, Unmodelled string
}

// Locks answers what each statement of a text locks.
func Locks(_ context.Context, c LocksConfig) ([]StatementLocks, error) {
	cat := catalog.New()
	if c.Schema != "" {
		var err error
		if cat, err = readSchema(c.Schema); err != nil {
			return nil, err
		}
	}
	if len(c.Postgres) == 0 {
		c.Postgres = config.Default().Versions()
	}
	s, err := script.Build(script.Source{Text: c.SQL, Parts: []script.Part{{SQL: c.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	var out []StatementLocks
	for _, st := range s.Statements {
		l := StatementLocks{Statement: onward.Statement{SQL: st.SQL, Line: st.Line, Column: st.Column, Transaction: st.Tx, Effects: []onward.Effect{}}}
		if st.Node == nil {
			l.Note = "not judged: " + st.Err.Error()
			out = append(out, l)
			continue
		}
		var results []effect.Result
		for _, v := range c.Postgres {
			r := effect.Of(st.Node, cat, effect.NewVersion(v), effect.Session{TimeZone: c.TimeZone})
			results = append(results, r)
			l.group(v, r)
		}
		worst := effect.Worst(results)
		l.Effects = worst.Onward()
		if st.Opaque != "" {
			l.Note = "not judged: " + st.Opaque
		} else if worst.Unmodelled != "" {
			l.Note = effect.Unknown(worst.Unmodelled)
		}
		cat, _ = cat.Apply(st.Node, st.SQL)
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
