package guard

import (
	"net/url"

	"github.com/onward-sql/onward/internal/wire"
)

// addRootCertificate adds the proxy's root certificate to an environment: the command's own settings may verify the server
// (sslmode=verify-full in a file).
func (g *guard) addRootCertificate(env []string, root *wire.RootFile) ([]string, error) {
	roots, values := g.environmentWithRoots(), wire.ReadEnvironment(env)
	for _, name := range []string{wire.LibpqRoots, wire.NodeRoots} {
		if name == wire.LibpqRoots && !g.needsRootCertificate() {
			continue
		}
		if err := root.AddTo(roots, name); err != nil {
			return nil, err
		}
		values[name] = roots[name]
	}
	return wire.FormatEnvironment(values), nil
}

// needsRootCertificate reports whether the command gets PGSSLROOTCERT. It does if it has root certificates, or if --db verifies the
// server. Otherwise the variable would make the command verify other servers, too, to which it connects with
// sslmode=require.
func (g *guard) needsRootCertificate() bool {
	return g.serverAddress.verifies || wire.HasRoots(g.environmentWithRoots())
}

// environmentWithRoots returns the command's environment before it was rewritten. If it has no root certificates, and --db verifies
// the server, it has those of --db.
func (g *guard) environmentWithRoots() map[string]string {
	env := wire.ReadEnvironment(g.c.Env)
	if g.serverAddress.verifies && !wire.HasRoots(env) {
		env[wire.LibpqRoots] = firstNonEmpty(g.serverAddress.rootFile, "system")
	}
	return env
}

// findRootFile returns the file with root certificates that an address names; "" for none.
func findRootFile(text string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" {
		return u.Query().Get("sslrootcert")
	}
	return keywordValues(text)["sslrootcert"]
}
