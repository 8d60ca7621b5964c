package audit

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	composeFile = lazyregexp.New(`^(?:docker-)?compose[^/]*\.ya?ml$`)
	// composeOfTests matches the files of test runs, whose services may share a scratch database.
	composeOfTests = lazyregexp.New(`(?i)(?:^|[-._])(?:tests?|e2e|ci|integration)(?:[-._]|$)`)
	postgresImage  = lazyregexp.New(`(?i)postg|timescale|pgvector`)
	poolerImage    = lazyregexp.New(`(?i)pgbouncer|pgpool|pgcat|odyssey|supavisor|repmgr|postgrest|postgraphile|exporter|backup|admin`)
	otherServer    = lazyregexp.New(`(?i)mysql|mariadb|mongo|redis|mssql|oracle|clickhouse|cassandra`)
)

const initScripts = "/docker-entrypoint-initdb.d"

// readComposeAddresses returns the addresses of a source's database in the compose files of a tree, a file at a time. The services of a
// file whose directories are the nearest to the source must agree.
func readComposeAddresses(t adapter.Tree, pairs []pair, variables []string) [][]fileAddress {
	out := make([][]fileAddress, len(pairs))
	for _, file := range t.Paths() {
		base := path.Base(file)
		if !composeFile.MatchString(base) || composeOfTests.MatchString(base) {
			continue
		}
		text, err := t.Read(file)
		if err != nil {
			continue
		}
		services, err := configfile.ReadCompose(string(text))
		if err != nil {
			continue
		}
		c := composeProject{tree: t, file: file, services: services}
		for i, p := range pairs {
			if found := c.findAddress(p.source.Dirs(), variables[i]); found != nil {
				out[i] = append(out[i], *found)
			}
		}
	}
	return out
}

// composeProject is a compose file of a tree.
type composeProject struct {
	tree     adapter.Tree
	file     string
	services []configfile.Service
}

// findAddress returns the address in the services whose directory is the nearest to one of some directories; nil if they have none, or
// several. variable is the one that has it, if it is known.
func (c *composeProject) findAddress(dirs []string, variable string) *fileAddress {
	nearest := -1
	var found []fileAddress
	for i := range c.services {
		s := &c.services[i]
		depth := c.measureNearness(s, dirs)
		if depth < 0 || depth < nearest {
			continue
		}
		addresses := c.readAddresses(s, variable)
		if len(addresses) == 0 {
			continue
		}
		if depth > nearest {
			nearest, found = depth, nil
		}
		for _, a := range addresses {
			if !slices.Contains(found, a) {
				found = append(found, a)
			}
		}
	}
	if len(found) != 1 {
		return nil
	}
	return &found[0]
}

// measureNearness returns the length of the longest directory of a service that is one of some directories or above it; -1 if it has none.
func (c *composeProject) measureNearness(s *configfile.Service, dirs []string) int {
	longest := -1
	for _, serviceDir := range c.listServiceDirs(s) {
		for _, dir := range dirs {
			if serviceDir == "" || dir == serviceDir || strings.HasPrefix(dir, serviceDir+"/") {
				longest = max(longest, len(serviceDir))
			}
		}
	}
	return longest
}

// listServiceDirs returns the directories of the repository that a service is built from or mounts. A server has only the directories with its first scripts.
func (c *composeProject) listServiceDirs(s *configfile.Service) []string {
	var out []string
	add := func(parts ...string) {
		if dir := path.Join(append([]string{path.Dir(c.file)}, parts...)...); dir != ".." && !strings.HasPrefix(dir, "../") {
			out = append(out, strings.TrimPrefix(dir, "."))
		}
	}
	isDir := func(name string) bool { return strings.HasPrefix(name, ".") && !strings.Contains(name, "$") }
	server := isPostgresServer(s)
	for _, m := range s.Mounts {
		switch inside, isBelow := strings.CutPrefix(s.WorkingDir, m.Target+"/"); {
		case !isDir(m.Source), server && !strings.HasPrefix(m.Target, initScripts):
		case isBelow && !server:
			add(m.Source, inside)
		default:
			add(m.Source)
		}
	}
	switch {
	case server || s.Context == "" || strings.ContainsAny(s.Context, "$:"):
	case path.Clean(s.Context) == "." && path.Dir(s.Dockerfile) != ".":
		add(path.Dir(s.Dockerfile))
	default:
		add(s.Context)
	}
	return out
}

// isPostgresServer reports whether a service is a Postgres server.
func isPostgresServer(s *configfile.Service) bool {
	if s.Image == "" {
		return s.Environment["POSTGRES_PASSWORD"] != "" && s.Environment["POSTGRES_HOST"] == "" && s.Environment["DB_HOST"] == ""
	}
	return postgresImage.MatchString(s.Image) && !poolerImage.MatchString(s.Image)
}

var (
	addressText = lazyregexp.New(`(?i)^(?:jdbc:)?(?:postgres(?:ql)?|postgis|pgx5?)(?:\+\w+)?://`)
	addressWord = lazyregexp.New(`(?i)(?:jdbc:)?(?:postgres(?:ql)?|pgx5?)(?:\+\w+)?://[^\s"']+`)
	keywordName = lazyregexp.New(`(?i)(?:^|[\s;])(?:dbname|database)\s*=\s*([^\s;]+)`)
	keywordHost = lazyregexp.New(`(?i)(?:^|[\s;])(?:host|server)\s*=\s*([^\s;]+)`)
	keywordPort = lazyregexp.New(`(?i)(?:^|[\s;])port\s*=\s*([^\s;]+)`)
	nameKey     = lazyregexp.New(`(?i)^((?:\w+_)?(?:DB|DATABASE|POSTGRES|POSTGRESQL|PG|PGSQL)_?)(?:NAME|DATABASE|DB|DBNAME)$`)
)

