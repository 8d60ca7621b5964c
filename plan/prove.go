package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// rowsPerTable is the number of rows that each table has in a proof.
const rowsPerTable = 1200

// mostDifferences limits the differences that a check shows.
const mostDifferences = 10

// prover runs a release and its plan on two databases and compares them.
type prover struct {
	*proofs
	plan *onward.Plan
	// filled is a database of the base schema with rows; "" if the release itself fails on rows.
	filled string
	path   []string // the search path of the migrations
	// extensions are statements that create the missing extensions.
	extensions []string
	// volatile and changed are columns whose values are not compared, the latter only after an abort.
	// changed also has the enums whose definition is then not compared.
	volatile, changed map[string]bool
	// beyond are statements for what column comments require in addition to the migrations.
	beyond []string
	// rowsDiffer: the steps do not make the rows that the migrations make.
	rowsDiffer bool
	mirrors    mirrorTrials
}

// runLeftChanges runs the changes that the plan leaves.
func (v *prover) runLeftChanges(conn *pgx.Conn) error {
	for _, group := range groupLeft(v.plan.Left) {
		sql := group[0].SQL
		if len(group) > 1 {
			sql = wrapTransaction(leftSQL(group))
		}
		if _, err := conn.Exec(v.ctx, sql); err != nil {
			return fmt.Errorf("%s:%d, which the plan leaves: %w", group[0].Path, group[0].Line, err)
		}
	}
	return nil
}

// runRelease returns the base and what the release makes of it: with rows, or without if it fails on
// generated rows.
func (v *prover) runRelease(release func(*pgx.Conn) error) (before, want *state, err error) {
	if before, err = v.stateAfter(v.createExtensions); err != nil {
		return nil, nil, err
	}
	want, err = v.stateAfter(release)
	if failed := new(pgconn.PgError); errors.As(err, &failed) {
		v.plan.Proof.Rows = fmt.Sprintf("the unchanged migrations fail on made-up rows: %s", redact.MessageWithCode(failed))
		v.filled = ""
		if before, err = v.stateAfter(v.createExtensions); err == nil {
			want, err = v.stateAfter(release)
		}
	}
	return before, want, err
}

func (v *prover) addCheck(name string, ok bool, detail string) {
	v.plan.Proof.Checks = append(v.plan.Proof.Checks, onward.PlanCheck{Name: name, OK: ok, Detail: detail})
}

// compareResult compares the result of some work on the base with the expected one. It reports whether values differ.
func (v *prover) compareResult(name string, want *state, ignoredKeys map[string]bool, work func(*pgx.Conn) error) (rowsDiffer bool) {
	got, err := v.stateAfter(work)
	if err != nil {
		v.addCheck(name, false, redact.RedactError(err))
		return false
	}
	diff := want.listDifferences(got, v.volatile, ignoredKeys)
	v.addCheck(name, len(diff) == 0, strings.Join(prose.FirstLines(diff, mostDifferences), "\n"))
	return len(diff) > 0 && !maps.Equal(want.values, got.values)
}

