package fill

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Dump is a file from pg_dump, and how to restore it.
type Dump struct {
	File string
	// URL is the database, with the role that will own the dump's objects. The
	// dump is untrusted text: it runs with the rights of this role only.
	URL string
	// Bin is the directory of the server's own programs; PATH is tried after it.
	Bin string
	// Instead, if it is not nil, may run statements about extensions and roles
	// for the role. It reports whether it has.
	Instead func(ctx context.Context, sql string) (done bool, err error)
	// MakeRole, when it is not nil, makes a role that a statement names and the server
	// does not have. Owners and grants are kept then; without it they are left out.
	MakeRole func(ctx context.Context, name string) error
}

// StatementError is the refusal of a statement of a dump.
type StatementError struct {
	SQL string
	Err error
}

// Error returns the beginning of the statement and the server's message.
func (e *StatementError) Error() string { return firstWords(e.SQL) + ": " + e.Err.Error() }

// Unwrap returns the server's error.
func (e *StatementError) Unwrap() error { return e.Err }

// RestoreDump restores a dump into a database. A plain dump (pg_dump's default) is
// sent statement by statement, with its COPY data streamed. Custom, tar and
// directory formats are converted to plain text by pg_restore, which connects to
// nothing.
//
// Some statements are skipped if the server refuses them: owners, grants and
// comments on extensions that this server cannot have, and what only a superuser
// may do and no table needs. leftOut names their kinds. Every other refusal is an
// error with the line of the file.
func RestoreDump(ctx context.Context, r Dump) (leftOut []string, err error) {
	info, err := os.Stat(r.File)
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(r.File, "toc.dat")); err != nil {
			return nil, fmt.Errorf("%s is a directory without toc.dat: no dump of pg_dump's directory format", r.File)
		}
		return r.restoreArchive(ctx)
	}
	in, err := os.Open(r.File)
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	defer in.Close()
	text := bufio.NewReaderSize(in, chunk)
	head, _ := text.Peek(512)
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")), len(head) > 262 && string(head[257:262]) == "ustar":
		return r.restoreArchive(ctx)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(head, []byte("BZh")):
		return nil, fmt.Errorf("%s is compressed: unpack it first (gunzip, zstd -d)", r.File)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, fmt.Errorf("%s is UTF-16: write it with pg_dump --file instead of a shell's >", r.File)
	}
	return r.restorePlain(ctx, text)
}

// restorePlain restores a plain dump.
func (r *Dump) restorePlain(ctx context.Context, text *bufio.Reader) ([]string, error) {
	cfg, err := pgx.ParseConfig(r.URL)
	if err != nil {
		return nil, errors.New("the address of the throwaway server cannot be read")
	}
	cfg.RuntimeParams["application_name"] = "onward restore"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the throwaway server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	b := &dumpRestore{Dump: r, conn: conn, text: &dump{in: text, line: 1}}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sql, line, err := b.text.nextStatement()
		if errors.Is(err, io.EOF) {
			return b.leftOut, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", r.File, line, err)
		}
		if err := b.sendStatement(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", r.File, line, err)
		}
	}
}

// dumpRestore is a dump that is being restored.
type dumpRestore struct {
	*Dump
	conn    *pgx.Conn
	text    *dump
	leftOut []string
}

// sendStatement runs a statement of a plain dump.
func (b *dumpRestore) sendStatement(ctx context.Context, sql string) error {
	if isCopyFromStdin(sql) {
		data := b.text.copyData()
		_, err := b.conn.PgConn().CopyFrom(ctx, data, sql)
		if err != nil {
			return &StatementError{sql, err}
		}
		return data.discardRest()
	}
	if b.Instead != nil && mayNeedSuperuser(sql) {
		if done, err := b.Instead(ctx, sql); done || err != nil {
			return err
		}
	}
	err := b.execStatement(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if isIgnorableRefusal(sql, pg.Code) {
			return nil
		}
		if kind := skippableKind(sql, pg.Code, len(b.leftOut) > 0); kind != "" {
			if !slices.Contains(b.leftOut, kind) {
				b.leftOut = append(b.leftOut, kind)
			}
			return nil
		}
	}
	if err != nil {
		return &StatementError{sql, err}
	}
	return nil
}

var noRole = lazyregexp.New(`^role "(.+)" does not exist$`)

// mostRoles bounds the roles that are made for one statement.
const mostRoles = 50

// execStatement runs a statement, again for each role that it names and that could be made.
func (b *dumpRestore) execStatement(ctx context.Context, sql string) error {
	for range mostRoles {
		_, err := b.conn.PgConn().Exec(ctx, sql).ReadAll()
		var pg *pgconn.PgError
		if b.MakeRole == nil || !errors.As(err, &pg) {
			return err
		}
		m := noRole.FindStringSubmatch(pg.Message)
		if m == nil {
			return err
		}
		if failed := b.MakeRole(ctx, m[1]); errors.As(failed, new(*pgconn.PgError)) {
			return err // such as a name that the server keeps for itself
		} else if failed != nil {
			return failed
		}
	}
	return fmt.Errorf("it names more than %d roles that do not exist", mostRoles)
}

