package rehearse

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// startTraffic starts the load on the tables that the release touches.
func (s *releaseRun) startTraffic(ctx context.Context) error {
	exists := map[string]bool{}
	for _, r := range s.rels {
		exists[r.Name] = r.Kind == "r" || r.Kind == "p" || r.Kind == "v" || r.Kind == "m"
	}
	var relations []string
	for _, m := range s.model.Migrations {
		for _, st := range m.Statements {
			for _, e := range st.Effects {
				if exists[e.Relation] && !slices.Contains(relations, e.Relation) {
					relations = append(relations, e.Relation)
				}
			}
		}
	}
	c := traffic.Config{
		URL: s.databaseURL(s.server, s.database), Relations: relations, Seed: s.Rows.Seed,
		LongReader: s.Traffic, LongTransaction: s.LongTransaction, Logger: s.Logger,
	}
	if !s.Traffic {
		c.Workers = -1 // the long transaction only
	} else if err := s.addRecordings(&c); err != nil {
		return err
	}
	var err error
	s.load, err = traffic.StartLoad(ctx, c)
	return err
}

// addRecordings reads the recorded queries of the deployed code.
func (s *releaseRun) addRecordings(c *traffic.Config) error {
	for _, path := range s.Recordings() {
		load, err := audit.ReadWorkload(path)
		if err != nil {
			return err
		}
		c.Recordings = append(c.Recordings, load)
	}
	return nil
}

// stopTraffic ends the load.
func (s *releaseRun) stopTraffic() {
	if s.load != nil {
		s.log, s.load = s.load.Stop(), nil
	}
}

// attributeWaits determines who waited for which statement.
func (s *releaseRun) attributeWaits() {
	if s.load != nil {
		s.log, s.load = s.load.FinishLoad(), nil
	}
	if s.log == nil {
		return
	}
	t, costs := traffic.SummariseLog(s.log, s.startTime, slices.Concat(s.held, s.committedStatements()))
	for i := range t.Failures {
		t.Failures[i].Error = s.redactTrafficError(t.Failures[i].Error)
	}
	if r := t.Recorded; r != nil {
		for i := range r.Left {
			for j := range r.Left[i].Examples {
				if e := &r.Left[i].Examples[j]; e.Error != nil {
					*e.Error = s.redactTrafficError(*e.Error)
				}
			}
		}
	}
	s.out.Traffic = t
	for i, c := range costs {
		if i >= 0 && i < len(s.out.Statements) {
			s.out.Statements[i].StallMS, s.out.Statements[i].Waited = toMillis(c.Stall), c.Waited
		}
	}
}

// redactTrafficError returns an error of the load without values of rows: on rows of production, a trigger may have raised it.
func (s *releaseRun) redactTrafficError(e onward.ServerError) onward.ServerError {
	if s.Dump != "" {
		return onward.ServerError{Code: redact.PrintedCode(&pgconn.PgError{Code: e.Code}), Message: "its words may quote rows and are not shown"}
	}
	return redact.Error(e)
}

// committedStatements returns the statements whose result others have seen, with the relations that
// they work on. They tell after which statement a query began to fail.
func (s *releaseRun) committedStatements() (out []traffic.Held) {
	timeAt := func(ms float64) time.Time { return s.startTime.Add(time.Duration(ms * float64(time.Millisecond))) }
	for i := range s.out.Statements {
		st := &s.out.Statements[i]
		until, lost := st.UntilMS, st.Failed != nil
		for _, tx := range s.out.Transactions {
			if tx.FromMS <= st.FromMS && st.FromMS <= tx.UntilMS {
				until, lost = tx.UntilMS, lost || tx.RolledBack
			}
		}
		if lost {
			continue
		}
		model := &s.model.Migrations[st.Migration].Statements[st.Statement]
		h := traffic.Held{Statement: i, SQL: model.SQL, From: timeAt(st.FromMS), Until: timeAt(until)}
		out = append(out, h)
		for _, e := range model.Effects {
			h.Relation = e.Relation
			out = append(out, h)
		}
	}
	return out
}

// recordTables lists the relations with rows.
func (s *releaseRun) recordTables(ctx context.Context) error {
	// As the role of the migrations: expressions of indexes run code.
	if err := s.execAsMigrationRole(ctx, s.server, s.database, "ANALYZE"); err != nil {
		return err
	}
	c, err := s.server.Connect(ctx, lookName, s.database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	rows, _ := c.Query(ctx, `SELECT pg_catalog.concat(n.nspname, '.', c.relname), c.reltuples::pg_catalog.int8, pg_catalog.pg_relation_size(c.oid)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
		WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,m}') AND c.reltuples OPERATOR(pg_catalog.>) 0 AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema,pg_toast}') ORDER BY c.reltuples DESC, 1`)
	var t onward.RehearsedTable
	_, err = pgx.ForEachRow(rows, []any{&t.Relation, &t.Rows, &t.Bytes}, func() error {
		s.out.Tables = append(s.out.Tables, t)
		return nil
	})
	return err
}
