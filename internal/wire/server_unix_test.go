//go:build unix

package wire_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
)

// own is a server of the test's own, with rules on who gets in how, which throwaway ones
// have not. It listens on TCP, with and without encryption.
type own struct {
	port string
	dir  string
	cmd  *exec.Cmd
}

// ownRules lets each role in by the method that it is named for.
const ownRules = `
local all all trust
host all app 127.0.0.1/32 trust
hostssl all only_tls 127.0.0.1/32 scram-sha-256
host all cleartext 127.0.0.1/32 password
host all md5 127.0.0.1/32 md5
host all scram 127.0.0.1/32 scram-sha-256
host replication app 127.0.0.1/32 trust
`

const ownPassword = "a-secret-of-this-test"

func startOwn(t *testing.T, major int) *own {
	t.Helper()
	bin := pgservertest.Server(t, major).Install().Bin
	dir := socketDir(t)
	s := &own{dir: dir}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	s.must(t, filepath.Join(bin, "initdb"), "-D", data, "-U", "app", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")
	cert, err := wire.SelfSigned("")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "data/server.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificates[0].Certificate[0]}))
	s.write(t, "data/server.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	s.write(t, "data/pg_hba.conf", []byte(ownRules))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, s.port, _ = net.SplitHostPort(free.Addr().String())
	free.Close()
	s.cmd = s.command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", s.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "ssl=on", "-c", "fsync=off", "-c", "max_wal_senders=4")
	log := new(bytes.Buffer)
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGQUIT)
		s.cmd.Wait()
	})
	begin := time.Now()
	for {
		c, err := pgx.Connect(t.Context(), s.url("app", "disable"))
		if err == nil {
			_, err = c.Exec(t.Context(), strings.ReplaceAll(`CREATE ROLE cleartext LOGIN PASSWORD '$'; CREATE ROLE scram LOGIN; CREATE ROLE only_tls LOGIN; CREATE ROLE md5 LOGIN;
				SET password_encryption = 'scram-sha-256'; ALTER ROLE scram PASSWORD '$'; ALTER ROLE only_tls PASSWORD '$';
				SET password_encryption = 'md5'; ALTER ROLE md5 PASSWORD '$'`, "$", ownPassword))
			if err := errors.Join(err, c.Close(t.Context())); err != nil {
				t.Fatal(err)
			}
			return s
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the server does not start: %v\n%s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// nobody is who servers run as where this is root.
const nobody = 65534

func (s *own) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

func (s *own) must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("run %s: %v\n%s", name, err, out)
	}
}

func (s *own) write(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *own) url(role, mode string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%s/postgres?sslmode=%s", role, ownPassword, s.port, mode)
}

// through is the address of a proxy.
func through(p *wire.Proxy, role, password, options string) string {
	return fmt.Sprintf("postgres://%s:%s@%s:%s/postgres?%s", role, password, p.Host(), p.Port(), options)
}

// TestAuthentication: each kind of password, with and without encryption on either side.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := startOwn(t, major)
		cert, err := wire.SelfSigned("")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			role, upstream, client string
			cert                   *tls.Config
			want                   string // of the error
		}{
			{"cleartext", "disable", "sslmode=disable", nil, ""},
			{"md5", "disable", "sslmode=disable", nil, ""},
			{"scram", "disable", "sslmode=disable", nil, ""},
			{"scram", "require", "sslmode=disable", nil, ""}, // the server offers PLUS
			{"scram", "prefer", "sslmode=prefer", nil, ""},   // the proxy does not encrypt
			{"only_tls", "allow", "sslmode=disable", nil, ""},
			{"only_tls", "disable", "sslmode=disable", nil, "28000"},
			{"scram", "disable", "sslmode=require", cert, ""},
			{"scram", "disable", "sslmode=require&sslnegotiation=direct", cert, ""},
			{"md5", "require", "sslmode=require", cert, ""},
			{"scram", "require", "sslmode=require&channel_binding=disable", cert, ""},
			{"scram", "require", "sslmode=require&channel_binding=prefer", cert, "channel_binding=disable"},
			{"scram", "disable", "sslmode=require", nil, "refused TLS"},
		} {
			sink, whole := new(taps), new(taps)
			p := wiretest.ListenInFront(t, s.url(c.role, c.upstream), wire.Config{TLS: c.cert, Sink: sink, Whole: whole})
			name := fmt.Sprintf("%s to a server with %s and a client with %s", c.role, c.upstream, c.client)
			conn, err := pgx.Connect(t.Context(), through(p, c.role, ownPassword, c.client))
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: connect: %v, want an error with %q", name, err, c.want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: connect: %v", name, err)
				continue
			}
			var encrypted bool
			if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted); err != nil ||
				encrypted != (c.upstream != "disable") {
				t.Errorf("%s: encrypted to the server: %v, %v", name, encrypted, err)
			}
			conn.Close(t.Context())
			if _, err := pgx.Connect(t.Context(), through(p, c.role, "wrong", c.client)); err == nil || !strings.Contains(err.Error(), "28P01") {
				t.Errorf("%s with a wrong password: %v", name, err)
			}
			for _, text := range []string{sink.text(), whole.text()} {
				if strings.Contains(text, ownPassword) || strings.Contains(text, "\np") || !strings.Contains(text, "pg_stat_ssl") {
					t.Errorf("%s: shown were\n%q", name, text)
				}
			}
		}
	})
}

// TestServerDies: clients hear of it as they would without a proxy.
func TestServerDies(t *testing.T) {
	t.Parallel()
	s := startOwn(t, 18)
	p := wiretest.ListenInFront(t, s.url("app", "disable"), wire.Config{Sink: new(taps)})
	conn, err := pgx.Connect(t.Context(), through(p, "app", "", "sslmode=disable"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT pg_sleep(60)")
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil { // fast shutdown
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "57P01") {
		t.Errorf("a query while the server shuts down: %v, want 57P01", err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := pgx.Connect(t.Context(), through(p, "app", "", "sslmode=disable")); err == nil || !strings.Contains(err.Error(), "08006") {
		t.Errorf("connect to a stopped server: %v, want 08006", err)
	}
	idle(t, p)
}

// TestReplication: what a standby says passes through, and nobody looks at it.
func TestReplication(t *testing.T) {
	t.Parallel()
	s := startOwn(t, 18)
	sink := new(taps)
	p := wiretest.ListenInFront(t, s.url("app", "disable"), wire.Config{Sink: sink, Whole: sink})
	cfg, err := pgx.ParseConfig(through(p, "app", "", "sslmode=disable"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["replication"] = "database"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.PgConn().Exec(t.Context(), "IDENTIFY_SYSTEM").ReadAll()
	if err != nil || len(rows) != 1 || len(rows[0].Rows) != 1 {
		t.Errorf("IDENTIFY_SYSTEM = %v, %v, want one row", rows, err)
	}
	if err := conn.Close(t.Context()); err != nil || sink.text() != "" {
		t.Errorf("close: %v; the sink saw %q, want nothing", err, sink.text())
	}
}
