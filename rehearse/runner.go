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
	"github.com/onward-sql/onward/internal/script"
)

// runner runs migrations on one connection, in the transactions that their own
// runner makes.
//
// Several statements in one message are sent one by one in a transaction of
// ours: to the server that is the same, and between them one can look.
type runner struct {
	*version
	server *pgserver.Server
	db     string
	conn   *pgx.Conn
	look   *pgx.Conn // reads the catalogs of the same database, as others see them
	// watch sees what happens; nil is nobody.
	watch watcher
	roles roles
	notes []string
}

// watcher is told of a migration's course.
type watcher interface {
	// opened: a transaction was opened; plain says that the next statement must
	// be the first one that it runs.
	opened(ctx context.Context, plain bool) error
	// statement runs one statement of the script and looks. inside says whether
	// it runs in a transaction of several statements.
	statement(ctx context.Context, s *script.Statement, inside bool) error
	// ended: the transaction was committed, or not.
	ended(ctx context.Context, committed bool) error
	// rewound: the transaction went back to a savepoint.
	rewound(ctx context.Context) error
	// notice hears what the server says meanwhile.
	notice(n *pgconn.Notice)
}

// stopped says where a migration ended before its end.
type stopped struct {
	statement *script.Statement
	err       error // the server's
}

// role is the role that is missing, or that a block makes and may not; "" for another
// reason, and for none. Those that were made already are none.
func (s *stopped) role(there []string) string {
	if s == nil {
		return ""
	}
	names := []string{missingRole(s.err)}
	if s.statement != nil && refusedWith(s.err, "42501") {
		made, _ := rolesIn([]byte(s.statement.SQL))
		names = append(names, made...)
	}
	for _, name := range names {
		if name != "" && !slices.Contains(there, name) {
			return name
		}
	}
	return ""
}

// bookkeeper makes the bookkeeper that is missing; "" for another reason.
func (s *stopped) bookkeeper() string {
	if s == nil {
		return ""
	}
	return missingBookkeeper(s.err, nil)
}

// newRunner connects as the role of the migrations.
func newRunner(ctx context.Context, s *pgserver.Server, v *version, db string, w watcher) (*runner, error) {
	config, err := pgx.ParseConfig(v.url(s, db))
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	r := &runner{version: v, server: s, db: db, watch: w, roles: roles{version: v, server: s, db: db}}
	if w != nil {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { w.notice(n) }
	}
	if r.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if path := v.base.SearchPath; path != "" {
		if _, err := r.conn.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, false)", anyhow, path); err != nil {
			r.close(ctx)
			return nil, err
		}
	}
	if r.look, err = s.Connect(ctx, lookName, db); refusedWith(err, "42501") && v.Server == "" {
		// A migration has closed its database to us.
		if err = execAll(ctx, s, "", "", admit(db)); err == nil {
			r.look, err = s.Connect(ctx, lookName, db)
		}
	}
	if err != nil {
		r.close(ctx)
		return nil, fmt.Errorf("connect: %w", err)
	}
	return r, nil
}

func (r *runner) close(ctx context.Context) {
	for _, c := range []*pgx.Conn{r.conn, r.look} {
		if c != nil {
			_ = c.Close(ctx)
		}
	}
}

// migration runs a migration. stop is not nil when the server refused
// something; err is everything else that went wrong.
func (r *runner) migration(ctx context.Context, m *adapter.Migration, sc *script.Script) (stop *stopped, err error) {
	if err := r.settings(ctx, m); err != nil {
		return nil, err
	}
	if r.Server != "" {
		if err := r.roles.look(ctx, r.look); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, r.claim(ctx)) }()
	}
	var last *script.Statement
	for i, s := range sc.Statements {
		if s.Parent >= 0 || r.skip[s] {
			continue
		}
		if last != nil { // behind the last one it is done at the end
			if err := r.claim(ctx); err != nil {
				return nil, err
			}
		}
		last = s
		next := r.following(sc, i)
		if stop, err := r.one(ctx, s, next); stop != nil || err != nil {
			return stop, err
		}
	}
	if last == nil || r.status() == 'I' {
		return nil, nil
	}
	// A file that leaves its own transaction open: the connection goes, and the
	// server rolls back.
	if sc.Open {
		return nil, r.end(ctx, "ROLLBACK", false)
	}
	return r.commit(ctx, last)
}

// claim marks the roles that what was committed last has made on somebody's
// server.
func (r *runner) claim(ctx context.Context) error {
	if r.Server == "" || r.look.IsClosed() || !r.conn.IsClosed() && r.status() != 'I' {
		return nil
	}
	left, err := r.roles.claim(ctx, r.look)
	for _, name := range left {
		r.note(leftAlone(name))
	}
	return err
}

