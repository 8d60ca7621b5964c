package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/script"
)

// runner runs migrations on one connection, in the transactions that their own
// tool would use.
//
// Several statements in one message are sent one by one in an explicit
// transaction. To the server that is the same, and it allows observations
// between them.
type runner struct {
	*version
	server      *pgserver.Server
	db          string
	conn        *pgx.Conn
	catalogConn *pgx.Conn // reads the catalogs of the same database, as others see them
	// watch observes the run; nil for none.
	watch watcher
	roles roleTracker
	notes []string
}

// watcher observes the run of a migration.
type watcher interface {
	// onTransactionBegin: a transaction was opened. plain: the next statement must be the
	// first one that it runs.
	onTransactionBegin(ctx context.Context, plain bool) error
	// runStatement runs one statement of the script and observes it. inside says
	// whether it runs in a transaction of several statements.
	runStatement(ctx context.Context, s *script.Statement, inside bool) error
	// onTransactionEnd: the transaction was committed, or rolled back.
	onTransactionEnd(ctx context.Context, committed bool) error
	// onSavepointRollback: the transaction was rolled back to a savepoint.
	onSavepointRollback(ctx context.Context) error
	// onNotice is called for each message of the server.
	onNotice(n *pgconn.Notice)
}

// migrationFailure says where a migration failed.
type migrationFailure struct {
	statement *script.Statement
	err       error // the server's error
	// hasRealRows is set if the tables have rows from a dump.
	hasRealRows bool
}

// neededRole returns the role that is missing, or that a block may not make; "" for
// any other reason. Roles that were created already do not count.
func (s *migrationFailure) neededRole(existingRoles []string) string {
	if s == nil {
		return ""
	}
	names := []string{missingRole(s.err)}
	if s.statement != nil && hasSQLState(s.err, "42501") {
		createdRoles, _ := findCreatedRoles([]byte(s.statement.SQL))
		names = append(names, createdRoles...)
	}
	for _, name := range names {
		if name != "" && !slices.Contains(existingRoles, name) {
			return name
		}
	}
	return ""
}

// historyTableDDL returns the DDL of the missing bookkeeping table; "" for any other
// reason.
func (s *migrationFailure) historyTableDDL(m *adapter.Migration) string {
	if s == nil {
		return ""
	}
	return missingHistoryTable(s.err, historyTableOf(adapter.Source{Framework: m.Framework}, m.Runner.Name))
}

// newRunner connects as the role of the migrations.
func newRunner(ctx context.Context, s *pgserver.Server, v *version, db string, w watcher) (*runner, error) {
	config, err := pgx.ParseConfig(v.databaseURL(s, db))
	if err != nil {
		return nil, err
	}
	redact.LimitAnswers(&config.Config)
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	r := &runner{version: v, server: s, db: db, watch: w, roles: roleTracker{version: v, server: s, db: db}}
	if w != nil {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { w.onNotice(n) }
	}
	if r.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if path := v.base.SearchPath; path != "" {
		if _, err := r.conn.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, false)", anyhow, path); err != nil {
			r.closeConn(ctx)
			return nil, err
		}
	}
	if r.catalogConn, err = s.Connect(ctx, lookName, db); hasSQLState(err, "42501") && v.Server == "" {
		// A migration has revoked the right to connect to its database.
		if err = execAll(ctx, s, "", grantConnect(db)); err == nil {
			r.catalogConn, err = s.Connect(ctx, lookName, db)
		}
	}
	if err != nil {
		r.closeConn(ctx)
		return nil, fmt.Errorf("connect: %w", err)
	}
	return r, nil
}

func (r *runner) closeConn(ctx context.Context) {
	for _, c := range []*pgx.Conn{r.conn, r.catalogConn} {
		if c != nil {
			_ = c.Close(ctx)
		}
	}
}

