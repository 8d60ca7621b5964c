package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/workload"
)

// Limits of the questions to the server about what queries use.
const (
	// defaultLimit bounds all of them together.
	defaultLimit = 5 * time.Minute
	// sessionLimits bound one statement: the suite may hold locks, and wait for the answer before it drops a database.
	sessionLimits = "SET statement_timeout = '10s'; SET lock_timeout = '300ms'"
	// mostReconnects is how often a lost session of one database is opened again.
	mostReconnects = 3
)

// questions is the state of the questions to the server about what queries use.
type questions struct {
	// left is the time that they may still take; late is whether it ran out.
	left time.Duration
	late bool
	// slow are the queries for which the server did not answer in time.
	slow map[string]bool
	// strings are the string literals that the server was asked about, by query.
	strings map[string][]workload.Strings
}

// resolveQueries finds out what the queries to one database need, while it is there. schema is the one whose shape is read;
// "" reads all.
func (r *recorder) resolveQueries(ctx context.Context, rec *collect.Recording, database, schema string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.readRuleTables(ctx, database)
	todo := r.unresolvedQueries(rec, database)
	if len(todo) == 0 && (r.target.copies != nil || !r.canFold()) {
		return
	}
	if r.asked.left <= 0 {
		r.asked.late = true
		return
	}
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, r.asked.left)
	defer cancel()
	err := r.resolveWithReconnects(limited, rec, database, schema, todo)
	r.asked.left -= time.Since(start)
	if limited.Err() != nil && ctx.Err() == nil {
		r.asked.late, r.asked.left = true, 0
	}
	if err != nil {
		r.Logger.Info("what queries use was not asked of the server", "database", database, "error", err)
	}
}

// unresolvedQueries are the queries to one database of which nothing is known yet.
func (r *recorder) unresolvedQueries(rec *collect.Recording, database string) []*workload.Query {
	var todo []*workload.Query
	for i := range rec.Workload.Queries {
		q := &rec.Workload.Queries[i]
		f := rec.Facts[q.ID]
		if known := r.known[q.ID]; known != nil && known.Resolved != "" && !r.hasNewNames(known, f.Strings) ||
			f.Database != database && !slices.Contains(f.Databases, database) {
			continue
		}
		queryCopy := *q
		todo = append(todo, &queryCopy)
	}
	return todo
}

