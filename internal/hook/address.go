package hook

import (
	"net"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver"
)

const defaultPort = "5432"

// database is the address of a database, without a user.
type database struct{ host, port, name string }

// String returns the address as onward.yaml lists it.
func (d database) String() string {
	host := d.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if d.port != "" && d.port != defaultPort {
		host += ":" + d.port
	}
	return host + "/" + d.name
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	return host == "" || slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) || strings.HasPrefix(host, "/")
}

// isDisposable reports whether a database is a throwaway server's, or one of a list.
func (d database) isDisposable(list []string) bool {
	if pgserver.IsThrowaway(d.host) {
		return true
	}
	for _, entry := range list {
		hostPort, name, _ := strings.Cut(entry, "/")
		host, port := hostPort, defaultPort
		if h, p, err := net.SplitHostPort(hostPort); err == nil {
			host, port = h, p
		}
		sameHost := strings.EqualFold(host, d.host) || isLocal(host) && isLocal(d.host)
		samePort := port == d.port || d.port == "" && port == defaultPort
		if ok, err := path.Match(name, d.name); err == nil && ok && sameHost && samePort && d.name != "" {
			return true
		}
	}
	return false
}

var (
	urls = lazyregexp.New(`(?i)\b(?:jdbc:)?(?:postgres|postgresql|pgx5?|cockroach|postgresql\+\w+|postgis|` +
		`ecto)://[^\s"'<>\x60]+|\bjdbc:postgresql:[^\s"'<>]+`)
	conninfo = lazyregexp.New(`(?i)\b(host|hostaddr|port|dbname|database)\s*=\s*'?([^\s';]+)`)
)

// parseDatabases returns the databases that a text has addresses of. ok is false if one of them cannot be read.
func parseDatabases(text string) (out []database, ok bool) {
	for _, raw := range urls.FindAllString(text, -1) {
		list, ok := parseDatabaseURL(raw)
		if !ok {
			return nil, false
		}
		out = append(out, list...)
	}
	if len(out) > 0 {
		return out, true
	}
	var d database
	found := false
	for _, m := range conninfo.FindAllStringSubmatch(text, -1) {
		found = true
		switch strings.ToLower(m[1]) {
		case "host", "hostaddr":
			d.host = m[2]
		case "port":
			d.port = m[2]
		default:
			d.name = m[2]
		}
	}
	if !found || d.name == "" {
		return nil, !found
	}
	if strings.Contains(d.host, ",") {
		return nil, false
	}
	return []database{d.withDefaults()}, true
}

// parseDatabaseURL reads an address as a URL; it may have several hosts.
func parseDatabaseURL(raw string) ([]database, bool) {
	raw = strings.TrimPrefix(strings.TrimRight(raw, `,;)]}`), "jdbc:")
	_, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.ContainsAny(raw, "$`%{") && !strings.Contains(raw, "%") || strings.Contains(raw, "${") || strings.Contains(raw, "$(") {
		return nil, false
	}
	authority, tail, _ := strings.Cut(rest, "/")
	if atSign := strings.LastIndex(authority, "@"); atSign >= 0 {
		authority = authority[atSign+1:]
	}
	if queryStart := strings.Index(authority, "?"); queryStart >= 0 {
		authority, tail = authority[:queryStart], authority[queryStart:]
	}
	name, query, _ := strings.Cut(tail, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, false
	}
	if name, err = url.PathUnescape(name); err != nil {
		return nil, false
	}
	if v := values.Get("dbname"); v != "" {
		name = v
	}
	var out []database
	for _, hostPort := range strings.Split(authority, ",") {
		d := database{host: hostPort, name: name}
		if h, p, err := net.SplitHostPort(hostPort); err == nil {
			d.host, d.port = h, p
		}
		if h, err := url.PathUnescape(d.host); err == nil {
			d.host = h
		}
		if v := values.Get("host"); v != "" {
			d.host = v
		}
		if v := values.Get("port"); v != "" {
			d.port = v
		}
		out = append(out, d.withDefaults())
	}
	return out, !slices.ContainsFunc(out, func(d database) bool { return d.name == "" || strings.ContainsAny(d.host+d.name, "${}<>") })
}

