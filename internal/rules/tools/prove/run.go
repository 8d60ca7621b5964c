package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// Outcome is what happened to an example on a server.
type Outcome struct {
	// Err is what the server refused it with, in the lines From to To of File;
	// nil when it ran.
	Err      error
	File     string
	From, To int
	// Seen is what it did to relations, over all its statements.
	Seen map[string]observe.ObservedEffect
	// OldBefore and OldAfter are the errors of the deployed code's statements, before and
	// after the example.
	OldBefore, OldAfter []error
}

// Run builds the fixture's schema and runs an example on it as its migration tool would.
// watch: observe locks and work.
func (b *Bench) Run(ctx context.Context, f *ruletest.Fixture, ex *ruletest.Release, watch bool) (*Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := b.prepareDatabase(ctx, f, ex); err != nil {
		return nil, err
	}
	out := &Outcome{Seen: map[string]observe.ObservedEffect{}}
	var app *oldCode
	if len(ex.Old) > 0 {
		var err error
		if app, err = b.connectOldCode(ctx, ex.Old); err != nil {
			return nil, err
		}
		defer app.conn.Close(ctx)
		out.OldBefore = app.runStatements(ctx)
	}
	for name, ms := range map[string]int{"lock_timeout": f.Runner.LockTimeout, "statement_timeout": f.Runner.StatementTimeout} {
		if ms > 0 {
			if err := b.o.Exec(ctx, fmt.Sprintf("SET %s = %d", name, ms)); err != nil {
				return nil, err
			}
		}
	}
	r := &run{b: b, f: f, ex: ex, out: out, watch: watch}
	for i, file := range ex.Files {
		if err := r.runFile(ctx, file, i+1 == len(ex.Files)); err != nil {
			return nil, err
		}
		if out.Err != nil {
			break
		}
	}
	if b.o.Session().PgConn().TxStatus() != 'I' { // left open, or failed
		if err := b.o.Exec(ctx, "ROLLBACK"); err != nil {
			return nil, err
		}
	}
	if app != nil && out.Err == nil {
		out.OldAfter = app.runStatements(ctx)
	}
	return out, nil
}

// run is one example under way.
type run struct {
	b     *Bench
	f     *ruletest.Fixture
	ex    *ruletest.Release
	out   *Outcome
	watch bool
	done  []string // statements that ran
}

// runFile runs one migration.
func (r *run) runFile(ctx context.Context, file ruletest.File, last bool) error {
	b := r.b
	if r.ex.Transaction == onward.TransactionMessage {
		r.out.Err, r.out.File = b.o.Exec(ctx, file.SQL), file.Name
		r.out.To = strings.Count(file.SQL, "\n") + 1
		return localError(r.out.Err)
	}
	f, err := pgparse.SplitText(file.SQL)
	if err != nil {
		return err
	}
	if r.ex.Connections != nil {
		return r.runConnections(ctx, file, f)
	}
	if r.ex.Transaction == onward.TransactionPipeline {
		batch := &pgconn.Batch{}
		for _, s := range f.Stmts {
			batch.ExecParams(file.SQL[s.Start:s.End], nil, nil, nil, nil)
		}
		results, err := b.o.Session().PgConn().ExecBatch(ctx, batch).ReadAll()
		if err != nil {
			failed := f.Stmts[min(len(results), len(f.Stmts)-1)]
			r.out.Err, r.out.File = err, file.Name
			r.out.From, r.out.To = 1+strings.Count(file.SQL[:failed.Start], "\n"), 1+strings.Count(file.SQL[:failed.End], "\n")
		}
		return localError(err)
	}
	if r.ex.Transaction == onward.TransactionFile && !b.o.InTransaction() {
		if err := b.o.Begin(ctx, "BEGIN"); err != nil {
			return err
		}
	}
	for _, s := range f.Stmts {
		sql := file.SQL[s.Start:s.End]
		if err := r.runStatement(ctx, s.Node, sql); err != nil {
			if localError(err) != nil {
				return err
			}
			r.out.Err, r.out.File = err, file.Name
			r.out.From = 1 + strings.Count(file.SQL[:s.Start], "\n")
			r.out.To = 1 + strings.Count(file.SQL[:s.End], "\n")
			return nil
		}
		r.done = append(r.done, sql)
	}
	if !b.o.InTransaction() || r.ex.Together != 0 && !last {
		return nil
	}
	if err := r.observeLocks(ctx); err != nil {
		return err
	}
	if r.ex.Transaction == onward.TransactionFile {
		// Deferred constraints may refuse the commit.
		r.out.Err, r.out.File = b.o.Exec(ctx, "COMMIT"), file.Name
		if localError(r.out.Err) != nil {
			return r.out.Err
		}
		return b.o.ReadRelations(ctx)
	}
	return nil
}

