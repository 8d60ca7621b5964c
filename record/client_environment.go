package record

import (
	"maps"
	"net/url"
	"strings"

	"github.com/onward-sql/onward/internal/wire"
)

// clientEnvironment is the command's environment: the caller's, with the proxy's address.
func (s *recordTarget) clientEnvironment(caller []string, host, port, mode string, root *wire.RootFile, clients *wire.Clients) ([]string, error) {
	env := wire.ReadEnvironment(caller)
	roots := maps.Clone(env)
	for _, name := range []string{wire.LibpqRoots, wire.NodeRoots} {
		if err := root.AddTo(roots, name); err != nil {
			return nil, err
		}
	}
	for _, name := range append(wire.EncryptionVariables(), "PGSERVICE") {
		delete(env, name)
	}
	password := s.password
	if password == "" {
		password = clients.Password() // the proxy asks for it if it does not know the process
	}
	env[wire.PasswordVariable] = clients.Password()
	query := "sslmode=" + mode
	if strings.HasPrefix(mode, "verify-") {
		query += "&sslrootcert=" + url.QueryEscape(root.Path)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(s.user, password), Host: host + ":" + port, Path: "/" + s.database, RawQuery: query}
	for name, value := range map[string]string{
		"DATABASE_URL": u.String(), "PGHOST": host, "PGPORT": port, "PGUSER": s.user, "PGPASSWORD": password, "PGDATABASE": s.database, "PGSSLMODE": mode,
		wire.LibpqRoots: roots[wire.LibpqRoots], wire.NodeRoots: roots[wire.NodeRoots],
	} {
		env[name] = value
	}
	return wire.FormatEnvironment(env), nil
}
