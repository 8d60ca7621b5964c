package wire

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
