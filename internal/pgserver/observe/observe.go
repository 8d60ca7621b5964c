// Package observe runs statements on a real server and sees, relation by
// relation, what they lock, rewrite and read.
package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// ObservedEffect is what a server did to one relation.
type ObservedEffect struct {
	Kind                           string // pg_class.relkind
	Lock                           onward.Lock
	Rewrites, RebuildsIndex, Scans bool
	// BuildsIndex: a table that existed has an index that did not.
	BuildsIndex      bool
	Created, Dropped bool
}

// HeaviestWork is the heaviest work on the relation.
func (s ObservedEffect) HeaviestWork() onward.Work {
	switch {
	case s.Rewrites:
		return onward.Rewrite
	case s.RebuildsIndex, s.BuildsIndex:
		return onward.IndexWork
	case s.Scans:
		return onward.Scan
	}
	return onward.NoWork
}

// OnIndex returns the lock on an index if it is SHARE UPDATE EXCLUSIVE or stronger,
// else NoLock: every query plan takes the weaker ones on all indexes of a table.
func OnIndex(l onward.Lock) onward.Lock {
	if l < onward.ShareUpdateExclusiveLock {
		return onward.NoLock
	}
	return l
}

// Observation is what a server did for one statement.
type Observation struct {
	// Relations is keyed by schema-qualified name.
	Relations map[string]ObservedEffect
	// Alone: the statement ran outside a transaction. What it read is not
	// known then, and the locks on indexes and materialised views, which no
	// other session can lock at will, are lower bounds.
	Alone bool
	// Refused is the server's error; Code its SQLSTATE.
	Refused, Code string
}

// Relation is a row of pg_class.
type Relation struct {
	OID uint32
	// Name is schema-qualified and unquoted: "public.t", or "pg_temp.x" for a
	// temporary relation. Kind is pg_class.relkind.
	Name, Kind string
	// File is the number of its file, which changes when it is rewritten.
	File uint32
	// Table is the table of an index.
	Table uint32
	// Rows is how many there are by the planner's estimate.
	Rows float64
}

const listRelations = `
SELECT c.oid, pg_catalog.concat(CASE WHEN n.nspname OPERATOR(pg_catalog.~) '^pg_temp' THEN 'pg_temp' ELSE n.nspname END, '.', c.relname), c.relkind::pg_catalog.text,
  COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::pg_catalog.oid), COALESCE(i.indrelid, 0::pg_catalog.oid), c.reltuples
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
WHERE n.nspname OPERATOR(pg_catalog.<>) ALL ('{pg_catalog,information_schema,pg_toast}') AND n.nspname OPERATOR(pg_catalog.!~) '^pg_toast_temp' AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,S,i,I,f,c}')`

// ListRelations lists the relations of a database that are not the server's own.
func ListRelations(ctx context.Context, c *pgx.Conn) (map[uint32]Relation, error) {
	rows, _ := c.Query(ctx, listRelations)
	out := map[uint32]Relation{}
	var r Relation
	_, err := pgx.ForEachRow(rows, []any{&r.OID, &r.Name, &r.Kind, &r.File, &r.Table, &r.Rows}, func() error {
		out[r.OID] = r
		return nil
	})
	return out, err
}

// Observer watches statements in one database, whose rows have been analysed.
type Observer struct {
	session, watch *pgx.Conn
	pid            uint32
	before         map[uint32]Relation
	read           map[uint32]int64 // when the transaction began
}

// NewObserver connects twice: once to run statements, once to watch.
func NewObserver(ctx context.Context, url string) (*Observer, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	o := &Observer{}
	if o.session, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if o.watch, err = pgx.ConnectConfig(ctx, config); err != nil {
		o.Close(ctx)
		return nil, fmt.Errorf("connect: %w", err)
	}
	o.pid = o.session.PgConn().PID()
	if err := o.ReadRelations(ctx); err != nil {
		o.Close(ctx)
		return nil, err
	}
	return o, nil
}

// ReadRelations reads the relations anew, after a change that was committed.
func (o *Observer) ReadRelations(ctx context.Context) (err error) {
	o.before, err = ListRelations(ctx, o.watch)
	return err
}

// Close ends both connections.
func (o *Observer) Close(ctx context.Context) {
	if o.session != nil {
		o.session.Close(ctx)
	}
	if o.watch != nil {
		o.watch.Close(ctx)
	}
}

// Exec runs statements for good: settings, or what a form needs beforehand.
func (o *Observer) Exec(ctx context.Context, sql string) error {
	_, err := o.session.Exec(ctx, sql)
	return err
}

// ObserveStatement runs one statement in a transaction, looks, and rolls it back.
func (o *Observer) ObserveStatement(ctx context.Context, sql string) (*Observation, error) {
	if err := o.Begin(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	defer o.session.Exec(ctx, "ROLLBACK")
	if _, err := o.session.Exec(ctx, sql); err != nil {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return nil, err
		}
		return &Observation{Relations: map[string]ObservedEffect{}, Refused: pg.Message, Code: pg.Code}, nil
	}
	return o.ObserveSoFar(ctx)
}

// Begin opens a transaction to be looked at, with BEGIN in any of its forms.
func (o *Observer) Begin(ctx context.Context, sql string) (err error) {
	if _, err = o.session.Exec(ctx, sql); err != nil {
		return err
	}
	o.read, err = o.countSequentialReads(ctx)
	return err
}

// Session is the connection that the statements run on.
func (o *Observer) Session() *pgx.Conn { return o.session }

// InTransaction reports whether the session is in a transaction that has not
// failed.
func (o *Observer) InTransaction() bool { return o.session.PgConn().TxStatus() == 'T' }

