package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/scratch"
)

// Variables that name a file with root certificates: libpq's, and the one of Node.js, which adds to the system's.
const (
	LibpqRoots = "PGSSLROOTCERT"
	NodeRoots  = "NODE_EXTRA_CA_CERTS"
)

// RootFile is a proxy's certificate, and a file from which a command reads its root.
type RootFile struct {
	TLS    *tls.Config
	Path   string
	remove func() error
}

// NewRootFile makes a certificate for a proxy's address as SelfSigned does, and writes its root to a file.
func NewRootFile(listen string) (*RootFile, error) {
	cert, err := SelfSigned(listen)
	if err != nil {
		return nil, err
	}
	dir, remove, err := scratch.Make("certificate")
	if err != nil {
		return nil, err
	}
	f := &RootFile{TLS: cert, Path: filepath.Join(dir, "root.crt"), remove: remove}
	if err := os.WriteFile(f.Path, RootPEM(cert), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the root certificate of the proxy: %w", err), remove())
	}
	return f, nil
}

// Remove removes the file, and those of AddTo.
func (f *RootFile) Remove() error { return f.remove() }

// AddTo makes a variable name a file with the proxy's root certificate, and with the certificates that the client would
// trust otherwise: the command may also connect elsewhere.
func (f *RootFile) AddTo(env map[string]string, name string) error {
	trustedPath := trustedFile(env, name)
	env[name] = f.Path
	if trustedPath == "" {
		return nil
	}
	certificates, err := os.ReadFile(trustedPath)
	if errors.Is(err, fs.ErrNotExist) { // its reader would not find it either
		return nil
	}
	if err == nil {
		env[name] = filepath.Join(filepath.Dir(f.Path), strings.ToLower(name)+".crt")
		err = os.WriteFile(env[name], slices.Concat(RootPEM(f.TLS), []byte("\n"), certificates), 0o600)
	}
	if err != nil {
		return fmt.Errorf("add the root certificate of the proxy to the file that %s names: %w", name, err)
	}
	return nil
}

// HasRoots reports whether libpq reads root certificates from a file in an environment. If not, it verifies no server
// with sslmode=require, and a file in PGSSLROOTCERT would change that.
func HasRoots(env map[string]string) bool {
	file := trustedFile(env, LibpqRoots)
	_, err := os.Stat(file)
	return file != "" && err == nil
}

// systemRoots are the files in which systems keep their root certificates.
var systemRoots = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// trustedFile returns the file whose certificates a client trusts in an environment; "" for none. It may not exist.
func trustedFile(env map[string]string, name string) string {
	file := env[name]
	switch {
	case name == LibpqRoots && file == "" && env["HOME"] != "":
		return filepath.Join(env["HOME"], ".postgresql", "root.crt")
	case name != LibpqRoots || file != "system":
		return file
	case env["SSL_CERT_FILE"] != "":
		return env["SSL_CERT_FILE"]
	}
	for _, file := range systemRoots {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// UntrustedNote says how many connections were not made, and what to do. offered: the command got the file in
// PGSSLROOTCERT.
func UntrustedNote(n int64, offered bool) string {
	setting := "have it read the root certificate from the file that PGSSLROOTCERT names (sslrootcert)"
	if !offered {
		setting = "name the file with the root certificates that it trusts in PGSSLROOTCERT, and onward adds the proxy's"
	}
	return fmt.Sprintf("%d connections were not made, because the client does not trust the proxy's certificate: %s, "+
		"or take the address from DATABASE_URL, or set its sslmode to require or less", n, setting)
}

// SelfSigned makes a certificate for clients that want encryption: for this machine as listen names it ("host:port", or
// "" for localhost), valid for a week, kept nowhere. It is its own root (see RootPEM).
func SelfSigned(listen string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "onward proxy"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	template.DNSNames, template.IPAddresses = certifiedHosts(listen)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"postgresql"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}, nil
}

// RootPEM is the root certificate of a configuration of SelfSigned, as clients read it (sslrootcert).
func RootPEM(c *tls.Config) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificates[0].Certificate[0]})
}

// certifiedHosts are the names and addresses by which clients reach a proxy. libpq before 15 compares addresses with
// names only, so the addresses are names, too.
func certifiedHosts(listen string) (names []string, addresses []net.IP) {
	names = []string{"localhost", "127.0.0.1"}
	addresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "localhost" || strings.HasPrefix(listen, "unix:") {
		return names, addresses
	}
	ip := net.ParseIP(host)
	switch {
	case host == "" || ip != nil && ip.IsUnspecified():
		if hostname, err := os.Hostname(); err == nil {
			names = append(names, hostname)
		}
		list, _ := net.InterfaceAddrs()
		for _, a := range list {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() {
				addresses = append(addresses, n.IP)
			}
		}
	case ip == nil:
		names = append(names, host)
	case !ip.IsLoopback():
		addresses = append(addresses, ip)
	}
	for _, ip := range addresses[2:] {
		if ip.To4() != nil {
			names = append(names, ip.String())
		}
	}
	return names, addresses
}

// EncryptionVariables are libpq's variables about how a client encrypts, and about a server's address that PGHOST does not
// override. A command that is given a proxy's address must not have its own.
func EncryptionVariables() []string {
	return []string{"PGHOSTADDR", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGCHANNELBINDING", "PGSSLNEGOTIATION", "PGREQUIRESSL", "PGSSLMODE"}
}

// ReadEnvironment returns the variables of a command's environment by name.
func ReadEnvironment(list []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	return variables
}

// FormatEnvironment returns variables as a command's environment.
func FormatEnvironment(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