// readAddresses returns the addresses in the environment and the command of a service.
func (c *composeProject) readAddresses(s *configfile.Service, variable string) []fileAddress {
	environment := c.readEnvironment(s)
	if isPostgresServer(s) {
		name := cmp.Or(environment["POSTGRES_DB"], environment["POSTGRES_USER"], "postgres")
		a, _ := c.resolveServer(c.newAddress(s.Name, "", name, ""))
		return []fileAddress{a}
	}
	var out []fileAddress
	add := func(a fileAddress, ok bool) {
		if ok && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(environment)) {
		value := environment[key]
		if variable != "" && environment[variable] != "" && key != variable {
			continue
		}
		switch m := nameKey.FindStringSubmatch(key); {
		case addressText.MatchString(value):
			add(c.parseURL(value))
		case keywordName.MatchString(value) && keywordHost.MatchString(value):
			part := func(pattern *lazyregexp.Regexp) string {
				return strings.Join(append(pattern.FindStringSubmatch(value), "", "")[1:2], "")
			}
			add(c.resolveServer(c.newAddress(part(keywordHost), part(keywordPort), part(keywordName), "")))
		case m != nil && value != "":
			host := cmp.Or(environment[m[1]+"HOST"], environment[m[1]+"HOSTNAME"], environment[m[1]+"SERVER"])
			if host != "" {
				add(c.resolveServer(c.newAddress(host, environment[m[1]+"PORT"], value, environment[m[1]+"SCHEMA"])))
			}
		}
	}
	for _, word := range s.Words {
		if m := addressWord.FindString(word); m != "" {
			add(c.parseURL(m))
		}
	}
	return out
}

// parseURL returns the address in a URL. It reports whether the URL names a database of Postgres.
func (c *composeProject) parseURL(text string) (fileAddress, bool) {
	host, port, name, schema := splitAddress(text)
	if name == "" {
		return fileAddress{}, false
	}
	return c.resolveServer(c.newAddress(host, port, name, schema))
}

// splitAddress splits a URL, which may have variables with signs that a URL cannot have.
func splitAddress(text string) (host, port, name, schema string) {
	_, rest, _ := strings.Cut(text, "://")
	before, query, _ := strings.Cut(rest, "?")
	before = before[strings.LastIndexByte(before, '@')+1:]
	host, name, _ = strings.Cut(before, "/")
	colon := strings.Index(host, ":$")
	if colon < 0 && !strings.HasSuffix(host, "}") {
		colon = strings.LastIndexByte(host, ':')
	}
	if colon >= 0 {
		host, port = host[:colon], host[colon+1:]
	}
	if values, err := url.ParseQuery(query); err == nil {
		schema = cmp.Or(values.Get("schema"), values.Get("currentSchema"), values.Get("search_path"), values.Get("options"))
	}
	return host, cmp.Or(port, "5432"), name, schema
}

// newAddress fills the variables of an address in.
func (c *composeProject) newAddress(host, port, name, schema string) fileAddress {
	a := fileAddress{file: c.file, known: true}
	fill := func(text string) string {
		value, variables, known := configfile.Interpolate(text, c.lookUpVariable)
		if len(variables) > 0 {
			a.variables += strings.Join(variables, " ") + " "
		}
		a.known = a.known && known
		return value
	}
	a.name = fill(name) + " " + fill(schema)
	wasKnown := a.known
	a.host = fill(host) + ":" + cmp.Or(fill(port), "5432")
	a.known = wasKnown // the names are compared all the same
	return a
}

// resolveServer sets the server if the host is one of the file, and no pooler of another one. It reports whether the address may be one
// of Postgres.
func (c *composeProject) resolveServer(a fileAddress) (fileAddress, bool) {
	host, _, _ := strings.Cut(a.host, ":")
	i := slices.IndexFunc(c.services, func(s configfile.Service) bool { return s.Name == host })
	if i < 0 {
		return a, true
	}
	if s := &c.services[i]; isPostgresServer(s) {
		a.server = a.host
	} else if otherServer.MatchString(s.Image) {
		return a, false
	}
	return a, true
}

// readEnvironment returns the variables that the files of a service set, and its own.
func (c *composeProject) readEnvironment(s *configfile.Service) map[string]string {
	out := map[string]string{}
	for _, file := range s.EnvFiles {
		place := path.Join(path.Dir(c.file), file)
		names := []string{place}
		if path.Base(place) == ".env" {
			for _, name := range settingFiles {
				names = append(names, path.Join(path.Dir(place), name))
			}
		}
		if i := slices.IndexFunc(names, func(name string) bool { return adapter.HasFile(c.tree, name) }); i >= 0 {
			maps.Copy(out, readVariables(c.tree, names[i]))
		}
	}
	maps.Copy(out, s.Environment)
	return out
}

// lookUpVariable returns the value of a variable in the files that compose reads beside its own, or in their examples.
func (c *composeProject) lookUpVariable(name string) (string, bool) {
	for _, file := range settingFiles {
		if value, ok := readVariables(c.tree, path.Join(path.Dir(c.file), file))[name]; ok {
			return value, true
		}
	}
	return "", false
}

// envVariable matches a line of a file of variables.
var envVariable = lazyregexp.New(`(?m)^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]*))`)

// readVariables returns the variables of a file; none if there is no such file.
func readVariables(t adapter.Tree, file string) map[string]string {
	if !adapter.HasFile(t, file) {
		return nil
	}
	out := map[string]string{}
	if text, err := t.Read(file); err == nil {
		for _, m := range envVariable.FindAllStringSubmatch(string(text), -1) {
			out[m[1]] = m[2] + m[3] + m[4]
		}
	}
	return out
}
