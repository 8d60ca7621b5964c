package preflight_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/preflight"
)

// certificate makes one for 127.0.0.1 that ends in so many days; signed by a parent, or by
// itself.
func certificate(t *testing.T, name string, days float64, authority bool, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-90 * 24 * time.Hour), NotAfter: time.Now().Add(time.Duration(days * 24 * float64(time.Hour))),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: authority, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	issuer, signer, chain := template, any(key), [][]byte(nil)
	if parent != nil {
		if issuer, err = x509.ParseCertificate(parent.Certificate[0]); err != nil {
			t.Fatal(err)
		}
		signer, chain = parent.PrivateKey, parent.Certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: key}
}

// files writes a certificate and its key as PEM.
func files(t *testing.T, c *tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// listen serves each connection to a port of this machine, whose host:port it gives.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

// front is a proxy before a real server. It terminates TLS, which begins in Postgres' way.
func front(t *testing.T, to string, c *tls.Certificate) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))
	return listen(t, func(conn net.Conn) {
		if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
			return
		}
		if _, err := conn.Write([]byte("S")); err != nil {
			return
		}
		client := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*c}, ClientAuth: tls.RequestClientCert})
		if client.Handshake() != nil {
			return
		}
		server, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		defer server.Close()
		go func() { _, _ = io.Copy(server, client); server.Close() }()
		_, _ = io.Copy(client, server)
	})
}

// through returns the URL of a database through a front.
func through(to, address, query string) string {
	u, _ := url.Parse(to)
	return "postgres://postgres@" + address + u.Path + "?" + query
}

// TestCertificates checks that each certificate of the connection is reported if it expires
// soon: the server's, the authority's in its chain, the client's.
func TestCertificates(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, 18)
	cert, key := files(t, certificate(t, "client", 20.5, false, nil))
	root := certificate(t, "Old Root", 3.5, true, nil)
	for _, c := range []struct {
		name, query string
		server      *tls.Certificate
		want        [][]string
	}{
		{"long", "sslmode=require", certificate(t, "db", 200, false, nil), nil},
		{"warning", "sslmode=require", certificate(t, "db", 29.5, false, nil), [][]string{{"warning", "127.0.0.1", "in 29 days"}}},
		{"error", "sslmode=require", certificate(t, "db", 6.5, false, nil), [][]string{{"error", "127.0.0.1", "in 6 days"}}},
		{"expired", "sslmode=require", certificate(t, "db", -1, false, nil), [][]string{{"error", "expired on"}}},
		{"chain", "sslmode=require", certificate(t, "db", 200, false, root), [][]string{{"error", `the authority "Old Root"`, "in 3 days"}}},
		{"client", "sslmode=require&sslcert=" + cert + "&sslkey=" + key, certificate(t, "db", 200, false, nil), [][]string{{"warning", "this client", "in 20 days"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := flight(t, through(db, front(t, db, c.server), c.query))
			for _, w := range c.want {
				want(t, r, "certificate-expires", w...)
			}
			if n := len(found(r, "certificate-expires")); n != len(c.want) {
				t.Errorf("%d findings, want %d: %q", n, len(c.want), found(r, "certificate-expires"))
			}
			want(t, r, "certificate-untrusted", "info", "does not verify")
		})
	}
	t.Run("verified", func(t *testing.T) {
		t.Parallel()
		ca := certificate(t, "Root", 400, true, nil)
		file, _ := files(t, ca)
		r := flight(t, through(db, front(t, db, certificate(t, "db", 200, false, ca)), "sslmode=verify-full&sslrootcert="+file))
		wantNone(t, r, "certificate-untrusted")
		wantNone(t, r, "certificate-expires")
	})
}

// TestEndpoints checks that --tls gets the certificate from any protocol with TLS, and
// reports endpoints without one.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, 17)
	expiringCert := certificate(t, "soon", 5.5, false, nil)
	direct := listen(t, func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*expiringCert}}).Handshake()
	})
	deaf := listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-none\r\n")) })
	closedAddress := listen(t, func(net.Conn) {})
	asked := front(t, db, expiringCert)
	r := flight(t, db, func(c *preflight.Config) { c.TLS = []string{direct, asked, deaf, closedAddress} })
	for _, address := range []string{direct, asked} {
		want(t, r, "certificate-expires", "error", address, "in 5 days")
		want(t, r, "certificate-untrusted", "warning", address)
	}
	missing := strings.Join(unseen(r, "certificate-expires"), "\n")
	for _, address := range []string{deaf, closedAddress} {
		if !strings.Contains(missing, address) {
			t.Errorf("nothing is said of %s: %s", address, missing)
		}
	}
}