func (d database) withDefaults() database {
	if d.host == "" {
		d.host = "localhost"
	}
	if d.port == "" {
		d.port = defaultPort
	}
	return d
}

// resolveDatabases returns the databases that an invocation works on. reason says why they are not known.
func (r *reader) resolveDatabases(run *invocation, tool *databaseTool) (list []database, reason string) {
	if run.args[0].text == codeRun {
		return nil, "the code may open any database"
	}
	for _, w := range run.args[1:] {
		if !urls.MatchString(w.text) && !(strings.Contains(w.text, "=") && conninfo.MatchString(w.text)) {
			if !w.known && strings.Contains(w.text, "://") {
				return nil, "the shell puts the address together"
			}
			continue
		}
		if isSQLArgument(w.text) {
			continue
		}
		if !w.known {
			return nil, "the shell puts the address together"
		}
		found, ok := parseDatabases(w.text)
		if !ok {
			return nil, "the address in its arguments cannot be read"
		}
		list = append(list, found...)
	}
	switch {
	case len(list) > 0:
		return r.qualifyContainerHosts(run, list), ""
	case tool.libpq:
		return r.libpqAddress(run)
	case slices.Contains(tool.names, "docker"):
		return findVolumeDatabases(run)
	case slices.Contains(tool.names, "supabase") && !(arguments{all: run.args[1:]}).hasOption("--linked", "--db-url"):
		return []database{{host: "localhost", port: "54322", name: "postgres"}}, ""
	case tool.files == nil:
		return r.readAddressVariable(run, tool.variables)
	}
	return r.readConfiguredAddress(run, tool)
}

// isSQLArgument reports whether an argument is a statement rather than an address.
func isSQLArgument(text string) bool {
	return statements.MatchString(text) && !urls.MatchString(text)
}

// qualifyContainerHosts returns databases as they are called from here: localhost in a container is the container.
func (r *reader) qualifyContainerHosts(run *invocation, list []database) []database {
	if run.place == "" {
		return list
	}
	out := slices.Clone(list)
	for i := range out {
		if isLocal(out[i].host) {
			out[i].host = run.place
		}
	}
	return out
}

// lookUpVariable returns a variable as a program sees it.
func (r *reader) lookUpVariable(run *invocation, name string) (value word, set bool) {
	if w, ok := run.env[name]; ok {
		return w, true
	}
	if run.place != "" {
		return word{}, false
	}
	if text := r.c.Getenv(name); text != "" {
		return word{text, true}, true
	}
	for _, file := range []string{".env.local", ".env"} {
		text, err := readFileIfExists(filepath.Join(run.dir, file))
		if err != nil || text == nil {
			continue
		}
		if v, ok := parseDotenv(*text)[name]; ok {
			return word{v, !strings.Contains(v, "$")}, true
		}
	}
	return word{}, false
}

// readAddressVariable returns the address in the first of some variables that is set.
func (r *reader) readAddressVariable(run *invocation, names []string) ([]database, string) {
	for _, name := range names {
		w, set := r.lookUpVariable(run, name)
		if !set {
			continue
		}
		list, ok := parseDatabases(w.text)
		if !w.known || !ok || len(list) == 0 {
			return nil, "the value of " + name + " cannot be read as an address"
		}
		return r.qualifyContainerHosts(run, list), ""
	}
	if len(names) == 0 {
		return nil, "the command does not name it"
	}
	return nil, names[0] + " is not set"
}

// readConfiguredAddress returns the addresses of a tool's own settings: written there, or in a variable that they name.
func (r *reader) readConfiguredAddress(run *invocation, tool *databaseTool) (list []database, reason string) {
	for _, pattern := range tool.files {
		matches, err := filepath.Glob(filepath.Join(run.dir, filepath.FromSlash(pattern)))
		if err != nil || run.place != "" {
			continue
		}
		for _, name := range matches {
			text, err := readFileIfExists(name)
			if err != nil || text == nil || strings.Contains(name, "node_modules") {
				continue
			}
			found, reason := r.parseConfigAddresses(run, *text, tool)
			if reason != "" {
				return nil, reason
			}
			list = append(list, found...)
		}
	}
	if len(list) == 0 {
		return nil, "neither its arguments nor its settings show it"
	}
	return r.qualifyContainerHosts(run, list), ""
}

