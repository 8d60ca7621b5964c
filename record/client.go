package record

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/internal/wire"
)

// rootVariables are the variables that name a file with root certificates: libpq's, and the one of Node.js.
var rootVariables = []string{"PGSSLROOTCERT", "NODE_EXTRA_CA_CERTS"}

// trust is the certificate of one recording, and the file from which clients read its root.
type trust struct {
	tls    *tls.Config
	file   string
	remove func() error
}

// newTrust makes a certificate for where the proxy listens, and writes its root to a file.
func newTrust(listen string) (*trust, error) {
	cert, err := wire.SelfSigned(listen)
	if err != nil {
		return nil, err
	}
	dir, remove, err := scratch.Make("certificate")
	if err != nil {
		return nil, err
	}
	t := &trust{tls: cert, file: filepath.Join(dir, "root.crt"), remove: remove}
	if err := os.WriteFile(t.file, wire.RootPEM(cert), 0o600); err != nil {
		_ = remove()
		return nil, fmt.Errorf("write the root certificate of the proxy: %w", err)
	}
	return t, nil
}

// addTo sets the variables that name files with root certificates. A file that one of them names already is replaced by
// one that has its certificates, too: the command may also connect elsewhere.
func (t *trust) addTo(env map[string]string) error {
	for _, name := range rootVariables {
		file := t.file
		if own := env[name]; own != "" {
			certificates, err := os.ReadFile(own)
			if err == nil {
				file = filepath.Join(filepath.Dir(t.file), strings.ToLower(name)+".crt")
				err = os.WriteFile(file, slices.Concat(wire.RootPEM(t.tls), []byte("\n"), certificates), 0o600)
			} else if os.IsNotExist(err) { // such as "system", or a file that its reader would not find either
				err = nil
			}
			if err != nil {
				return fmt.Errorf("add the root certificate of the proxy to the file that %s names: %w", name, err)
			}
		}
		env[name] = file
	}
	return nil
}

// untrustedNote says what clients did not connect, and what to do.
func untrustedNote(n int64) string {
	return fmt.Sprintf("%d connections were not made, because the client does not trust the proxy's certificate: "+
		"have it read the root certificate from the file that "+
		"PGSSLROOTCERT names (sslrootcert), or take the address from DATABASE_URL, or set its sslmode to require or less", n)
}

// clientEnvironment is the command's environment: the caller's, with the proxy's address.
func (s *recordTarget) clientEnvironment(caller []string, host, port, mode string, t *trust) ([]string, error) {
	env := map[string]string{}
	for _, v := range caller {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	roots := map[string]string{}
	for _, name := range rootVariables {
		roots[name] = env[name]
	}
	for _, name := range append(wire.EncryptionVariables(), "PGSERVICE") {
		delete(env, name)
	}
	if err := t.addTo(roots); err != nil {
		return nil, err
	}
	password := s.password
	if password == "" {
		password = "onward" // nobody asks for it, and some drivers want one
	}
	query := "sslmode=" + mode
	if strings.HasPrefix(mode, "verify-") {
		query += "&sslrootcert=" + url.QueryEscape(t.file)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(s.user, password), Host: host + ":" + port, Path: "/" + s.database, RawQuery: query}
	for name, value := range map[string]string{
		"DATABASE_URL": u.String(), "PGHOST": host, "PGPORT": port, "PGUSER": s.user, "PGPASSWORD": password, "PGDATABASE": s.database, "PGSSLMODE": mode,
	} {
		env[name] = value
	}
	for name, value := range roots {
		env[name] = value
	}
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out, nil
}