// firstPrefix is the first of a list that a statement begins with; "" for none.
func firstPrefix(sql string, list ...string) string {
	head := upperHead(sql)
	for _, p := range list {
		if strings.HasPrefix(head, p+" ") {
			return p
		}
	}
	return ""
}

// mayNeedSuperuser reports whether the role may need somebody else to run a statement.
func mayNeedSuperuser(sql string) bool {
	return firstPrefix(sql, "CREATE EXTENSION", "COMMENT ON EXTENSION", "CREATE ROLE", "CREATE USER", "CREATE GROUP") != "" &&
		firstPrefix(sql, "CREATE USER MAPPING") == ""
}

// skippableKind returns the kind of a statement that only a superuser may run and that
// creates no part of a table; "" for every other statement. Later statements that
// need a skipped object are skipped too.
func skippableKind(sql, code string, missing bool) string {
	switch {
	case code == "42501":
		return firstPrefix(sql, "CREATE EXTENSION", "CREATE EVENT TRIGGER", "ALTER EVENT TRIGGER", "COMMENT ON EVENT TRIGGER", "CREATE PUBLICATION", "ALTER PUBLICATION",
			"CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "CREATE FOREIGN DATA WRAPPER", "CREATE SERVER", "CREATE USER MAPPING", "CREATE FOREIGN TABLE",
			"SECURITY LABEL", "CREATE ROLE", "CREATE USER", "ALTER ROLE", "ALTER USER", "COMMENT ON ROLE", "ALTER DATABASE", "ALTER SYSTEM", "SET")
	case missing && (code == "42704" || code == "42P01"):
		return firstPrefix(sql, "GRANT", "REVOKE", "COMMENT ON", "ALTER EVENT TRIGGER", "ALTER PUBLICATION", "ALTER SUBSCRIPTION", "ALTER FOREIGN DATA WRAPPER", "CREATE SERVER", "ALTER SERVER",
			"CREATE USER MAPPING", "CREATE FOREIGN TABLE", "ALTER FOREIGN TABLE")
	}
	return ""
}

// upperHead returns the beginning of a statement in upper case, with single
// spaces.
func upperHead(sql string) string {
	return strings.ToUpper(strings.Join(strings.Fields(sql[:min(len(sql), 400)]), " "))
}

func isCopyFromStdin(sql string) bool {
	if !strings.HasPrefix(upperHead(sql), "COPY ") {
		return false
	}
	tail := upperHead(strings.ReplaceAll(sql[max(0, len(sql)-400):], ";", " "))
	return strings.Contains(tail, "FROM STDIN")
}

func firstWords(sql string) string {
	s := strings.Join(strings.Fields(sql[:min(len(sql), 400)]), " ")
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return s
}

// isIgnorableRefusal reports whether a refusal does not matter for a rehearsal: production's
// roles, settings of a newer pg_dump, objects that every database has anyway.
func isIgnorableRefusal(sql, code string) bool {
	switch code {
	case "42704", "22023": // an unknown role or setting
		return firstPrefix(sql, "GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES", "SET", "SECURITY LABEL") != "" ||
			strings.HasPrefix(upperHead(sql), "SELECT PG_CATALOG.SET_CONFIG(") || changesOwner(sql)
	case "42501": // requires a superuser
		return firstPrefix(sql, "COMMENT ON EXTENSION", "ALTER DEFAULT PRIVILEGES", "GRANT", "REVOKE") != "" || changesOwner(sql)
	case "42P06":
		return strings.HasPrefix(upperHead(sql), "CREATE SCHEMA PUBLIC")
	}
	return false
}

func changesOwner(sql string) bool {
	return firstPrefix(sql, "ALTER") != "" && strings.Contains(upperHead(sql[max(0, len(sql)-200):]), "OWNER TO ")
}

// restoreArchive converts an archive to a plain dump with pg_restore, and restores that.
func (r *Dump) restoreArchive(ctx context.Context) ([]string, error) {
	program := filepath.Join(r.Bin, "pg_restore")
	if _, err := os.Stat(program); r.Bin == "" || err != nil {
		if program, err = exec.LookPath("pg_restore"); err != nil {
			return nil, fmt.Errorf("%s is not a plain dump, and there is no pg_restore here to read it: "+
				"install Postgres' client programs (postgresql-client), or write the dump with pg_dump --format=plain", r.File)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := []string{"--no-comments", "--file=-", r.File}
	if r.MakeRole == nil {
		options = append([]string{"--no-owner", "--no-privileges"}, options...)
	}
	cmd := exec.CommandContext(ctx, program, options...)
	// It has no need of what else the environment holds.
	for _, name := range []string{"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pg_restore: %w", err)
	}
	leftOut, err := r.restorePlain(ctx, bufio.NewReaderSize(out, chunk))
	if err != nil {
		cancel() // nobody reads the rest
	}
	ended := cmd.Wait()
	if err == nil && ended != nil {
		text := strings.TrimSpace(stderr.String())
		err = fmt.Errorf("pg_restore of %s: %w: %s", r.File, ended, text[:min(len(text), 2000)])
	}
	return leftOut, err
}