// stateAfter makes a copy of the base, fills it, runs work on it, and returns its state.
func (v *prover) stateAfter(work func(*pgx.Conn) error) (*state, error) {
	copied := v.stage.Copy
	if v.filled != "" {
		copied = func(ctx context.Context) (string, error) { return v.stage.CopyOf(ctx, v.filled) }
	}
	db, err := copied(v.ctx)
	if err != nil {
		return nil, err
	}
	defer v.stage.Drop(v.ctx, db)
	url := v.stage.URL(db)
	conn, err := v.connectSimpleProtocol(url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(v.ctx)
	if work != nil {
		if err := work(conn); err != nil {
			return nil, err
		}
	}
	s, err := readState(v.ctx, conn, url, v.volatile, v.base)
	if err == nil && v.base == nil {
		v.base = s
	}
	return s, err
}

// createExtensions creates the extensions that the plan requires. They stay when it is undone, because others
// may use them.
func (v *prover) createExtensions(conn *pgx.Conn) error {
	for _, sql := range v.extensions {
		if _, err := conn.Exec(v.ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// runMigrations runs the statements of the migrations, and the additional ones that declarations in column
// comments require.
func runMigrations(ctx context.Context, conn *pgx.Conn, folds []*audit.Folded, extraSQL []string) error {
	open := false // by a statement of the migrations
	for _, m := range folds {
		for _, s := range m.Statements {
			if s.Node == nil || s.Parent >= 0 || s.In != "" {
				continue
			}
			if needsTransaction(s.Node) && !open {
				continue // the runner opens it
			}
			open = leavesTransactionOpen(s.Node, open)
			if _, err := conn.Exec(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s:%d: %w", m.Path, s.Line, err)
			}
		}
	}
	for _, sql := range extraSQL {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("what is asked for beyond the migrations: %s: %w", sql, err)
		}
	}
	return nil
}

// needsTransaction reports whether the server refuses a statement outside of a transaction.
func needsTransaction(n *pgparse.Node) bool {
	switch n.GetTransactionStmt().GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pgparse.TransactionStmtKind_TRANS_STMT_RELEASE, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return true
	}
	return n.GetLockStmt() != nil
}

// leavesTransactionOpen reports whether a transaction is open after a statement, given whether one was open before it.
func leavesTransactionOpen(n *pgparse.Node, open bool) bool {
	switch n.GetTransactionStmt().GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		return true
	case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK, pgparse.TransactionStmtKind_TRANS_STMT_PREPARE:
		return false
	}
	return open
}

// runSteps runs steps as psql would.
func (v *prover) runSteps(conn *pgx.Conn, steps []onward.PlanStep) error {
	return v.runStepsWith(conn, steps, func(*pgx.Conn, *onward.PlanStep) error { return nil })
}

// runStepsWith runs steps, and calls after for each of them and for the first rows of a backfill.
func (v *prover) runStepsWith(conn *pgx.Conn, steps []onward.PlanStep, after func(*pgx.Conn, *onward.PlanStep) error) error {
	for i := range steps {
		s := &steps[i]
		if s.Check != "" {
			if err := v.requireEmptyCheck(conn, s); err != nil {
				return err
			}
		}
		if !s.Repeat {
			if _, err := conn.Exec(v.ctx, s.SQL); err != nil {
				return fmt.Errorf("step %s: %w", s.ID, err)
			}
			if err := after(conn, s); err != nil {
				return err
			}
			continue
		}
		for first := true; ; first = false {
			var passed int64
			if err := conn.QueryRow(v.ctx, s.SQL).Scan(&passed); err != nil {
				return fmt.Errorf("step %s: %w", s.ID, err)
			}
			if first || passed == 0 {
				if err := after(conn, s); err != nil {
					return err
				}
			}
			if passed == 0 {
				break
			}
		}
	}
	return nil
}

// requireEmptyCheck fails if a step's check finds a row.
func (v *prover) requireEmptyCheck(conn *pgx.Conn, s *onward.PlanStep) error {
	found, err := conn.Query(v.ctx, s.Check)
	if err != nil {
		return fmt.Errorf("the check of step %s: %w", s.ID, err)
	}
	hasRow := found.Next()
	found.Close()
	if hasRow {
		return fmt.Errorf("the check of step %s finds rows that are not right yet", s.ID)
	}
	return found.Err()
}

// runAbort runs the plan up to its first contract, tries its triggers on the way, and undoes it.
func (v *prover) runAbort(conn *pgx.Conn) error {
	last := v.plan.Contract()
	if err := v.runStepsWith(conn, v.plan.Steps[:last], v.tryMirrors); err != nil {
		return err
	}
	for i := last - 1; i >= 0; i-- {
		if _, err := conn.Exec(v.ctx, v.plan.Steps[i].Undo); err != nil {
			return fmt.Errorf("undo of step %s: %w", v.plan.Steps[i].ID, err)
		}
	}
	return nil
}

// extensionStatements returns the plan's CREATE EXTENSION IF NOT EXISTS statements.
func (p *planner) extensionStatements() (out []string) {
	for _, s := range p.steps {
		if n := s.From.Node.GetCreateExtensionStmt(); n != nil && n.IfNotExists {
			out = append(out, s.SQL...)
		}
	}
	return out
}

// connectSimpleProtocol opens a session that sends SQL unchanged.
func (v *prover) connectSimpleProtocol(url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// A role with the name of the plan's schema would create new tables beside its cursors
	// ("$user").
	config.RuntimeParams["search_path"] = analysis.QuoteIdents(v.path)
	for _, s := range v.plan.Proof.Settings {
		config.RuntimeParams[s.Name] = s.Value
	}
	return pgx.ConnectConfig(v.ctx, config)
}
