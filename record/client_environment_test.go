package record_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/record"
)

// nodeClient encrypts as drivers of Node.js do, with its default roots, and sends a request to cancel nothing.
const nodeClient = `const s = require('net').connect(+process.env.PGPORT, process.env.PGHOST, () => s.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
s.once('data', () => {
  const t = require('tls').connect({socket: s, host: process.env.PGHOST}, () => t.write(Buffer.from([0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 1])));
  t.on('error', e => { console.error(e); process.exit(1) });
});`

// clients connects to the database as real clients do, with sslmode=verify-full, and with the root certificate of another server.
func clients(t *testing.T) {
	t.Helper()
	url := os.Getenv("DATABASE_URL")
	if !strings.Contains(url, "sslmode=verify-full&sslrootcert=") {
		t.Errorf("DATABASE_URL is %s", url)
	}
	for name, address := range map[string]string{"by its address": url, "by libpq's variables": "application_name=variables"} {
		c := pgservertest.Connect(t, address)
		if _, err := c.Exec(t.Context(), "SELECT 'pgx' AS pgx"); err != nil {
			t.Errorf("query %s: %v", name, err)
		}
		if out, err := exec.Command("psql", "-XAtc", "SELECT 'libpq' AS libpq", address).CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "libpq" {
			t.Errorf("psql %s: %v\n%s", name, err, out)
		}
	}
	if node, err := exec.LookPath("node"); err == nil {
		if out, err := exec.Command(node, "-e", nodeClient).CombinedOutput(); err != nil {
			t.Errorf("node: %v\n%s", err, out)
		}
	}
	// The variable's own certificates are kept.
	roots, err := os.ReadFile(os.Getenv("NODE_EXTRA_CA_CERTS"))
	if err != nil || strings.Count(string(roots), "BEGIN CERTIFICATE") != 2 {
		t.Errorf("%d certificates, %v", strings.Count(string(roots), "BEGIN CERTIFICATE"), err)
	}
	other := filepath.Join(t.TempDir(), "other.crt")
	cert, err := wire.SelfSigned("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, wire.RootPEM(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("psql", "-XAtc", "SELECT 1", "sslrootcert="+other).CombinedOutput(); err == nil {
		t.Errorf("psql trusts another certificate: %s", out)
	}
	// The name that libpq connects to is none of the certificate's.
	if out, err := exec.Command("psql", "-XAtc", "SELECT 1", "host=db.example.com hostaddr="+os.Getenv("PGHOST")).CombinedOutput(); err == nil {
		t.Errorf("psql trusts another name: %s", out)
	}
	if err := os.WriteFile(os.Getenv("ONWARD_ROOT_NAME"), []byte(os.Getenv("PGSSLROOTCERT")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A client that verifies the server (verify-full) trusts the proxy by the root certificate that it is given; one that
// trusts another root does not connect, and the recording says so. The file is gone afterwards.
func TestVerifyFull(t *testing.T) {
	component.NeedProgram(t, component.Psql, "psql")
	caFile := filepath.Join(t.TempDir(), "own.crt")
	cert, err := wire.SelfSigned("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(caFile, wire.RootPEM(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NODE_EXTRA_CA_CERTS", caFile)
	name := filepath.Join(t.TempDir(), "name")
	var out strings.Builder
	r, err := record.Run(t.Context(), record.Config{
		Command: self(), Env: []string{program + "=verifies", "ONWARD_ROOT_NAME=" + name}, Out: &out, Err: &out, Major: 17, SSLMode: "verify-full"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Failed != nil {
		t.Fatalf("the client with verify-full failed: %v\n%s", r.Failed, out.String())
	}
	if q := query(t, r.Workload, "AS pgx"); q.Calls != 2 {
		t.Errorf("pgx: %+v", q)
	}
	if q := query(t, r.Workload, "AS libpq"); q.Calls != 2 {
		t.Errorf("psql: %+v", q)
	}
	if !slices.ContainsFunc(r.Workload.Notes, func(n string) bool {
		return strings.HasPrefix(n, "2 connections were not made, because the client does not trust the proxy's certificate")
	}) {
		t.Errorf("the notes are %q", r.Workload.Notes)
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(string(file)); string(file) == "" || !os.IsNotExist(err) {
		t.Errorf("the root certificate %q is left: %v", file, err)
	}
}