// settings are those of the runner's connection.
func (r *runner) settings(ctx context.Context, m *adapter.Migration) error {
	for name, value := range map[string]int{"lock_timeout": m.Runner.LockTimeout, "statement_timeout": m.Runner.StatementTimeout} {
		if value > 0 {
			if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET %s = %d", name, value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// following is the next statement of the file itself that is sent.
func (r *runner) following(sc *script.Script, i int) *script.Statement {
	for _, s := range sc.Statements[i+1:] {
		if s.Parent < 0 && !r.skip[s] {
			return s
		}
	}
	return nil
}

func (r *runner) status() byte { return r.conn.PgConn().TxStatus() }

// one runs a statement, in the transaction that it belongs to.
func (r *runner) one(ctx context.Context, s, next *script.Statement) (*stopped, error) {
	if done, err := r.elsewhere(ctx, s); done || err != nil {
		return nil, err
	}
	ours := s.Origin == script.Runner || s.Origin == script.Message
	if r.status() == 'I' && ours && !delimits(s) {
		if err := r.begin(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := r.send(ctx, s, next); err != nil {
		return r.refused(ctx, s, err)
	}
	if ours && r.status() == 'T' && (next == nil || next.Tx != s.Tx) {
		return r.commit(ctx, s)
	}
	return nil, nil
}

// delimits reports whether a statement begins or ends a transaction.
func delimits(s *script.Statement) bool {
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

// refused ends the transaction of a statement that the server refused.
func (r *runner) refused(ctx context.Context, s *script.Statement, err error) (*stopped, error) {
	if !servers(err) {
		return nil, err
	}
	if r.conn.IsClosed() {
		if r.watch != nil {
			return &stopped{s, err}, r.watch.ended(ctx, false)
		}
		return &stopped{s, err}, nil
	}
	if r.status() != 'I' {
		if err := r.end(ctx, "ROLLBACK", false); err != nil {
			return nil, err
		}
	}
	return &stopped{s, err}, nil
}

// begin opens a transaction, as the runner does.
func (r *runner) begin(ctx context.Context, s *script.Statement) error {
	if _, err := r.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if r.watch == nil {
		return nil
	}
	return r.watch.opened(ctx, s.Node.GetVariableSetStmt() != nil)
}

// commit ends a transaction; deferred constraints may refuse it.
func (r *runner) commit(ctx context.Context, s *script.Statement) (*stopped, error) {
	err := r.end(ctx, "COMMIT", true)
	if err == nil || !servers(err) {
		return nil, err
	}
	if r.watch != nil {
		if err := r.watch.ended(ctx, false); err != nil {
			return nil, err
		}
	}
	return &stopped{s, err}, nil
}

func (r *runner) end(ctx context.Context, sql string, committed bool) error {
	if err := r.bounded(ctx, func(ctx context.Context) error {
		_, err := r.conn.Exec(ctx, sql)
		return err
	}); err != nil {
		return err
	}
	if r.watch == nil {
		return nil
	}
	return r.watch.ended(ctx, committed)
}

// send sends one statement.
func (r *runner) send(ctx context.Context, s, next *script.Statement) error {
	before := r.status()
	if r.watch == nil || s.Node.GetTransactionStmt() != nil {
		err := r.bounded(ctx, func(ctx context.Context) error {
			_, err := r.exec(ctx, s)
			return err
		})
		if err != nil || r.watch == nil {
			return err
		}
		switch after := r.status(); {
		case before == 'I' && after == 'T':
			return r.watch.opened(ctx, next != nil && next.Node.GetVariableSetStmt() != nil)
		case after == 'T' && s.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
			return r.watch.rewound(ctx)
		case before != 'I' && after == 'I':
			return r.watch.ended(ctx, s.Node.GetTransactionStmt().GetKind() != pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK && before == 'T')
		}
		return nil
	}
	return r.watch.statement(ctx, s, before != 'I')
}

// exec sends one statement as it stands. Rows that a client would send after it
// are none: no runner of files sends any.
func (r *runner) exec(ctx context.Context, s *script.Statement) (pgconn.CommandTag, error) {
	if c := s.Node.GetCopyStmt(); c.GetIsFrom() && c.GetFilename() == "" {
		r.note("the rows of COPY FROM STDIN, which a client sends, were left out: " + firstLine(s.SQL))
		return r.conn.PgConn().CopyFrom(ctx, strings.NewReader(""), s.SQL)
	}
	return r.conn.Exec(ctx, s.SQL)
}

// bounded runs something that may wait, and ends its session after the limit.
func (r *runner) bounded(ctx context.Context, do func(context.Context) error) error {
	// A moment longer than a statement_timeout of the same length.
	bound, cancel := context.WithTimeout(ctx, r.Limit+time.Second)
	defer cancel()
	err := do(bound)
	if err != nil && bound.Err() != nil && ctx.Err() == nil {
		return &limitError{fmt.Sprintf("ended after %s", r.Limit), err}
	}
	return err
}

func (r *runner) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// servers reports whether an error is the server's answer, a lost connection
// and the end at the limit included.
func servers(err error) bool {
	var pg *pgconn.PgError
	var limit *limitError
	return errors.As(err, &pg) || errors.As(err, &limit) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		err != nil && strings.Contains(err.Error(), "conn closed")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