// runConnections runs each statement on its connection, with a transaction that stays open on each but 0. A statement that
// waits for one of them never gets its lock, so the timeout is not a matter of speed.
func (r *run) runConnections(ctx context.Context, file ruletest.File, f *pgparse.File) error {
	sessions := map[int]*pgx.Conn{}
	for i, s := range f.Stmts {
		n := r.ex.Connections[i]
		conn := sessions[n]
		if conn == nil {
			var err error
			if conn, err = pgx.ConnectConfig(ctx, r.b.o.Session().Config()); err != nil {
				return err
			}
			defer conn.Close(ctx)
			sessions[n] = conn
			begin := "SET lock_timeout = '300ms'"
			if n > 0 || r.ex.Transaction == onward.TransactionFile {
				begin += "; BEGIN"
			}
			if _, err := conn.Exec(ctx, begin); err != nil {
				return err
			}
		}
		if _, err := conn.Exec(ctx, file.SQL[s.Start:s.End]); err != nil {
			r.out.Err, r.out.File = err, file.Name
			r.out.From = 1 + strings.Count(file.SQL[:s.Start], "\n")
			r.out.To = 1 + strings.Count(file.SQL[:s.End], "\n")
			return localError(err)
		}
	}
	for _, conn := range sessions {
		if _, err := conn.Exec(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	return r.b.o.ReadRelations(ctx)
}

// runStatement runs one statement; the error is the server's.
func (r *run) runStatement(ctx context.Context, node *pgparse.Node, sql string) error {
	o := r.b.o
	control := node.GetTransactionStmt()
	switch {
	case o.InTransaction() && control != nil && endsTransaction(control):
		if err := r.observeLocks(ctx); err != nil {
			return err
		}
		if err := o.Exec(ctx, sql); err != nil {
			return err
		}
		return o.ReadRelations(ctx)
	case !o.InTransaction() && control != nil && beginsTransaction(control):
		return o.Begin(ctx, sql)
	case o.InTransaction() || !r.watch || control != nil || node.GetVariableSetStmt() != nil || node.GetLockStmt() != nil:
		return o.Exec(ctx, sql)
	}
	// A statement on its own is watched in a transaction of its own, where the
	// server lets it.
	if err := o.Begin(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := o.Exec(ctx, sql); err != nil {
		if err := errors.Join(localError(err), o.Exec(ctx, "ROLLBACK")); err != nil {
			return err
		}
		if err := o.Exec(ctx, sql); err != nil {
			return err
		}
		if err := r.runOutsideTransaction(ctx, sql); err != nil {
			return err
		}
		return o.ReadRelations(ctx)
	}
	if err := r.observeLocks(ctx); err != nil {
		return err
	}
	if err := o.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	return o.ReadRelations(ctx)
}

func beginsTransaction(t *pgparse.TransactionStmt) bool {
	return t.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN || t.Kind == pgparse.TransactionStmtKind_TRANS_STMT_START
}

func endsTransaction(t *pgparse.TransactionStmt) bool {
	return t.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT || t.Kind == pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK
}

// observeLocks adds what the open transaction has done to what is known.
func (r *run) observeLocks(ctx context.Context) error {
	if !r.watch {
		return nil
	}
	seen, err := r.b.o.ObserveSoFar(ctx)
	if err != nil {
		return err
	}
	r.addObservation(seen)
	return nil
}

func (r *run) addObservation(seen *observe.Observation) {
	for name, s := range seen.Relations {
		previous := r.out.Seen[name]
		s.Lock = max(s.Lock, previous.Lock)
		s.Rewrites = s.Rewrites || previous.Rewrites
		s.RebuildsIndex = s.RebuildsIndex || previous.RebuildsIndex
		s.BuildsIndex = s.BuildsIndex || previous.BuildsIndex
		s.Scans = s.Scans || previous.Scans
		r.out.Seen[name] = s
	}
}

// runOutsideTransaction watches a statement that runs in no transaction, in databases of its
// own.
func (r *run) runOutsideTransaction(ctx context.Context, sql string) error {
	var used []string
	defer func() {
		for _, name := range used {
			r.b.Server.DropDatabase(ctx, name)
		}
	}()
	a := observe.Alone{Fresh: func() (string, error) {
		name, err := r.b.Server.NewDatabase(ctx, "")
		if err != nil {
			return "", err
		}
		used = append(used, name)
		c, err := pgx.Connect(ctx, r.b.Server.URL(name))
		if err != nil {
			return "", err
		}
		defer c.Close(ctx)
		for _, sql := range slices.Concat(splitStatements(r.f.Before), r.ex.Unseen, r.b.rows[r.f], r.done) {
			if _, err := c.Exec(ctx, sql); err != nil {
				return "", fmt.Errorf("%s: %w", sql, err)
			}
		}
		return r.b.Server.URL(name), nil
	}}
	seen, err := a.ObserveRounds(ctx, sql)
	if err != nil {
		return fmt.Errorf("%w: %w", errLocal, err)
	}
	if seen.Refused != "" {
		return fmt.Errorf("%w: refused although nothing else runs: %s", errLocal, seen.Refused)
	}
	r.addObservation(seen)
	return nil
}

var errLocal = errors.New("watching failed")

// localError is an error that is not the server's answer to the example.
func localError(err error) error {
	if err == nil || !errors.Is(err, errLocal) && sqlState(err) != "?????" {
		return nil
	}
	return err
}

// oldCode is a connection of the deployed code, with its statements prepared.
type oldCode struct {
	conn       *pgx.Conn
	statements []string
	prepared   []bool
}

// connectOldCode connects as the deployed code does: its statements are prepared
// before the release begins.
func (b *Bench) connectOldCode(ctx context.Context, statements []string) (*oldCode, error) {
	config, err := pgx.ParseConfig(b.Server.URL(b.database))
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	app := &oldCode{statements: statements}
	if app.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	for i, sql := range statements {
		_, err := app.conn.Exec(ctx, fmt.Sprintf("PREPARE old_%d AS %s", i, sql))
		app.prepared = append(app.prepared, err == nil)
	}
	return app, nil
}

// runStatements runs each statement as prepared before the release and as a new
// connection sends it, and undoes it. There is an error for each statement, nil
// when it worked both ways.
func (a *oldCode) runStatements(ctx context.Context) []error {
	out := make([]error, len(a.statements))
	for i, sql := range a.statements {
		out[i] = a.tryStatement(ctx, sql)
		if out[i] == nil && a.prepared[i] {
			out[i] = a.tryStatement(ctx, fmt.Sprintf("EXECUTE old_%d", i))
		}
	}
	return out
}

func (a *oldCode) tryStatement(ctx context.Context, sql string) error {
	_, err := a.conn.Exec(ctx, "BEGIN")
	if err == nil {
		_, err = a.conn.Exec(ctx, sql)
	}
	a.conn.Exec(ctx, "ROLLBACK")
	return err
}