// runMigration runs a migration. stop is not nil if the server refused something;
// err is any other error.
func (r *runner) runMigration(ctx context.Context, m *adapter.Migration, sc *script.Script) (stop *migrationFailure, err error) {
	if err := r.applyTimeouts(ctx, m); err != nil {
		return nil, err
	}
	if r.Server != "" {
		if err := r.roles.readRoles(ctx, r.catalogConn); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, r.claimRoles(ctx)) }()
	}
	var last *script.Statement
	for i, s := range sc.Statements {
		if s.Parent >= 0 || r.skip[s] {
			continue
		}
		if last != nil { // after the last one it is done at the end
			if err := r.claimRoles(ctx); err != nil {
				return nil, err
			}
		}
		last = s
		next := r.nextStatement(sc, i)
		if stop, err := r.runScriptStatement(ctx, s, next); stop != nil || err != nil {
			return stop, err
		}
	}
	if last == nil || r.txStatus() == 'I' {
		return nil, nil
	}
	// A file that leaves its own transaction open: the connection is closed,
	// and the server rolls back.
	if sc.Open {
		return nil, r.endTransaction(ctx, "ROLLBACK", false)
	}
	return r.commitTransaction(ctx, last)
}

// claimRoles marks the roles that the last commit has made on the user's server.
func (r *runner) claimRoles(ctx context.Context) error {
	if r.Server == "" || r.catalogConn.IsClosed() || !r.conn.IsClosed() && r.txStatus() != 'I' {
		return nil
	}
	left, err := r.roles.claimNewRoles(ctx, r.catalogConn)
	for _, name := range left {
		r.addNote(untouchedRoleNote(name))
	}
	return err
}

