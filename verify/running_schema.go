package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/scratch"
)

// useRunningSchema puts the schema of a running database in the place of the deployed migrations. The
// audit reads the database itself; the server gets what pg_dump writes of it, which is the
// one rendering of a schema that servers are sure to take.
func (c *Config) useRunningSchema(ctx context.Context) (forget func(), err error) {
	if c.From == "" {
		return func() {}, nil
	}
	if c.Schema != "" || c.Dump != "" {
		return nil, &config.InputError{Err: errors.New("the deployed schema comes from a database, or from a file, not from both")}
	}
	dir, remove, err := scratch.Make("verify")
	if err != nil {
		return nil, err
	}
	forget = func() { _ = remove() }
	file := filepath.Join(dir, "schema.sql")
	if err := dumpSchema(ctx, c.From, file); err != nil {
		forget()
		return nil, err
	}
	c.DB, c.Dump = c.From, file
	return forget, nil
}

// dumpSchema writes the schema of a database to a file. The password is in no list of processes.
func dumpSchema(ctx context.Context, from, file string) error {
	cfg, err := pgx.ParseConfig(from)
	if err != nil {
		return &address.Error{} // the driver's may quote what it could not read
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to the database of --from: %w", address.RedactError(err, from))
	}
	version := conn.PgConn().ParameterStatus("server_version")
	_ = conn.Close(ctx)
	major, _ := strconv.Atoi(version[:len(version)-len(strings.TrimLeft(version, "0123456789"))])
	program, err := pgserver.Program("pg_dump", major)
	if err != nil {
		return fmt.Errorf("read the schema of --from: %w; or, if a database has it, write it with pg_dump --schema-only, and name the file with --schema", err)
	}
	cmd := exec.CommandContext(ctx, program, "--schema-only", "--no-owner", "--no-tablespaces", "--no-publications", "--no-subscriptions", "--file", file)
	cmd.Env = append(os.Environ(), "PGHOST="+cfg.Host, fmt.Sprintf("PGPORT=%d", cfg.Port), "PGUSER="+
		cfg.User, "PGPASSWORD="+cfg.Password, "PGDATABASE="+cfg.Database,
		"PGAPPNAME=onward", "PGCONNECT_TIMEOUT=10", "PGOPTIONS=-c lock_timeout=2s -c statement_timeout=60s")
	if mode := sslMode(from); mode != "" {
		cmd.Env = append(cmd.Env, "PGSSLMODE="+mode)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("read the schema of --from: %w", address.RedactError(fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String())), from))
	}
	return nil
}

// sslMode returns the sslmode of an address.
func sslMode(from string) string {
	if u, err := url.Parse(from); err == nil && u.Scheme != "" {
		return u.Query().Get("sslmode")
	}
	for word := range strings.FieldsSeq(from) {
		if mode, ok := strings.CutPrefix(word, "sslmode="); ok {
			return mode
		}
	}
	return ""
}
