package audit

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// declaredDatabase is what a project's own files say about the database of a source.
type declaredDatabase struct {
	variable string // the environment variable with its address
	name     string // the database and the schema of the address
	// addresses are those in compose files and Atlas projects.
	addresses []fileAddress
}

// settingFiles are the files with the addresses that a checkout begins with.
var settingFiles = []string{".env", ".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env"}

// envAddress matches a variable with an address of Postgres, in a file of variables.
var envAddress = lazyregexp.New(`(?m)^\s*(?:export\s+)?(\w+)\s*=\s*["']?(postgres(?:ql)?://[^\s"']+)`)

// readDeclaredDatabases reads what the head says about the databases of sources.
func readDeclaredDatabases(t adapter.Tree, pairs []pair) []declaredDatabase {
	if len(pairs) < 2 {
		return make([]declaredDatabase, len(pairs))
	}
	files := map[string][]string{} // by directory
	for _, p := range t.Paths() {
		if slices.Contains(settingFiles, path.Base(p)) {
			dir := strings.TrimSuffix(strings.TrimSuffix(p, path.Base(p)), "/")
			files[dir] = append(files[dir], p)
		}
	}
	out := make([]declaredDatabase, len(pairs))
	atlas, variables := readAtlasAddresses(t, pairs), make([]string, len(pairs))
	for i, p := range pairs {
		variables[i] = cmp.Or(all.FindVariable(t, p.source), findAtlasVariable(atlas[i]))
	}
	composed := readComposeAddresses(t, pairs, variables)
	for i, p := range pairs {
		out[i].variable, out[i].addresses = variables[i], append(atlas[i], composed[i]...)
		for dir := p.source.Dir; out[i].name == ""; dir = dir[:max(0, strings.LastIndexByte(dir, '/'))] {
			out[i].name = readDatabaseName(t, files[dir], out[i].variable)
			if dir == "" {
				break
			}
		}
	}
	return out
}

// readDatabaseName returns the database that a variable names in files; the only one that they name if the variable is not known.
func readDatabaseName(t adapter.Tree, files []string, variable string) string {
	found := ""
	for _, file := range files {
		text, err := t.Read(file)
		if err != nil {
			continue
		}
		for _, m := range envAddress.FindAllStringSubmatch(string(text), -1) {
			name := databaseOfAddress(m[2])
			if name == "" || variable != "" && m[1] != variable {
				continue
			}
			if found != "" && found != name {
				return ""
			}
			found = name
		}
	}
	return found
}

// databaseOfAddress returns the database and the schema of an address; "" if a variable is in its place.
func databaseOfAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(u.Path, "$<{") || strings.Trim(u.Path, "/") == "" {
		return ""
	}
	return strings.Trim(u.Path, "/") + " " + u.Query().Get("schema")
}

// isOtherDatabase reports whether two sources have different databases by what their projects say. Addresses are compared if both are known, else the
// variables that have them.
func (d declaredDatabase) isOtherDatabase(o declaredDatabase) bool {
	if different, equal := compareAddresses(d.addresses, o.addresses); different || equal {
		return different
	}
	if d.name != "" && o.name != "" {
		return d.name != o.name
	}
	return d.variable != "" && o.variable != "" && d.variable != o.variable
}

// isSameDatabase reports whether two sources surely share a database.
func (d declaredDatabase) isSameDatabase(o declaredDatabase) bool {
	_, equal := compareAddresses(d.addresses, o.addresses)
	return equal
}

// readAtlasAddresses returns the addresses of a source's database in the Atlas projects of a tree: one for each env block that has its
// directory. The scratch database (dev) says nothing.
func readAtlasAddresses(t adapter.Tree, pairs []pair) [][]fileAddress {
	out := make([][]fileAddress, len(pairs))
	for _, file := range t.Paths() {
		if path.Base(file) != "atlas.hcl" {
			continue
		}
		text, err := t.Read(file)
		if err != nil {
			continue
		}
		settings, err := configfile.ReadHCL(string(text))
		if err != nil {
			continue
		}
		for _, e := range readAtlasEnvironments(settings) {
			dir, isFile := strings.CutPrefix(e.dir, "file://")
			if !isFile || e.url == "" {
				continue
			}
			dir, _, _ = strings.Cut(dir, "?")
			dir = path.Join(path.Dir(file), dir)
			for i, p := range pairs {
				if slices.Contains(p.source.Dirs(), dir) {
					out[i] = append(out[i], e.parseAddress(file))
				}
			}
		}
	}
	return out
}

