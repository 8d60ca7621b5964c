// Package fill puts rows into the empty tables of a throwaway server, because empty
// tables are misleading: a scan of nothing takes no time, and a constraint over no
// row always holds.
//
// Every value is a pure function of the seed, its column and the number of its row.
// So a foreign key needs no memory of the table that it refers to: the key of row n
// can be computed again. The same seed gives the same rows byte for byte, and rows
// are generated while earlier ones are being sent.
//
// The generator of a column follows its type and the constraints that can be
// understood. Then the server tries every constraint on a sample. If the sample
// fails, the server selects the combinations of values that pass.
//
// The server checks foreign keys. session_replication_role = replica would be
// faster and would make disabling triggers unnecessary. But it needs a superuser,
// and allows rows that production could not have. User triggers are disabled inside
// the transaction that fills the table, and restored when it ends.
package fill

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Plan says how many rows each table gets.
type Plan struct {
	// Rows is the number of rows to add for a table, which is keyed "users" or
	// "public.users". For a partition, it is that partition's share of the
	// partitioned table's rows.
	Rows map[string]int64
	// All is the number for every table without a number of its own. 0 means none,
	// unless a table that gets rows refers to it.
	All int64
	// Touched is the number for those tables without a number of their own that the release touches.
	Touched int64
	// Seed determines the rows: the same schema, plan and seed give the same rows.
	Seed uint64
}

// Release is what a release requires of the rows before it.
type Release struct {
	// Keep are demands that the rows meet in addition to the schema's, as far as
	// possible. Break are demands that some rows violate, as far as the schema
	// allows.
	Keep, Break []*Demand
	// Touches are the tables that the release touches, by qualified name.
	Touches []string
	// Room is how many bytes the rows may take; 0 is no limit.
	Room int64
	// Told is called with the progress; it may be nil.
	Told func(Progress)
}

// IsEmpty reports whether a plan has no rows.
func (p *Plan) IsEmpty() bool { return len(p.Rows) == 0 && p.All == 0 && p.Touched == 0 }

// Result is the result of a plan.
type Result struct {
	// Tables are the tables and partitions that have rows now, by name, including
	// those that had rows before. A partitioned table is listed with the sum of its
	// partitions.
	Tables []Table
	// Problems are tables that got fewer rows than planned, or none.
	Problems []Problem
	// Unmet are demands that the rows do not meet.
	Unmet []Unmet
	Took  time.Duration
}

// Table is a relation with rows.
type Table struct {
	// Relation is qualified, unquoted: "public.users".
	Relation string
	// Bytes is the size of the heap with its TOAST table, without indexes.
	Rows, Bytes int64
}

// Problem says why a relation did not get the planned rows.
type Problem struct{ Relation, Why string }

// Unmet is a demand for which no rows were found.
type Unmet struct {
	Demand *Demand
	Why    string
}

// FillDatabase adds rows to the tables of a database, refreshes the materialized views and
// analyzes everything. url connects as the owner of the tables or as a superuser.
// Rows that a table cannot take are a [Problem]. An error comes from the connection
// or the context, or is a [*TooMuchError].
func FillDatabase(ctx context.Context, url string, p Plan, r Release) (*Result, error) {
	began := time.Now()
	conn, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer closeSession(ctx, conn)
	f := &filler{conn: conn, plan: p, release: r, result: &Result{}}
	if err := f.fillTables(ctx); err != nil {
		return nil, err
	}
	f.result.Took = time.Since(began)
	return f.result, nil
}

// openSession opens a session in which the server prints qualified names.
func openSession(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the address of the throwaway server cannot be read")
	}
	cfg.RuntimeParams["application_name"] = "onward fill"
	// Values are written into the SQL text, so the database's own settings must not
	// apply.
	cfg.RuntimeParams["standard_conforming_strings"], cfg.RuntimeParams["client_encoding"] = "on", "UTF8"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the throwaway server: %w", err)
	}
	for _, set := range []string{
		"SET search_path = ''", "SET timezone = 'UTC'", "SET datestyle = 'ISO, MDY'", "SET intervalstyle = 'postgres'", "SET bytea_output = 'hex'",
		"SET statement_timeout = 0", "SET idle_in_transaction_session_timeout = 0", "SET lock_timeout = 0",
		"SET standard_conforming_strings = on", "SET synchronous_commit = off",
	} {
		if _, err := conn.Exec(ctx, set); err != nil {
			closeSession(ctx, conn)
			return nil, fmt.Errorf("%s: %w", set, err)
		}
	}
	return conn, nil
}

