package guard

import (
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/wire"
)

// shortOptions has the short options that take a value, by program: those of Postgres' own programs and of sqitch, which read the address
// from -h and -p. The values of other options must not be mistaken for an address: -c 'SELECT …'. sqitch runs psql, and its long
// options begin with "db-".
var shortOptions = map[string]string{
	"psql": "cdfFhLopPRTUv", "pg_dump": "deEfFhjnNpStTUZ", "pg_dumpall": "dEfhlpSU", "pg_restore": "dfFhIjLnNpPStTU",
	"vacuumdb": "dhjnNpPtU", "reindexdb": "dhijpStU", "clusterdb": "dhptU", "createdb": "DEhlOpTU", "dropdb": "hpU",
	"sqitch": "Cdfhpstu",
}

// longOptions are long options of these programs whose value may be the next argument.
var longOptions = []string{
	"command", "file", "set", "variable", "log-file", "output", "field-separator", "pset", "record-separator", "table-attr", "username", "format", "jobs",
	"schema", "exclude-schema", "table", "exclude-table", "exclude-table-data", "encoding", "role", "superuser", "compress", "section", "snapshot", "extension",
	"lock-wait-timeout", "filter", "index", "function", "trigger", "use-list", "locale", "owner", "tablespace", "template", "maintenance-db",
}

// option is an option with a value, or a positional argument, which counts as -d. For --host=db1 it has the kind h, the prefix "--host="
// and the value "db1".
type option struct {
	kind     byte // the short option; only h, p, d, U and sqitch's C count
	argument *argument
	prefix   string // the part of the word before the value
	value    string
}

// rewriteLibpqProgram rewrites the options of psql and similar programs.
func (c *commandRewriter) rewriteLibpqProgram(name string, words []*argument) {
	c.libpq = true
	options := readOptions(shortOptions[name], words)
	last := map[byte]*option{}
	for i := range options {
		o := &options[i]
		if o.kind == 'C' {
			c.setRefusal("%s --cluster takes the address from the cluster's settings, around the guard. Leave it out: the guard sets PGHOST and PGPORT", name)
			return
		}
		if o.argument.unknown && strings.IndexByte("hpd", o.kind) >= 0 {
			c.refuseUnreadableAddress(name)
			return
		}
		last[o.kind] = o
	}
	host, port := firstNonEmpty(c.env["PGHOST"], c.env["PGHOSTADDR"]), firstNonEmpty(c.env["PGPORT"], defaultPort)
	if o := last['h']; o != nil {
		host = o.value
	}
	if o := last['p']; o != nil {
		port = o.value
	}
	whole := false
	for i := range options {
		if o := &options[i]; o.kind == 'd' && (strings.Contains(o.value, "=") || strings.Contains(o.value, "://")) {
			if hasServiceKeyword(o.value) {
				c.refuseServiceFile(name)
				return
			}
			whole = c.rewriteAddressIn(o.argument, o.prefix, o.value, port, name) || whole
		}
	}
	switch {
	case last['h'] != nil || last['p'] != nil && !whole:
		if !c.serverAddress.hasAllHosts(host, port) {
			c.refuseUnallowedAddress(name, host, port)
			return
		}
	case whole:
	case c.env["PGSERVICE"] != "" && c.serverAddress.serviceConfig(c.env) == nil:
		c.refuseServiceFile("PGSERVICE")
		return
	case host != "" && c.env["PGSERVICE"] == "" && !c.serverAddress.hasAllHosts(host, port):
		c.refuseUnallowedAddress("PGHOST", host, port)
		return
	}
	user := c.env["PGUSER"]
	if o := last['U']; o != nil {
		user = o.value
	}
	c.password = c.password || user == c.serverAddress.user
	c.replaceOptions(name, options, last)
}

// replaceOptions puts the proxy's address into -h and -p. If one of them is missing it is added to the other.
func (c *commandRewriter) replaceOptions(name string, options []option, last map[byte]*option) {
	for i := range options {
		o := &options[i]
		switch {
		case o.kind == 'h' && last['p'] == nil && o == last['h']:
			c.replaceWord(o.argument, name, o.prefix+c.serverAddress.host, "-p", c.serverAddress.port)
		case o.kind == 'h':
			c.replaceWord(o.argument, name, o.prefix+c.serverAddress.host)
		case o.kind == 'p' && last['h'] == nil && o == last['p']:
			c.replaceWord(o.argument, name, o.prefix+c.serverAddress.port, "-h", c.serverAddress.host)
		case o.kind == 'p':
			c.replaceWord(o.argument, name, o.prefix+c.serverAddress.port)
		}
	}
}

// readOptions reads the options that name an address, and the positional arguments, as getopt_long does.
func readOptions(short string, words []*argument) (out []option) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		next := func(kind byte) {
			if i++; i < len(words) {
				out = append(out, option{kind: kind, argument: words[i], value: words[i].value})
			}
		}
		switch {
		case w.value == "--":
			for _, w := range words[i+1:] {
				out = append(out, option{kind: 'd', argument: w, value: w.value})
			}
			return out
		case strings.HasPrefix(w.value, "--"):
			name, value, hasValue := strings.Cut(w.value[2:], "=")
			switch kind := shortOptionOf(name); {
			case kind != 0 && hasValue:
				out = append(out, option{kind, w, "--" + name + "=", value})
			case kind != 0:
				next(kind)
			case !hasValue && slices.Contains(longOptions, name):
				i++
			}
		case strings.HasPrefix(w.value, "-") && len(w.value) > 1:
			pos := strings.IndexAny(w.value[1:], short) + 1
			switch {
			case pos == 0:
			case pos+1 < len(w.value):
				out = append(out, option{w.value[pos], w, w.value[:pos+1], w.value[pos+1:]})
			default:
				next(w.value[pos])
			}
		default:
			out = append(out, option{kind: 'd', argument: w, value: w.value})
		}
	}
	return out
}

// shortOptionOf returns the short name of a long option. getopt_long accepts an abbreviated name.
func shortOptionOf(name string) byte {
	name = strings.TrimPrefix(name, "db-")
	for long, kind := range map[string]byte{"host": 'h', "port": 'p', "dbname": 'd', "username": 'U', "cluster": 'C'} {
		if len(name) > 1 && strings.HasPrefix(long, name) {
			return kind
		}
	}
	return 0
}

// hasServiceKeyword reports whether a connection string names a service.
func hasServiceKeyword(text string) bool {
	return strings.HasPrefix(text, "service=") || strings.Contains(text, " service=") || strings.Contains(text, "?service=") || strings.Contains(text, "&service=")
}

// serviceConfig returns the connection settings of the service in PGSERVICE; nil if that is not the database.
func (p *serverAddress) serviceConfig(env map[string]string) *pgconn.Config {
	text := "service=" + env["PGSERVICE"]
	if file := env["PGSERVICEFILE"]; file != "" {
		text += " servicefile='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(file) + "'"
	}
	cfg, err := pgconn.ParseConfig(text)
	if err != nil || !p.hasHost(cfg.Host, formatPort(cfg.Port)) {
		return nil
	}
	return cfg
}

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