// atlasEnvironment is an env block of an Atlas project.
type atlasEnvironment struct{ name, url, dir string }

// readAtlasEnvironments returns the env blocks of a project.
func readAtlasEnvironments(settings []configfile.Setting) []atlasEnvironment {
	byName := map[string]*atlasEnvironment{}
	var names []string
	for _, s := range settings {
		if s.Section != "env" && !strings.HasPrefix(s.Section, "env.") || len(s.Values) != 1 {
			continue
		}
		e := byName[s.Labels]
		if e == nil {
			e = &atlasEnvironment{name: s.Labels}
			byName[s.Labels], names = e, append(names, s.Labels)
		}
		switch s.Section + " " + s.Key {
		case "env url":
			e.url = s.Values[0]
		case "env.migration dir":
			e.dir = s.Values[0]
		}
	}
	var out []atlasEnvironment
	for _, name := range names {
		out = append(out, *byName[name])
	}
	return out
}

// parseAddress returns the address of a block. An expression that is no literal is compared by its text.
func (e atlasEnvironment) parseAddress(file string) fileAddress {
	if !addressText.MatchString(e.url) || strings.Contains(e.url, "${") {
		return fileAddress{file: file, isAtlas: true, environment: e.name, name: e.url, variables: e.url}
	}
	host, port, name, schema := splitAddress(e.url)
	a := fileAddress{file: file, isAtlas: true, environment: e.name, name: name + " " + schema, host: host + ":" + port, known: true}
	a.server = a.host
	return a
}

var environmentCall = lazyregexp.New(`^(?:"\$\{)?\s*getenv\(\s*"(\w+)"\s*\)\s*(?:\}")?$`)

// findAtlasVariable returns the environment variable that all addresses are; "" if they are something else.
func findAtlasVariable(addresses []fileAddress) string {
	found := ""
	for _, a := range addresses {
		m := environmentCall.FindStringSubmatch(a.variables)
		if m == nil || found != "" && found != m[1] {
			return ""
		}
		found = m[1]
	}
	return found
}

// fileAddress is the address of a source's database in a file that starts services or migrations.
type fileAddress struct {
	file string
	// isAtlas: the file is an Atlas project. environment is the name of its env block that has the address.
	isAtlas     bool
	environment string
	// host is its host and port as the file has them. server is the same if it surely is the server itself: a service of the file, or a
	// literal in an Atlas project; else "".
	host, server string
	// name is the database and the schema.
	name string
	// variables fill a part of it in. known is false if one of them has no value.
	variables string
	known     bool
}

// compareAddresses compares the addresses of two sources, in one file or in blocks with one name. It reports whether some are of two
// databases, and whether some are surely of one.
func compareAddresses(first, second []fileAddress) (different, equal bool) {
	isOnly := len(first) == 1 && len(second) == 1
	for _, a := range first {
		for _, b := range second {
			if isOnly {
				a.environment, b.environment = "", ""
			}
			different, equal = different || a.isOtherDatabase(b), equal || a.isSameDatabase(b)
		}
	}
	return different && !equal, equal && !different
}

// isOtherDatabase reports whether two addresses are of two databases. Two files may call two servers by one name.
func (a fileAddress) isOtherDatabase(b fileAddress) bool {
	if !a.known || !b.known || a.environment != b.environment {
		return false
	}
	return a.name != b.name || a.server != "" && b.server != "" && a.server != b.server && (a.file == b.file || a.isAtlas && b.isAtlas)
}

// isSameDatabase reports whether two addresses are surely of one database: two variables with the same default may get two values.
func (a fileAddress) isSameDatabase(b fileAddress) bool {
	if a.isAtlas && b.isAtlas && a.known {
		a.file = b.file
	}
	return a == b
}
