// Package fill puts rows into the empty tables of a throwaway server, because
// empty tables lie: a scan of nothing takes no time, and a constraint over no
// row always holds.
//
// Every value is a pure function of the seed, its column and the number of its
// row. So a foreign key needs no memory of the table that it refers to (the key
// of row n can be computed again), the same seed gives the same rows byte for
// byte, and rows are made while earlier ones are being sent.
//
// What a column may hold is read from its type and from the constraints that
// can be understood; every constraint is then tried by the server itself on a
// sample, and where the sample fails, the server picks out the combinations of
// values that pass.
//
// Foreign keys are left to the server to check. session_replication_role =
// replica would be faster and would spare disabling triggers, but it needs a
// superuser and lets rows in that production could not have; triggers of the
// user are disabled inside the transaction that fills the table, and as they
// were before when it ends.
package fill

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Plan says how many rows go where.
type Plan struct {
	// Rows is the number of rows to add for a table, which is keyed "users" or
	// "public.users". Rows of a partition that is named are its share of the
	// partitioned table's.
	Rows map[string]int64
	// All is the number for every table that is not named; 0: none, unless a
	// table that gets rows refers to it.
	All int64
	// Touched is the number for those of them that the release touches.
	Touched int64
	// Seed chooses the rows: the same schema, plan and seed give the same.
	Seed uint64
}

// Release is what a release wants of the rows before it.
type Release struct {
	// Keep are demands that the rows meet beyond the schema's, as far as rows can; Break
	// are demands that some of them break, as far as the schema lets them.
	Keep, Break []*Demand
	// Touches are the tables that it touches, by qualified name.
	Touches []string
	// Room is how many bytes the rows may take; 0 is no bound.
	Room int64
	// Told hears how far the fill has come; nil: nobody does.
	Told func(Progress)
}

// Empty reports whether a plan has no rows.
func (p *Plan) Empty() bool { return len(p.Rows) == 0 && p.All == 0 && p.Touched == 0 }

// Result is what became of a plan.
type Result struct {
	// Tables are the tables and partitions that have rows now, by name, those
	// that had rows before included. A partitioned table is listed with the sum
	// of its partitions.
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
	// Bytes is the heap with its TOAST table, without indexes.
	Rows, Bytes int64
}

// Problem says why a relation did not get the rows that were planned.
type Problem struct{ Relation, Why string }

// Unmet is a demand that no rows were found for.
type Unmet struct {
	Demand *Demand
	Why    string
}

// Fill adds rows to the tables of a database, refreshes the materialised views
// and analyses all of it. url connects as the owner of the tables or as a
// superuser. What a table cannot take is a [Problem]; the error is one of the
// connection or of the context, or a [*TooMuchError].
func Fill(ctx context.Context, url string, p Plan, r Release) (*Result, error) {
	began := time.Now()
	conn, err := open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer shut(ctx, conn)
	f := &filler{conn: conn, plan: p, release: r, result: &Result{}}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	f.result.Took = time.Since(began)
	return f.result, nil
}

// open opens a session in which what is read of the schema is qualified.
func open(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the address of the throwaway server cannot be read")
	}
	cfg.RuntimeParams["application_name"] = "onward fill"
	// Values are written into the text, whatever the database says of its sessions.
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
			shut(ctx, conn)
			return nil, fmt.Errorf("%s: %w", set, err)
		}
	}
	return conn, nil
}

func shut(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// filler is one run of Fill.
type filler struct {
	conn    *pgx.Conn
	plan    Plan
	release Release
	schema  *schema
	result  *Result
	// literals are values of types that nobody modelled, as tried on the server.
	literals map[string][]string
	// typeNames are the names of types, by oid and modifier.
	typeNames map[string]string
	// loading is the table that rows are sent to; done and all are what was sent of
	// what there is to send, in bytes.
	loading   *table
	done, all int64
}

func (f *filler) problem(t *table, format string, args ...any) {
	f.result.Problems = append(f.result.Problems, Problem{t.name(), fmt.Sprintf(format, args...)})
}

func (f *filler) run(ctx context.Context) error {
	f.literals = map[string][]string{}
	var err error
	if f.schema, err = readSchema(ctx, f.conn); err != nil {
		return err
	}
	// What was read is qualified; functions may rely on the usual path.
	if _, err := f.conn.Exec(ctx, "RESET search_path"); err != nil {
		return fmt.Errorf("RESET search_path: %w", err)
	}
	f.counts()
	f.demands()
	if err := f.existing(ctx); err != nil {
		return err
	}
	order := f.order()
	f.needs(order)
	if err := f.room(); err != nil {
		return err
	}
	for _, group := range order {
		for _, t := range group.tables {
			if t.rows == 0 {
				continue
			}
			if err := f.build(ctx, t); err != nil {
				return err
			}
		}
		if err := f.load(ctx, group); err != nil {
			return err
		}
	}
	return f.finish(ctx)
}