// applyTimeouts applies the timeouts that the migration's tool sets on its
// connection.
func (r *runner) applyTimeouts(ctx context.Context, m *adapter.Migration) error {
	for name, value := range map[string]int{"lock_timeout": m.Runner.LockTimeout, "statement_timeout": m.Runner.StatementTimeout} {
		if value > 0 {
			if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET %s = %d", name, value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextStatement returns the next statement of the file itself that is sent.
func (r *runner) nextStatement(sc *script.Script, i int) *script.Statement {
	for _, s := range sc.Statements[i+1:] {
		if s.Parent < 0 && !r.skip[s] {
			return s
		}
	}
	return nil
}

func (r *runner) txStatus() byte { return r.conn.PgConn().TxStatus() }

// runScriptStatement runs a statement, in the transaction that it belongs to.
func (r *runner) runScriptStatement(ctx context.Context, s, next *script.Statement) (*migrationFailure, error) {
	if done, err := r.runSpecialStatement(ctx, s); done || err != nil {
		return nil, err
	}
	isRunnerOwn := s.Origin == script.Runner || s.Origin == script.Message
	if r.txStatus() == 'I' && isRunnerOwn && !isTransactionBoundary(s) {
		if err := r.beginTransaction(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := r.sendStatement(ctx, s, next); err != nil {
		return r.endRefusedTransaction(ctx, s, err)
	}
	if isRunnerOwn && r.txStatus() == 'T' && (next == nil || next.Tx != s.Tx) {
		return r.commitTransaction(ctx, s)
	}
	return nil, nil
}

// isTransactionBoundary reports whether a statement begins or ends a transaction.
func isTransactionBoundary(s *script.Statement) bool {
	t := s.Node.GetTransactionStmt()
	if t == nil {
		return false
	}
	switch t.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pgparse.TransactionStmtKind_TRANS_STMT_RELEASE, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return false
	}
	return true
}

// endRefusedTransaction ends the transaction of a statement that the server refused.
func (r *runner) endRefusedTransaction(ctx context.Context, s *script.Statement, err error) (*migrationFailure, error) {
	if !isStatementFailure(err) {
		return nil, err
	}
	if r.conn.IsClosed() {
		if r.watch != nil {
			return &migrationFailure{s, err, r.Dump != ""}, r.watch.onTransactionEnd(ctx, false)
		}
		return &migrationFailure{s, err, r.Dump != ""}, nil
	}
	if r.txStatus() != 'I' {
		if err := r.endTransaction(ctx, "ROLLBACK", false); err != nil {
			return nil, err
		}
	}
	return &migrationFailure{s, err, r.Dump != ""}, nil
}

// beginTransaction opens a transaction, as the migration's tool does.
func (r *runner) beginTransaction(ctx context.Context, s *script.Statement) error {
	if _, err := r.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if r.watch == nil {
		return nil
	}
	return r.watch.onTransactionBegin(ctx, s.Node.GetVariableSetStmt() != nil)
}

// commitTransaction ends a transaction; deferred constraints may make it fail.
func (r *runner) commitTransaction(ctx context.Context, s *script.Statement) (*migrationFailure, error) {
	err := r.endTransaction(ctx, "COMMIT", true)
	if err == nil || !isStatementFailure(err) {
		return nil, err
	}
	if r.watch != nil {
		if err := r.watch.onTransactionEnd(ctx, false); err != nil {
			return nil, err
		}
	}
	return &migrationFailure{s, err, r.Dump != ""}, nil
}

func (r *runner) endTransaction(ctx context.Context, sql string, committed bool) error {
	if err := r.withLimit(ctx, func(ctx context.Context) error {
		_, err := r.conn.Exec(ctx, sql)
		return err
	}); err != nil {
		return err
	}
	if r.watch == nil {
		return nil
	}
	return r.watch.onTransactionEnd(ctx, committed)
}

// sendStatement sends one statement.
func (r *runner) sendStatement(ctx context.Context, s, next *script.Statement) error {
	before := r.txStatus()
	if r.watch == nil || s.Node.GetTransactionStmt() != nil {
		err := r.withLimit(ctx, func(ctx context.Context) error {
			_, err := r.execStatement(ctx, s)
			return err
		})
		if err != nil || r.watch == nil {
			return err
		}
		switch after := r.txStatus(); {
		case before == 'I' && after == 'T':
			return r.watch.onTransactionBegin(ctx, next != nil && next.Node.GetVariableSetStmt() != nil)
		case after == 'T' && s.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
			return r.watch.onSavepointRollback(ctx)
		case before != 'I' && after == 'I':
			return r.watch.onTransactionEnd(ctx, s.Node.GetTransactionStmt().GetKind() != pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK && before == 'T')
		}
		return nil
	}
	return r.watch.runStatement(ctx, s, before != 'I')
}

// execStatement sends one statement unchanged. COPY FROM STDIN gets no rows: no tool
// that runs files sends any.
func (r *runner) execStatement(ctx context.Context, s *script.Statement) (pgconn.CommandTag, error) {
	if c := s.Node.GetCopyStmt(); c.GetIsFrom() && c.GetFilename() == "" {
		r.addNote("the rows of COPY FROM STDIN, which a client sends, were left out: " + firstLine(s.SQL))
		return r.conn.PgConn().CopyFrom(ctx, strings.NewReader(""), s.SQL)
	}
	return r.conn.Exec(ctx, s.SQL)
}

// withLimit runs something that may wait, and ends its session after the limit.
func (r *runner) withLimit(ctx context.Context, fn func(context.Context) error) error {
	// A moment longer than a statement_timeout of the same length.
	limit, reason := r.statementLimit(r.Limit)
	bound, cancel := context.WithTimeout(ctx, limit+time.Second)
	defer cancel()
	err := fn(bound)
	if err != nil && bound.Err() != nil && ctx.Err() == nil {
		return &limitError{reason, err}
	}
	return err
}

func (r *runner) addNote(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// isStatementFailure reports whether an error is the server's answer. A lost connection
// and the end at the limit count too.
func isStatementFailure(err error) bool {
	var pg *pgconn.PgError
	var limit *limitError
	return errors.As(err, &pg) || errors.As(err, &limit) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, syscall.ECONNRESET) ||
		err != nil && strings.Contains(err.Error(), "conn closed")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