var placeholders = lazyregexp.New(`(?i)://(?:driver|user):?(?:pass|password)?@(?:localhost|host)/(?:dbname|database)\b`)

// parseConfigAddresses returns the addresses of a file of settings.
func (r *reader) parseConfigAddresses(run *invocation, text string, tool *databaseTool) (list []database, reason string) {
	for _, name := range tool.variables {
		if !strings.Contains(text, name) {
			continue
		}
		if w, set := r.lookUpVariable(run, name); set {
			found, ok := parseDatabases(w.text)
			if !w.known || !ok || len(found) == 0 {
				return nil, "the value of " + name + " cannot be read as an address"
			}
			return found, ""
		}
	}
	text = placeholders.ReplaceAllString(text, "")
	for _, raw := range urls.FindAllString(text, -1) {
		found, ok := parseDatabaseURL(raw)
		if !ok {
			return nil, "an address in its settings cannot be read"
		}
		list = append(list, found...)
	}
	return list, ""
}

// libpqAddress returns the address of psql and its relatives: options, then variables.
func (r *reader) libpqAddress(run *invocation) ([]database, string) {
	d := database{}
	user := ""
	program := programName(run.args[0].text)
	var rest []string
	args := run.args[1:]
	for i := 0; i < len(args); i++ {
		w := args[i]
		option, value, inline := cutOption(w.text)
		field := map[string]*string{
			"-h": &d.host, "--host": &d.host, "-p": &d.port, "--port": &d.port, "-d": &d.name, "--dbname": &d.name, "-U": &user, "--username": &user,
		}[option]
		takesValue := slices.Contains([]string{"-c", "--command", "-f", "--file", "-v", "--set", "--variable", "-o", "--output",
			"-F", "-R", "-L", "-P", "-T", "-j", "-t", "-n"}, option)
		switch {
		case !strings.HasPrefix(w.text, "-"):
			if !w.known {
				return nil, "the shell puts the name of the database together"
			}
			rest = append(rest, w.text)
		case field == nil && !takesValue && !isOptionGroup(w.text, 'c') && !isOptionGroup(w.text, 'f'):
		case !inline && i+1 < len(args):
			i++
			value, w = args[i].text, args[i]
			fallthrough
		default:
			if field != nil && !w.known {
				return nil, "the shell puts the address together"
			}
			if field != nil {
				*field = value
			}
		}
	}
	if d.name == "" && len(rest) > 0 && program != "pg_restore" {
		d.name = rest[0]
	}
	for _, v := range []struct {
		name  string
		field *string
	}{{"PGHOSTADDR", &d.host}, {"PGHOST", &d.host}, {"PGPORT", &d.port}, {"PGDATABASE", &d.name}, {"PGUSER", &user}} {
		if w, set := r.lookUpVariable(run, v.name); set && *v.field == "" {
			if !w.known {
				return nil, "the shell computes " + v.name
			}
			*v.field = w.text
		}
	}
	if _, set := r.lookUpVariable(run, "PGSERVICE"); set && d.host == "" {
		return nil, "PGSERVICE takes it from another file"
	}
	if d.name == "" && program != "dropdb" && program != "pg_restore" {
		d.name = user
	}
	if d.name == "" {
		return nil, "the command names no database"
	}
	if d.host == "" && run.place != "" {
		d.host = run.place
	}
	return r.qualifyContainerHosts(run, []database{d.withDefaults()}), ""
}

// cutOption splits an option from a value in the same word.
func cutOption(text string) (option, value string, inline bool) {
	if strings.HasPrefix(text, "--") {
		return strings.Cut(text, "=")
	}
	if len(text) > 2 && text[0] == '-' && strings.ContainsRune("hpdUcfv", rune(text[1])) {
		return text[:2], text[2:], true
	}
	return text, "", false
}
