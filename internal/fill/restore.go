package fill

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Restore brings a dump into the database at url. A plain one (pg_dump's
// default) is sent statement by statement, its COPY data as it is read; custom,
// tar and directory formats go through pg_restore, which is looked for in bin
// (the server's own directory) and then in PATH. Owners, grants and comments on
// extensions that this server cannot have are left out; every other refusal is
// an error with the line of the file.
func Restore(ctx context.Context, url, file, bin string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("read the dump: %w", err)
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(file, "toc.dat")); err != nil {
			return fmt.Errorf("%s is a directory without toc.dat: no dump of pg_dump's directory format", file)
		}
		return pgRestore(ctx, url, file, bin)
	}
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the dump: %w", err)
	}
	defer in.Close()
	r := bufio.NewReaderSize(in, chunk)
	head, _ := r.Peek(512)
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")), len(head) > 262 && string(head[257:262]) == "ustar":
		return pgRestore(ctx, url, file, bin)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), bytes.HasPrefix(head, []byte("BZh")):
		return fmt.Errorf("%s is compressed: unpack it first (gunzip, zstd -d)", file)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return fmt.Errorf("%s is UTF-16: write it with pg_dump --file instead of a shell's >", file)
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("the address of the throwaway server cannot be read")
	}
	cfg.RuntimeParams["application_name"] = "onward restore"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to the throwaway server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	d := &dump{in: r, line: 1}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		sql, line, err := d.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", file, line, err)
		}
		if err := send(ctx, conn, d, sql); err != nil {
			return fmt.Errorf("%s:%d: %w", file, line, err)
		}
	}
}

// send runs a statement of a plain dump.
func send(ctx context.Context, conn *pgx.Conn, d *dump, sql string) error {
	if isCopy(sql) {
		data := d.copyData()
		_, err := conn.PgConn().CopyFrom(ctx, data, sql)
		if err != nil {
			return fmt.Errorf("%s: %w", firstWords(sql), err)
		}
		return data.skip()
	}
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	var pg *pgconn.PgError
	if errors.As(err, &pg) && leftOut(sql, pg.Code) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", firstWords(sql), err)
	}
	return nil
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
	head := upperHead(sql)
	begins := func(list ...string) bool {
		for _, p := range list {
			if strings.HasPrefix(head, p) {
				return true
			}
		}
		return false
	}
	switch code {
	case "42704", "22023": // an unknown role or setting
		return begins("GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES ", "SET ", "SELECT PG_CATALOG.SET_CONFIG(", "SECURITY LABEL ") ||
			begins("ALTER ") && strings.Contains(upperHead(sql[max(0, len(sql)-200):]), "OWNER TO ")
	case "42501": // not allowed to a role that is no superuser
		return begins("COMMENT ON EXTENSION ", "ALTER DEFAULT PRIVILEGES ", "GRANT ", "REVOKE ") ||
			begins("ALTER ") && strings.Contains(upperHead(sql[max(0, len(sql)-200):]), "OWNER TO ")
	case "42P06":
		return begins("CREATE SCHEMA PUBLIC")
	}
	return false
}

// pgRestore runs pg_restore.
func pgRestore(ctx context.Context, address, file, bin string) error {
	program := filepath.Join(bin, "pg_restore")
	if _, err := os.Stat(program); bin == "" || err != nil {
		if program, err = exec.LookPath("pg_restore"); err != nil {
			return fmt.Errorf("%s is not a plain dump, and there is no pg_restore here to read it: install Postgres' client programs (postgresql-client), or write the dump with pg_dump --format=plain", file)
		}
	}
	cmd := exec.CommandContext(ctx, program, "--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--dbname="+address, file)
	// Arguments can be read by every process of the machine.
	if u, err := url.Parse(address); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			u.User = url.User(u.User.Username())
			cmd.Args[len(cmd.Args)-2] = "--dbname=" + u.String()
			cmd.Env = append(os.Environ(), "PGPASSWORD="+password)
		}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text := strings.TrimSpace(stderr.String())
		return fmt.Errorf("pg_restore of %s: %w: %s", file, err, text[:min(len(text), 2000)])
	}
	return nil
}
