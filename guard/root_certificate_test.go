package guard_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
	"github.com/onward-sql/onward/onward"
)

// rootScript connects as a command does that has sslmode=verify-full in a file of its own, and prints the file with the
// root certificates and how many there are.
const rootScript = `echo "file ${PGSSLROOTCERT:-none} $(cat "$PGSSLROOTCERT" 2>/dev/null | grep -c BEGIN) node $(cat "$NODE_EXTRA_CA_CERTS" | grep -c BEGIN)"
psql -XAtc "SELECT 'connected'" "sslmode=verify-full $1" || exit 7
`

// A command that verifies the server by its own settings trusts the guard, if it has root certificates or --db verifies the
// server. Otherwise, and if it trusts only other certificates, a note has the reason and the setting.
func TestRootCertificate(t *testing.T) {
	t.Parallel()
	component.NeedProgram(t, component.Psql, "psql")
	_, other := authority(t)
	const note = "1 connections were not made, because the client does not trust the proxy's certificate: "
	for name, c := range map[string]struct {
		roots      string // PGSSLROOTCERT
		home       bool   // the file is in ~/.postgresql
		argument   string
		verifies   bool // --db
		code       int
		has, note  string
		ownProgram bool
	}{
		"PGSSLROOTCERT":         {roots: other, has: "pgsslrootcert.crt 2 node 1"},
		"in the home directory": {home: true, has: "pgsslrootcert.crt 2 node 1"},
		"--db verifies":         {verifies: true, has: "pgsslrootcert.crt 2 node 1"},
		"a driver of Go":        {roots: other, ownProgram: true},
		"no root certificates":  {code: 7, has: "file none 0 node 1", note: note + "name the file with the root certificates that it trusts in PGSSLROOTCERT"},
		"a file of the command's": {
			roots: other, argument: "sslrootcert=" + other, code: 7,
			note: note + "have it read the root certificate from the file that PGSSLROOTCERT names",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, "SELECT 1")
			if c.verifies {
				s.c.DB = verifiedAddress(t, s)
			}
			home := t.TempDir()
			if c.home {
				copyRoot(t, other, filepath.Join(home, ".postgresql"))
			}
			s.c.Env = append(s.c.Env, "HOME="+home, "DATABASE_URL="+s.c.DB, wire.LibpqRoots+"="+c.roots, wire.NodeRoots+"=")
			if c.ownProgram {
				s.c.Env = append(s.c.Env, "GUARD_TEST_SSLMODE=verify-full")
			} else {
				runScript(t, s, c.argument)
			}
			r := s.guard("")
			out := s.out.String()
			if r.ExitCode != c.code || !strings.Contains(out, c.has) || (c.code == 0 && !c.ownProgram) != strings.Contains(out, "connected\n") {
				t.Errorf("exit code %d, notes %q, printed\n%s", r.ExitCode, r.Notes, out)
			}
			if slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, note) && strings.HasPrefix(n, c.note) }) != (c.note != "") {
				t.Errorf("the notes are %q", r.Notes)
			}
			_, file, _ := strings.Cut(out, "file ")
			if file, _, _ = strings.Cut(file, " "); strings.HasSuffix(file, ".crt") {
				if _, err := os.Stat(file); !os.IsNotExist(err) {
					t.Errorf("the file %s is left: %v", file, err)
				}
			}
		})
	}
}

func copyRoot(t *testing.T, from, dir string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err := errors.Join(err, os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "root.crt"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// runScript makes rootScript the command.
func runScript(t *testing.T, s *stage, argument string) {
	t.Helper()
	script := gittest.NewFile(t, "script.sh", rootScript)
	cfg, err := pgconn.ParseConfig(s.c.DB)
	if err != nil {
		t.Fatal(err)
	}
	s.c.Env = append(s.c.Env, "PGHOST="+cfg.Host, fmt.Sprintf("PGPORT=%d", cfg.Port), "PGUSER="+cfg.User, "PGDATABASE="+cfg.Database)
	s.c.Command = []string{"sh", script, argument}
}

// verifiedAddress returns the address of the stage's database with encryption and sslmode=verify-full.
func verifiedAddress(t *testing.T, s *stage) string {
	t.Helper()
	certificate, file := authority(t)
	front := wiretest.ListenInFront(t, s.url, wire.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}})
	return "postgres://postgres@127.0.0.1:" + front.Port() + "/" + s.one("SELECT current_database()::text") +
		"?sslmode=verify-full&sslrootcert=" + url.QueryEscape(file)
}
