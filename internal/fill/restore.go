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
)

// Dump is a file of pg_dump, and how to bring it into a database.
type Dump struct {
	File string
	// URL is the database, for who is to own what the dump makes. The text of a
	// dump is a stranger's: it has the rights of this role, and no others.
	URL string
	// Bin is the directory of the server's own programs; PATH is tried after it.
	Bin string
	// Instead, when it is not nil, may do in the role's place what a statement
	// about extensions and roles says. It tells whether it has.
	Instead func(ctx context.Context, sql string) (done bool, err error)
}

// StatementError is the refusal of a statement of a dump.
type StatementError struct {
	SQL string
	Err error
}

// Error says how the statement begins, and the server's words.
func (e *StatementError) Error() string { return firstWords(e.SQL) + ": " + e.Err.Error() }

// Unwrap gives the server's error.
func (e *StatementError) Unwrap() error { return e.Err }

// Restore brings a dump into a database. A plain one (pg_dump's default) is sent
// statement by statement, its COPY data as it is read; custom, tar and directory
// formats are made plain by pg_restore, which connects to nothing. Owners, grants
// and comments on extensions that this server cannot have are left out, and so is
// what only a superuser may and no table needs: leftOut names the kinds. Every
// other refusal is an error with the line of the file.
func Restore(ctx context.Context, r Dump) (leftOut []string, err error) {
	info, err := os.Stat(r.File)
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(r.File, "toc.dat")); err != nil {
			return nil, fmt.Errorf("%s is a directory without toc.dat: no dump of pg_dump's directory format", r.File)
		}
		return r.archive(ctx)
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
		return r.archive(ctx)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(head, []byte("BZh")):
		return nil, fmt.Errorf("%s is compressed: unpack it first (gunzip, zstd -d)", r.File)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return nil, fmt.Errorf("%s is UTF-16: write it with pg_dump --file instead of a shell's >", r.File)
	}
	return r.plain(ctx, text)
}

// plain brings a plain dump into the database.
func (r *Dump) plain(ctx context.Context, text *bufio.Reader) ([]string, error) {
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
	b := &bringing{Dump: r, conn: conn, text: &dump{in: text, line: 1}}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sql, line, err := b.text.next()
		if errors.Is(err, io.EOF) {
			return b.leftOut, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", r.File, line, err)
		}
		if err := b.send(ctx, sql); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", r.File, line, err)
		}
	}
}

// bringing is a dump on its way.
type bringing struct {
	*Dump
	conn    *pgx.Conn
	text    *dump
	leftOut []string
}

// send runs a statement of a plain dump.
func (b *bringing) send(ctx context.Context, sql string) error {
	if isCopy(sql) {
		data := b.text.copyData()
		_, err := b.conn.PgConn().CopyFrom(ctx, data, sql)
		if err != nil {
			return &StatementError{sql, err}
		}
		return data.skip()
	}
	if b.Instead != nil && deputed(sql) {
		if done, err := b.Instead(ctx, sql); done || err != nil {
			return err
		}
	}
	_, err := b.conn.PgConn().Exec(ctx, sql).ReadAll()
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if leftOut(sql, pg.Code) {
			return nil
		}
		if kind := needless(sql, pg.Code, len(b.leftOut) > 0); kind != "" {
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

// begins is the first of a list that a statement begins with; "" for none.
func begins(sql string, list ...string) string {
	head := upperHead(sql)
	for _, p := range list {
		if strings.HasPrefix(head, p+" ") {
			return p
		}
	}
	return ""
}

// deputed statements may have to be done by somebody else than the role.
func deputed(sql string) bool {
	return begins(sql, "CREATE EXTENSION", "COMMENT ON EXTENSION", "CREATE ROLE", "CREATE USER", "CREATE GROUP") != "" && begins(sql, "CREATE USER MAPPING") == ""
}

// needless is the kind of a statement that only a superuser may run, and whose
// objects no table is made of; "" for every other one. What was left out is missing
// to what comes after it, which is left out, too.
func needless(sql, code string, missing bool) string {
	switch {
	case code == "42501":
		return begins(sql, "CREATE EXTENSION", "CREATE EVENT TRIGGER", "ALTER EVENT TRIGGER", "COMMENT ON EVENT TRIGGER", "CREATE PUBLICATION", "ALTER PUBLICATION",
			"CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "CREATE FOREIGN DATA WRAPPER", "CREATE SERVER", "CREATE USER MAPPING", "CREATE FOREIGN TABLE",
			"SECURITY LABEL", "CREATE ROLE", "CREATE USER", "ALTER ROLE", "ALTER USER", "COMMENT ON ROLE", "ALTER DATABASE", "ALTER SYSTEM", "SET")
	case missing && (code == "42704" || code == "42P01"):
		return begins(sql, "GRANT", "REVOKE", "COMMENT ON", "ALTER EVENT TRIGGER", "ALTER PUBLICATION", "ALTER SUBSCRIPTION", "ALTER FOREIGN DATA WRAPPER", "CREATE SERVER", "ALTER SERVER",
			"CREATE USER MAPPING", "CREATE FOREIGN TABLE", "ALTER FOREIGN TABLE")
	}
	return ""
}

// upperHead is the beginning of a statement in upper case, with single spaces.
func upperHead(sql string) string {
	return strings.ToUpper(strings.Join(strings.Fields(sql[:min(len(sql), 400)]), " "))
}

func isCopy(sql string) bool {
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

// leftOut reports whether a refusal does not matter for a rehearsal: roles of
// production, settings of a newer pg_dump, what every database has anyway.
func leftOut(sql, code string) bool {
	switch code {
	case "42704", "22023": // an unknown role or setting
		return begins(sql, "GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES", "SET", "SECURITY LABEL") != "" || strings.HasPrefix(upperHead(sql), "SELECT PG_CATALOG.SET_CONFIG(") || newOwner(sql)
	case "42501": // not allowed to a role that is no superuser
		return begins(sql, "COMMENT ON EXTENSION", "ALTER DEFAULT PRIVILEGES", "GRANT", "REVOKE") != "" || newOwner(sql)
	case "42P06":
		return strings.HasPrefix(upperHead(sql), "CREATE SCHEMA PUBLIC")
	}
	return false
}

func newOwner(sql string) bool {
	return begins(sql, "ALTER") != "" && strings.Contains(upperHead(sql[max(0, len(sql)-200):]), "OWNER TO ")
}

// archive has pg_restore write an archive as a plain dump, and brings that in.
func (r *Dump) archive(ctx context.Context) ([]string, error) {
	program := filepath.Join(r.Bin, "pg_restore")
	if _, err := os.Stat(program); r.Bin == "" || err != nil {
		if program, err = exec.LookPath("pg_restore"); err != nil {
			return nil, fmt.Errorf("%s is not a plain dump, and there is no pg_restore here to read it: install Postgres' client programs (postgresql-client), or write the dump with pg_dump --format=plain", r.File)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--no-owner", "--no-privileges", "--no-comments", "--file=-", r.File)
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
	leftOut, err := r.plain(ctx, bufio.NewReaderSize(out, chunk))
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