// ObserveSoFar says what the open transaction has done so far, compared with the last
// Refresh.
func (o *Observer) ObserveSoFar(ctx context.Context) (*Observation, error) {
	// The second session reads the locks before the first one looks around.
	locks, err := o.readHeldLocks(ctx)
	if err != nil {
		return nil, err
	}
	read, err := o.countSequentialReads(ctx)
	if err != nil {
		return nil, err
	}
	after, err := ListRelations(ctx, o.session)
	if err != nil {
		return nil, err
	}
	for oid, n := range o.read {
		read[oid] -= n
	}
	return &Observation{Relations: CombineEffects(o.before, after, locks, read)}, nil
}

// CombineEffects puts together what is known of each relation: what was there before and
// is there after, the strongest lock on each, and how many rows were read in
// sequence. before and after may be limited to what is locked.
func CombineEffects(before, after map[uint32]Relation, locks map[uint32]onward.Lock, read map[uint32]int64) map[string]ObservedEffect {
	out := listLockedRelations(before, after, locks)
	byName := map[string]Relation{}
	for _, r := range before {
		byName[r.Name] = r
	}
	now := map[string]Relation{}
	for _, r := range after {
		now[r.Name] = r
	}
	rebuilt := map[uint32]bool{}
	for name, r := range now {
		old, existed := byName[name]
		s, touched := out[name]
		switch {
		case !existed:
			if old, existed = before[r.OID]; existed { // renamed
				s, touched = out[old.Name]
				name = old.Name
			} else {
				s.Created, s.Kind = true, r.Kind
				out[name] = s
				if table, old := before[r.Table]; old && r.Kind == "i" {
					tableEffect := out[table.Name]
					tableEffect.Kind, tableEffect.BuildsIndex = table.Kind, true
					out[table.Name] = tableEffect
				}
				continue
			}
			fallthrough
		default:
			if old.File != r.File {
				switch r.Kind {
				case "i", "I":
					s.RebuildsIndex = true
					rebuilt[r.Table] = true
				default:
					s.Rewrites = true
				}
				touched = true
			}
			s.Kind = r.Kind
		}
		if touched {
			out[name] = s
		}
	}
	for oid := range rebuilt {
		if r, ok := before[oid]; ok && out[r.Name].Lock != onward.NoLock {
			s := out[r.Name]
			s.Kind, s.RebuildsIndex = r.Kind, true
			out[r.Name] = s
		}
	}
	markScannedOrDropped(out, before, after, now, read)
	return out
}

// listLockedRelations returns the relations with a lock, also new ones that the statement has made.
func listLockedRelations(before, after map[uint32]Relation, locks map[uint32]onward.Lock) map[string]ObservedEffect {
	out := map[string]ObservedEffect{}
	for oid, mode := range locks {
		r, old := before[oid]
		if !old {
			if r, old = after[oid]; !old {
				continue // the server's own
			}
		}
		s := out[r.Name]
		s.Kind, s.Lock = r.Kind, max(s.Lock, mode)
		out[r.Name] = s
	}
	return out
}

// markScannedOrDropped notes the relations that were read in full, and those that are gone.
func markScannedOrDropped(out map[string]ObservedEffect, before, after map[uint32]Relation, now map[string]Relation, read map[uint32]int64) {
	for oid, r := range before {
		if _, exists := after[oid]; exists {
			if n := read[oid]; n > 0 && r.Rows > 0 && float64(n) >= 0.9*r.Rows {
				s := out[r.Name]
				s.Kind, s.Scans = r.Kind, true
				out[r.Name] = s
			}
		} else if _, isRecreated := now[r.Name]; !isRecreated {
			if s, touched := out[r.Name]; touched {
				s.Dropped = true
				out[r.Name] = s
			}
		}
	}
}

// readHeldLocks returns the strongest modes that the first session holds, read by the
// second.
func (o *Observer) readHeldLocks(ctx context.Context) (map[uint32]onward.Lock, error) {
	rows, _ := o.watch.Query(ctx, `SELECT relation, mode FROM pg_catalog.pg_locks WHERE pid OPERATOR(pg_catalog.=) $1 AND locktype OPERATOR(pg_catalog.=) 'relation' AND granted`, int64(o.pid))
	out := map[uint32]onward.Lock{}
	var oid uint32
	var mode string
	_, err := pgx.ForEachRow(rows, []any{&oid, &mode}, func() error {
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		out[oid] = max(out[oid], l)
		return nil
	})
	return out, err
}

// countSequentialReads counts the rows that the transaction has read in sequence.
func (o *Observer) countSequentialReads(ctx context.Context) (map[uint32]int64, error) {
	rows, _ := o.session.Query(ctx, `SELECT relid, seq_tup_read FROM pg_catalog.pg_stat_xact_all_tables WHERE seq_tup_read OPERATOR(pg_catalog.>) 0 AND relid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid`)
	out := map[uint32]int64{}
	var oid uint32
	var n int64
	_, err := pgx.ForEachRow(rows, []any{&oid, &n}, func() error { out[oid] = n; return nil })
	return out, err
}

// String describes what was seen of a relation: "AccessExclusiveLock rewrites scans".
func (s ObservedEffect) String() string {
	words := []string{s.Lock.String()}
	for _, f := range []struct {
		on   bool
		name string
	}{
		{s.Rewrites, "rewrites"}, {s.RebuildsIndex, "rebuilds-index"}, {s.BuildsIndex, "builds-index"}, {s.Scans, "scans"},
		{s.Created, "created"}, {s.Dropped, "dropped"},
	} {
		if f.on {
			words = append(words, f.name)
		}
	}
	return strings.TrimSpace(strings.Join(words, " "))
}