func closeSession(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// filler is one run of [FillDatabase].
type filler struct {
	conn    *pgx.Conn
	plan    Plan
	release Release
	schema  *schema
	result  *Result
	// literals are values of types without a generator, as tried on the server.
	literals map[string][]string
	// typeNames are the names of types, by OID and modifier.
	typeNames map[string]string
	// loading is the table that rows are sent to. done and all count bytes: sent so
	// far, and in total.
	loading   *table
	done, all int64
}

func (f *filler) addProblem(t *table, format string, args ...any) {
	f.result.Problems = append(f.result.Problems, Problem{t.name(), fmt.Sprintf(format, args...)})
}

func (f *filler) fillTables(ctx context.Context) error {
	f.literals = map[string][]string{}
	var err error
	if f.schema, err = readSchema(ctx, f.conn); err != nil {
		return err
	}
	// The schema is read with qualified names by now; functions may rely on the
	// usual path.
	if _, err := f.conn.Exec(ctx, "RESET search_path"); err != nil {
		return fmt.Errorf("RESET search_path: %w", err)
	}
	f.assignRowCounts()
	f.assignDemands()
	if err := f.countExisting(ctx); err != nil {
		return err
	}
	order := f.orderTables()
	f.assignNeededRows(order)
	if err := f.checkRoom(); err != nil {
		return err
	}
	for _, group := range order {
		for _, t := range group.tables {
			if t.rows == 0 {
				continue
			}
			if err := f.buildTable(ctx, t); err != nil {
				return err
			}
		}
		if err := f.loadGroup(ctx, group); err != nil {
			return err
		}
	}
	return f.finishTables(ctx)
}

// TooMuchError says that the rows need more space than there is.
type TooMuchError struct {
	// Bytes is the size of all rows, and Room the limit. Table is the largest relation, and Of its size.
	Bytes, Room int64
	Table       string
	Of          int64
}

func (e *TooMuchError) Error() string {
	return fmt.Sprintf("the rows would take %d bytes, %d of them in %s; there is room for %d", e.Bytes, e.Of, e.Table, e.Room)
}

const (
	rowOverhead = 28 // bytes of a row's header and line pointer
	keyOverhead = 16 // bytes of a row's entry in an index, without the key
	// spare is the free space in pages, and the size of non-unique indexes, in percent.
	spare = 20
)

// widths are the sizes of values in bytes, by type; all others are texts.
var widths = map[string]int64{
	"bool": 1, "int2": 2, "int4": 4, "int8": 8, "oid": 4, "float4": 4, "float8": 8, "numeric": 8, "money": 8, "date": 4, "timestamp": 8, "timestamptz": 8,
	"time": 8, "timetz": 12, "interval": 16, "uuid": 16, "inet": 8, "json": 60, "jsonb": 60, "tsvector": 60, "vector": 1000,
}

const textWidth = 24

func (f *filler) columnWidth(c *column) int64 {
	t, _ := f.schema.resolveDomain(c.typ, c.typmod)
	switch {
	case t == nil:
		return textWidth
	case t.kind == 'e':
		return 4
	case widths[t.name] > 0:
		return widths[t.name]
	}
	return textWidth
}

// checkRoom refuses a plan whose rows would not fit, and records their total size.
func (f *filler) checkRoom() error {
	e := &TooMuchError{Room: f.release.Room}
	for _, t := range f.schema.tables {
		each := int64(rowOverhead)
		for _, c := range t.columns {
			each += f.columnWidth(c)
		}
		for _, k := range t.keys {
			each += keyOverhead
			for _, i := range k.columns {
				if i >= 0 {
					each += f.columnWidth(t.columns[i])
				}
			}
		}
		t.each = each * (100 + spare) / 100
		bytes := t.each * t.rows
		if e.Bytes += bytes; bytes > e.Of {
			e.Table, e.Of = t.name(), bytes
		}
	}
	f.all = e.Bytes
	if e.Room > 0 && e.Bytes > e.Room {
		return e
	}
	return nil
}

// Progress is the progress of a fill.
type Progress struct {
	// Table is the table being filled, with Rows of Of rows done.
	Table    string
	Rows, Of int64
	// Done and All are approximate bytes.
	Done, All int64
}

// reportProgress reports the progress of the current table.
func (f *filler) reportProgress(rows int64) {
	if t := f.loading; t != nil && f.release.Told != nil {
		f.release.Told(Progress{Table: t.name(), Rows: rows, Of: t.rows, Done: f.done + rows*t.each, All: f.all})
	}
}

// setCurrentTable makes a table the current one until end is called.
func (f *filler) setCurrentTable(t *table) (end func()) {
	f.loading = t
	took := t.rows * t.each
	return func() {
		f.loading = nil
		f.done += took
	}
}
