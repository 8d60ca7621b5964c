package wire_test

import (
	"crypto/x509"
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/wire"
)

// A certificate is one for each name by which clients reach the proxy, and for no other.
func TestSelfSigned(t *testing.T) {
	t.Parallel()
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for listen, names := range map[string][]string{
		"": nil, "127.0.0.1:0": nil, "[::1]:5432": nil, "unix:/tmp": nil, "db.test:5432": {"db.test"}, "192.0.2.7:5432": {"192.0.2.7"}, "[2001:db8::1]:5432": {"2001:db8::1"},
		"0.0.0.0:5432": {hostname}, ":5432": {hostname},
	} {
		cert, err := wire.SelfSigned(listen)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(cert.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(wire.RootPEM(cert)) {
			t.Fatal("the root is no certificate")
		}
		for _, name := range append(names, "localhost", "127.0.0.1", "::1") {
			if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
				t.Errorf("verify the certificate of listen address %q for %s: %v", listen, name, err)
			}
		}
		if err := leaf.VerifyHostname("db.example.com"); err == nil {
			t.Errorf("%q: another name", listen)
		}
	}
}
