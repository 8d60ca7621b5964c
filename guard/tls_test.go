package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/wiretest"
	"github.com/onward-sql/onward/onward"
)

// authority writes a certificate for 127.0.0.1 that signs itself, whose file it gives, too.
func authority(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "db"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// To the server the guard goes as --db says, encrypted and with the certificate verified; between the command and the
// guard nothing is. The server of another authority is not gone to.
func TestTLS(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"require", "verify-full"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, "ALTER TABLE t ADD note text DEFAULT 'secret'")
			certificate, file := authority(t)
			var hellos atomic.Int64
			front := wiretest.ListenInFront(t, s.url, wire.Config{TLS: &tls.Config{
				MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
				GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { hellos.Add(1); return nil, nil },
			}})
			address := func(ca string) string {
				u := url.URL{
					Scheme:   "postgres",
					User:     url.User("postgres"),
					Host:     "127.0.0.1:" + front.Port(),
					Path:     "/" + s.one("SELECT current_database()::text"),
					RawQuery: "sslmode=" + mode,
				}
				if ca != "" {
					u.RawQuery += "&sslrootcert=" + url.QueryEscape(ca)
				}
				return u.String()
			}
			_, strange := authority(t)
			down := new(guard.ServerError)
			s.c.DB = address(strange)
			if _, err := guard.Run(t.Context(), s.c); !errors.As(err, &down) {
				t.Errorf("the server of another authority: %v", err)
			}

			ca := file
			if mode == "require" {
				ca = ""
			}
			s.c.DB = address(ca)
			s.c.Env = append(s.c.Env, "DATABASE_URL="+s.c.DB)
			s.run(s.other, "BEGIN", "SELECT FROM t")
			time.Sleep(60 * time.Millisecond)
			before := hellos.Load()
			r := s.guard("is held back: ", func() { s.run(s.other, "COMMIT") })
			if r.ExitCode != 0 || len(r.Runs) != 1 || r.Runs[0].Sessions != 1 || len(r.Runs[0].Waited) != 1 {
				t.Fatalf("the guarded run is %+v, want one run with one session and one wait\n%s", r, s.out.String())
			}
			// The connections that read the schema, the lock monitor's, and the command's session through the guard.
			if got := hellos.Load() - before; got < 3 {
				t.Errorf("%d connections were encrypted", got)
			}
			if got := s.one("SELECT note FROM t LIMIT 1"); got != "secret" || strings.Contains(s.out.String(), "certificate") {
				t.Errorf("note is %q, want secret and no word of a certificate:\n%s", got, s.out.String())
			}
		})
	}
}