// resolveWithReconnects asks about queries. If the session is lost, the query is left out and the others are asked about in a new one.
func (r *recorder) resolveWithReconnects(ctx context.Context, rec *collect.Recording, database, schema string, todo []*workload.Query) error {
	next, prepared := 0, false
	var errs []error
	for range mostReconnects + 1 {
		err := r.target.withResolver(ctx, database, func(res *resolver) error {
			if _, err := res.conn.PgConn().Exec(ctx, sessionLimits).ReadAll(); err != nil {
				return err
			}
			if !prepared {
				if err := r.readDatabase(ctx, res, database, schema); err != nil {
					return err
				}
				prepared = true
			}
			for next < len(todo) {
				q := todo[next]
				next++
				if err := r.resolveQuery(ctx, res, rec, database, q); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			return errors.Join(errs...)
		}
		errs = append(errs, err)
		if ctx.Err() != nil || !prepared || next >= len(todo) {
			break
		}
	}
	return errors.Join(errs...)
}

// readDatabase reads what is asked once for a database: its deprecated columns and the shapes of its schemas.
func (r *recorder) readDatabase(ctx context.Context, res *resolver, database, schema string) error {
	if r.target.denies {
		columns, err := res.deprecatedColumns(ctx)
		if err != nil {
			return err
		}
		for _, name := range columns {
			r.denied[name] = true
		}
	}
	if !r.canFold() {
		return nil
	}
	return r.shapes.readShapes(ctx, res.conn, database, schema)
}

// resolveQuery asks about one query. The error is for a session that was lost.
func (r *recorder) resolveQuery(ctx context.Context, res *resolver, rec *collect.Recording, database string, q *workload.Query) error {
	f := rec.Facts[q.ID]
	res.declared, res.strings, res.late = nil, newStrings(f.Strings, r.asked.strings[q.ID]), false
	if f.Database == database {
		res.declared = r.target.portableOIDs(f.ParamOIDs)
	}
	if err := res.resolveQuery(ctx, q); err != nil {
		return err
	}
	switch {
	case res.late:
		r.asked.slow[q.ID] = true
	case q.Resolved != "":
		delete(r.asked.slow, q.ID)
	}
	old := r.known[q.ID]
	switch {
	case old == nil || old.Resolved == "":
		r.known[q.ID] = q
	case q.Resolved == "": // its tables are not here: what the new literals name stays unknown
		markPartial(old.Names)
	default:
		old.Names = workload.MergeNames(old.Names, q.Names)
	}
	if r.known[q.ID].Resolved != "" {
		r.asked.strings[q.ID] = f.Strings
	}
	return nil
}

// markPartial says that the literals named more than is known.
func markPartial(list []workload.Name) {
	for i := range list {
		list[i].Partial = true
	}
}

// hasNewNames reports whether a query whose literals name objects was sent with literals that the server was not asked about.
func (r *recorder) hasNewNames(known *workload.Query, list []workload.Strings) bool {
	if len(known.Names) == 0 {
		return false
	}
	for _, s := range newStrings(list, r.asked.strings[known.ID]) {
		if len(s.Values) > 0 {
			return true
		}
	}
	return false
}

// newStrings are the string literals that are not among earlier ones.
func newStrings(list, previous []workload.Strings) []workload.Strings {
	out := make([]workload.Strings, len(list))
	for i := range list {
		out[i].Unread = list[i].Unread
		for _, value := range list[i].Values {
			if i >= len(previous) || !slices.Contains(previous[i].Values, value) {
				out[i].Values = append(out[i].Values, value)
			}
		}
	}
	return out
}

// isTimeout reports whether the server ended a statement because it took too long, or waited too long for a lock.
func isTimeout(err error) bool {
	pg := new(pgconn.PgError)
	return errors.As(err, &pg) && (pg.Code == "57014" || pg.Code == "55P03")
}

// questionNotes say of which queries nothing is known, and why.
func (r *recorder) questionNotes(unknown int) []string {
	var out []string
	switch {
	case unknown > 0 && r.asked.late:
		out = append(out, fmt.Sprintf("of %d queries nobody knows what they use: the questions to the server reached their limit of %s (--limit)", unknown,
			r.questionLimit()))
	case unknown > 0:
		out = append(out, fmt.Sprintf("of %d queries the server was not asked what they use, as their database was gone", unknown))
	}
	if n := len(r.asked.slow); n > 0 {
		out = append(out, fmt.Sprintf("of %d queries nobody knows all that they use: the server did not answer in 10 s, or waited 0.3 s for a lock", n))
	}
	return out
}

// questionLimit is for how long the server may be asked.
func (c *Config) questionLimit() time.Duration {
	if c.Limit == 0 {
		return defaultLimit
	}
	return c.Limit
}

// ruleTablesSQL has the relations of a database with their columns in order; a dropped column is empty.
const ruleTablesSQL = `SELECT c.oid, c.relname::pg_catalog.text, c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'),
  pg_catalog.array_agg(CASE WHEN a.attisdropped THEN '' ELSE a.attname::pg_catalog.text END ORDER BY a.attnum)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}') AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
    AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,onward_record}')
  GROUP BY c.oid, c.relname, c.relkind`

// readRuleTables tells the rules for columns which tables a database has. If it cannot be read, all values that were sent to it are replaced.
func (r *recorder) readRuleTables(ctx context.Context, database string) {
	if r.rules == nil {
		return
	}
	err := func() error {
		conn, err := r.target.connectServer(ctx, database)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		rows, _ := conn.Query(ctx, ruleTablesSQL, unpreparedMode)
		var oid uint32
		var name string
		var isTable bool
		var columns []string
		_, err = pgx.ForEachRow(rows, []any{&oid, &name, &isTable, &columns}, func() error {
			r.rules.AddTable(database, oid, name, columns, isTable)
			columns = nil
			return nil
		})
		return err
	}()
	if err != nil {
		r.Logger.Info("the tables for redact_columns were not read", "database", database, "error", err)
	}
}
